"""The table of faults in storage/README.md is true of this tree: the tests, metrics and words of the log that it names are there."""

import pathlib
import re
import unittest

from harness.daemon import SOURCE_DIR

FAULT, METRICS, LOG, TESTS = 0, 2, 3, 5
TABLE = (SOURCE_DIR / "storage/README.md").read_text().split("\n## Faults\n")[1].split("\n## ")[0]
ROWS = [[cell.strip() for cell in line[1:-1].split("|")] for line in TABLE.splitlines()
        if line.startswith("| ") and not line.startswith("| fault")]


def text_of(pattern):
    return "\n".join(file.read_text() for file in sorted(SOURCE_DIR.glob(pattern)))


def names_in(column, pattern):
    return sorted({name for row in ROWS for name in re.findall(pattern, row[column])})


class FaultsTable(unittest.TestCase):
    def test_every_row_is_whole_and_has_a_test(self):
        self.assertGreater(len(ROWS), 30)
        self.assertEqual([], [row[FAULT] for row in ROWS if len(row) != 6 or not row[TESTS]])

    def test_every_test_is_there(self):
        sources = text_of("tests/*/*_test.cc")

        def is_there(name):
            suite, _, case = name.partition(".")
            if suite.startswith("test_"):
                return f"def {case}(self" in (pathlib.Path(__file__).parent / f"{suite}.py").read_text()
            return re.search(rf"TEST(_F|_P)?\(\s*{suite},\s*{case}\)", sources)
        self.assertEqual([], [name for name in names_in(TESTS, r"[^ ,]+") if not is_there(name)])

    def test_every_metric_is_there(self):
        sources = text_of("daemon/metrics.cc") + text_of("daemon/scrape.cc")
        self.assertEqual([], [name for name in names_in(METRICS, "`([a-z_]+)") if f'"{name}"' not in sources])

    def test_every_line_of_the_log_is_there(self):
        sources = re.sub(r'"\s*\n\s*"', "", text_of("daemon/*.cc"))
        self.assertEqual([], [words for words in names_in(LOG, "`([^`]+)`") if f'"{words}"' not in sources])


if __name__ == "__main__":
    unittest.main()
