"""Input faster than the daemon works: it answers 429 with Retry-After, and whoever tries again loses nothing."""

import collections
import concurrent.futures
import json
import pathlib
import tempfile
import threading
import time
import unittest

from harness.daemon import SOURCE_DIR, Daemon, post_until_taken, run_tocsin
from harness.event_stream import EventStream, to_ndjson

SENDERS, BATCHES, BATCH = 12, 4, 2000


class BackPressure(unittest.TestCase):
    def test_refused_senders_try_again_and_every_event_is_taken_once(self):
        with tempfile.TemporaryDirectory(prefix="tocsin-back-pressure-") as folder:
            daemon = Daemon(pathlib.Path(folder) / "daemon", [SOURCE_DIR / "tests/integration/fixtures/rules/equality.yaml"],
                            {"queue_bytes": "512KiB"})  # about one batch
            with daemon:
                stream = EventStream("monitor-net", ["violence.fatalities", "violence.riot"], 3, per_day=20_000)

                slices = [stream.slice(first, first + BATCH) for first in range(0, SENDERS * BATCHES * BATCH, BATCH)]
                bodies = [to_ndjson(events) for events in slices]
                together = threading.Barrier(SENDERS)

                def send(sender):
                    tries = 0
                    for batch in range(BATCHES):
                        together.wait(60)
                        tries += post_until_taken(lambda: daemon, bodies[batch * SENDERS + sender], time.monotonic() + 120)
                    return tries

                with concurrent.futures.ThreadPoolExecutor(SENDERS) as senders:
                    tries = sum(senders.map(send, range(SENDERS)))
                refused = tries - SENDERS * BATCHES
                self.assertGreater(refused, 0, "the queue never filled: nothing was proved")
                print(f"{SENDERS * BATCHES} batches taken, {refused} times told to wait", flush=True)
                self.assertEqual(0, daemon.stop(), daemon.log_tail())
            counts = collections.Counter(
                event["id"] for event in map(json.loads, run_tocsin("journal", "--data", daemon.data).stdout.splitlines())
                if "id" in event)
            self.assertEqual(SENDERS * BATCHES * BATCH, len(counts))
            self.assertEqual(1, max(counts.values()))


if __name__ == "__main__":
    unittest.main()
