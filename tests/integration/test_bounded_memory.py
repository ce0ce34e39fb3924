"""Garbage, however much of it comes at once, is refused or set aside in bounded memory."""

import gzip
import pathlib
import re
import tempfile
import unittest

from harness.daemon import SOURCE_DIR, Daemon
from harness.waiting import wait_until

RULES = [SOURCE_DIR / "tests/integration/fixtures/rules/live.yaml"]
LINES = 3_000_000
MOST_BYTES = 400 << 20


def peak_memory(daemon):
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) << 10


class BoundedMemory(unittest.TestCase):
    def test_shortest_records_cost_no_more_than_others(self):
        with tempfile.TemporaryDirectory(prefix="tocsin-bounded-memory-") as folder:
            path = pathlib.Path(folder)
            (path / "garbage").write_bytes(b"x\n" * LINES)
            daemon = Daemon(path / "daemon", RULES, {
                "inputs": [{"name": "garbage", "type": "file", "path": str(path / "garbage")}]})
            with daemon:
                # As they come and unpacked: two bytes a record.
                for body, headers in ((b"x\n" * (4 << 20), {}), (gzip.compress(b"x\n" * 400_000), {"Content-Encoding": "gzip"})):
                    answer = daemon.request("POST", "/v1/events", body, headers=headers)
                    self.assertEqual(413, answer.status, answer)
                # It waits for its turn behind the file.
                self.assertEqual(200, daemon.request("POST", "/v1/events", b"x\n" * 100_000, timeout=180).status)
                wait_until(lambda: daemon.metric("tocsin_dead_letters_total") == LINES + 100_000,
                           lambda: f"all of it to be set aside: {daemon.metric('tocsin_dead_letters_total')}", timeout=180)
                print(f"peak memory {peak_memory(daemon) >> 20} MiB", flush=True)
                self.assertLess(peak_memory(daemon), MOST_BYTES)
                self.assertEqual(0, daemon.stop(), daemon.log_tail())


if __name__ == "__main__":
    unittest.main()
