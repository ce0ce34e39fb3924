"""Fifty kills at random moments: no acknowledged event is lost or doubled, and the alert log is that
of a run that nobody interrupted."""

import collections
import json
import os
import pathlib
import random
import tempfile
import threading
import time
import unittest

from harness.daemon import SOURCE_DIR, Daemon, post_until_taken, run_tocsin
from harness.event_stream import EventStream, by_key, closing, format_time, opening, read_ndjson
from harness.kafka import Broker
from harness.waiting import wait_until

KILLS = int(os.environ.get("TOCSIN_KILLS", "50"))
SEED = int(os.environ.get("TOCSIN_SEED", "20261123"))
RULES = [SOURCE_DIR / "tests/integration/fixtures/rules/equality.yaml"]
HTTP_BATCH = 20
KAFKA_BATCH = 40
TOPIC = "court-watch"


def configuration(broker, log):
    return {
        "emit": "final",
        # Many small commits: more moments at which a kill can hurt.
        "commit_interval": "10ms",
        "sinks": [{"name": "log", "type": "log", "path": str(log)}],
        "inputs": [{"name": "court", "type": "kafka", "brokers": broker.address, "topics": [TOPIC], "group": "kill-loop"}],
    }


class Feeds:
    """The two feeds; both begin at the same day, so that neither runs ahead before the other is known."""

    def __init__(self):
        self.http = EventStream("monitor-net", ["violence.fatalities", "violence.riot",
                                                "rights.killing_by_security_forces"], SEED)
        self.kafka = EventStream("court-watch", ["justice.arbitrary_detention", "justice.inquiry_opened",
                                                 "justice.court_session"], SEED)
        self.http_sent = 0
        self.kafka_sent = 0

    def openings(self):
        return (opening("monitor-net", "violence.fatalities"), opening("court-watch", "justice.court_session"))

    def closings(self, number):
        last = max(self.http.time_of(self.http_sent), self.kafka.time_of(self.kafka_sent))
        return (closing("monitor-net", "rights.killing_by_security_forces", last, number) | {"value": 9},
                closing("court-watch", "justice.arbitrary_detention", last, number) | {"value": 200})

    def ids(self):
        """Every event that somebody was told is safe."""
        ids = {f"monitor-net-{n}" for n in range(self.http_sent)} | {f"court-watch-{n}" for n in range(self.kafka_sent)}
        for source in ("monitor-net", "court-watch"):
            ids |= {f"{source}-opening", f"{source}-closing-1", f"{source}-closing-2"}
        return ids


def open_feeds(daemon, broker, feeds):
    by_http, by_kafka = feeds.openings()
    broker.produce(TOPIC, [by_kafka])
    post_until_taken(lambda: daemon, [by_http], time.monotonic() + 30)
    wait_for_events(daemon, {"court-watch": 1})


def wait_for_events(daemon, counts):
    for source, count in counts.items():
        wait_until(lambda: daemon.metric("tocsin_events_total", source=source, outcome="accepted") >= count,
                   f"{count} events of {source}", alive=daemon._check_alive)


def close_feeds(daemon, broker, feeds):
    """The first closing event completes every window; it is itself complete, and an alert, by the second."""
    for number in (1, 2):
        by_http, by_kafka = feeds.closings(number)
        broker.produce(TOPIC, [by_kafka])
        post_until_taken(lambda: daemon, [by_http], time.monotonic() + 60)
    marker = feeds.closings(1)[0]["time"]
    for rule in ("fixture.equality/killings", "fixture.equality/detentions"):
        daemon.wait_for_alert(lambda alert: alert["rule"] == rule and alert["starts_at"] >= marker[:10],
                              f"the closing alert of {rule}", timeout=60)


def journal_ids(daemon):
    dump = run_tocsin("journal", "--data", daemon.data)
    return [event["id"] for event in map(json.loads, dump.stdout.splitlines()) if "id" in event]


class KillLoop(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tocsin-kill-loop-")
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def test_every_acknowledged_event_once_and_the_same_alerts(self):
        print(f"seed {SEED}, {KILLS} kills", flush=True)
        with Broker(self.path / "kafka") as broker:
            broker.create_topic(TOPIC)
            feeds = Feeds()
            killed = Daemon(self.path / "killed", RULES, configuration(broker, self.path / "killed.ndjson"))
            self.interrupted_run(killed, broker, feeds)
        with Broker(self.path / "kafka-2") as broker:
            broker.create_topic(TOPIC)
            calm = Daemon(self.path / "calm", RULES, configuration(broker, self.path / "calm.ndjson"))
            self.uninterrupted_run(calm, broker, feeds)

        counts = collections.Counter(journal_ids(killed))
        self.assertEqual([], [each for each, count in counts.items() if count > 1], "in the journal more than once")
        self.assertEqual(set(), feeds.ids() - counts.keys(), "acknowledged, but not in the journal")
        self.assertEqual(set(), counts.keys() - feeds.ids(), "in the journal, but never sent")

        log = read_ndjson(self.path / "killed.ndjson")
        print(f"{feeds.http_sent} events by HTTP until {format_time(feeds.http.time_of(feeds.http_sent))}, "
              f"{feeds.kafka_sent} by Kafka until {format_time(feeds.kafka.time_of(feeds.kafka_sent))}", flush=True)
        expected, found = by_key(read_ndjson(self.path / "calm.ndjson")), by_key(log)
        self.assertEqual(len(log), len(found), "a line of the alert log is doubled")
        self.assertGreater(len(expected), 50, "the feeds make too few alerts to prove anything")
        print(collections.Counter(transition["rule"] for transition in expected.values()), flush=True)
        rules = {transition["rule"] for transition in expected.values()}
        self.assertGreaterEqual(len(rules), 6, f"only these rules fired: {rules}")
        self.assertEqual(list(expected.items()), list(found.items()))
        print(f"{len(counts)} events, {len(expected)} alert transitions of {len(rules)} rules", flush=True)

    def interrupted_run(self, daemon, broker, feeds):
        chance = random.Random(SEED)
        over = threading.Event()
        failures = []

        def guarded(feed):
            def run():
                try:
                    while not over.is_set():
                        feed()
                except BaseException as failure:  # told by the main thread
                    failures.append(failure)
            return threading.Thread(target=run, daemon=True)

        def feed_http():
            batch = feeds.http.slice(feeds.http_sent, feeds.http_sent + HTTP_BATCH)
            post_until_taken(lambda: daemon, batch, time.monotonic() + 120)
            feeds.http_sent += HTTP_BATCH

        def feed_kafka():
            broker.produce(TOPIC, feeds.kafka.slice(feeds.kafka_sent, feeds.kafka_sent + KAFKA_BATCH))
            feeds.kafka_sent += KAFKA_BATCH

        daemon.start()
        open_feeds(daemon, broker, feeds)
        threads = [guarded(feed_http), guarded(feed_kafka)]
        for thread in threads:
            thread.start()
        taken_between = []
        for _ in range(KILLS):
            before = feeds.http_sent
            time.sleep(chance.uniform(0.0, 0.6))
            daemon.kill()
            taken_between.append(feeds.http_sent - before)
            # Some starts are killed too, in the middle of recovery.
            if chance.random() < 0.2:
                daemon.start(wait=False)
                time.sleep(chance.uniform(0.0, 0.3))
                daemon.kill()
            daemon.start()
            self.assertEqual([], failures)
        over.set()
        for thread in threads:
            thread.join(150)
        self.assertEqual([], failures)
        self.assertGreater(sum(1 for taken in taken_between if taken), KILLS // 3,
                           "most kills met an idle daemon")
        close_feeds(daemon, broker, feeds)
        self.assertEqual(0, daemon.stop(), daemon.log_tail())

    def uninterrupted_run(self, daemon, broker, feeds):
        daemon.start()
        open_feeds(daemon, broker, feeds)
        broker.produce(TOPIC, feeds.kafka.slice(0, feeds.kafka_sent))
        for begin in range(0, feeds.http_sent, HTTP_BATCH):
            post_until_taken(lambda: daemon, feeds.http.slice(begin, begin + HTTP_BATCH), time.monotonic() + 60)
        close_feeds(daemon, broker, feeds)
        self.assertEqual(0, daemon.stop(), daemon.log_tail())


if __name__ == "__main__":
    unittest.main()
