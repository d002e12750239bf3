"""Alerts and dashboard ask for what the gateway says, by labels that it has; each alert is explained."""

import json
import re

import promql_parser
import pytest

from gateway.console.metrics import METRICS, NAMES, PROCESS, Kind, series
from tests.deploy.papers import DEPLOY, GUIDE, anchors, document

RULES = document(DEPLOY / "prometheus" / "alerts.yaml")["groups"]
ALERTS = {rule["alert"]: rule for group in RULES for rule in group["rules"]}
BOARD = json.loads((DEPLOY / "grafana" / "carryon.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
SCRAPED = {"job", "instance"}
"""Labels that Prometheus adds to everything."""


def labels_of(series_name):
    """The labels of a series; `up` and what is said of the process have only those of the scrape."""
    if series_name == "up" or series_name in PROCESS:
        return SCRAPED
    for name, labels in NAMES.items():
        if series_name == name:
            return {*labels, *SCRAPED}
        if METRICS[name].kind is Kind.HISTOGRAM and series_name.removeprefix(name) in (
            "_bucket",
            "_sum",
            "_count",
        ):
            return {*labels, *SCRAPED, *(["le"] if series_name.endswith("_bucket") else [])}
    return None


def examined(query):
    """The series of a query, after a look at every label in it."""
    found, labels, kept = set(), set(), set()

    def visit(node):
        if isinstance(node, promql_parser.VectorSelector):
            known = labels_of(node.name)
            assert known is not None, f"{node.name} is no metric: {query}"
            used = {matcher.name for matcher in node.matchers.matchers}
            assert used <= known, f"{node.name} has no label {used - known}: {query}"
            found.add(node.name)
            labels.update(known)
        elif isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            kept.update(node.modifier.labels)

    promql_parser.walk(promql_parser.parse(query), visit)
    assert kept <= labels, f"nothing has a label {kept - labels}: {query}"
    return found


def plain(query):
    """A query of a dashboard with the variables that Grafana fills in."""
    return query.replace("$__rate_interval", "1m").replace("$instance", ".*")


def queries():
    for name, rule in ALERTS.items():
        yield f"alert {name}", rule["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            yield f"panel {panel['title']} {target['refId']}", plain(target["expr"])


@pytest.mark.parametrize("query", [pytest.param(query, id=name) for name, query in queries()])
def test_a_query_asks_for_what_there_is(query):
    assert examined(query) <= series() | {"up"}


@pytest.mark.parametrize(
    "wrong",
    ["carryon_account_conected == 0", "carryon_deliveries{stat='held'}", "sum by (chat) (carryon_lanes)"],
)
def test_a_query_that_is_wrong_is_found(wrong):
    with pytest.raises(AssertionError):
        examined(wrong)


def test_values_of_labels_are_those_that_the_gateway_uses():
    from gateway.console.gauges import STATES  # noqa: PLC0415
    from gateway.model.session import Reason  # noqa: PLC0415
    from gateway.model.turn import TurnState  # noqa: PLC0415

    known = {
        "carryon_deliveries": ("state", {*STATES}),
        "carryon_sessions_resume_pending": ("reason", {*Reason}),
        "carryon_turns_total": ("state", {*TurnState}),
    }
    seen = set()

    def visit(node):
        if isinstance(node, promql_parser.VectorSelector) and node.name in known:
            label, values = known[node.name]
            for matcher in node.matchers.matchers:
                if matcher.name == label:
                    assert set(matcher.value.split("|")) <= values, str(node)
                    seen.add(node.name)

    for _, query in queries():
        promql_parser.walk(promql_parser.parse(query), visit)
    assert seen == set(known)


def test_every_metric_is_looked_at_somewhere():
    used = set().union(*(examined(query) for _, query in queries()))
    bare = {name for name in NAMES if not any(part.startswith(name) for part in used)}
    assert bare == {"carryon_sessions_opened_total"}, "neither an alert nor a panel shows it"


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_to_do(name):
    rule = ALERTS[name]
    assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    said = rule["annotations"]
    assert said.keys() == {"summary", "description", "runbook"}
    page, _, anchor = said["runbook"].partition("#")
    assert page == f"docs/{GUIDE.name}"
    assert anchor == name.lower()
    assert anchor in set(anchors())
    kept = {label for series_name in examined(rule["expr"]) for label in labels_of(series_name)}
    assert set(re.findall(r"\$labels\.(\w+)", f"{said}")) <= kept


def test_the_scrape_is_called_as_the_alerts_call_it():
    (job,) = document(DEPLOY / "prometheus" / "scrape.yaml")["scrape_configs"]
    assert job["job_name"] == "carryon"
    assert job["metrics_path"] == "/metrics"


def test_the_dashboard_is_whole():
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    assert len({panel["title"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    taken = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    variables = {variable["name"] for variable in BOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(BOARD["panels"]))) - {"__rate_interval"}
    assert used == variables == {"datasource", "instance"}
    for panel in PANELS:
        assert panel["type"] in ("stat", "timeseries")
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
