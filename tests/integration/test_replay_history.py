"""Real history through the shipped rules: every row is accounted for, the countries of 2011 are warned
of with evidence, and the same input gives the same bytes, in any order within lateness."""

import collections
import csv
import itertools
import json
import os
import pathlib
import tempfile
import unittest

from harness.daemon import SOURCE_DIR, run_tocsin

DATA = pathlib.Path(os.environ.get("TOCSIN_DATA", ""))
MAPPINGS = SOURCE_DIR / "ingest/mappings"
FILES = {
    "ucdp-ged-text": "ged191_africa_mideast.csv",
    "mass-mobilization": "mass_mobilization_1990_2020.csv",
    "vdem": "vdem12_governance_1985_2021.csv",
    "wgi": "wgi_1996_2019.csv",
}
COUNTRIES_OF_2011 = {"LY": "Libya", "SY": "Syria", "EG": "Egypt", "YE": "Yemen"}


def rows_in(path):
    """Rows by Python's own reader, to be counted against."""
    with open(path, encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def replay(out, *options):
    arguments = ["replay", "--rules", SOURCE_DIR / "rules/sets", "--catalogue", SOURCE_DIR / "rules/catalogue"]
    for mapping, file in FILES.items():
        arguments += ["--input", f"{MAPPINGS / mapping}.yaml:{DATA / file}"]
    run_tocsin(*arguments, "--out", out, *options)
    return (out / "alerts.ndjson").read_bytes()


class ReplayHistory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-replay-")
        cls.addClassCleanup(folder.cleanup)
        cls.path = pathlib.Path(folder.name)
        cls.log = replay(cls.path / "first", "--emit", "final")
        cls.summary = json.loads((cls.path / "first/summary.json").read_text())
        cls.transitions = [json.loads(line) for line in cls.log.splitlines()]

    def test_every_row_is_an_event_a_skip_or_a_rejection(self):
        inputs = {pathlib.Path(each["name"]).name: each for each in self.summary["inputs"]}
        self.assertEqual(set(FILES.values()), set(inputs))
        for name, counts in inputs.items():
            self.assertEqual(rows_in(DATA / name), counts["records"], name)
            skipped, rejected = sum(counts["skipped"].values()), sum(counts["rejected"].values())
            self.assertEqual(counts["records"], counts["with_events"] + skipped + rejected, name)
            self.assertEqual({}, counts["rejected"], f"{name}: {counts.get('problems')}")
        self.assertEqual(52188, inputs["ged191_africa_mideast.csv"]["records"])
        events = sum(each["events"] for each in inputs.values())
        taken = self.summary["accepted"] + self.summary["duplicates"] + self.summary["too_late"]
        self.assertEqual(events, taken)

    def test_the_countries_of_2011_are_warned_of_with_evidence(self):
        of_2011 = [each for each in self.transitions if each["at"].startswith("2011") and each["action"] in ("fire", "escalate")]
        by_country = collections.defaultdict(list)
        for transition in of_2011:
            by_country[transition.get("country")].append(transition)
        for country, name in COUNTRIES_OF_2011.items():
            self.assertTrue(by_country[country], f"no alert for {name} in 2011")
            for transition in by_country[country]:
                self.assertTrue(transition["evidence"], f"{name}: {transition['rule']} without evidence")
                self.assertTrue(transition["source"], f"{name}: {transition['rule']} without the report's paragraph")
            print(f"{name}: " + ", ".join(sorted({each["rule"] for each in by_country[country]})), flush=True)

    def test_explain_tells_a_reader_why(self):
        for country, name in COUNTRIES_OF_2011.items():
            alert = next(each for each in self.transitions
                         if each.get("country") == country and each["at"].startswith("2011") and each["action"] == "fire")
            last = [each for each in self.transitions if each["id"] == alert["id"]][-1]
            told = run_tocsin("explain", alert["id"], "--log", self.path / "first/alerts.ndjson").stdout
            evidence = [each["id"] for each in alert["evidence"] + last["evidence"]]
            self.assertTrue(any(each in told for each in evidence), told)
            for expected in (name, alert["rule"], alert["source"]["paragraph"], alert["response"]):
                self.assertIn(expected, told)

    def assert_same_log(self, log):
        if log == self.log:
            return
        for ours, theirs in itertools.zip_longest(self.log.splitlines(), log.splitlines()):
            self.assertEqual(ours, theirs)

    def test_twice_the_same_input_gives_the_same_bytes(self):
        self.assert_same_log(replay(self.path / "second", "--emit", "final"))

    def test_shuffled_within_lateness_gives_the_same_bytes(self):
        for seed in (1, 2026):
            self.assert_same_log(replay(self.path / f"shuffled-{seed}", "--emit", "final", "--shuffle", seed))

    def test_rules_that_fire_on_arrival_give_the_same_bytes_twice(self):
        early = replay(self.path / "early", "--emit", "early")
        self.assertEqual(early, replay(self.path / "early-again", "--emit", "early"))
        self.assertNotEqual(self.log, early)


if __name__ == "__main__":
    unittest.main()
