"""Start and stop: signals are heard whatever the daemon is busy with, and a daemon that may not start harms no other."""

import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

from harness.daemon import BINARY, SOURCE_DIR, Daemon
from harness.event_stream import REGIONS
from harness.waiting import wait_until

RULES = [SOURCE_DIR / "tests/integration/fixtures/rules/live.yaml"]
LONG = 2_000_000  # records of a journal that takes a while to read


def long_history(path):
    """Events that no rule of the fixture takes: they only make a long journal."""
    with open(path, "w") as file:
        for number in range(LONG):
            file.write(f'{{"id":"{number}","source":"monitor-net","indicator":"violence.riot",'
                       f'"time":"2024-05-01T00:00:00Z","region":"{REGIONS[number % len(REGIONS)]}","value":1}}\n')


class Lifecycle(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-lifecycle-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def test_a_second_daemon_on_the_folder_leaves_the_port_of_the_first(self):
        with Daemon(self.path / "daemon", RULES) as daemon:
            second = subprocess.run([BINARY, "run", "--config", str(daemon.configuration_file)], capture_output=True,
                                    text=True, stdin=subprocess.DEVNULL, timeout=60)
            self.assertEqual(3, second.returncode, second.stderr)
            self.assertEqual(daemon.port, int((daemon.data / "port").read_text()))
            self.assertEqual(0, daemon.stop(), daemon.log_tail())
            self.assertFalse((daemon.data / "port").exists(), "its own it removes")

    def test_a_one_shot_file_that_is_not_there_is_told_and_holds_nothing_back(self):
        absent = str(self.path / "absent.ndjson")
        with Daemon(self.path / "daemon", RULES, {
                "inputs": [{"name": "history", "type": "file", "path": absent}]}) as daemon:  # waits until it is ready
            status = daemon.get("/v1/status").json["inputs"][0]
            self.assertEqual((False, True), (status["connected"], status["failed"]))
            self.assertIn(absent, status["message"])
            self.assertEqual(0, daemon.metric("tocsin_input_up", input="history"))
            self.assertIn("an input cannot be read", daemon.log_tail())

    def test_a_write_that_a_crash_tore_is_told(self):
        with Daemon(self.path / "daemon", RULES) as daemon:
            for number in range(2):
                event = {"id": str(number), "source": "monitor-net", "indicator": "violence.riot",
                         "time": "2024-05-01T00:00:00Z", "region": REGIONS[0], "value": 1}
                self.assertEqual(200, daemon.post_events([event]).status)
            daemon.kill()
            newest = max(daemon.data.glob("*.log"))
            with open(newest, "r+b") as log:  # a power cut in the middle of the second
                log.truncate(newest.stat().st_size - 3)
            daemon.start()
            self.assertEqual(1, daemon.metric("tocsin_torn_writes_total", file="store"))
            self.assertIn('level=warn msg="the last write to the store was torn, and is left out"', daemon.log_tail())
            self.assertEqual(0, daemon.stop(), daemon.log_tail())

    def test_a_signal_ends_a_long_recovery_and_the_next_start_recovers_all(self):
        long_history(self.path / "history.ndjson")
        daemon = Daemon(self.path / "daemon", RULES, {
            "checkpoint_interval": "1h",
            "inputs": [{"name": "history", "type": "file", "path": str(self.path / "history.ndjson")}]})
        with daemon:
            wait_until(lambda: daemon.metric("tocsin_journal_events") == LONG, "the history to be journalled", timeout=120)
            daemon.kill()

            before = daemon.log.stat().st_size
            daemon.start(wait=False)
            port_file = daemon.data / "port"
            wait_until(lambda: port_file.exists() and port_file.read_text().strip(), "the port file", interval=0.01)
            daemon.port = int(port_file.read_text())
            wait_until(lambda: b"recovery: " in daemon.get("/-/ready").body, "recovery to be under way", interval=0.01)
            self.assertEqual(0, daemon.stop(), daemon.log_tail())
            self.assertNotIn("msg=recovered", daemon.log.read_text()[before:].replace('"', ""), "it went on to the end")

            daemon.start()
            self.assertEqual(LONG, daemon.metric("tocsin_journal_events"))
            self.assertEqual(0, daemon.stop(), daemon.log_tail())

    def test_a_second_signal_ends_it_at_once(self):
        with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections and never answers
            daemon = Daemon(self.path / "daemon", RULES, {
                "shutdown_timeout": "5m",
                "sinks": [{"name": "deaf", "type": "webhook", "timeout": "5m",
                           "url": f"http://127.0.0.1:{deaf.getsockname()[1]}/"}]})
            with daemon:
                self.assertEqual(200, daemon.post_events([
                    {"id": "1", "source": "rights-watch", "indicator": "rights.killing_by_security_forces",
                     "time": "2024-05-01T12:00:00Z", "region": REGIONS[0], "value": 9}]).status)
                wait_until(lambda: daemon.metric("tocsin_outbox_depth") > 0, "an alert to wait for the sink")
                daemon.process.send_signal(signal.SIGTERM)
                wait_until(lambda: "stopping" in daemon.log_tail(), "the first signal to be heard")
                self.assertIsNone(daemon.process.poll(), "it still waits for the sink")
                daemon.process.send_signal(signal.SIGTERM)
                self.assertEqual(-signal.SIGTERM, daemon.process.wait(30))


if __name__ == "__main__":
    unittest.main()
