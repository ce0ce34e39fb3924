#!/usr/bin/env python3
"""Feeds a running daemon in time-lapse and prints its alerts as a table while they come.

Either a scenario (event/1 NDJSON, sent by HTTP) or real history (rows of published files, appended to
the files that the daemon follows). Standard library only; part of deploy/quickstart.sh.
"""

import argparse
import csv
import dataclasses
import datetime
import itertools
import json
import pathlib
import sys
import threading
import time
import urllib.error
import urllib.request

COLOURS = {"watch": "36", "warning": "33", "alert": "31", "emergency": "1;31"}


def shortened(text, width):
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


@dataclasses.dataclass(frozen=True)
class Panel:
    """A published file, and when a row of it could be known."""

    file: str
    known_on: callable


def on_date(column):
    return lambda row: datetime.date.fromisoformat(row[column][:10])


def year_after(column, month):
    return lambda row: datetime.date(int(float(row[column])) + 1, month, 1)


# Released by the day on which a row was complete or published, never earlier: no look-ahead.
# The name is that of the file which the daemon follows (see the configuration in quickstart.sh), and
# of its mapping. The panels come first: rules over a panel and events need both feeds to be known.
HISTORY = {
    "vdem": Panel("vdem12_governance_1985_2021.csv", year_after("year", 4)),
    "wgi": Panel("wgi_1996_2019.csv", year_after("Year", 10)),
    "ucdp-ged-text": Panel("ged191_africa_mideast.csv", on_date("date_end")),
    # What the state did is known when a protest is over. A campaign of months is then too late to
    # count as a protest (nine rows), since the daemon has long closed the days on which it began.
    "mass-mobilization": Panel("mass_mobilization_1990_2020.csv", on_date("end_date")),
}
# Rules measure against the past: the years before are read in one go, without showing their alerts.
PAST_FIRST = datetime.date(2007, 1, 1)
HISTORY_FIRST, HISTORY_LAST = datetime.date(2010, 1, 1), datetime.date(2011, 12, 31)


class AlertTable:
    """Follows the alert log and prints each transition as one row."""

    ROW = "{at:10}  {action:10}  {level:9}  {where:30}  {driver:12}  {what}"

    def __init__(self, log, first_day=""):
        self._log = log
        self._first_day = first_day
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._paint = sys.stdout.isatty()
        self.rows = 0

    def start(self):
        header = self.ROW.format(at="EVENT DATE", action="ACTION", level="LEVEL", where="WHERE", driver="DRIVER", what="WHAT")
        print(header, "-" * 120, sep="\n", flush=True)
        self._thread.start()

    def stop(self):
        """Prints what is in the log by now, then ends."""
        self._over.set()
        self._thread.join()

    def _follow(self):
        rest, offset = b"", 0
        while True:
            last_round = self._over.is_set()
            if self._log.exists():
                with open(self._log, "rb") as log:
                    log.seek(offset)
                    chunk = log.read()
                offset += len(chunk)
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._print(json.loads(line))
            if last_round:
                return
            self._over.wait(0.1)

    def _print(self, transition):
        if transition["action"] == "update" or transition["at"] < self._first_day:
            return  # the same alert with newer numbers: too many for a table; or the past
        self.rows += 1
        names = transition.get("region_name", {})
        where = names.get("en") or transition.get("region") or ", ".join(transition["group"].values())
        what = (transition.get("summary") or {}).get("en") or (transition.get("title") or {}).get("en") or transition["rule"]
        level = f"{transition['level']:9}"
        if self._paint and transition["action"] != "resolve":
            level = f"\033[{COLOURS.get(transition['level'], '0')}m{level}\033[0m"
        print(self.ROW.format(at=transition["at"][:10], action=transition["action"], level=level,
                              where=shortened(where, 30), driver=transition["driver"],
                              what=shortened(what, 96)), flush=True)


def post(url, lines):
    request = urllib.request.Request(url + "/v1/events", data=b"".join(lines), method="POST",
                                     headers={"Content-Type": "application/x-ndjson"})
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            if refusal.code != 429:
                raise SystemExit(f"timelapse: the daemon refused events: {refusal.read().decode()}") from None
            time.sleep(float(refusal.headers.get("Retry-After", "1")))


class Pace:
    """Spreads steps evenly over a number of seconds of wall clock."""

    def __init__(self, steps, seconds):
        self._step = seconds / max(steps, 1)
        self._next = time.monotonic()

    def wait(self):
        self._next += self._step
        time.sleep(max(0.0, self._next - time.monotonic()))


def week_of(line):
    return datetime.date.fromisoformat(json.loads(line)["time"][:10]).toordinal() // 7


def play_scenario(url, file, seconds):
    # A request a week: each waits for a durable commit, which comes at most every 100 ms.
    weeks = [list(group) for _, group in itertools.groupby(file.read_bytes().splitlines(keepends=True), key=week_of)]
    pace = Pace(len(weeks), seconds)
    taken = refused = 0
    for week in weeks:
        answer = post(url, week)
        taken += answer["accepted"]
        refused += answer["rejected"]
        for problem in answer.get("problems", []):
            print(f"timelapse: event refused: {problem['message']}", file=sys.stderr)
        pace.wait()
    return taken, refused


def rows_of(panel, folder):
    """[(day known, row)] of the past and the years to be played, in order."""
    with open(folder / panel.file, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = [(panel.known_on(row), list(row.values())) for row in reader]
        header = reader.fieldnames
    rows = [(day, row) for day, row in rows if PAST_FIRST <= day <= HISTORY_LAST]
    return header, sorted(rows, key=lambda each: each[0])


def play_history(folder, into, seconds):
    """Appends, week by week, what became known in that week."""
    outputs = []
    for name, panel in HISTORY.items():
        header, rows = rows_of(panel, folder)
        file = open(into / f"{name}.csv", "a", encoding="utf-8", newline="")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        outputs.append((file, writer, rows))
    weeks = (HISTORY_LAST - HISTORY_FIRST).days // 7 + 1
    pace = Pace(weeks + 1, seconds)
    written = 0
    for week in range(weeks + 1):  # the first "week" is all of the past
        end = min(HISTORY_FIRST + datetime.timedelta(days=7 * week), HISTORY_LAST + datetime.timedelta(days=1))
        for file, writer, rows in outputs:
            count = sum(1 for _ in itertools.takewhile(lambda each: each[0] < end, rows))
            writer.writerows(row for _, row in rows[:count])
            del rows[:count]
            file.flush()
            written += count
            if week == 0:
                time.sleep(0.5)
        pace.wait()
    for file, _, _ in outputs:
        file.close()
    return written


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="of the daemon")
    parser.add_argument("--log", type=pathlib.Path, required=True, help="the daemon's alert log")
    parser.add_argument("--seconds", type=float, default=24, help="how long the time-lapse takes")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--scenario", type=pathlib.Path, help="event/1 NDJSON in order of time")
    what.add_argument("--history", type=pathlib.Path, help="folder of published files")
    parser.add_argument("--into", type=pathlib.Path, help="where the daemon follows files (with --history)")
    arguments = parser.parse_args()

    table = AlertTable(arguments.log, str(HISTORY_FIRST) if arguments.history else "")
    table.start()
    if arguments.scenario:
        taken, refused = play_scenario(arguments.url, arguments.scenario, arguments.seconds)
        played = f"{taken} events taken, {refused} refused"
    else:
        played = f"{play_history(arguments.history, arguments.into, arguments.seconds)} rows of published data"
    time.sleep(2)  # the last commit, and its way through the outbox into the alert log
    table.stop()
    print(f"\n{played}; {table.rows} alert transitions (updates not shown)", flush=True)
    if table.rows == 0:
        sys.exit("timelapse: not one alert came; see the daemon's log")


if __name__ == "__main__":
    main()
