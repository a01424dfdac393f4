"""Grafana's dashboard and Prometheus' alerts ask for what the service tells, and for nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import promql_parser
import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
ALWAYS = {"up": set()}
"""What Prometheus itself adds for each target."""
ADDED = {"instance", "job"}
"""The labels that it adds to each series."""


def queries(panel):
    for target in panel["targets"]:
        # Grafana fills these in before Prometheus reads the query.
        yield target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".+"), target["legendFormat"]


def selectors(node):
    """Every series that an expression asks for."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "vector_selector", "vs", "args", "param"):
        below = getattr(node, name, None)
        for child in below if isinstance(below, list) else [below]:
            if child is not None and not isinstance(child, str | int | float):
                yield from selectors(child)


def check(query, told):
    """Fail if a query cannot be parsed, or asks for a series or a label that is not there."""
    known = told | ALWAYS
    found = list(selectors(promql_parser.parse(query)))
    assert found, f"no series in {query}"
    for selector in found:
        assert selector.name in known, f"/metrics has no {selector.name}"
        asked = {matcher.name for matcher in selector.matchers.matchers}
        assert asked <= known[selector.name] | ADDED, f"{selector.name} has no label {asked - known[selector.name]}"
    labels = {label for selector in found for label in known[selector.name]} | ADDED
    for names in re.findall(r"\bby \(([^)]*)\)", query):
        assert {name.strip() for name in names.split(",")} <= labels, f"{names} are not all labels in {query}"
    return labels


@pytest.mark.parametrize("title", PANELS)
def test_a_panel_asks_for_what_the_service_tells(title, told):
    for query, legend in queries(PANELS[title]):
        labels = check(query, told)
        assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= labels, f"the legend {legend!r} names a label that is none"


def test_a_query_for_something_else_is_found(told):
    with pytest.raises(AssertionError, match="has no liveseg_pictures_total"):
        check("sum(rate(liveseg_pictures_total[1m]))", told)
    with pytest.raises(AssertionError, match="has no label"):
        check('1 - liveseg_queue_depth{model="lite"}', told)
    with pytest.raises(AssertionError, match="not all labels"):
        check("sum by (path) (liveseg_requests_total)", told)


def test_the_dashboard_shows_every_metric_of_the_service(told):
    """A metric that nobody looks at is either left out here or not worth its series."""
    shown = " ".join(query for panel in PANELS.values() for query, _ in queries(panel))
    endings = r"_(bucket|sum|count|total|created)$"
    families = {re.sub(endings, "", name) for name in told if name.startswith("liveseg_")} - {"liveseg_build_info"}
    assert not {name for name in families if name not in shown}


def test_panels_lie_side_by_side_and_do_not_overlap():
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies on {taken[x, y]}"
                taken[x, y] = panel["title"]
    identities = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(identities)) == len(identities)


def test_the_dashboard_is_what_its_tool_makes(repository, tmp_path):
    target = tmp_path / "dashboard.json"
    subprocess.run([sys.executable, repository / "tools" / "make_dashboard.py", target], check=True, timeout=60)
    assert json.loads(target.read_text(encoding="utf-8")) == DASHBOARD


def test_alerts_ask_for_what_the_service_tells(read_yaml, told):
    rules = [rule for group in read_yaml("prometheus/alerts.yml")["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 5
    for rule in rules:
        labels = check(rule["expr"], told)
        words = " ".join(rule["annotations"].values())
        assert set(re.findall(r"\$labels\.(\w+)", words)) <= labels, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "look")
        assert {"summary", "description"} == rule["annotations"].keys()
