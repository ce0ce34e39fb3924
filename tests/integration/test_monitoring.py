"""Prometheus (Debian's own) scrapes the daemon, promtool likes every metric, the shipped rules load,
and every query of the dashboard returns data from a daemon at work."""

import collections
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

from harness.daemon import SOURCE_DIR, Daemon
from harness.event_stream import EventStream
from harness.kafka import Broker
from harness.monitoring import Alertmanager, Prometheus
from harness.waiting import wait_until
from harness.webhook_recorder import WebhookRecorder

HERE = pathlib.Path(__file__).parent
DEPLOY = SOURCE_DIR / "deploy"
LEVELS = ["info", "watch", "warning", "alert", "emergency"]
RULES = [HERE / "fixtures/rules/equality.yaml"]


def scrape_configuration(folder, port):
    """The shipped configuration, with this daemon's port and a scrape each second."""
    text = (DEPLOY / "prometheus/prometheus.yml").read_text()
    assert "127.0.0.1:8788" in text and "15s" in text, "prometheus.yml has changed: this test must follow"
    text = text.replace("127.0.0.1:8788", f"127.0.0.1:{port}").replace("15s", "1s")
    file = folder / "prometheus.yml"
    file.write_text(text)
    (folder / "alerts.yml").write_text((DEPLOY / "prometheus/alerts.yml").read_text())
    return file


class Monitoring(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-monitoring-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.stream = EventStream("monitor-net", ["violence.fatalities", "violence.riot",
                                                  "rights.killing_by_security_forces"], 7)

    def keep_busy(self, daemon, batches):
        """Good events, a duplicate and a bad one in each batch."""
        for batch in range(batches):
            events = self.stream.slice(batch * 40, batch * 40 + 40)
            bad = dict(events[0], id=f"bad-{batch}", indicator="violence.no_such_thing")
            answer = daemon.post_events([*events, events[-1], bad])
            self.assertEqual(200, answer.status, answer)
            self.assertEqual({"records": 42, "accepted": 40, "duplicates": 1, "skipped": 0, "rejected": 1},
                             {key: value for key, value in answer.json.items() if key != "problems"})
            time.sleep(0.25)


class Scrape(Monitoring):
    def test_prometheus_scrapes_and_promtool_has_no_complaint(self):
        daemon = Daemon(self.path / "daemon", RULES)
        with daemon, Prometheus(self.path / "prometheus", scrape_configuration(self.path, daemon.port)) as prometheus:
            self.keep_busy(daemon, 20)
            wait_until(lambda: [target["health"] for target in prometheus.targets()] == ["up"],
                       lambda: f"the target to be up: {prometheus.targets()}")
            answer = daemon.get("/metrics")
            self.assertEqual("text/plain; version=0.0.4; charset=utf-8", answer.headers["Content-Type"])
            checked = subprocess.run(["promtool", "check", "metrics"], input=answer.body, capture_output=True)
            self.assertEqual((0, ""), (checked.returncode, (checked.stdout + checked.stderr).decode()))
            self.in_equals_out(daemon)
            self.only_the_watchdog_fires(prometheus)
            self.assertEqual(0, daemon.stop(), daemon.log_tail())

    def in_equals_out(self, daemon):
        """No input ends nowhere: records = events + skipped + dead letters."""
        metrics = {name: sum(value for sample, value in daemon.metrics().items() if sample.split("{")[0] == name)
                   for name in ("tocsin_records_total", "tocsin_events_total", "tocsin_skipped_records_total",
                                "tocsin_dead_letters_total")}
        self.assertEqual(20 * 42, metrics["tocsin_records_total"])
        self.assertEqual(metrics.pop("tocsin_records_total"), sum(metrics.values()), metrics)

    def only_the_watchdog_fires(self, prometheus):
        """Nor does any other begin to: one that waits (`for`) is pending from its first evaluation on."""
        def rules():
            groups = prometheus.get("/api/v1/rules")["data"]["groups"]
            return [rule for group in groups for rule in group["rules"]]
        wait_until(lambda: rules() and all(rule["health"] == "ok" for rule in rules()), lambda: f"healthy rules: {rules()}")
        states = {rule["name"]: rule["state"] for rule in rules() if rule["state"] != "inactive"}
        self.assertEqual({"TocsinWatchdog": "firing"}, states)

    def test_an_input_that_is_gone_is_told_and_holds_nothing_else_back(self):
        daemon = Daemon(self.path / "daemon", RULES, {
            "inputs": [{"name": "gone", "type": "file", "path": "gone.csv",
                        "mapping": str(SOURCE_DIR / "ingest/mappings/ucdp-ged.yaml")}]})
        self.addCleanup(daemon.__exit__)
        daemon.start()
        self.assertIn(b"gone.csv", daemon.get("/v1/status").body)
        self.keep_busy(daemon, 1)
        self.assertIn('tocsin_input_up{input="gone"}', daemon.metrics())
        self.assertEqual(0, daemon.metric("tocsin_input_up", input="gone"))
        # Its source has sent nothing, and is expected to.
        self.assertEqual(86400, daemon.metric("tocsin_source_expected_interval_seconds", source="ucdp-ged"))
        self.assertEqual(0, daemon.stop(), daemon.log_tail())

    def test_alerts_about_tocsin_itself_pass_their_tests(self):
        done = subprocess.run(["promtool", "test", "rules", DEPLOY / "prometheus/alerts_test.yml"], capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


class ShippedAlertmanager(Monitoring):
    """The configuration of Alertmanager that is shipped, with the Alertmanager of Debian."""

    FILE = DEPLOY / "alertmanager/alertmanager.yml"

    def test_amtool_has_no_complaint(self):
        done = subprocess.run(["amtool", "check-config", self.FILE], capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("4 inhibit rules", done.stdout)

    def test_every_key_that_shipped_rules_group_by_tells_alerts_apart(self):
        equal = set(re.search(r"equal: &group \[(.*)\]", self.FILE.read_text()).group(1).split(", "))
        keys = {"region"}
        for file in (SOURCE_DIR / "rules/sets").rglob("*.yaml"):
            for by in re.findall(r"^ +by: \[(.*)\]", file.read_text(), re.MULTILINE):
                keys |= {key.removeprefix("e.").removeprefix("attrs.").split("@")[0] for key in by.split(", ")}
        self.assertIn("target", keys)
        self.assertLessEqual(keys, equal)

    def test_a_level_mutes_those_below_of_its_own_group(self):
        with Alertmanager(self.path / "alertmanager", self.FILE.read_text()) as alertmanager:
            daemon = Daemon(self.path / "daemon", RULES, {
                "sinks": [{"name": "mirror", "type": "alertmanager", "urls": [alertmanager.url], "resend_interval": "1s"}]})

            def told():
                """Of each group of a rule: the levels that are told and those that are muted."""
                groups = collections.defaultdict(lambda: ({}, {}))
                for alert in alertmanager.alerts():
                    labels = dict(alert["labels"])
                    if "level" not in labels:
                        continue
                    level = labels.pop("level")
                    groups[tuple(sorted(labels.items()))][alert["status"]["state"] != "active"][level] = alert
                return groups.values()

            with daemon:
                self.keep_busy(daemon, 40)
                wait_until(lambda: any(muted for _, muted in told()), lambda: f"a muted level: {alertmanager.alerts()}")
                wait_until(lambda: all(len(active) == 1 for active, _ in told()),
                           lambda: f"one level of each group: {alertmanager.alerts()}")
                for active, muted in told():
                    for level in muted:
                        self.assertLess(LEVELS.index(level), LEVELS.index(*active))
                self.assertEqual(0, daemon.stop(), daemon.log_tail())


class Dashboard(Monitoring):
    def test_every_query_returns_data(self):
        with Broker(self.path / "kafka") as broker, WebhookRecorder() as webhook, \
                Alertmanager(self.path / "alertmanager") as alertmanager:
            broker.create_topic("court-watch")
            daemon = Daemon(self.path / "daemon", RULES, {
                "inputs": [{"name": "court", "type": "kafka", "brokers": broker.address, "topics": ["court-watch"]}],
                "sinks": [{"name": "desk", "type": "webhook", "url": webhook.url},
                          {"name": "mirror", "type": "alertmanager", "urls": [alertmanager.url]}],
            })
            court = EventStream("court-watch", ["justice.arbitrary_detention", "justice.court_session"], 7)
            broker.produce("court-watch", court.slice(0, 2000))
            with daemon, Prometheus(self.path / "prometheus", scrape_configuration(self.path, daemon.port)) as prometheus:
                self.keep_busy(daemon, 60)
                wait_until(lambda: prometheus.query("tocsin_alerts"), "alerts in Prometheus")
                checked = subprocess.run([sys.executable, "-B", HERE / "check_dashboard.py", "--prometheus", prometheus.url],
                                         capture_output=True, text=True)
                print(checked.stdout, flush=True)
                self.assertEqual(0, checked.returncode, checked.stdout + checked.stderr)
                self.assertEqual(0, daemon.stop(), daemon.log_tail())


if __name__ == "__main__":
    unittest.main()
