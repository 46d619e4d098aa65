"""Alert rules and dashboard name only what a running service really tells, and the service tells what they need."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.service.rig import QUICK, asked, served, set_service, until
from tests.study.rig import feed, lab_study, reports_csv
from waterbed.model.facts import Observation
from waterbed.service.chores import ALLOWED
from waterbed.service.endpoint import Endpoint
from waterbed.service.service import Service
from waterbed.store.machine_settings import Chore
from waterbed.study.condition import StudyFigures

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((EXAMPLES / "prometheus-alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS: list[dict[str, Any]] = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())["panels"]
Told = dict[tuple[str, tuple[tuple[str, str], ...]], float]
"""Samples by name and labels."""


def samples(text: bytes) -> Told:
    """All samples of a text of Prometheus."""
    families = text_string_to_metric_families(text.decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for its in families for one in its.samples}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Told, Told]]:
    """What `run` and `serve` tell of a study with an undecided check, a pass, a wait, and a chore that fails."""
    path = tmp_path_factory.mktemp("monitored")
    pairs = [*feed(5), ("http://10.1.2.3/login", "10.1.2.3")]
    with lab_study(feed(5), path) as (study, _):
        set_service(study, msgspec.structs.replace(QUICK, chores=(Chore(command="import nothing.csv"),)))
        study.import_reports(reports_csv(pairs, path))
        found = list[Told]()

        async def look(service: Service, endpoint: Endpoint) -> None:
            await until(lambda: study.folder.store.count(Observation) == 6 and service.state.looks == 6)
            await until(lambda: b'waterbed_chores_total{chore="import",outcome="failed"}' in service.gauges.text())
            service.gauges.waited("store")
            service.gauges.passed("finished")
            await until(lambda: b"waterbed_disk_free_bytes" in service.gauges.text())
            found.append(samples((await asked(endpoint, "/metrics"))[1]))

        served(study, look)
        found.append(samples(StudyFigures(study.folder.path).text()))
        yield found[0], found[1]


def names_in(query: str) -> set[str]:
    """The names of metrics in a query."""
    return set(re.findall(r"\b(?:waterbed|process|python)_\w+", query))


def test_every_rule_is_whole_and_asks_for_metrics_that_exist(told: tuple[Told, Told]) -> None:
    """Each has a name, a query, how bad it is and what to do; each metric in it is among those of /metrics."""
    there = {name for name, _ in told[0]}
    assert len({rule["alert"] for rule in RULES}) == len(RULES) > 8
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))
        assert names_in(rule["expr"]) <= there, rule["alert"]
        assert names_in(rule["expr"]) or rule["expr"].startswith("up{"), rule["alert"]


def test_every_panel_asks_for_metrics_that_exist(told: tuple[Told, Told]) -> None:
    """None is without a query, and none shows what nobody tells."""
    there = {name for name, _ in told[0]}
    assert len(PANELS) > 8
    for panel in PANELS:
        assert panel["title"]
        assert panel["targets"]
        for target in panel["targets"]:
            assert names_in(target["expr"]), panel["title"]
            assert names_in(target["expr"]) <= there, panel["title"]


def test_the_docs_list_each_metric_and_who_tells_it(told: tuple[Told, Told]) -> None:
    """The table has a row for all that run and serve tell of their own, and none for anything else."""
    page = (EXAMPLES.parent / "operations.md").read_text()
    rows = re.findall(r"^\| (`.*`) \| (run|both) \|", page, re.MULTILINE)
    listed = {name: who for names, who in rows for name in re.findall(r"`(\w+)`", names)}
    run, serve = (
        {re.sub(r"_(bucket|sum|count)$", "", name).removeprefix("waterbed_") for name, _ in its if _ours(name)}
        for its in told
    )
    assert set(listed) == run
    assert {name for name, who in listed.items() if who == "both"} == serve


def _ours(name: str) -> bool:
    """True for a figure, which neither the time of a counter's making nor the version is."""
    return name.startswith("waterbed_") and not name.endswith(("_created", "_info"))


def test_what_decided_nothing_is_counted_by_reason(told: tuple[Told, Told]) -> None:
    """An address that is not asked counts as one, with the reason that the pass prints."""
    unknown = {labels: value for (name, labels), value in told[0].items() if name == "waterbed_unknown_total"}
    assert list(unknown.values()) == [1.0]
    ((label, reason),) = next(iter(unknown))
    assert label == "reason"
    assert reason.startswith("refused_by_us, ")


def test_labels_are_words_of_ours_and_name_no_host(told: tuple[Told, Told]) -> None:
    """What may stand in a label is bounded, whatever the study holds, and no path or host is among it."""
    labels = {pair for its in told for _, pairs in its for pair in pairs}
    assert {name for name, _ in labels} <= {"phase", "answered", "outcome", "why", "reason", "chore", "le", "version"}
    assert {value for name, value in labels if name == "chore"} <= set(ALLOWED)
    assert not [value for _, value in labels if "shop" in value or "10.1" in value or "/" in value]


def test_serve_tells_the_study_and_run_the_service_too(told: tuple[Told, Told]) -> None:
    """What the database and disk say comes from both under the same names."""
    running, serving = ({name for name, _ in its if name.startswith("waterbed_")} for its in told)
    assert serving < running
    assert {"waterbed_due", "waterbed_last_backup_timestamp_seconds", "waterbed_disk_free_bytes"} <= serving
