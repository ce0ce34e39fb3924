"""Care of the data folder, by the commands as people call them."""

import json
import pathlib
import random
import tempfile
import threading
import unittest

from harness.daemon import SOURCE_DIR, Daemon, run_tocsin
from harness.event_stream import EventStream

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


if __name__ == "__main__":
    unittest.main()
