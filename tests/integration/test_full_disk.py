"""A disk that fills while events come in: nothing acknowledged is lost, and all goes on by itself when there is room."""

import collections
import json
import pathlib
import tempfile
import time
import unittest

from harness.daemon import SOURCE_DIR, Daemon, post_until_taken, run_tocsin
from harness.event_stream import EventStream, by_key, closing, read_ndjson
from harness.sender import Sender
from harness.small_disk import MIB, SmallDisk
from harness.waiting import wait_until

RULES = [SOURCE_DIR / "tests/integration/fixtures/rules/equality.yaml"]
FLOOR = 16 * MIB


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.disk = self.enterContext(SmallDisk())
        folder = tempfile.TemporaryDirectory(prefix="tocsin-full-disk-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.stream = EventStream("monitor-net", ["violence.fatalities", "violence.riot",
                                                  "rights.killing_by_security_forces"], 11, per_day=2000)

    def daemon_on_the_disk(self, configuration):
        configuration |= {"emit": "final", "sinks": [{"name": "log", "type": "log", "path": str(self.disk.path / "alerts.ndjson")}]}
        return Daemon(self.path / "daemon", RULES, configuration, data=self.disk.path / "data")

    def acknowledged_is_there_once(self, daemon, sent):
        dump = run_tocsin("journal", "--data", daemon.data)
        counts = collections.Counter(event["id"] for event in map(json.loads, dump.stdout.splitlines()) if "id" in event)
        self.assertEqual(set(), {f"monitor-net-{n}" for n in range(sent)} - counts.keys(), "acknowledged, but not in the journal")
        self.assertEqual([], [each for each, count in counts.items() if count > 1], "in the journal more than once")
        print(f"{sent} events acknowledged, {len(counts)} in the journal", flush=True)

    def test_input_waits_before_anything_fails_and_goes_on_when_there_is_room(self):
        with self.daemon_on_the_disk({"min_free_disk": "16MiB"}) as daemon, Sender(daemon, self.stream) as sender:
            wait_until(lambda: sender.sent >= 2000, "events to be taken")
            self.disk.fill(leave=FLOOR + MIB)  # the rest is filled by what comes in
            refused = wait_until(sender.refusals, "input to be refused", timeout=60)[0]
            self.assertEqual((503, "application/problem+json", "5"),
                             (refused.status, refused.headers["Content-Type"], refused.headers["Retry-After"]))
            self.assertIn("nearly full", refused.json["detail"])
            self.assertGreater(self.disk.free, FLOOR - 4 * MIB, "the floor was passed")

            self.assertEqual(200, daemon.get("/-/healthy").status)
            self.assertEqual(503, daemon.get("/-/ready").status)
            self.assertIn(b"nearly full", daemon.get("/-/ready").body)
            self.assertEqual("disk", daemon.get("/v1/status").json["queue"]["paused_by"])
            self.assertEqual((1, 0), (daemon.metric("tocsin_intake_paused", reason="disk"),
                                      daemon.metric("tocsin_intake_paused", reason="store")))
            self.assertEqual(FLOOR, daemon.metric("tocsin_disk_min_free_bytes"))
            self.assertLess(daemon.metric("tocsin_disk_free_bytes"), FLOOR * 1.25)
            self.assertEqual(0, daemon.metric("tocsin_commit_failures_total"))
            # All else goes on: what waits for a sink goes out, and what there is can be read.
            wait_until(lambda: daemon.metric("tocsin_outbox_depth") == 0, "the outbox to be worked off")
            self.assertTrue(daemon.alerts())

            taken = sender.sent
            self.disk.make_room()
            wait_until(lambda: sender.sent >= taken + 2000, "input to go on", timeout=30)
            wait_until(daemon.is_ready, "readiness")
            self.assertEqual(0, daemon.metric("tocsin_intake_paused"))
            sender.stop()
            self.assertEqual(0, daemon.stop(), daemon.log_tail())
        told = daemon.log.read_text()
        self.assertEqual((1, 1), (told.count('msg="no input is taken"'), told.count('msg="input is taken again"')), told)
        self.acknowledged_is_there_once(daemon, sender.sent)

    def test_a_disk_that_is_really_full_loses_nothing_and_the_store_is_opened_again(self):
        """Without a floor, so that commits fail; then against a run that nothing disturbed."""
        with self.daemon_on_the_disk({"min_free_disk": "0"}) as daemon:
            with Sender(daemon, self.stream) as sender:
                for times in (1, 2):
                    before = sender.sent
                    wait_until(lambda: sender.sent >= before + 2000, "events to be taken")
                    with self.disk.kept_full():
                        self.use_up_what_the_store_has_set_aside(daemon)
                        self.assertEqual(200, daemon.get("/-/healthy").status)
                        self.assertEqual(503, daemon.get("/v1/alerts").status)
                        self.assertEqual((0, 1), (daemon.metric("tocsin_store_up"),
                                                  daemon.metric("tocsin_intake_paused", reason="store")))
                        self.assertTrue(any("the store has failed" in each.json["detail"] for each in sender.refusals()))
                    wait_until(lambda: daemon.metric("tocsin_store_reopened_total") == times, "the store to be open again",
                               timeout=60, alive=daemon._check_alive)
                    wait_until(daemon.is_ready, "readiness", alive=daemon._check_alive)
            self.close(daemon, sender.sent)
            self.assertEqual(0, daemon.stop(), daemon.log_tail())
        self.acknowledged_is_there_once(daemon, sender.sent)

        calm = Daemon(self.path / "calm", RULES, {
            "emit": "final", "sinks": [{"name": "log", "type": "log", "path": str(self.path / "calm.ndjson")}]})
        with calm:
            for first in range(0, sender.sent, 2000):
                post_until_taken(lambda: calm, self.stream.slice(first, min(first + 2000, sender.sent)), time.monotonic() + 60)
            self.close(calm, sender.sent)
            self.assertEqual(0, calm.stop(), calm.log_tail())
        lines = read_ndjson(self.disk.path / "alerts.ndjson")
        found, expected = by_key(lines), by_key(read_ndjson(self.path / "calm.ndjson"))
        self.assertEqual(len(lines), len(found), "a line of the alert log is doubled")
        self.assertGreater(len(expected), 20, "too few alerts to prove anything")
        self.assertEqual(expected, found)
        print(f"{len(expected)} alert transitions", flush=True)

    def use_up_what_the_store_has_set_aside(self, daemon):
        """It holds room for its log; dead letters fill that fastest."""
        letters = (b"x" * 60_000 + b"\n") * 64

        def is_away():
            daemon.request("POST", "/v1/events", letters)
            return b"cannot be opened" in daemon.get("/-/ready").body
        wait_until(is_away, "the store to fail", timeout=60, alive=daemon._check_alive)

    def close(self, daemon, sent):
        """Moves the watermark past all that was sent, and waits for the alert of that."""
        for number in (1, 2):
            last = closing("monitor-net", "rights.killing_by_security_forces", self.stream.time_of(sent), number) | {"value": 9}
            post_until_taken(lambda: daemon, [last], time.monotonic() + 60)
        daemon.wait_for_alert(lambda alert: alert["starts_at"] >= closing("", "", self.stream.time_of(sent), 1)["time"][:10],
                              "the closing alert", timeout=60)

    def test_a_stop_does_not_wait_for_an_input_that_is_paused(self):
        lines = self.path / "events.ndjson"
        lines.write_bytes((b"x" * 99 + b"\n") * 20_000)
        daemon = self.daemon_on_the_disk({
            "min_free_disk": "16MiB", "queue_bytes": "64KiB",
            "inputs": [{"name": "lines", "type": "file", "path": str(lines)}]})
        self.addCleanup(daemon.__exit__)
        self.disk.fill(leave=FLOOR // 2)
        daemon.start(ready=False)
        wait_until(lambda: daemon.metric("tocsin_intake_paused", reason="disk") == 1, "input to be paused")
        wait_until(lambda: daemon.metric("tocsin_input_up") == 1, "the file to be read")
        self.assertEqual(0, daemon.metric("tocsin_records_total"))
        self.assertEqual(0, daemon.stop(), daemon.log_tail())

        daemon.start(ready=False)
        self.disk.make_room()
        wait_until(lambda: daemon.metric("tocsin_dead_letters_stored") == 20_000, "the whole file")
        self.assertEqual(0, daemon.stop(), daemon.log_tail())


if __name__ == "__main__":
    unittest.main()
