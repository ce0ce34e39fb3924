"""Seeded, endless streams of events for runs that are interrupted and runs that are not.

The n-th event of a stream depends on the seed and n alone, so that a second run can be fed exactly
what the first one took, however often that one was killed.
"""

import datetime
import json
import random

START = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
# Of countries that do not exist (rules/catalogue/fictional.yaml): test data shall claim nothing about real ones.
REGIONS = ["XA-NO", "XA-CO", "XA-HI", "XA-PO", "XA-SU", "XB-EA", "XB-LA", "XB-OA"]


def format_time(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def opening(source, indicator, start=START):
    """First event of a feed: both feeds must be known before windows close, whichever comes first."""
    return {"id": f"{source}-opening", "source": source, "indicator": indicator,
            "time": format_time(start), "region": REGIONS[0], "value": 1}


def closing(source, indicator, last, number):
    """Moves the watermark of a feed far past `last`, so that every window of the run is closed."""
    time = last + datetime.timedelta(days=60 * number)
    return {"id": f"{source}-closing-{number}", "source": source, "indicator": indicator,
            "time": format_time(time), "region": REGIONS[0], "value": 1}


class EventStream:
    """Events of one feed, about `per_day` a day of event time, out of order by at most `disorder`."""

    def __init__(self, source, indicators, seed, per_day=60, disorder=datetime.timedelta(hours=24), start=START):
        self.source = source
        self.indicators = indicators
        self.seed = seed
        self.step = datetime.timedelta(days=1) / per_day
        self.disorder = disorder
        self.start = start

    def time_of(self, number):
        """In-order time of the n-th event; its own time is at most `disorder` earlier."""
        return self.start + self.disorder + number * self.step

    def event(self, number):
        # A generator of its own for each event: any event can be made again by itself.
        chance = random.Random(f"{self.seed}/{self.source}/{number}")
        # Half of the regions are calm for two months out of three, so that alerts also end.
        calm = int(number * self.step / datetime.timedelta(days=30)) % 3 != 0
        region = chance.choice(REGIONS[:4] if calm else REGIONS)
        indicator = chance.choice(self.indicators)
        time = self.time_of(number) - chance.random() * self.disorder
        return {"id": f"{self.source}-{number}", "source": self.source, "indicator": indicator,
                "time": format_time(time), "region": region, "value": chance.randint(1, 9)}

    def slice(self, begin, end):
        return [self.event(number) for number in range(begin, end)]


def to_ndjson(events):
    return "".join(json.dumps(event) + "\n" for event in events).encode()


def read_ndjson(path):
    return [json.loads(line) for line in path.read_bytes().splitlines() if line]


def by_key(transitions):
    """{(id, seq): transition} in the order of the log; a key seen twice must have the same content."""
    log = {}
    for transition in transitions:
        key = (transition["id"], transition["seq"])
        if key in log and log[key] != transition:
            raise AssertionError(f"{key} was told twice with different content:\n{log[key]}\n{transition}")
        log[key] = transition
    ordered = sorted(log.items(), key=lambda item: (item[1]["at"], item[1]["rule"], *item[0]))
    return dict(ordered)
