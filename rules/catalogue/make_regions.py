#!/usr/bin/env python3
"""Writes regions.tsv from Debian's package iso-codes (ISO 3166-1 and 3166-2).

Columns: id, parent, iso3, en, fr, ar. Names in French and Arabic come from the package's gettext
catalogues; a name that they lack stays empty, and the daemon then shows the English one. The names
that desks use, where ISO gives a long form or a scholarly spelling, and the Arabic names of
provinces that the package lacks, are in spoken_names.tsv and win.

    apt-get install iso-codes && rules/catalogue/make_regions.py > rules/catalogue/regions.tsv
"""
import gettext
import json
import pathlib
import sys

ISO = "/usr/share/iso-codes/json/iso_{}.json"
LOCALES = "/usr/share/locale"

# Not in ISO 3166 but in the data sets: the codes are from its user-assigned range.
ADDED = [("XK", "", "XKX", "Kosovo", "Kosovo", "كوسوفو")]


def translator(language, domain):
    found = gettext.translation(domain, LOCALES, languages=[language])

    def translate(text):
        said = found.gettext(text)
        # gettext answers with the question when it has no translation.
        return "" if said == text else said

    return translate


def spoken():
    path = pathlib.Path(__file__).with_name("spoken_names.tsv")
    with open(path, encoding="utf-8") as file:
        rows = (line.rstrip("\n").split("\t") for line in file)
        next(rows)
        return {code: names for code, *names in rows}


def clean(text):
    return " ".join(text.split())


def countries():
    french, arabic = translator("fr", "iso_3166-1"), translator("ar", "iso_3166-1")
    with open(ISO.format("3166-1"), encoding="utf-8") as file:
        for entry in json.load(file)["3166-1"]:
            name = entry.get("common_name", entry["name"])
            yield (entry["alpha_2"], "", entry["alpha_3"], name, french(name), arabic(name))


def subdivisions():
    # There is no Arabic catalogue of ISO 3166-2.
    french = translator("fr", "iso_3166-2")
    with open(ISO.format("3166-2"), encoding="utf-8") as file:
        entries = json.load(file)["3166-2"]
    codes = {entry["code"] for entry in entries}
    for entry in entries:
        code, parent = entry["code"], entry["code"].split("-")[0]
        above = entry.get("parent", "")
        if above:
            above = above if "-" in above else f"{parent}-{above}"
            if above not in codes:
                sys.exit(f"{code}: parent {above} is not in ISO 3166-2")
            parent = above
        yield (code, parent, "", entry["name"], french(entry["name"]), "")


def main():
    names = spoken()
    rows = sorted([*countries(), *ADDED, *subdivisions()])
    rows = [(*row[:3], *names.pop(row[0], row[3:])) for row in rows]
    if names:
        sys.exit(f"spoken_names.tsv names unknown regions: {', '.join(names)}")
    print("id\tparent\tiso3\ten\tfr\tar")
    for row in rows:
        print("\t".join(clean(field) for field in row))


if __name__ == "__main__":
    main()
