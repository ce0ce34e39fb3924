#!/usr/bin/env python3
"""A daemon with the shipped rules, fed over HTTP as fast as it goes, at half of that, or at twice.

    tests/bench/live_bench.py latency               from an event's sending to its alert in the alert log
    tests/bench/live_bench.py soak --minutes 30     twice the sustainable rate: back-pressure, memory, loss

TOCSIN_BINARY names another daemon than that of preset `release`, for a comparison on the same machine.
"""

import argparse
import http.client
import json
import pathlib
import random
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
from harness.daemon import SOURCE_DIR, Daemon, run_tocsin  # noqa: E402
from harness.event_stream import REGIONS  # noqa: E402

RULES = [SOURCE_DIR / "rules/sets", pathlib.Path(__file__).with_name("probe.yaml")]
BATCH, BATCHES_A_DAY, SENDERS = 1000, 60, 16
# So many together have more under way than that queue takes, so that they must be told to wait.
OVERLOAD_SENDERS, OVERLOAD_QUEUE = 64, "4MiB"
FIRST_DAY = 3652  # 1980-01-01, in days since 1970: half an hour is some sixteen years, and must not reach today


def date_of(day):
    return time.strftime("%Y-%m-%d", time.gmtime(day * 86400))


class Feed:
    """Batches without end: each has ids of its own, and a sixtieth of a day of event time, out of order within the day."""

    def __init__(self):
        chance = random.Random(7)
        lines = [json.dumps({"id": f"b@N@-{i}", "source": "monitor-net", "indicator": chance.choice(["violence.fatalities", "violence.riot"]),
                             "time": "@D@T%02d:%02d:%02dZ" % (chance.randrange(24), chance.randrange(60), chance.randrange(60)),
                             "region": chance.choice(REGIONS), "value": chance.randint(1, 9)}) for i in range(BATCH)]
        self.template = "\n".join(lines).encode()
        self.number = 0
        self.lock = threading.Lock()

    def day(self):
        return FIRST_DAY + self.number // BATCHES_A_DAY

    def next(self):
        with self.lock:
            number, self.number = self.number, self.number + 1
        return number

    def body(self, number):
        """Of today, also when it had to wait: here a second of waiting is a day of event time."""
        return self.template.replace(b"@N@", b"%d" % number).replace(b"@D@", date_of(self.day()).encode())


class Load:
    """Senders that send `rate` events a second, all together, or less when they are answered late; None: as fast as
    they are answered."""

    def __init__(self, daemon, feed, rate, senders=SENDERS):
        self.daemon, self.feed, self.senders = daemon, feed, senders
        self.pause = senders * BATCH / rate if rate else 0  # from one request of a sender to its next
        self.taken = self.refused = self.failed = 0
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.started = time.monotonic()
        self.threads = [threading.Thread(target=self.send, args=(i,)) for i in range(senders)]
        for thread in self.threads:
            thread.start()

    def send(self, sender):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=120)
        sent = 0
        while not self.stopped.is_set():
            if self.pause:
                due = self.started + (sent + sender / self.senders) * self.pause
                if self.stopped.wait(max(0, due - time.monotonic())):
                    break
            sent += 1
            number = self.feed.next()
            while not self.stopped.is_set():
                connection.request("POST", "/v1/events", self.feed.body(number), {"Content-Type": "application/x-ndjson"})
                answer = connection.getresponse()
                text = answer.read()
                with self.lock:
                    self.taken += json.loads(text)["accepted"] if answer.status == 200 else 0
                    self.refused += answer.status == 429
                    self.failed += answer.status not in (200, 429)
                if answer.status != 429:
                    break
                self.stopped.wait(float(answer.getheader("Retry-After", "1")))
        connection.close()

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        return self.taken / (time.monotonic() - self.started)


class AlertLog:
    """Seconds until a probe's alert stands in the log."""

    def __init__(self, path):
        path.touch()
        self.file = open(path, "rb")
        self.rest = b""

    def wait_for(self, event, timeout=60):
        mark = f'"{event}"'.encode()
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.rest += self.file.read()
            *lines, self.rest = self.rest.split(b"\n")
            if any(b'"bench/probe"' in line and mark in line and b'"action":"fire"' in line for line in lines):
                return True
            time.sleep(0.0005)
        return False


def probe(daemon, feed, log, number):
    event = {"id": f"probe-{number}", "source": "monitor-net", "indicator": "violence.riot", "tags": ["probe"],
             "time": date_of(feed.day() + 1) + "T%02d:%02d:00Z" % (number // 60 % 24, number % 60), "region": REGIONS[number % len(REGIONS)]}
    sent = time.monotonic()
    answer = daemon.post_events([event])
    if answer.status != 200:
        return None
    if not log.wait_for(event["id"]):
        raise SystemExit(f"{event} raised no alert:\n{daemon.log_tail()}")
    return time.monotonic() - sent


def tell(name, seconds):
    ms = sorted(1000 * s for s in seconds)
    print(f"{name:24} {len(ms):5} probes  p50 {statistics.median(ms):7.1f} ms  p99 {ms[int(len(ms) * 0.99)]:7.1f} ms  max {ms[-1]:7.1f} ms",
          flush=True)


def sustainable(daemon, feed, seconds, senders=SENDERS):
    load = Load(daemon, feed, None, senders)
    time.sleep(seconds)
    return load.stop()


def start(folder, configuration=None):
    log = pathlib.Path(folder) / "alerts.ndjson"
    return Daemon(pathlib.Path(folder) / "daemon", RULES, {"sinks": [{"name": "log", "type": "log", "path": str(log)}]} | (configuration or {})), log


def latency(options):
    with tempfile.TemporaryDirectory(prefix="tocsin-latency-", dir=options.folder) as folder:
        daemon, path = start(folder)
        with daemon:
            feed = Feed()
            sustainable(daemon, feed, options.seconds)  # until groups and caches are there
            rate = sustainable(daemon, feed, options.seconds)
            print(f"sustainable: {rate:,.0f} events/s from {SENDERS} senders of {BATCH} a request", flush=True)
            chance, number = random.Random(1), 0
            for name, part in (("at rest", None), ("at half load", 0.5)):
                load = Load(daemon, feed, rate * part) if part else None
                if load:
                    time.sleep(5)
                log, seconds = AlertLog(path), []
                while len(seconds) < options.probes:
                    number += 1
                    took = probe(daemon, feed, log, number)
                    if took is not None:
                        seconds.append(took)
                    time.sleep(0.05 + 0.2 * chance.random())
                if load:
                    print(f"load: {load.stop():,.0f} events/s, {load.refused} times told to wait")
                tell(name, seconds)
            assert daemon.stop() == 0, daemon.log_tail()


def resident(daemon):
    return daemon.metric("process_resident_memory_bytes") / 2**20


def soak(options):
    with tempfile.TemporaryDirectory(prefix="tocsin-soak-", dir=options.folder) as folder:
        daemon, _ = start(folder, {"queue_bytes": OVERLOAD_QUEUE})
        with daemon:
            feed = Feed()
            sustainable(daemon, feed, options.seconds, OVERLOAD_SENDERS)
            rate = sustainable(daemon, feed, options.seconds, OVERLOAD_SENDERS)
            before = daemon.metric("tocsin_events_total")
            print(f"sustainable: {rate:,.0f} events/s; now twice that for {options.minutes} min", flush=True)
            load, memory = Load(daemon, feed, 2 * rate, OVERLOAD_SENDERS), []
            for minute in range(1, options.minutes + 1):
                time.sleep(60)
                memory.append(resident(daemon))
                print(f"{minute:3} min  {load.taken:>12,} taken  {load.refused:>8,} times told to wait  "
                      f"{memory[-1]:7.0f} MiB  queue {daemon.metric('tocsin_queue_bytes') / 2**20:5.1f} MiB", flush=True)
            taken = load.stop()
            third = len(memory) // 3
            print(f"taken: {taken:,.0f} events/s, {load.taken:,} events; told to wait {load.refused:,} times; "
                  f"failed {load.failed}; memory: {max(memory[third:-third] or memory):.0f} MiB at most in the second third, "
                  f"{max(memory[-third:]):.0f} in the last")
            assert daemon.stop() == 0, daemon.log_tail()
        sent = feed.number * BATCH
        verified = json.loads(run_tocsin("verify", "--data", daemon.data, "--format", "json", timeout=3600).stdout)
        print(f"{sent:,} sent, {load.taken + before:,.0f} acknowledged; `tocsin verify` reads {verified['events']:,} in the journal, "
              f"each with its id, and says that it is {'sound' if verified['sound'] else 'damaged'}")
        if load.failed or load.refused == 0 or not verified["sound"] or verified["events"] != load.taken + before:
            raise SystemExit("this is not as it should be")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["latency", "soak"])
    parser.add_argument("--seconds", type=int, default=20, help="to find out the sustainable rate (default 20)")
    parser.add_argument("--probes", type=int, default=200, help="of each kind (default 200)")
    parser.add_argument("--minutes", type=int, default=30, help="of soak (default 30)")
    parser.add_argument("--folder", help="where the data goes (default: the temporary folder)")
    options = parser.parse_args()
    latency(options) if options.what == "latency" else soak(options)


if __name__ == "__main__":
    main()
