"""The table of faults in storage/README.md is true of this tree: the tests, metrics and words of the log that it names are there."""

import pathlib
import re
import unittest

from harness.daemon import SOURCE_DIR

FAULT, METRICS, LOG, TO_DO, TESTS = 0, 2, 3, 4, 5
OF_PROMETHEUS = {"up"}  # what it adds itself
TABLE = (SOURCE_DIR / "storage/README.md").read_text().split("\n## Faults\n")[1].split("\n## ")[0]
ROWS = [[cell.strip() for cell in line[1:-1].split("|")] for line in TABLE.splitlines()
        if line.startswith("| ") and not line.startswith("| fault")]


def text_of(pattern):
    return "\n".join(file.read_text() for file in sorted(SOURCE_DIR.glob(pattern)))


def is_dash(cell):
    return cell.startswith("–")


def names_in(column, pattern):
    return sorted({name for row in ROWS for name in re.findall(pattern, row[column])})


class FaultsTable(unittest.TestCase):
    def test_every_row_is_whole(self):
        self.assertGreater(len(ROWS), 30)
        self.assertEqual([], [row[FAULT] for row in ROWS if len(row) != 6 or not all(row)])

    def test_a_dash_has_a_reason_and_stands_only_where_there_is_nothing_to_do(self):
        cells = [(row[FAULT], number, cell) for row in ROWS for number, cell in enumerate(row) if is_dash(cell)]
        self.assertEqual([], [where for where in cells if len(where[2].split()) < 3], "a dash without a reason")
        self.assertEqual([], [where for where in cells if where[1] not in (METRICS, LOG, TO_DO)])
        self.assertEqual([], [row[FAULT] for row in ROWS if (is_dash(row[METRICS]) or is_dash(row[LOG])) and not is_dash(row[TO_DO])],
                         "somebody has to do something and is not told")

    def test_every_metric_and_line_of_the_log_is_named(self):
        self.assertEqual([], [(row[FAULT], row[column]) for row in ROWS for column in (METRICS, LOG)
                              if not is_dash(row[column]) and "`" not in row[column] and not row[column].startswith("the same")])

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
        self.assertEqual([], [name for name in names_in(METRICS, "`([a-z_]+)")
                              if f'"{name}"' not in sources and name not in OF_PROMETHEUS])

    def test_every_label_of_a_metric_is_there(self):
        """Its name where metrics are; its value there or where it is counted. Status codes are numbers in the sources."""
        metrics, sources = text_of("daemon/metrics.cc") + text_of("daemon/scrape.cc"), text_of("daemon/**/*.*")
        self.assertEqual([], [label for label in names_in(METRICS, r'[{,]([a-z]+="[a-z_]+")')
                              if f'"{label.split("=")[0]}"' not in metrics or label.split("=")[1] not in sources])

    def test_every_line_of_the_log_is_there(self):
        sources = re.sub(r'"\s*\n\s*"', "", text_of("daemon/**/*.cc"))
        self.assertEqual([], [words for words in names_in(LOG, "`([^`]+)`") if f'"{words}"' not in sources])


if __name__ == "__main__":
    unittest.main()
