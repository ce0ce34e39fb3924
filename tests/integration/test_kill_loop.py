"""Kills at random moments under load by HTTP, file and Kafka at once: no acknowledged event is lost or doubled,
the alert log is that of a run that nobody interrupted, and the journal decided again gives the same state and log.

TOCSIN_KILLS asks for that many of each class below; TOCSIN_SEED for other moments."""

import collections
import datetime
import json
import os
import pathlib
import random
import tempfile
import threading
import time
import unittest

from harness.daemon import SOURCE_DIR, Daemon, post_until_taken, run_tocsin
from harness.event_stream import EventStream, by_key, closing, format_time, opening, read_ndjson, to_ndjson
from harness.kafka import Broker
from harness.waiting import wait_until

KILLS = int(os.environ.get("TOCSIN_KILLS", "10"))
SEED = int(os.environ.get("TOCSIN_SEED", "20261123"))
FIXTURES = SOURCE_DIR / "tests/integration/fixtures/rules"
HTTP_BATCH = 20
KAFKA_BATCH = 40
FILE_BATCH = 20
TOPIC = "court-watch"
# A hundred kills take years of event time, all of which must be past.
START = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)


def configuration(broker, log, feed):
    feed.touch()
    return {
        "emit": "final",
        # Many small commits: more moments at which a kill can hurt.
        "commit_interval": "10ms",
        "sinks": [{"name": "log", "type": "log", "path": str(log)}],
        "inputs": [{"name": "court", "type": "kafka", "brokers": broker.address, "topics": [TOPIC], "group": "kill-loop"},
                   {"name": "rights", "type": "file", "path": str(feed), "follow": True}],
    }


class Revisions(EventStream):
    """Some events come ten days late, and some of the last twenty are corrected or taken back."""

    def event(self, number):
        event = super().event(number)
        chance = random.Random(f"{self.seed}/revisions/{self.source}/{number}").random()
        if number < 700 or chance > 0.06:
            return event
        if chance > 0.03:
            return event | {"time": format_time(self.time_of(number) - datetime.timedelta(days=10))}
        revised = super().event(number - 1 - int(chance * 600))
        return revised | {"rev": number, "op": "retract" if chance < 0.01 else "correct", "value": event["value"]}


class Feeds:
    """The three feeds; all begin at the same day, so that none runs ahead before the others are known."""

    def __init__(self, stream):
        self.http = stream("monitor-net", ["violence.fatalities", "violence.riot",
                                           "rights.killing_by_security_forces"], SEED, start=START)
        self.kafka = stream("court-watch", ["justice.arbitrary_detention", "justice.inquiry_opened",
                                            "justice.court_session"], SEED, start=START)
        self.file = stream("rights-watch", ["rights.killing_by_security_forces", "justice.inquiry_opened"], SEED,
                           start=START)
        self.http_sent = 0
        self.kafka_sent = 0
        self.file_sent = 0

    def openings(self):
        return (opening("monitor-net", "violence.fatalities", START),
                opening("court-watch", "justice.court_session", START),
                opening("rights-watch", "justice.inquiry_opened", START))

    def closings(self, number):
        last = max(self.http.time_of(self.http_sent), self.kafka.time_of(self.kafka_sent),
                   self.file.time_of(self.file_sent))
        return (closing("monitor-net", "rights.killing_by_security_forces", last, number) | {"value": 9},
                closing("court-watch", "justice.arbitrary_detention", last, number) | {"value": 200},
                closing("rights-watch", "justice.inquiry_opened", last, number))

    def sent(self):
        """(id, rev) of every event that somebody was told is safe."""
        events = self.http.slice(0, self.http_sent) + self.kafka.slice(0, self.kafka_sent) + \
            self.file.slice(0, self.file_sent) + [*self.openings(), *self.closings(1), *self.closings(2)]
        return {(event["id"], event.get("rev", 0)) for event in events}


def append(path, events):
    with open(path, "ab", buffering=0) as file:
        file.write(to_ndjson(events))


def wait_for_journal(daemon, count):
    seen = [0]

    def is_there():
        try:
            seen[0] = daemon.metric("tocsin_journal_events")
        except OSError:
            pass
        return seen[0] >= count
    wait_until(is_there, lambda: f"{count} events in the journal, which has {seen[0]:.0f}\n{daemon.log_tail()}",
               alive=daemon._check_alive, timeout=300)


def open_feeds(daemon, broker, feed, feeds):
    by_http, by_kafka, by_file = feeds.openings()
    broker.produce(TOPIC, [by_kafka])
    append(feed, [by_file])
    post_until_taken(lambda: daemon, [by_http], time.monotonic() + 30)
    wait_for_journal(daemon, 3)


def close_feeds(daemon, broker, feed, feeds):
    """The first closing event completes every window; it is itself complete, and an alert, by the second."""
    for number in (1, 2):
        by_http, by_kafka, by_file = feeds.closings(number)
        broker.produce(TOPIC, [by_kafka])
        append(feed, [by_file])
        post_until_taken(lambda: daemon, [by_http], time.monotonic() + 60)
    wait_for_journal(daemon, len(feeds.sent()))


def wait_for_revisions(daemon):
    """The gauge is a second old, so it is believed when it has said so for two. After a revision the next
    one waits ten times as long as that took (`revision_share`)."""
    calm = [0]

    def is_calm():
        calm[0] = calm[0] + 1 if daemon.metric("tocsin_unrevised_events") == 0 else 0
        return calm[0] > 20
    wait_until(is_calm, "the revisions", alive=daemon._check_alive, timeout=900, interval=0.1)


def journal(daemon):
    dump = run_tocsin("journal", "--data", daemon.data, "--tlp-ceiling", "red")
    return [(event["id"], event.get("rev", 0)) for event in map(json.loads, dump.stdout.splitlines()) if "id" in event]


def standing(daemon):
    """Every alert that stands, in its last words; of the daemon, since sinks are not told of what is long over."""
    return sorted((each["rule"], sorted(each["group"].items()), each["level"], each["starts_at"], each.get("ends_at", ""))
                  for each in daemon.alerts() if each["action"] != "withdraw")


class Loop:
    maxDiff = 4000
    stream = EventStream
    longest = 0.6  # seconds between a start and the next kill

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tocsin-kill-loop-")
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.stands = []

    def test_every_acknowledged_event_once_and_the_same_alerts(self):
        print(f"seed {SEED}, {KILLS} kills", flush=True)
        feeds = Feeds(self.stream)
        daemons = {}
        for name, run in (("killed", self.interrupted_run), ("calm", self.uninterrupted_run)):
            with Broker(self.path / f"kafka-{name}") as broker:
                broker.create_topic(TOPIC)
                feed = self.path / f"{name}.feed"
                daemons[name] = Daemon(self.path / name, self.rules,
                                       configuration(broker, self.path / f"{name}.log", feed))
                self.addCleanup(daemons[name].__exit__)
                run(daemons[name], broker, feed, feeds)

        counts = collections.Counter(journal(daemons["killed"]))
        self.assertEqual([], [each for each, count in counts.items() if count > 1], "in the journal more than once")
        self.compare_journal(counts.keys(), feeds.sent())
        print(f"{feeds.http_sent} events by HTTP until {format_time(feeds.http.time_of(feeds.http_sent))}, "
              f"{feeds.file_sent} by file, {feeds.kafka_sent} by Kafka", flush=True)
        expected, log = (read_ndjson(self.path / f"{name}.log") for name in ("calm", "killed"))
        self.assertEqual(len(log), len(by_key(log)), "a line of the alert log is doubled")
        self.compare(by_key(expected), by_key(log))
        rebuilt = run_tocsin("rebuild", "--data", daemons["killed"].data, check=False)
        print(rebuilt.stdout.strip(), flush=True)
        self.assertEqual(0, rebuilt.returncode, rebuilt.stdout + rebuilt.stderr)

    def compare_journal(self, found, sent):
        self.assertEqual(set(), sent - found, "acknowledged, but not in the journal")
        self.assertEqual(set(), found - sent, "in the journal, but never sent")

    def compare(self, expected, found):
        self.assertGreater(len(expected), self.transitions, "the feeds make too few alerts to prove anything")
        print(collections.Counter(transition["rule"] for transition in expected.values()), flush=True)
        self.assertEqual(list(expected.items()), list(found.items()))

    def interrupted_run(self, daemon, broker, feed, feeds):
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
            while feeds.kafka_sent > feeds.http_sent + 20 * KAFKA_BATCH and not over.is_set():
                time.sleep(0.01)

        def feed_file():
            append(feed, feeds.file.slice(feeds.file_sent, feeds.file_sent + FILE_BATCH))
            feeds.file_sent += FILE_BATCH
            # Not far ahead of the others.
            while feeds.file_sent > feeds.http_sent and not over.is_set():
                time.sleep(0.01)

        daemon.start()
        open_feeds(daemon, broker, feed, feeds)
        threads = [guarded(feed_http), guarded(feed_kafka), guarded(feed_file)]
        for thread in threads:
            thread.start()
        taken_between = []
        for _ in range(KILLS):
            before = feeds.http_sent
            time.sleep(chance.uniform(0.0, self.longest))
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
        close_feeds(daemon, broker, feed, feeds)
        wait_for_revisions(daemon)
        self.stands.append(standing(daemon))
        self.assertEqual(0, daemon.stop(), daemon.log_tail())

    def uninterrupted_run(self, daemon, broker, feed, feeds):
        daemon.start()
        open_feeds(daemon, broker, feed, feeds)
        broker.produce(TOPIC, feeds.kafka.slice(0, feeds.kafka_sent))
        append(feed, feeds.file.slice(0, feeds.file_sent))
        for begin in range(0, feeds.http_sent, HTTP_BATCH):
            post_until_taken(lambda: daemon, feeds.http.slice(begin, begin + HTTP_BATCH), time.monotonic() + 60)
        close_feeds(daemon, broker, feed, feeds)
        wait_for_revisions(daemon)
        self.stands.append(standing(daemon))
        self.assertEqual(0, daemon.stop(), daemon.log_tail())


class OneOfEachKind(Loop, unittest.TestCase):
    rules = [FIXTURES / "equality.yaml"]
    transitions = 50


class ShippedRules(Loop, unittest.TestCase):
    rules = [SOURCE_DIR / "rules/sets"]
    transitions = 20


class LiveRules(Loop, unittest.TestCase):
    rules = [FIXTURES / "live.yaml"]
    transitions = 5


class WithRevisions(Loop, unittest.TestCase):
    """When a revision is decided depends on the clock, so only what stands in the end is the same."""

    rules = [FIXTURES / "equality.yaml"]
    transitions = 50
    stream = Revisions
    longest = 2.0

    def compare_journal(self, found, sent):
        # What was superseded before it came is no event of the journal.
        self.assertEqual(set(), found - sent, "in the journal, but never sent")

    def compare(self, expected, found):
        self.assertGreater(len(expected), self.transitions)
        actions = collections.Counter(each["action"] for each in found.values() if each.get("retroactive"))
        print(f"told by revisions: {dict(actions)}", flush=True)
        self.assertGreater(sum(actions.values()), 5)
        killed, calm = self.stands
        self.assertEqual([], [each for each in calm if each not in killed], "should stand")
        self.assertEqual([], [each for each in killed if each not in calm], "should not stand")


if __name__ == "__main__":
    unittest.main()
