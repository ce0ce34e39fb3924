"""Two releases of published data, the second fed as revisions of the first: what stands in the end is what the
second alone says, and every alert that was moved, raised or withdrawn names the event that caused it."""

import collections
import json
import os
import pathlib
import re
import tempfile
import time
import unittest

from harness.daemon import SOURCE_DIR, Daemon, post_until_taken, run_tocsin
from harness.event_stream import read_ndjson
from harness.waiting import wait_until

DATA = pathlib.Path(os.environ.get("TOCSIN_DATA", ""))
RELEASES = {"older": ("ucdp-ged-text", ["ged191_africa_mideast.csv", "ged191_other_regions.csv"]),
            "newer": ("ucdp-ged-sample", ["ged251_sample.csv"])}
BATCH = 40000


def catalogue_of_long_memory(folder):
    """The shipped one, but its releases may revise whatever is younger than forty years."""
    for file in (SOURCE_DIR / "rules/catalogue").iterdir():
        text = file.read_text()
        if file.name == "sources.yaml":
            text, changed = re.subn(r"(?s)(  ucdp-ged:.*?correction_horizon: )45d", r"\g<1>14600d", text, count=1)
            assert changed == 1
        (folder / file.name).write_text(text)
    return folder


def standing(daemon):
    """Every alert that stands: its last word, unless it was withdrawn. Of the daemon, since sinks are not told of
    what came to be in the past and is long over."""
    return collections.Counter(
        (each["rule"], json.dumps(each["group"], sort_keys=True), each["level"], each["starts_at"], each.get("ends_at"))
        for each in daemon.alerts() if each["action"] != "withdraw")


class Releases(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-releases-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        catalogue = self.path / "catalogue"
        catalogue.mkdir()
        self.catalogue = catalogue_of_long_memory(catalogue)

    def daemon(self, name, inputs=(), rules=SOURCE_DIR / "rules/sets"):
        return Daemon(self.path / name, [rules], {
            "catalogue": str(self.catalogue), "emit": "final", "revision_share": 0, "heartbeat_interval": "24h",
            "inputs": list(inputs), "http": {"listen": "127.0.0.1:0", "body_bytes": "64MiB"},
            "sinks": [{"name": "log", "type": "log", "path": str(self.path / f"{name}.ndjson")}]})

    def events_of(self, release):
        """A release as events, in order of time."""
        mapping, files = RELEASES[release]
        inputs = [{"name": f"{release}-{number}", "type": "file", "path": str(DATA / file),
                   "mapping": str(SOURCE_DIR / f"ingest/mappings/{mapping}.yaml")} for number, file in enumerate(files)]
        # Rules that look at other indicators: nothing to decide.
        with self.daemon(f"reads-{release}", inputs, SOURCE_DIR / "tests/integration/fixtures/rules/equality.yaml") as daemon:
            wait_until(lambda: daemon.log.read_text().count("input read whole") == len(files), daemon.log_tail, timeout=60)
            self.assertEqual(0, daemon.stop(), daemon.log_tail())
            dump = run_tocsin("journal", "--data", daemon.data, "--catalogue", self.catalogue).stdout
        events = [json.loads(line) for line in dump.splitlines()]
        events.sort(key=lambda event: (event["time"], event["id"]))
        return events

    def feed(self, daemon, events):
        for begin in range(0, len(events), BATCH):
            post_until_taken(lambda: daemon, events[begin:begin + BATCH], time.monotonic() + 120)

    def test_the_newer_one_fed_as_revisions_ends_as_the_newer_one_alone(self):
        older, newer = self.events_of("older"), self.events_of("newer")
        known = {event["id"]: event for event in older}
        there = {event["id"] for event in newer}
        revised = [event | {"rev": 1, "op": "correct"} if event["id"] in known else event for event in newer]
        gone = [event | {"rev": 1, "op": "retract"} for event in older if event["id"] not in there]
        both = [event for event in newer if event["id"] in known]
        changed = sum(event.get("value") != known[event["id"]].get("value") for event in both)
        print(f"{len(older)} events in the older release, {len(newer)} in the newer; {len(both)} in both, "
              f"{changed} of them with another death toll", flush=True)
        self.assertGreater(changed, 50)

        with self.daemon("alone") as daemon:
            self.feed(daemon, newer)
            alone = standing(daemon)
            self.assertEqual(0, daemon.stop(), daemon.log_tail())
        with self.daemon("revised") as daemon:
            self.feed(daemon, older)
            before = (self.path / "revised.ndjson").read_bytes().count(b"\n")  # the next may be half there
            began = time.monotonic()
            self.feed(daemon, revised + gone)
            self.feed(daemon, newer[:1])  # a duplicate, answered when all before it was revised
            print(f"revised in {time.monotonic() - began:.1f} s", flush=True)
            revised = standing(daemon)
            self.assertEqual(0, daemon.stop(), daemon.log_tail())
        log = read_ndjson(self.path / "revised.ndjson")
        self.assertEqual([], sorted((alone - revised).elements(), key=str), "should stand")
        self.assertEqual([], sorted((revised - alone).elements(), key=str), "should not stand")
        self.assertGreater(len(alone), 200)

        told = [each for each in log[before:] if each.get("retroactive")]
        actions = collections.Counter(each["action"] for each in told)
        print(f"{len(log)} transitions, of them told by revisions: {dict(actions)}", flush=True)
        self.assertGreater(actions["withdraw"], 100)
        self.assertEqual([], [each["id"] for each in told if "cause" not in each], "no cause named")
        causes = {each["cause"]["id"] for each in told}
        self.assertLessEqual(causes, there | set(known))
        rebuilt = run_tocsin("rebuild", "--data", daemon.data, check=False)
        print(rebuilt.stdout, flush=True)
        self.assertEqual(0, rebuilt.returncode, rebuilt.stdout + rebuilt.stderr)


if __name__ == "__main__":
    unittest.main()
