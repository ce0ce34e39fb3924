"""The daemon ends by SIGKILL before, in the middle of, and after each kind of call that changes something
outside of it: write, sync, send, rename, unlink, truncate, of every thread, on every kind of file and on
sockets (tests/support/crash_at.cc). Every third restart is ended in the same way. After that and the rest of
the feed, journal, state, alert log and what a webhook was told are those of a run without a crash, by (id, seq).

TOCSIN_CRASHES asks for that many crashes a feed, or `all`; TOCSIN_SEED for others."""

import collections
import datetime
import http.client
import json
import os
import pathlib
import random
import tempfile
import time
import unittest

from harness.daemon import SOURCE_DIR, Daemon, post_until_taken, run_tocsin
from harness.event_stream import EventStream, by_key, closing, format_time, opening, read_ndjson, to_ndjson
from harness.kafka import Broker
from harness.waiting import wait_until
from harness.webhook_recorder import WebhookRecorder

CRASH_AT = os.environ.get("TOCSIN_CRASH_AT", str(SOURCE_DIR / "build/release/tests/support/libcrash_at.so"))
CRASHES = os.environ.get("TOCSIN_CRASHES")
SEED = int(os.environ.get("TOCSIN_SEED", "20261127"))
RULES = [SOURCE_DIR / "tests/integration/fixtures/rules/equality.yaml"]
SOURCE = "monitor-net"
CHUNK = 40
CHUNKS = 24


def steps():
    """What is fed, in order: lists of events, and how many of them are accepted."""
    stream = EventStream(SOURCE, ["violence.fatalities", "violence.riot", "rights.killing_by_security_forces"], SEED)
    feed = [([opening(SOURCE, "violence.fatalities")], 1)]
    for number in range(CHUNKS):
        chunk = stream.slice(number * CHUNK, (number + 1) * CHUNK)
        feed.append((chunk, len(chunk)))
        if number % 4 == 1:
            feed.append((chunk[: CHUNK // 2], 0))
        newest = stream.time_of((number + 1) * CHUNK)
        if number % 3 == 2:
            late = newest - datetime.timedelta(days=10)
            feed.append(([{"id": f"late-{number}", "source": SOURCE, "indicator": "violence.fatalities",
                           "time": format_time(late), "region": "XA-NO", "value": 90}], 1))
            feed.append(([chunk[5] | {"rev": 1, "op": "correct", "value": 70}], 1))
        if number % 5 == 4:
            feed.append(([chunk[7] | {"rev": 1, "op": "retract"}], 1))
    last = stream.time_of(CHUNKS * CHUNK)
    for number in (1, 2):
        feed.append(([closing(SOURCE, "rights.killing_by_security_forces", last, number) | {"value": 9}], 1))
    return feed


def whole_lines(path):
    """Of a log whose daemon may have died in the middle of one."""
    return path.read_bytes().count(b"\n")


class Matrix:
    """One way in; the tests are those of the classes below."""

    maxDiff = 4000

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tocsin-crash-matrix-")
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.feed = steps()
        self.second = None  # the environment of the next restart

    def test_every_step(self):
        trace = self.path / "trace"
        calm = self.run_feed("calm", {"TOCSIN_CRASH_TRACE": str(trace)})
        self.assertGreater(len(calm["log"]), 30, "the feed makes too few alerts to prove anything")
        actions = collections.Counter(transition["action"] for transition in calm["log"].values())
        self.assertGreater(actions["withdraw"] + actions["update"], 3, actions)
        met = collections.Counter(trace.read_text().splitlines())
        points = self.choose(met)
        print(f"seed {SEED}, {len(met)} kinds of steps, {sum(met.values())} calls, {len(points)} crashes", flush=True)
        crashed = 0
        for number, point in enumerate(points):
            second = points[(number * 7 + 3) % len(points)].rsplit(" ", 2)[0] if number % 3 == 2 else None
            with self.subTest(crash=point, second=second):
                self.second = {"LD_PRELOAD": CRASH_AT, "TOCSIN_CRASH": f"{second} 1 after"} if second else None
                run = self.run_feed(f"crash-{number}", {"TOCSIN_CRASH": point})
                crashed += run["crashed"]
                self.assertEqual(calm["journal"], run["journal"])
                self.assertEqual(list(calm["log"].items()), list(run["log"].items()))
                self.assertEqual(run["lines"], len(run["log"]), "a line of the alert log is doubled")
                self.assertEqual(calm["log"], dict(sorted(run["webhook"].items(), key=self.order(calm["log"]))))
        print(f"{crashed} of {len(points)} crashes came to be", flush=True)
        self.assertGreaterEqual(crashed, len(points) * 2 // 3)

    @staticmethod
    def order(log):
        places = {key: place for place, key in enumerate(log)}
        return lambda item: places.get(item[0], len(places))

    crashes = "16"

    def choose(self, met):
        """Each kind of step at its first, a middle and its last call; a part of all, evenly over the kinds."""
        chance = random.Random(SEED)
        by_kind = []
        for kind, count in sorted(met.items()):
            calls = sorted({1, (count + 1) // 2, count})
            halves = ["half"] if kind.split()[1] in ("write", "send") else []
            points = [f"{kind} {call} {where}" for call in calls for where in ["before", *halves, "after"]]
            chance.shuffle(points)
            by_kind.append(points)
        chance.shuffle(by_kind)
        points = [points[rank] for rank in range(max(map(len, by_kind))) for points in by_kind if rank < len(points)]
        return points if CRASHES == "all" else points[: int(CRASHES or self.crashes)]

    def run_feed(self, name, environment):
        """Feeds everything; when the daemon dies it is started again, and goes on without a plan to die."""
        log = self.path / f"{name}.ndjson"
        self.begin(name)
        with WebhookRecorder() as webhook:
            daemon = Daemon(self.path / name, RULES, {
                "emit": "final",
                "revision_share": 0,
                "commit_interval": "5ms",
                "checkpoint_interval": "300ms",
                "heartbeat_interval": "1h",
                "inputs": self.inputs(name),
                "sinks": [{"name": "log", "type": "log", "path": str(log)},
                          {"name": "hook", "type": "webhook", "url": webhook.url, "heartbeat_interval": "0s"}],
            })
            self.crashed = False
            self.start(daemon, {"LD_PRELOAD": CRASH_AT} | environment)
            accepted = 0
            for events, count in self.feed:
                accepted += count
                self.deliver(daemon, name, events, accepted)
            wait_until(lambda: self.revive(daemon) and len(by_key(webhook.transitions())) >= whole_lines(log),
                       "the webhook", timeout=60)
            while daemon.stop() != 0:  # each plan to die is carried out once
                self.revive(daemon)
            lines = read_ndjson(log)
            journal = [event for event in map(json.loads, run_tocsin("journal", "--data", daemon.data).stdout.splitlines())]
            rebuilt = run_tocsin("rebuild", "--data", daemon.data, check=False)
            self.assertEqual(0, rebuilt.returncode, rebuilt.stdout + rebuilt.stderr)
            return {"journal": journal, "log": by_key(lines), "lines": len(lines),
                    "webhook": by_key(webhook.transitions()), "crashed": self.crashed}

    def start(self, daemon, environment):
        try:
            daemon.start(environment=environment)
        except AssertionError:
            self.revive(daemon)

    def revive(self, daemon):
        if daemon.process.poll() is not None:
            self.assertEqual(-9, daemon.process.returncode, daemon.log_tail())
            self.crashed = True
            second, self.second = self.second, None
            self.start(daemon, second or {})
        return True

    def wait_for(self, daemon, accepted):
        def is_there():
            self.revive(daemon)
            try:
                return daemon.metric("tocsin_journal_events") >= accepted
            except (OSError, http.client.HTTPException):
                return False
        wait_until(is_there, f"{accepted} events in the journal", timeout=60, interval=0.005)

    def begin(self, name):
        pass


class ByHttp(Matrix, unittest.TestCase):
    def inputs(self, name):
        return []

    def deliver(self, daemon, name, events, accepted):
        def alive():
            self.revive(daemon)
            return daemon
        post_until_taken(alive, events, time.monotonic() + 60)


class ByFile(Matrix, unittest.TestCase):
    crashes = "3"  # each run waits for the file to be looked at, step by step

    def feed_of(self, name):
        return self.path / f"{name}.feed"

    def begin(self, name):
        self.feed_of(name).touch()

    def inputs(self, name):
        return [{"name": "feed", "type": "file", "path": str(self.feed_of(name)), "follow": True}]

    def deliver(self, daemon, name, events, accepted):
        with open(self.feed_of(name), "ab", buffering=0) as feed:
            feed.write(to_ndjson(events))
        self.wait_for(daemon, accepted)


class ByKafka(Matrix, unittest.TestCase):
    crashes = "4"

    def setUp(self):
        super().setUp()
        self.broker = Broker(self.path / "kafka")
        self.broker.__enter__()
        self.addCleanup(self.broker.__exit__)

    def begin(self, name):
        self.broker.create_topic(name)

    def inputs(self, name):
        return [{"name": "feed", "type": "kafka", "brokers": self.broker.address, "topics": [name], "group": name}]

    def deliver(self, daemon, name, events, accepted):
        self.broker.produce(name, events)
        self.wait_for(daemon, accepted)


if __name__ == "__main__":
    unittest.main()
