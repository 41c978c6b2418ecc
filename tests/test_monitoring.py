"""Alerts and dashboard ask only for what the service exposes, in queries that Prometheus reads and a shape that Grafana has."""

import itertools
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from flask.testing import FlaskClient

from tagger.drift import Drift, Line, Measure
from tagger.metrics import Metrics
from tagger.recording import Recorder
from tagger.registry import Release
from tagger.reviews.store import ReviewStore
from tagger.serving import State
from tests.conftest import ROOT
from tests.scraping import samples

FOLDER = ROOT / "tagger/monitoring"
ALERTS = (FOLDER / "alerts.yml").read_text(encoding="utf-8")
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
RULES = dict(re.findall(r"^ +- alert: (\w+)\n +expr: (.+)$", ALERTS, re.MULTILINE))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

# What Prometheus itself knows of everything that it scrapes.
OF_PROMETHEUS = {"up": {"instance", "job"}}
TARGET_LABELS = {"instance", "job"}


def queries() -> Iterator[str]:
    """Yield every query of the alerts and the dashboard, with its variables filled in."""
    yield from RULES.values()
    asked = [target["expr"] for panel in PANELS for target in panel["targets"]]
    asked += [annotation["expr"] for annotation in DASHBOARD["annotations"]["list"] if "expr" in annotation]
    for query in asked:
        yield query.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$route", "/v1/tags")


def selected(query: str) -> set[str]:
    """Return the names of the metrics of a query: what is no string, label, duration, function or operator."""
    bare = re.sub(r'"[^"]*"', "", query)
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(?:by|without|on|ignoring)\s*\([^)]*\)", " ", bare)
    return set(re.findall(r"\b[a-zA-Z_]\w*\b(?!\s*\()", bare)) - {"and", "or", "unless", "bool", "offset"}


def labels_asked(query: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric that a query selects by labels, with those labels."""
    for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", query):
        yield name, set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', matchers))


@pytest.fixture(scope="module")
def exposed(tiny_release: Release, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[str]]:
    """Return the labels of each sample of a service that has answered requests and measured drift."""
    metrics = Metrics()
    metrics.offer("/v1/tags", ["POST"])
    metrics.release_changed(State(tiny_release))
    metrics.request("/v1/tags", "POST", 200, 0.004)
    recorder = Recorder(ReviewStore(f"sqlite:///{tmp_path_factory.mktemp('monitored') / 'reviews.db'}"))
    by_topic: dict[Measure, float | None] = {"tag rate": 0.1, "score PSI": None, "override rate": None}
    lines = [Line(measure, "velo", before, 0.2, "changed") for measure, before in by_topic.items()]
    lines += [Line(measure, "", 0.1, 0.2, "look") for measure in get_args(Measure) if measure not in by_topic]
    recorder.drift = Drift(500, silent=False, sentence="", lines=tuple(lines))
    metrics.recorder_changed(recorder)
    return _labels(metrics.exposition())


def _labels(exposition: bytes) -> dict[str, set[str]]:
    labels: dict[str, set[str]] = defaultdict(set)
    for name, pairs in samples(exposition):
        labels[name] |= {label for label, _ in pairs}
    return labels


# --- queries ---


def test_every_query_asks_for_metrics_and_labels_that_are_exposed(exposed: Mapping[str, set[str]]) -> None:
    known = {**exposed, **OF_PROMETHEUS}
    for query in queries():
        assert selected(query), query
        assert set() == selected(query) - set(known), query
        for name, labels in labels_asked(query):
            assert set() == labels - known[name] - TARGET_LABELS, query


def test_a_service_after_a_request_exposes_nothing_else(client: FlaskClient, exposed: Mapping[str, set[str]]) -> None:
    client.post("/v1/tags", data=b"Le chef sort le gratin du four.", content_type="text/plain", buffered=True)

    assert set() == set(_labels(client.get("/metrics").data)) - set(exposed)


def test_every_metric_is_in_the_dashboard(exposed: Mapping[str, set[str]]) -> None:
    asked = set().union(*(selected(query) for query in queries()))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exposed}

    assert set() == families - {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}


def test_prometheus_reads_every_query(promtool: str, tmp_path: Path) -> None:
    rules = [{"record": f"tagger:query:{number}", "expr": query} for number, query in enumerate(queries())]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))  # JSON is YAML

    done = subprocess.run([promtool, "check", "rules", tmp_path / "rules.yml"], capture_output=True, check=False, text=True)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


# --- alerts ---


def test_every_alert_says_how_bad_it_is_for_how_long_what_it_means_and_what_to_do() -> None:
    blocks = ALERTS.split("- alert: ")[1:]

    assert len(RULES) == len(blocks) == len(set(RULES)) > 10
    for block in blocks:
        assert re.search(r"^ +for: \d+[smh]$", block, re.MULTILINE), block
        assert re.search(r"^ +labels: \{severity: (critical|warning|info)\}$", block, re.MULTILINE), block
        for annotation in ("summary", "description", "action"):
            assert re.search(rf"^ +{annotation}: \S.{{15,}}$", block, re.MULTILINE), block


def test_alerts_fire_when_they_should_and_only_then(promtool: str) -> None:
    done = subprocess.run(
        [promtool, "test", "rules", FOLDER / "alerts_test.yml"], capture_output=True, check=False, text=True, cwd=FOLDER
    )

    assert 0 == done.returncode, done.stdout + done.stderr


def test_every_alert_is_tested() -> None:
    tested = (FOLDER / "alerts_test.yml").read_text(encoding="utf-8")

    assert set() == {name for name in RULES if f'alertname="{name}"' not in tested}


# --- dashboard ---


def test_grafana_knows_the_shape() -> None:
    """Grafana 11 writes schema 39 to 41, and migrates what is older; an id of null makes it a new dashboard."""
    assert 39 == DASHBOARD["schemaVersion"]
    assert (None, "tagger", "Tagger") == (DASHBOARD["id"], DASHBOARD["uid"], DASHBOARD["title"])
    assert {"from", "to"} == set(DASHBOARD["time"])


def test_panels_are_told_apart_and_do_not_overlap() -> None:
    identifiers = [panel["id"] for panel in DASHBOARD["panels"]]
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x, y in itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
    ]

    assert len(identifiers) == len(set(identifiers))
    assert len(taken) == len(set(taken))
    assert set(range(24)) == {x for x, _ in taken}


def test_every_panel_has_a_title_a_unit_and_queries_of_the_data_source_that_is_chosen() -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in PANELS:
        assert panel["title"]
        assert panel["type"] == "table" or panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert references, panel["title"]
        assert len(references) == len(set(references))
        assert all(chosen == asked["datasource"] for asked in (panel, *panel["targets"])), panel["title"]


def test_rows_and_variables() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    variables = {variable["name"]: variable["type"] for variable in DASHBOARD["templating"]["list"]}

    assert ["Traffic", "Latency", "Tags and abstentions", "Releases", "Store and reviews", "Drift"] == rows
    assert {"datasource": "datasource", "instance": "query", "route": "query"} == variables
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD["panels"]))) - {"__rate_interval"}
    assert set(variables) == used
