#!/usr/bin/env python3
"""Writes two years in the life of two countries that DO NOT EXIST, as event/1 NDJSON in order of time.

After a year of calm, which rules need as a baseline, Qamaria (XA) slides from quiet exclusion into
violence; Zarqana (XB), its neighbour, has the same everyday noise and stays calm. Places, people and numbers are invented; only the pattern, the order
in which such things tend to come, is taken from the field. The same seed gives the same bytes.

Standard library only.  generate.py [--seed N] [--start YYYY-MM-DD] > scenario.ndjson
"""

import argparse
import datetime
import json
import random
import signal
import sys

QAMARIA = ["XA-NO", "XA-CO", "XA-HI", "XA-PO", "XA-SU"]
ZARQANA = ["XB-EA", "XB-LA", "XB-OA"]
# The story is told in days after this one.
CALM_DAYS = 400
DAYS = CALM_DAYS + 365

# Everyday life, in both countries: (source, indicator, chance a week and region, value range, attrs).
# A desk sees such things all year round; rules must tell the story below from this noise.
BACKGROUND = [
    ("monitor-net", "violence.protest", 0.45, (60, 300), {"violent": False}),
    ("monitor-net", "violence.riot", 0.04, (20, 80), {}),
    ("court-watch", "justice.arbitrary_detention", 0.12, (1, 3), {"charged": False}),
    ("court-watch", "justice.trial_irregularity", 0.06, None, {"kind": "delay"}),
    ("audit-watch", "corruption.service_bribe_report", 0.20, (1, 4), {"service": "permits"}),
    ("rights-watch", "exclusion.public_service_denied", 0.06, (2, 10), {"service": "papers"}),
    ("peace-desk", "resilience.local_agreement", 0.05, None, {}),
    # A feed that has told something once and then falls silent holds the rules back that wait for it.
    ("centre-desk", "economy.strike", 0.25, (50, 400), {}),
    ("csirt-feed", "threat.cyber_attack", 0.20, None, {"target": "finance"}),
]


class Chronicle:
    """Collects events; numbers them once they are in order."""

    def __init__(self, seed, start):
        self.chance = random.Random(seed)
        self.start = start
        self.events = []

    def tell(self, day, source, indicator, region, value=None, confidence=None, tags=(), **attrs):
        """One event on a day of the story, at a random minute of it."""
        time = self.start + datetime.timedelta(days=CALM_DAYS + day, minutes=self.chance.randrange(6 * 60, 20 * 60))
        event = {"source": source, "indicator": indicator, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                 "region": region}
        if value is not None:
            event["value"] = value
        if confidence is not None:
            event["confidence"] = confidence
        event["tags"] = ["fictional", *tags]
        event["tlp"] = "clear"  # nobody is to be protected here
        if attrs:
            event["attrs"] = attrs
        self.events.append(event)

    def between(self, low, high):
        return self.chance.randint(low, high)

    def spread(self, first, last, count):
        """`count` days between `first` and `last`, in order."""
        return sorted(self.between(first, last) for _ in range(count))

    def in_order(self):
        ordered = sorted(self.events, key=lambda event: (event["time"], event["source"], event["indicator"], event["region"]))
        return [{"id": f"qz-{number:05d}", **event} for number, event in enumerate(ordered, 1)]


def tell_everyday_life(chronicle):
    for first in range(-CALM_DAYS, DAYS - CALM_DAYS - 6, 7):
        for region in QAMARIA + ZARQANA:
            # Monitors and courts report each week, also that nothing happened.
            chronicle.tell(first + 1, "monitor-net", "exclusion.civic_space_report", region,
                           chronicle.between(0, 1), monitor=f"m-{region.lower()}")
            if not (region == "XA-HI" and first >= 252):  # the court of the High Wadi closes its doors
                chronicle.tell(first + 2, "court-watch", "justice.court_session", region,
                               chronicle.between(3, 9), court=f"court of {region}")
            for source, indicator, rate, values, attrs in BACKGROUND:
                if chronicle.chance.random() < rate:
                    value = chronicle.between(*values) if values else None
                    chronicle.tell(first + chronicle.between(0, 6), source, indicator, region, value, **attrs)
    for day in range(-CALM_DAYS + 20, DAYS - CALM_DAYS, 91):
        chronicle.tell(day, "audit-watch", "corruption.audit_published", "XB", institution="audit court")
        if day < 150:  # after the summer Qamaria's audit court publishes no more
            chronicle.tell(day, "audit-watch", "corruption.audit_published", "XA", institution="audit court")


def tell_corruption(chronicle):
    """March to June: a scandal around the port, and those who looked into it are sent away."""
    for day, sector, value in [(70, "port", 42_000_000), (81, "port", 18_500_000), (88, "housing", 7_300_000)]:
        chronicle.tell(day, "audit-watch", "corruption.procurement_scandal", "XA-PO", value, sector=sector)
    for day in chronicle.spread(74, 118, 9):
        chronicle.tell(day, "audit-watch", "corruption.corruption_case", "XA",
                       rank=chronicle.chance.choice(["minister", "senior_official", "company"]), sector="port")
    chronicle.tell(96, "audit-watch", "corruption.audit_suppressed", "XA", institution="audit court")
    chronicle.tell(103, "court-watch", "corruption.investigator_removed", "XA", institution="anti-corruption office")
    chronicle.tell(131, "court-watch", "corruption.investigator_removed", "XA", institution="state prosecutor")
    for day in chronicle.spread(110, 175, 60):
        chronicle.tell(day, "audit-watch", "corruption.service_bribe_report", chronicle.chance.choice(QAMARIA),
                       chronicle.between(2, 9), service="permits")


def tell_exclusion(chronicle):
    """May to August: an election is coming, and doors are closed before it."""
    for day in chronicle.spread(128, 150, 8):
        chronicle.tell(day, "centre-desk", "exclusion.candidate_disqualified", "XA", chronicle.between(4, 18),
                       election="assembly", ground="paperwork")
    chronicle.tell(146, "centre-desk", "exclusion.party_banned", "XA", party="Coral List")
    chronicle.tell(152, "centre-desk", "exclusion.party_banned", "XA", party="Northern Union")
    for day, organisation in [(149, "Lawyers' Aid"), (155, "Open Ledger"), (158, "Women of the Wadi"),
                              (163, "Steppe Herders"), (171, "Youth Forum")]:
        chronicle.tell(day, "rights-watch", "exclusion.ngo_closed", "XA", organisation=organisation, field="rights")
    for day, outlet in [(151, "Coast Radio"), (154, "The Lantern"), (160, "wadi.example"), (166, "Channel Two")]:
        chronicle.tell(day, "rights-watch", "exclusion.media_shutdown", "XA", outlet=outlet, means="closed")
    for day in (157, 170, 201, 214):
        chronicle.tell(day, "monitor-net", "exclusion.assembly_banned", "XA-HI", organiser="city", extent="regional")
    chronicle.tell(178, "csirt-feed", "exclusion.internet_shutdown", "XA", 31, extent="national", service="mobile")
    chronicle.tell(203, "csirt-feed", "exclusion.internet_shutdown", "XA", 58, extent="national", service="all")
    for day in chronicle.spread(140, 215, 26):
        chronicle.tell(day, "rights-watch", "exclusion.public_service_denied", chronicle.chance.choice(["XA-NO", "XA-HI"]),
                       chronicle.between(15, 70), service="papers", group="herders")


def tell_justice_gap(chronicle):
    """June to October: arrests without charge, judges sent home, and a killing that nobody looks into."""
    for day in chronicle.spread(160, 200, 24):
        chronicle.tell(day, chronicle.chance.choice(["court-watch", "rights-watch"]), "justice.arbitrary_detention",
                       chronicle.chance.choice(["XA-HI", "XA-NO"]), chronicle.between(6, 25), charged=False,
                       days_held=chronicle.between(10, 60), authority="interior ministry")
    for day in (168, 174, 181, 190):
        chronicle.tell(day, "court-watch", "justice.judge_dismissed", "XA", chronicle.between(1, 4), court="high court")
    for day in chronicle.spread(170, 225, 12):
        chronicle.tell(day, "court-watch", "justice.trial_irregularity", "XA-HI", court="special court",
                       kind=chronicle.chance.choice(["no_counsel", "closed_hearing", "special_court"]))
    for day in (177, 186, 195, 205):
        chronicle.tell(day, "court-watch", "justice.lawyer_harassed", "XA", 1)
    for day in (198, 208, 219):
        chronicle.tell(day, "court-watch", "justice.ruling_ignored", "XA", authority="interior ministry")
    # The sequence: a killing, a promise, no inquiry, an amnesty, and another killing.
    chronicle.tell(183, "rights-watch", "rights.killing_by_security_forces", "XA-HI", 7, context="protest", force="gendarmerie")
    chronicle.tell(186, "rights-watch", "justice.inquiry_announced", "XA-HI")
    chronicle.tell(231, "court-watch", "justice.investigation_closed", "XA-HI")
    chronicle.tell(236, "court-watch", "justice.amnesty_for_abuses", "XA")
    chronicle.tell(286, "rights-watch", "rights.killing_by_security_forces", "XA-HI", 11, context="protest", force="gendarmerie")
    for day in (188, 192, 210, 240, 262):
        chronicle.tell(day, "rights-watch", "rights.torture_report", "XA-HI", chronicle.between(1, 5))


def tell_violence(chronicle):
    """July to December: protests swell, are shot at, and arms appear."""
    for day in chronicle.spread(186, 246, 70):
        chronicle.tell(day, "monitor-net", "violence.protest", chronicle.chance.choice(["XA-HI", "XA-PO", "XA-NO"]),
                       chronicle.between(200, 9000), violent=chronicle.chance.random() < 0.2,
                       demand_removal=True, demand_corruption=chronicle.chance.random() < 0.5)
    for day in chronicle.spread(190, 250, 12):
        chronicle.tell(day, "monitor-net", "rights.protest_repressed", chronicle.chance.choice(["XA-HI", "XA-PO"]),
                       response=chronicle.chance.choice(["beatings", "shootings", "killings"]), violent=False, demand_removal=True)
    for day in chronicle.spread(205, 262, 20):
        chronicle.tell(day, "monitor-net", "violence.riot", chronicle.chance.choice(["XA-HI", "XA-PO"]), chronicle.between(80, 900))
    for day in chronicle.spread(250, 300, 14):
        chronicle.tell(day, "monitor-net", "violence.fatalities", chronicle.chance.choice(["XA-HI", "XA-NO"]), chronicle.between(1, 6))
    for day in chronicle.spread(272, 345, 60):
        chronicle.tell(day, "centre-desk", "violence.state_based", chronicle.chance.choice(["XA-HI", "XA-HI", "XA-NO"]),
                       chronicle.between(2, 24), side_a="Government of Qamaria", side_b="Wadi Front")
    for day in chronicle.spread(290, 340, 10):
        chronicle.tell(day, "centre-desk", "violence.one_sided", "XA-HI", chronicle.between(3, 30),
                       side_a="Wadi Front", side_b="Civilians")
    for day in chronicle.spread(285, 350, 18):
        chronicle.tell(day, "monitor-net", "displacement.new_displacement", "XA-HI", chronicle.between(150, 2500))


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--start", type=datetime.date.fromisoformat, default=datetime.date(2023, 11, 28))
    arguments = parser.parse_args()
    start = datetime.datetime.combine(arguments.start, datetime.time(), datetime.timezone.utc)
    chronicle = Chronicle(arguments.seed, start)
    for tell in (tell_everyday_life, tell_corruption, tell_exclusion, tell_justice_gap, tell_violence):
        tell(chronicle)
    for event in chronicle.in_order():
        sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
