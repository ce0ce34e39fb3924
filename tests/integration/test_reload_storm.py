"""Rules reloaded again and again under load: what waits fires on time, what begins anew ends where a fresh start
with the last rules does, and a bad file changes nothing.

TOCSIN_RELOADS asks for that many."""

import datetime
import os
import pathlib
import tempfile
import threading
import time
import unittest

from harness.daemon import Daemon, post_until_taken, run_tocsin
from harness.event_stream import REGIONS, START, format_time

RELOADS = int(os.environ.get("TOCSIN_RELOADS", "60"))
DAYS = 40
SOURCE = "monitor-net"

RULES = """
tocsin: rules/1
package: fixture.storm
defaults: {status: production, driver: violence, stage: escalation, by: [region@admin1], owner: tests}
signals:
  dead: {select: 'e.indicator == "violence.fatalities" && has(e.value)', by: [region@admin1], measure: {agg: sum, of: e.value, window: %(window)dd, every: 1d}}
rules:
  - rule: burning
    kind: threshold
    title: Riots for twelve days
    doc: {rationale: Waits through all reloads., source: {document: doha-2018, paragraph: "¶1"}, false_positives: [none in tests], response: none outside tests}
    select: e.indicator == "violence.riot"
    detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 1}
    severity: watch
    alert: {for: 12d}
  - rule: dead
    kind: threshold
    title: Dead %(words)s
    doc: {rationale: Begins anew with each other window., source: {document: doha-2018, paragraph: "¶1"}, false_positives: [none in tests], response: none outside tests}
    select: e.indicator == "violence.fatalities" && has(e.value)
    detect: {measures: {dead: {agg: sum, of: e.value, window: %(window)dd, every: 1d}}, when: dead >= %(limit)d.0}
    severity: warning
  - rule: more-dead
    kind: threshold
    title: Reads the signal
    doc: {rationale: Reads what begins anew., source: {document: doha-2018, paragraph: "¶1"}, false_positives: [none in tests], response: none outside tests}
    select: e.indicator == "violence.fatalities"
    detect: {measures: {n: {agg: count, window: 1d, every: 1d}}, when: 'n >= 1 && signal("dead") >= %(limit)d.0'}
    severity: warning
"""
# A window that none before had: `dead` begins anew with it, and has seen no other limit.
LAST = RULES % {"window": 7, "limit": 20, "words": "in the end"}
BAD = RULES.replace("kind: threshold", "kind: thresold")


def text(number):
    """A window, a limit or only words differ from one to the next."""
    return RULES % {"window": 3 + number // 3 % 3, "limit": 20 + number % 4, "words": f"number {number}"}


def events_of(day):
    time_of_day = START + datetime.timedelta(days=day)
    return [{"id": f"riot-{day}", "source": SOURCE, "indicator": "violence.riot", "time": format_time(time_of_day),
             "region": REGIONS[0], "value": 1}] + [
        {"id": f"dead-{day}-{region}", "source": SOURCE, "indicator": "violence.fatalities",
         "time": format_time(time_of_day + datetime.timedelta(hours=1)), "region": region,
         "value": (day * 5 + place * 3) % 11} for place, region in enumerate(REGIONS)]


def told(daemon, rule, fields=("starts_at", "level")):
    return sorted(tuple(str(alert.get(field)) for field in ("region", *fields))
                  for alert in daemon.alerts() if alert["rule"] == f"fixture.storm/{rule}" and "ends_at" not in alert)


class Storm(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-storm-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def daemon(self, name, rules):
        folder = self.path / f"{name}-rules"
        folder.mkdir()
        self.write(folder, rules)
        return folder, Daemon(self.path / name, [folder], {"heartbeat_interval": "24h", "commit_interval": "10ms"})

    def write(self, folder, rules):
        fresh = self.path / "fresh.yaml"
        fresh.write_text(rules)
        fresh.rename(folder / "storm.yaml")

    def test_storm(self):
        rules, daemon = self.daemon("storm", text(0))
        over = threading.Event()
        posted = [0]
        failures = []

        def load():
            """Protests of the day that it is, up to 4,000 a second: each reload and its rebuild read them all again."""
            try:
                while not over.is_set():
                    time_now = format_time(START + datetime.timedelta(days=self.day))
                    batch = [{"id": f"load-{posted[0] + n}", "source": SOURCE, "indicator": "violence.protest",
                              "time": time_now, "region": REGIONS[n % 8], "value": 1} for n in range(200)]
                    post_until_taken(lambda: daemon, batch, time.monotonic() + 60)
                    posted[0] += len(batch)
                    over.wait(0.05)
            except BaseException as failure:
                failures.append(failure)

        self.day = 0
        refused = 0
        with daemon:
            thread = threading.Thread(target=load, daemon=True)
            thread.start()
            for number in range(1, RELOADS + 1):
                day = number * DAYS // RELOADS
                if day != self.day:
                    for passed in range(self.day, day):
                        self.assertEqual(200, daemon.post_events(events_of(passed)).status)
                    self.day = day
                bad = number % 7 == 3
                self.write(rules, BAD % {"window": 3, "limit": 1, "words": "bad"} if bad else text(number))
                answer = daemon.request("POST", "/-/reload", b"", timeout=60)
                self.assertEqual(422 if bad else 200, answer.status, answer)
                refused += bad
            over.set()
            thread.join(60)
            self.assertEqual([], failures)
            self.write(rules, LAST)
            self.assertEqual(200, daemon.request("POST", "/-/reload", b"", timeout=60).status)
            self.assertEqual(1, daemon.metric("tocsin_config_last_reload_successful"))
            # `more-dead` went on through all limits, so it may have begun at another time.
            stormy = {rule: told(daemon, rule) for rule in ("burning", "dead")}
            self.assertEqual(0, daemon.stop(), daemon.log_tail())
        print(f"{RELOADS} reloads, {refused} of them refused; {posted[0]} events of load", flush=True)

        _, calm = self.daemon("calm", LAST)
        with calm:
            for day in range(DAYS):
                self.assertEqual(200, calm.post_events(events_of(day)).status)
            # The day that the load has come to.
            last = {"id": "load-last", "source": SOURCE, "indicator": "violence.protest",
                    "time": format_time(START + datetime.timedelta(days=DAYS)), "region": REGIONS[0], "value": 1}
            post_until_taken(lambda: calm, [last], time.monotonic() + 30)
            self.assertEqual(1, len(told(calm, "burning")))
            self.assertGreater(len(told(calm, "dead")), 2)
            self.assertEqual({rule: told(calm, rule) for rule in stormy}, stormy)
            self.assertEqual(0, calm.stop(), calm.log_tail())
        rebuilt = run_tocsin("rebuild", "--data", daemon.data, check=False)
        print(rebuilt.stdout.strip(), flush=True)
        self.assertEqual(0, rebuilt.returncode, rebuilt.stdout + rebuilt.stderr)


if __name__ == "__main__":
    unittest.main()
