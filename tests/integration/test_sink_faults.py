"""One sink that never answers and one that fails: the others get everything at once, and what waits arrives in order
when they are well again."""

import datetime
import pathlib
import tempfile
import time
import unittest

from harness.daemon import SOURCE_DIR, Daemon
from harness.event_stream import REGIONS, START, by_key, format_time, to_ndjson
from harness.waiting import wait_until
from harness.webhook_recorder import WebhookRecorder

RULES = [SOURCE_DIR / "tests/integration/fixtures/rules/live.yaml"]
BATCH, BATCHES = 1000, 4


def killings(first, count):
    """Each an alert of its own, that has ended before the next of its region begins."""
    for number in range(first, first + count):
        week = datetime.timedelta(days=7 * (number // len(REGIONS)))
        yield {"id": f"k-{number}", "source": "rights-watch", "indicator": "rights.killing_by_security_forces",
               "time": format_time(START - datetime.timedelta(days=365 * 45) + week), "region": REGIONS[number % len(REGIONS)], "value": 9}


class SinkFaults(unittest.TestCase):
    def test_a_deaf_and_a_broken_sink_hold_no_other_back(self):
        with tempfile.TemporaryDirectory(prefix="tocsin-sink-faults-") as folder, WebhookRecorder() as good, \
                WebhookRecorder() as broken, WebhookRecorder() as deaf:
            daemon = Daemon(pathlib.Path(folder) / "daemon", RULES, {"sinks": [
                {"name": name, "type": "webhook", "url": sink.url, "timeout": "2s", "heartbeat_interval": "0s"}
                for name, sink in (("good", good), ("broken", broken), ("deaf", deaf))]})
            with daemon:
                sent = self.send(daemon, 0)
                wait_until(lambda: daemon.metric("tocsin_outbox_depth") == 0, "all sinks to have everything", timeout=120)

                broken.answer_with(500)
                deaf.hang()
                self.send(daemon, sent)
                wait_until(lambda: daemon.metric("tocsin_outbox_depth", sink="good") == 0, "the good sink to have everything", timeout=120)
                waiting = {name: daemon.metric("tocsin_outbox_depth", sink=name) for name in ("broken", "deaf")}
                self.assertGreater(min(waiting.values()), BATCH * BATCHES, waiting)
                for name in waiting:
                    self.assertGreater(daemon.metric("tocsin_sink_attempts_total", sink=name, outcome="unavailable"), 0)
                    self.assertGreater(daemon.metric("tocsin_outbox_oldest_age_seconds", sink=name), 0)
                print(f"{waiting} transitions wait", flush=True)
                told = [line for line in daemon.log.read_text().splitlines() if "a sink cannot be reached" in line]
                self.assertLess(len(told), 20, "the log is flooded")

                broken.answer_with(200)
                deaf.answer_with(200)
                wait_until(lambda: daemon.metric("tocsin_outbox_depth") == 0,
                           lambda: f"the rest: {daemon.metrics()}", timeout=180)
                self.assertEqual(0, daemon.stop(), daemon.log_tail())
            expected = by_key(good.transitions())
            self.assertGreater(len(expected), 2 * BATCH * BATCHES)
            for sink in (broken, deaf):
                self.assertEqual(expected, by_key(sink.transitions()))

    def send(self, daemon, first):
        for batch in range(BATCHES):
            answer = daemon.post_events(to_ndjson(killings(first + batch * BATCH, BATCH)))
            self.assertEqual((200, BATCH), (answer.status, answer.json["accepted"]), answer)
        return first + BATCH * BATCHES


if __name__ == "__main__":
    unittest.main()
