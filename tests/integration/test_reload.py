"""A bad rule file never replaces good rules: the reload is refused with all its errors, and the daemon goes on."""

import pathlib
import shutil
import tempfile
import unittest

from harness.daemon import SOURCE_DIR, Daemon, run_tocsin
from harness.event_stream import REGIONS
from harness.waiting import wait_until

GOOD = """
tocsin: rules/1
package: fixture.reload
rules:
  - rule: many-dead
    kind: event
    title: Many dead
    status: production
    driver: violence
    stage: escalation
    doc: {rationale: For the reload test., source: {document: doha-2018, paragraph: "¶1"}, false_positives: [none in tests], response: none outside tests}
    select: 'e.indicator == "violence.fatalities" && has(e.value) && e.value >= %s'
    by: [region@admin1]
    severity: alert
    alert: {hold: 3d}
    annotations: {summary: "{{ int(e.value) }} dead"}
"""

# Two mistakes in two rules: an unknown indicator, and a kind that does not exist.
BAD = GOOD % "1.0" + """
  - rule: misspelt
    kind: event
    title: Misspelt indicator
    status: draft
    driver: violence
    stage: escalation
    doc: {rationale: Wrong on purpose.}
    select: 'e.indicator == "violence.fatalites"'
    by: [region@admin1]
    severity: watch
  - rule: unknown-kind
    kind: thresold
    title: Misspelt kind
    status: draft
    driver: violence
    stage: escalation
    doc: {rationale: Wrong on purpose.}
    by: [region@admin1]
    severity: watch
"""

TEST = """
tocsin: tests/1
catalogue: %s
rules: [reload.yaml]
tests:
  - name: twelve dead are enough
    start: 2024-03-01T00:00:00Z
    events:
      - {at: +1h, event: {id: a, source: monitor-net, indicator: violence.fatalities, region: REGION, value: 12}}
    steps:
      - {at: +2h, expect: {alerts: [{rule: many-dead, group: {region: REGION}}]}}
  - name: two are not
    start: 2024-03-01T00:00:00Z
    events:
      - {at: +1h, event: {id: a, source: monitor-net, indicator: violence.fatalities, region: REGION, value: 2}}
    steps:
      - {at: +2h, expect: {alerts: []}}
""".replace("REGION", REGIONS[0])


def event(number, value):
    return {"id": f"reload-{number}", "source": "monitor-net", "indicator": "violence.fatalities",
            "time": f"2024-03-0{number}T12:00:00Z", "region": REGIONS[number], "value": value}


class Reload(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-reload-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.rules = self.path / "rules"
        self.rules.mkdir()

    def write(self, text):
        # Written beside and moved: a reload never sees half a file.
        fresh = self.path / "fresh.yaml"
        fresh.write_text(text)
        shutil.move(fresh, self.rules / "reload.yaml")

    def fired(self, daemon):
        return {alert["region"] for alert in daemon.alerts()}

    def test_bad_file_is_refused_with_all_errors_and_the_running_rules_stay(self):
        self.write(GOOD % "10.0")
        with Daemon(self.path / "daemon", [self.rules]) as daemon:
            self.assertEqual(200, daemon.post_events([event(1, 12), event(2, 5)]).status)
            wait_until(lambda: self.fired(daemon) == {REGIONS[1]}, lambda: f"one alert, not {daemon.alerts()}")

            self.write(BAD)
            checked = run_tocsin("check", "--config", daemon.configuration_file, check=False)
            self.assertEqual(2, checked.returncode, checked.stdout + checked.stderr)
            for expected in ("violence.fatalites", "violence.fatalities", "thresold", "reload.yaml:"):
                self.assertIn(expected, checked.stdout + checked.stderr, "all errors at once, with place and hint")

            daemon.reload()
            wait_until(lambda: daemon.metric("tocsin_config_last_reload_successful") == 0, "the refused reload in the metrics")
            for expected in ("violence.fatalites", "thresold", "reload.yaml:"):
                self.assertIn(expected, daemon.log_tail())
            # Under the refused rules these 5 dead would have been enough.
            self.assertEqual(200, daemon.post_events([event(3, 5), event(4, 11)]).status)
            wait_until(lambda: self.fired(daemon) == {REGIONS[1], REGIONS[4]}, lambda: f"the old rules in force, not {daemon.alerts()}")
            refused = daemon.request("POST", "/-/reload", b"")
            self.assertEqual(422, refused.status, refused)
            for expected in ("violence.fatalites", "thresold", "reload.yaml:"):
                self.assertIn(expected, "\n".join(refused.json["diagnostics"]))

            self.write(GOOD % "5.0")
            daemon.reload()
            wait_until(lambda: daemon.metric("tocsin_config_last_reload_successful") == 1, "the good reload in the metrics")
            self.assertEqual(200, daemon.post_events([event(5, 6)]).status)
            wait_until(lambda: REGIONS[5] in self.fired(daemon), "the new rule in force")
            self.assertEqual(0, daemon.stop(), daemon.log_tail())

    def test_rules_whose_tests_fail_are_refused(self):
        self.write(GOOD % "10.0")
        (self.rules / "reload.test.yaml").write_text(TEST % (SOURCE_DIR / "rules/catalogue"))
        with Daemon(self.path / "daemon", [self.rules]) as daemon:
            self.write(GOOD % "20.0")
            refused = daemon.request("POST", "/-/reload", b"")
            self.assertEqual(422, refused.status, refused)
            self.assertIn("twelve dead are enough", "\n".join(refused.json["diagnostics"]))
            self.assertEqual(0, daemon.metric("tocsin_config_last_reload_successful"))
            self.write(GOOD % "11.0")
            self.assertEqual(200, daemon.request("POST", "/-/reload", b"").status)
            self.assertEqual(0, daemon.stop(), daemon.log_tail())

    def test_files_that_change_are_loaded_when_they_are_watched(self):
        self.write(GOOD % "10.0")
        with Daemon(self.path / "daemon", [self.rules], {"watch_rules": "200ms"}) as daemon:
            self.assertEqual(200, daemon.post_events([event(1, 5), event(2, 12)]).status)
            wait_until(lambda: self.fired(daemon) == {REGIONS[2]}, lambda: f"one alert, not {daemon.alerts()}")
            self.write(BAD)
            wait_until(lambda: daemon.metric("tocsin_config_last_reload_successful") == 0, "the refused files in the metrics")
            self.write(GOOD % "5.0")
            wait_until(lambda: daemon.metric("tocsin_config_last_reload_successful") == 1, "the good files loaded")
            self.assertEqual(200, daemon.post_events([event(3, 6)]).status)
            wait_until(lambda: REGIONS[3] in self.fired(daemon), "the new rule in force")
            self.assertEqual(2, daemon.log_tail().count("the files of the rules have changed"))

    def test_rules_whose_folder_is_gone_are_refused_at_reload_and_start(self):
        self.write(GOOD % "10.0")
        other = self.path / "other"
        other.mkdir()
        (other / "more.yaml").write_text((GOOD % "5.0").replace("fixture.reload", "fixture.other"))
        with Daemon(self.path / "daemon", [self.rules, other]) as daemon:
            self.assertEqual(200, daemon.post_events([event(1, 7)]).status)
            wait_until(lambda: self.fired(daemon) == {REGIONS[1]}, lambda: f"one alert, not {daemon.alerts()}")
            for expected, change in (("T0321", lambda: other.rename(self.path / "moved")), ("T0322", other.mkdir)):
                change()
                checked = run_tocsin("check", "--config", daemon.configuration_file, check=False)
                self.assertEqual(2, checked.returncode)
                self.assertIn(expected, checked.stdout)
                refused = daemon.request("POST", "/-/reload", b"")
                self.assertEqual(422, refused.status, refused)
                self.assertIn(expected, "\n".join(refused.json["diagnostics"]))
                self.assertEqual(["fire"], [alert["action"] for alert in daemon.alerts()], "the alert goes on")
            self.assertEqual(0, daemon.stop(), daemon.log_tail())
            refused = run_tocsin("run", "--config", daemon.configuration_file, check=False, timeout=30)
            self.assertEqual(2, refused.returncode, refused.stderr)
            self.assertIn("T0322", refused.stderr)

    def test_start_with_a_bad_file_is_refused(self):
        self.write(BAD)
        daemon = Daemon(self.path / "daemon", [self.rules])
        refused = run_tocsin("run", "--config", daemon.configuration_file, check=False, timeout=30)
        self.assertEqual(2, refused.returncode, refused.stderr)
        self.assertIn("reload.yaml:", refused.stderr)


if __name__ == "__main__":
    unittest.main()
