"""A broker (a real one) that asks who we are: with a wrong password the daemon says so and waits, with
the right one events come in and alerts go out."""

import pathlib
import tempfile
import unittest

from harness.daemon import SOURCE_DIR, Daemon
from harness.kafka import Broker
from harness.waiting import wait_until

RULES = [SOURCE_DIR / "tests/integration/fixtures/rules/live.yaml"]
EVENTS, ALERTS = "early-warning", "alerts"
RIGHT, WRONG = "canary-right", "canary-wrong"
KILLING = {"id": "secure-1", "source": "rights-watch", "indicator": "rights.killing_by_security_forces",
           "time": "2024-05-01T12:00:00Z", "region": "XA-NO", "value": 9}


class KafkaSecurity(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-kafka-security-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def test_a_wrong_password_is_told_and_with_the_right_one_events_flow(self):
        with Broker(self.path / "kafka", password=RIGHT) as broker:
            broker.create_topic(EVENTS)
            broker.create_topic(ALERTS)
            connection = {"type": "kafka", "brokers": broker.login_address,
                          "security": {"protocol": "sasl_plaintext", "sasl_mechanism": "PLAIN",
                                       "username": "tocsin", "password_file": "kafka-password"}}
            daemon = Daemon(self.path / "daemon", RULES, {
                "inputs": [{"name": "live", "topics": [EVENTS], **connection}],
                "sinks": [{"name": "topic", "topic": ALERTS, "timeout": "2s", "heartbeat_interval": "1s", **connection}],
            })
            password_file = daemon.folder / "kafka-password"
            self.addCleanup(daemon.__exit__)
            password_file.write_text(WRONG + "\n")
            daemon.start(ready=False)
            for part in ("inputs", "sinks"):
                wait_until(lambda: "Invalid username or password" in str(daemon.get("/v1/status").json[part]),
                           lambda: f"{part} to tell the refusal: {daemon.get('/v1/status').json[part]}")
            self.assertIn("Invalid username or password", daemon.get("/-/ready").body.decode())
            self.assertEqual(0, daemon.stop(), daemon.log_tail())

            password_file.write_text(RIGHT + "\n")
            daemon.start()
            broker.produce(EVENTS, [KILLING])
            wait_until(lambda: any(each.get("action") == "fire" for each in broker.consume(ALERTS)),
                       lambda: f"an alert in the topic:\n{daemon.log_tail()}", interval=0.5)
            self.assertNotIn("canary", daemon.get("/v1/status").body.decode())
            self.assertEqual(0, daemon.stop(), daemon.log_tail())
            self.assertNotIn("canary", daemon.log.read_text())


if __name__ == "__main__":
    unittest.main()
