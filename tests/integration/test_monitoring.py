"""Prometheus (Debian's own) scrapes the daemon, promtool likes every metric, the shipped rules load,
and every query of the dashboard returns data from a daemon at work."""

import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

from harness.daemon import SOURCE_DIR, Daemon
from harness.event_stream import EventStream
from harness.monitoring import Alertmanager, Prometheus
from harness.waiting import wait_until
from harness.webhook_recorder import WebhookRecorder

HERE = pathlib.Path(__file__).parent
DEPLOY = SOURCE_DIR / "deploy"


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

    def keep_busy(self, daemon, stream, batches):
        """Good events, a duplicate, a late one and a bad one in each batch."""
        for batch in range(batches):
            events = stream.slice(batch * 40, batch * 40 + 40)
            bad = dict(events[0], id=f"bad-{batch}", indicator="violence.no_such_thing")
            answer = daemon.post_events([*events, events[-1], bad])
            self.assertEqual(200, answer.status, answer)
            time.sleep(0.25)

    def test_scrape_metrics_dashboard_and_rules(self):
        with WebhookRecorder() as webhook, Alertmanager(self.path / "alertmanager") as alertmanager:
            daemon = Daemon(self.path / "daemon", [SOURCE_DIR / "tests/integration/fixtures/rules/equality.yaml"], {
                "sinks": [{"name": "desk", "type": "webhook", "url": webhook.url},
                          {"name": "mirror", "type": "alertmanager", "urls": [alertmanager.url]}],
            })
            with daemon, Prometheus(self.path / "prometheus", scrape_configuration(self.path, daemon.port)) as prometheus:
                stream = EventStream("monitor-net", ["violence.fatalities", "violence.riot", "rights.killing_by_security_forces"], 7)
                self.keep_busy(daemon, stream, 60)

                targets = prometheus.targets()
                self.assertEqual(["up"], [target["health"] for target in targets], targets)
                answer = daemon.get("/metrics")
                self.assertEqual("text/plain; version=0.0.4; charset=utf-8", answer.headers["Content-Type"])
                checked = subprocess.run(["promtool", "check", "metrics"], input=answer.body, capture_output=True)
                self.assertEqual((0, ""), (checked.returncode, (checked.stdout + checked.stderr).decode()))

                wait_until(lambda: prometheus.query("tocsin_alerts"), "alerts in Prometheus")
                dashboard = subprocess.run([sys.executable, HERE / "check_dashboard.py", "--prometheus", prometheus.url],
                                           capture_output=True, text=True)
                self.assertEqual(0, dashboard.returncode, dashboard.stdout + dashboard.stderr)
                print(dashboard.stdout, flush=True)
                self.no_rule_fails(prometheus)
                self.assertEqual(0, daemon.stop(), daemon.log_tail())

    def no_rule_fails(self, prometheus):
        """The shipped alerts load and evaluate; the one that always fires does."""
        def rules():
            groups = prometheus.get("/api/v1/rules")["data"]["groups"]
            return [rule for group in groups for rule in group["rules"]]
        wait_until(lambda: all(rule["health"] == "ok" for rule in rules()) and rules(), lambda: f"healthy rules: {rules()}")
        firing = {rule["name"] for rule in rules() if rule["type"] == "alerting" and rule["state"] == "firing"}
        self.assertEqual({"TocsinWatchdog"}, firing, "of the alerts about tocsin itself only the watchdog fires")

    def test_rules_about_tocsin_itself_pass_their_tests(self):
        done = subprocess.run(["promtool", "test", "rules", DEPLOY / "prometheus/alerts_test.yml"], capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
