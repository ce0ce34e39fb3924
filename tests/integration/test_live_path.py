"""Kafka (a real broker) → daemon → webhook, Alertmanager (Debian's own) and a Kafka topic, while the
daemon and the broker are each restarted in between: nothing lost, nothing doubled by (id, seq)."""

import datetime
import pathlib
import tempfile
import unittest

from harness.daemon import SOURCE_DIR, Daemon
from harness.event_stream import REGIONS, by_key, format_time, read_ndjson
from harness.kafka import Broker
from harness.monitoring import Alertmanager
from harness.waiting import wait_until
from harness.webhook_recorder import WebhookRecorder

RULES = [SOURCE_DIR / "tests/integration/fixtures/rules/live.yaml"]
EVENTS, ALERTS = "early-warning", "alerts"
START = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.timezone.utc)


def killing(number):
    """Each in a region and week of its own, so that each is an alert of its own."""
    time = START + datetime.timedelta(days=7 * (number // len(REGIONS)), hours=number % len(REGIONS))
    return {"id": f"live-{number}", "source": "rights-watch", "indicator": "rights.killing_by_security_forces",
            "time": format_time(time), "region": REGIONS[number % len(REGIONS)], "value": 9}


class LivePath(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-live-path-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.sent = 0

    def feed(self, count):
        self.broker.produce(EVENTS, [killing(n) for n in range(self.sent, self.sent + count)])
        self.sent += count

    def topic(self):
        """Transitions in the topic of alerts; heartbeats lie there too."""
        return [each for each in self.broker.consume(ALERTS) if each["format"] == "alert/1"]

    def fires(self, transitions):
        return {transition["id"] for transition in transitions if transition["action"] == "fire"}

    def expect_everywhere(self, phase):
        """Every alert so far has reached the webhook, the topic and Alertmanager."""
        def missing():
            return (f"{self.sent} alerts {phase}: webhook {len(self.fires(self.webhook.transitions()))}, "
                    f"topic {len(self.fires(self.topic()))}, log:\n{self.daemon.log_tail()}")
        wait_until(lambda: len(self.fires(self.webhook.transitions())) == self.sent, missing, timeout=60)
        wait_until(lambda: len(self.fires(self.topic())) == self.sent, missing, timeout=60, interval=0.5)
        open_alerts = {alert["id"] for alert in self.daemon.alerts() if alert["action"] != "resolve"}
        wait_until(lambda: open_alerts <= {each["labels"].get("alert_id") or each["annotations"].get("alert_id")
                                           for each in self.alertmanager.alerts()},
                   lambda: f"open alerts in Alertmanager {phase}: {self.alertmanager.alerts()}", timeout=90, interval=0.5)

    def expect_signs_of_life(self):
        """Every sink is told that all is well, not only that something fires."""
        wait_until(lambda: [each["sink"] for each in self.webhook.heartbeats()][:1] == ["desk"], "a heartbeat at the webhook")
        wait_until(lambda: any(each["format"] == "heartbeat/1" for each in self.broker.consume(ALERTS)), "a heartbeat in the topic")
        wait_until(lambda: any(each["labels"].get("sender") == "tocsin" for each in self.alertmanager.alerts()),
                   lambda: f"the watchdog in Alertmanager: {self.alertmanager.alerts()}")

    def test_restarts_lose_and_double_nothing(self):
        with Broker(self.path / "kafka") as self.broker, WebhookRecorder() as self.webhook, \
                Alertmanager(self.path / "alertmanager") as self.alertmanager:
            self.broker.create_topic(EVENTS, partitions=2)
            self.broker.create_topic(ALERTS)
            self.daemon = Daemon(self.path / "daemon", RULES, {
                "inputs": [{"name": "live", "type": "kafka", "brokers": self.broker.address, "topics": [EVENTS], "group": "live-path"}],
                "sinks": [{"name": "desk", "type": "webhook", "url": self.webhook.url},
                          {"name": "mirror", "type": "alertmanager", "urls": [self.alertmanager.url], "resend_interval": "1s"},
                          {"name": "topic", "type": "kafka", "brokers": self.broker.address, "topic": ALERTS},
                          {"name": "log", "type": "log", "path": str(self.path / "alerts.ndjson")}],
            })
            with self.daemon:
                self.feed(8)
                self.expect_everywhere("at first")
                self.expect_signs_of_life()

                self.daemon.kill()
                self.feed(8)
                self.daemon.start()
                self.expect_everywhere("after a kill of the daemon")

                self.broker.kill()
                self.broker.start()
                self.feed(8)
                self.expect_everywhere("after a kill of the broker")

                self.webhook.answer_with(503)
                self.feed(8)
                wait_until(lambda: self.webhook.refused > 0, "the webhook to refuse")
                self.assertEqual(0, self.daemon.stop(), self.daemon.log_tail())
                self.webhook.answer_with(200)
                self.daemon.start()
                self.expect_everywhere("after a failing webhook and a clean restart")

                self.assertEqual(0, self.daemon.stop(), self.daemon.log_tail())

            lines = read_ndjson(self.path / "alerts.ndjson")
            log = by_key(lines)
            self.assertEqual(len(log), len(lines), "the log file has a line twice")
            self.assertEqual(self.sent, len(self.fires(log.values())))
            # by_key refuses a key that was told twice with different content.
            self.assertEqual(log, by_key(self.webhook.transitions()), "the webhook and the log differ")
            self.assertEqual(log, by_key(self.topic()), "the topic and the log differ")


if __name__ == "__main__":
    unittest.main()
