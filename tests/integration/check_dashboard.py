#!/usr/bin/env python3
"""Runs every query of a Grafana dashboard against a Prometheus and tells those that return nothing,
and those that return something though nothing is scraped: a panel that looks well when tocsin is dead.

Also checks what a dashboard owes its reader: titles, descriptions and units, a data source that can
be chosen, and the rules file through promtool. Standard library only.

  check_dashboard.py --prometheus http://127.0.0.1:9090 [--dashboard FILE]… [--rules FILE]…
Exit codes: 0 every query returned data, of a live daemon alone; 1 one did not, or a rule is broken.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def queries_of(dashboard):
    """[(where, expression)] of all panels and annotations."""
    for panel in panels_of(dashboard):
        for target in panel.get("targets", []):
            yield f"panel '{panel['title']}' {target['refId']}", target["expr"]
    for annotation in dashboard.get("annotations", {}).get("list", []):
        if "expr" in annotation:
            yield f"annotation '{annotation['name']}'", annotation["expr"]


def lint(dashboard):
    """What a reader would miss."""
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}
    if variables.get("datasource", {}).get("type") != "datasource":
        yield "no variable `datasource`"
    if dashboard["schemaVersion"] < 39:
        yield f"schemaVersion {dashboard['schemaVersion']} is older than 39"
    for panel in panels_of(dashboard):
        title = panel.get("title") or f"panel {panel['id']}"
        if panel["type"] == "text":
            continue
        for part in ("title", "description", "targets"):
            if not panel.get(part):
                yield f"{title}: no {part}"
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{title}: no unit"
        if panel.get("datasource", {}).get("uid") != "${datasource}":
            yield f"{title}: the data source is fixed"
        for target in panel.get("targets", []):
            if "rate(" in target["expr"] and "$__rate_interval" not in target["expr"]:
                yield f"{title}: a rate without $__rate_interval"


class PrometheusClient:
    def __init__(self, url):
        self.url = url

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"{self.url}{path}?{query}", timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(error.read().decode()) from None

    def values_of(self, variable):
        """Values of a query variable of the form label_values(metric, label)."""
        text = variable["query"]["query"] if isinstance(variable["query"], dict) else variable["query"]
        metric, label = re.fullmatch(r"label_values\((.+),\s*(\w+)\)", text).groups()
        return self.get(f"/api/v1/label/{label}/values", **{"match[]": expand(metric)})


def expand(expression, chosen=".*"):
    """As Grafana does with `All` chosen and a short range on the screen."""
    for name, value in {"$__rate_interval": "1m", "$__interval": "15s", "$__range": "15m"}.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$(\w+|\{\w+\})", chosen, expression)


def check_dashboard(file, prometheus):
    dashboard = json.loads(file.read_text())
    problems = list(lint(dashboard))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query" and not prometheus.values_of(variable):
            problems.append(f"variable {variable['name']}: no values")
    count = 0
    for where, expression in queries_of(dashboard):
        count += 1
        try:
            series = prometheus.get("/api/v1/query", query=expand(expression))["result"]
            # A quantile or a mean over nothing is NaN: a series, but an empty graph.
            if all(each["value"][1] == "NaN" for each in series):
                problems.append(f"{where}: no data: {expression}")
            if prometheus.get("/api/v1/query", query=expand(expression, chosen="no-such-daemon"))["result"]:
                problems.append(f"{where}: data without a daemon: {expression}")
        except ValueError as error:
            problems.append(f"{where}: {expression}: {error}")
    return count, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prometheus", required=True)
    parser.add_argument("--dashboard", type=pathlib.Path, action="append")
    parser.add_argument("--rules", type=pathlib.Path, action="append")
    arguments = parser.parse_args()
    prometheus = PrometheusClient(arguments.prometheus)
    failed = False
    for file in arguments.dashboard or sorted(DEPLOY.glob("grafana/dashboards/*.json")):
        count, problems = check_dashboard(file, prometheus)
        print(f"{file.name}: {count} queries, {len(problems)} problems")
        for problem in problems:
            print(f"  {problem}")
        failed = failed or bool(problems) or count == 0
    for file in arguments.rules or [DEPLOY / "prometheus/alerts.yml"]:
        failed = subprocess.run(["promtool", "check", "rules", str(file)], check=False).returncode != 0 or failed
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
