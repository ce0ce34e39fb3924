"""Care of the data folder, by the commands as people call them."""

import json
import pathlib
import random
import tempfile
import threading
import time
import unittest

from harness.daemon import SOURCE_DIR, Daemon, run_tocsin
from harness.event_stream import EventStream, to_ndjson
from harness.waiting import wait_until

RULES = [SOURCE_DIR / "tests/integration/fixtures/rules/equality.yaml"]
BATCH = 500


def stream(seed=7):
    return EventStream("monitor-net", ["violence.fatalities", "violence.riot", "rights.killing_by_security_forces"], seed)


def corrected(event):
    return event | {"rev": 1, "op": "correct", "value": 1}


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-folder-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def daemon(self, **configuration):
        return Daemon(self.path / "daemon", RULES, {"checkpoint_interval": "1s", "commit_interval": "10ms"} | configuration)


class Verify(Folder):
    def verify(self, daemon, expected=0):
        done = run_tocsin("verify", "--data", daemon.data, "--format", "json", check=False)
        self.assertEqual(expected, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout) if done.stdout else None

    def test_a_folder_is_sound_beside_its_daemon_and_after_a_kill(self):
        events = stream()
        with self.daemon(sinks=[{"name": "nobody", "type": "webhook", "url": "http://127.0.0.1:9/"}]) as daemon:
            def feed():
                for begin in range(0, 30 * BATCH, BATCH):
                    batch = events.slice(begin, begin + BATCH)
                    if begin % (5 * BATCH) == 0 and begin > 0:
                        batch += [corrected(event) for event in events.slice(begin - 100, begin - 90)]
                    daemon.post_events(batch)

            feeding = threading.Thread(target=feed)
            feeding.start()
            looks = 0
            while feeding.is_alive():
                self.verify(daemon)
                looks += 1
            self.assertGreater(looks, 0)
            daemon.kill()
            seen = self.verify(daemon)
            self.assertGreaterEqual(seen["events"], 30 * BATCH)
            self.assertGreater(seen["transitions"], 0)
            self.assertGreater(seen["outbox"], 0)
            self.assertGreater(seen["state_entries"], 0)

    def test_damage_is_told_with_its_place(self):
        with self.daemon() as daemon:
            daemon.post_events(stream().slice(0, 2000))
            daemon.stop()
            daemon.start()  # what the log held becomes tables
            daemon.stop()
        table = max(daemon.data.glob("*.sst"), key=lambda path: path.stat().st_size)
        sound = table.read_bytes()
        at = random.Random(7).randrange(len(sound))
        table.write_bytes(sound[:at] + bytes([sound[at] ^ 4]) + sound[at + 1:])
        found = self.verify(daemon, expected=1)
        self.assertFalse(found["sound"])
        self.assertIn(table.name, json.dumps(found["damage"]))
        told = run_tocsin("verify", "--data", daemon.data, check=False)
        self.assertEqual(1, told.returncode)
        self.assertIn("hint: restore a backup", told.stdout)
        table.write_bytes(sound)
        self.verify(daemon)

    def test_where_there_is_no_folder_it_cannot_look(self):
        done = run_tocsin("verify", "--data", self.path / "nothing", check=False)
        self.assertEqual(3, done.returncode, done.stdout)
        self.assertIn("there is none", done.stderr)


class Erasure(Folder):
    def test_what_is_marked_red_is_gone_after_its_time(self):
        secret = "the-informant-of-bridge-street"
        events = stream().slice(0, 300)
        marked = events[0] | {"tlp": "red", "actors": [secret]}
        with self.daemon(retention={"journal": {"red": "1s"}}) as daemon:
            self.assertEqual(200, daemon.post_events([marked] + events[1:]).status)
            shown = run_tocsin("journal", "--data", daemon.data, "--tlp-ceiling", "red").stdout
            self.assertIn(secret, shown)
            time.sleep(2)
            daemon.stop()
            daemon.start()  # erases once at its start, then each day
            wait_until(lambda: daemon.metric("tocsin_erased_total", what="events") == 1, "the erasure")
            wait_until(lambda: "erased by retention, as marked" in daemon.log.read_text(), "the log line")
            shown = run_tocsin("journal", "--data", daemon.data, "--tlp-ceiling", "red")
            self.assertNotIn(secret, shown.stdout)
            self.assertEqual(299, len(shown.stdout.splitlines()))
            self.assertIn("the content of 1 events was erased", shown.stderr)
            told = run_tocsin("journal", "--data", daemon.data, "--id", f"monitor-net/{events[0]['id']}").stdout
            self.assertIn("(erased by retention)", told)
            again = daemon.post_events([marked]).json
            self.assertEqual(1, again["duplicates"], again)
            self.assertIn("(1 erased)", run_tocsin("verify", "--data", daemon.data).stdout)


def transitions(daemon):
    """All transitions of all alerts: {(id, seq): transition}."""
    told = {}
    for alert in daemon.alerts():
        for each in daemon.get(f"/v1/alerts/{alert['id']}").json["transitions"]:
            told[each["id"], each["seq"]] = each
    return told


class Backup(Folder):
    EVENTS = 40_000

    def setUp(self):
        super().setUp()
        self.backups = self.path / "backups"
        self.feed = self.path / "feed.ndjson"

    def daemon_of(self, name, **configuration):
        return Daemon(self.path / name, RULES, {
            "emit": "final", "checkpoint_interval": "1s", "commit_interval": "10ms",
            "inputs": [{"name": "feed", "type": "file", "path": str(self.feed), "follow": True}]} | configuration)

    def append(self, begin, end):
        with self.feed.open("ab") as feed:
            feed.write(to_ndjson(stream().slice(begin, end)))

    def wait_for_events(self, daemon, count):
        wait_until(lambda: daemon.metric("tocsin_journal_events") >= count, f"{count} events", timeout=120)

    def back_up(self, daemon, *arguments, check=True):
        return run_tocsin("backup", "--url", daemon.url, *arguments, check=check)

    def restore(self, *arguments, check=True):
        return run_tocsin("restore", "--from", self.backups, *arguments, check=check)

    def test_a_backup_under_load_goes_on_to_the_same_alerts(self):
        half = self.EVENTS // 2
        self.append(0, half)
        with self.daemon_of("first", backup={"path": str(self.backups), "keep": 2}) as daemon:
            self.wait_for_events(daemon, half // 4)
            for _ in range(3):
                said = self.back_up(daemon).stdout
                self.assertRegex(said, r"backup \d+: .* journal up to record \d+")
            taken = daemon.metric("tocsin_journal_events")
            self.append(half, self.EVENTS)
            self.wait_for_events(daemon, self.EVENTS)
            self.assertEqual(3, daemon.metric("tocsin_backups_total", outcome="succeeded"))
            self.assertEqual(0, daemon.metric("tocsin_backups_total", outcome="failed"))
            self.assertLess(time.time() - daemon.metric("tocsin_backup_last_success_timestamp_seconds"), 300)
            self.assertIn("backup taken", daemon.log.read_text())
            self.assertEqual(2, len(daemon.get("/v1/backups").json["backups"]), "keep: 2")
            self.assertIn("3 ", self.back_up(daemon, "--list").stdout)
            daemon.stop()
            daemon.start()
            expected = transitions(daemon)
            self.assertGreater(daemon.metric("tocsin_backup_last_success_timestamp_seconds"), 0, "also after a restart")
        self.assertGreater(len(expected), 100)

        restored = self.daemon_of("second")
        said = self.restore("--data", restored.data).stdout
        self.assertIn("file/feed goes on at", said)
        self.assertIn("goes on behind record", said)
        with restored:
            self.wait_for_events(restored, self.EVENTS)
            self.assertLess(taken, self.EVENTS, "the rest came after the backup")
            restored.stop()
            restored.start()
            self.assertEqual(expected, transitions(restored))
            self.assertEqual(self.EVENTS, restored.metric("tocsin_journal_events"))
        run_tocsin("verify", "--data", restored.data)

    def test_a_folder_at_rest_is_backed_up_without_a_daemon(self):
        self.append(0, 1000)
        with self.daemon_of("first") as daemon:
            self.wait_for_events(daemon, 1000)
            held = run_tocsin("backup", "--data", daemon.data, "--to", self.backups, check=False)
            self.assertEqual(3, held.returncode)
            self.assertIn("without --data", held.stderr)
            missing = self.back_up(daemon, check=False)
            self.assertEqual(1, missing.returncode, missing.stderr)
            self.assertIn("no backups are configured", missing.stderr)
            daemon.stop()
        run_tocsin("backup", "--data", daemon.data, "--to", self.backups)
        self.assertIn("1 ", self.restore("--list").stdout)
        full = self.restore("--data", daemon.data, check=False)
        self.assertEqual(2, full.returncode, full.stderr)
        self.assertIn("it is not empty", full.stderr)
        self.assertEqual(1, self.restore("--data", self.path / "other", "--backup", "9", check=False).returncode)
        for file in self.backups.glob("shared_checksum/*"):
            sound = file.read_bytes()
            file.write_bytes(sound[:99] + bytes([sound[99] ^ 1]) + sound[100:])
        damaged = self.restore("--data", self.path / "other", check=False)
        self.assertEqual(1, damaged.returncode, damaged.stderr)
        self.assertEqual([], list((self.path / "other").glob("*")))

    def test_a_backup_that_fails_says_so(self):
        self.backups.mkdir()
        (self.backups / "letter.txt").write_text("dear")
        self.append(0, 100)
        with self.daemon_of("first", backup={"path": str(self.backups)}) as daemon:
            failed = self.back_up(daemon, check=False)
            self.assertEqual(3, failed.returncode, failed.stderr)
            self.assertIn("there is something else in it", failed.stderr)
            self.assertEqual(1, daemon.metric("tocsin_backups_total", outcome="failed"))
            self.assertEqual(0, daemon.metric("tocsin_backup_last_success_timestamp_seconds"))
            self.assertIn("no backup was taken; those before it stay", daemon.log.read_text())
            self.assertEqual(200, daemon.post_events(stream().slice(100, 200)).status, "intake goes on")

    def test_what_is_sealed_stays_sealed_under_the_same_id(self):
        red = [event | {"tlp": "red"} for event in stream().slice(0, 4000)]
        with self.daemon(backup={"path": str(self.backups)}) as daemon:
            daemon.post_events(red)
            ids = wait_until(lambda: sorted(alert["id"] for alert in daemon.alerts() if alert.get("withheld")), "alerts")
            self.back_up(daemon)
        other = Daemon(self.path / "other", RULES)
        self.restore("--data", other.data)
        with other:
            self.assertLessEqual(set(ids), {alert["id"] for alert in other.alerts() if alert.get("withheld")})


if __name__ == "__main__":
    unittest.main()
