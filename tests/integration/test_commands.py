"""Commands beside a daemon that comes and goes: what is shown stays true, and what was set aside is not lost."""

import json
import pathlib
import subprocess
import tempfile
import unittest

from harness.daemon import BINARY, SOURCE_DIR, Daemon, run_tocsin
from harness.event_stream import REGIONS
from harness.waiting import free_ports, wait_until

RULES = [SOURCE_DIR / "tests/integration/fixtures/rules/live.yaml"]
TABLE = """
tocsin: mapping/1
name: table
source: monitor-net
format: ndjson
events:
  - {id: row.number, indicator: violence.riot, time: row.day, region: row.where, value: row.dead}
"""


def killing(number, **changes):
    return {"id": f"k-{number}", "source": "rights-watch", "indicator": "rights.killing_by_security_forces",
            "time": f"2024-05-0{number}T12:00:00Z", "region": REGIONS[number], "value": 9} | changes


class Commands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-commands-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def tocsin(self, daemon, *arguments, **options):
        return run_tocsin(*arguments, "--url", daemon.url, **options)

    def test_watch_goes_on_over_a_restart_and_says_so(self):
        port, = free_ports(1)
        with Daemon(self.path / "daemon", RULES, {"http": {"listen": f"127.0.0.1:{port}"}}) as daemon:
            shown, told = self.path / "shown", self.path / "told"
            with open(shown, "wb") as out, open(told, "wb") as err:
                watching = subprocess.Popen([BINARY, "alerts", "--watch", "--url", daemon.url], stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=err)
            try:
                wait_until(lambda: "nothing fires" in shown.read_text(), "the first look")
                self.assertEqual(0, daemon.stop(), daemon.log_tail())
                wait_until(lambda: "no answer since" in told.read_text(), "word that nobody answers")
                daemon.start()
                self.assertEqual(200, daemon.post_events([killing(1)]).status)
                wait_until(lambda: "fixture.live/" in shown.read_text(), lambda: f"the alert: {shown.read_text()}")
                self.assertIsNone(watching.poll())
            finally:
                watching.kill()
                watching.wait()

    def test_last_arrival_is_that_of_the_source_and_not_of_the_restart(self):
        def arrivals(daemon):
            return {source["name"]: source["last_arrival"] for source in daemon.get("/v1/status").json["sources"]}

        for end in (Daemon.stop, Daemon.kill):
            with self.subTest(end=end.__name__), Daemon(self.path / end.__name__, RULES) as daemon:
                self.assertEqual(200, daemon.post_events([killing(1)]).status)
                name = "tocsin_source_last_arrival_timestamp_seconds"
                before = wait_until(lambda: daemon.metric(name, source="rights-watch"), "the arrival to be told")
                listed = arrivals(daemon)
                end(daemon)
                daemon.start()
                self.assertEqual(before, daemon.metric(name, source="rights-watch"))
                self.assertEqual(listed, arrivals(daemon))
                self.assertIn(listed["rights-watch"], self.tocsin(daemon, "status").stdout)
                self.assertEqual(["rights-watch"], list(arrivals(daemon)), "of others there is nothing to tell")

    def test_dead_letters_are_replayed_as_they_came_or_stay(self):
        (self.path / "table.yaml").write_text(TABLE)
        (self.path / "table.ndjson").write_text('{"number":"1","day":"2024-05-01","where":"XX-NOWHERE","dead":1}\n')
        catalogue = self.path / "more.yaml"
        daemon = Daemon(self.path / "daemon", RULES, {
            "catalogue": [str(SOURCE_DIR / "rules/catalogue"), str(catalogue)],
            "inputs": [{"name": "table", "type": "file", "path": str(self.path / "table.ndjson"),
                        "mapping": str(self.path / "table.yaml")}]})
        catalogue.write_text("tocsin: catalogue/1\nsources: {}\n")
        with daemon:
            daemon.post_events([killing(1, source="new-desk"), killing(2, indicator="rights.unheard_of")])
            cloud = {"specversion": "1.0", "type": "t", "source": "new-desk", "id": "cloud", "time": "2024-05-03T00:00:00Z",
                     "data": {"indicator": "rights.killing_by_security_forces", "region": REGIONS[3], "value": 9}}
            daemon.request("POST", "/v1/events", json.dumps(cloud).encode(), content_type="application/cloudevents+json")

            def letters():
                listed = self.tocsin(daemon, "dead-letters", "list", "--format", "json").stdout
                return {letter["number"]: letter for letter in map(json.loads, listed.splitlines())}

            before = wait_until(lambda: len(letters()) == 4 and letters(), "four dead letters")
            for reason in {letter["reason"] for letter in before.values()}:
                self.assertIn(f'msg="records cannot be used and are kept as dead letters" reason={reason} ', daemon.log_tail())
            self.assertEqual(0, daemon.stop(), daemon.log_tail())
            catalogue.write_text("tocsin: catalogue/1\nsources:\n"
                                 "  new-desk: {title: A new desk, indicators: [rights.killing_by_security_forces]}\n")
            daemon.start()
            replayed = self.tocsin(daemon, "dead-letters", "replay", check=False)
            self.assertEqual(1, replayed.returncode, replayed.stderr)
            self.assertEqual("2 of 4 taken\n", replayed.stdout, replayed.stderr)
            self.assertEqual(2, daemon.metric("tocsin_journal_events"))
            left = letters()
            self.assertEqual(sorted(left), sorted(number for number, letter in before.items()
                                                  if letter["stream"] == "file/table" or "unheard_of" in letter["message"]))
            self.assertEqual({number: before[number] for number in left}, left, "the same letters, not copies of them")
            self.assertEqual("0 of 2 taken\n", self.tocsin(daemon, "dead-letters", "replay", check=False).stdout)


if __name__ == "__main__":
    unittest.main()
