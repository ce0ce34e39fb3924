"""The first command a stranger runs: it ends with alerts on the screen, and cleans up after itself."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from harness.daemon import SOURCE_DIR


def quickstart(*arguments, **environment):
    """Runs it with --once; returns what it printed, and the temporary files that it left."""
    kept = {name: value for name, value in os.environ.items() if name != "TOCSIN_DATA"}
    with tempfile.TemporaryDirectory(prefix="tocsin-quickstart-test-") as folder:
        done = subprocess.run([SOURCE_DIR / "deploy/quickstart.sh", "--once", *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=300, env=kept | {"TMPDIR": folder} | environment)
        left = sorted(path.name for path in pathlib.Path(folder).iterdir())
    if done.returncode != 0:
        raise AssertionError(f"quickstart ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout, left


def fired(table):
    """[(country or region, driver)] of the rows that tell of a new alert."""
    rows = [re.split(r"\s{2,}", line.strip()) for line in table.splitlines() if re.match(r"\d{4}-\d\d-\d\d  fire ", line)]
    return [(row[3], row[4]) for row in rows]


class Quickstart(unittest.TestCase):
    def test_fictional_scenario_fires_several_drivers_and_says_that_it_is_fictional(self):
        output, left = quickstart()
        self.assertIn("FICTIONAL SCENARIO", output)
        self.assertRegex(output, r"http://127\.0\.0\.1:\d+/v1/alerts")
        self.assertRegex(output, r"http://127\.0\.0\.1:\d+/metrics")
        self.assertRegex(output, r"\d+ events taken, 0 refused")
        drivers = {driver for _, driver in fired(output)}
        self.assertLessEqual({"exclusion", "corruption", "justice_gap", "violence"}, drivers, output)
        for where, _ in fired(output):
            self.assertIn("(fictional)", where)
        self.assertEqual([], left, "temporary files are removed")


class QuickstartOnHistory(unittest.TestCase):
    def test_real_history_fires_for_the_countries_of_2011(self):
        output, left = quickstart(TOCSIN_DATA=os.environ["TOCSIN_DATA"])
        self.assertIn("REAL HISTORY", output)
        places = " ".join(where for where, _ in fired(output))
        for country in ("Libya", "Yemen", "Egypt", "Syria"):
            self.assertIn(country, places, output)
        self.assertEqual([], left, "temporary files are removed")


if __name__ == "__main__":
    unittest.main()
