"""The hop graph on the command line: what it prints and writes, and how it fails."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import networkx as nx
import pytest

import waterbed
from tests.study.facts import _known, _looks, hour, written
from tests.study.rig import Run
from waterbed.model.facts import Report


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which tables have room."""
    monkeypatch.setenv("COLUMNS", "140")


STAYS = (("a1", "28.0.1.7", 0, 10, "x"), ("b1", "28.1.1.7", 16, 24, "x"), ("c1", "28.2.1.7", 30, 40, "x"),
         ("a2", "28.0.2.7", 0, 12, "y"), ("c2", "28.2.2.7", 20, 40, "y"))  # fmt: skip
"""URL, address, first and last hour up, content."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A study of three hosters: content x went from a to b to c, content y from a to c."""
    with written(tmp_path, dict.fromkeys(("a0", "b0", "c0"), "u" * 48)) as study:
        facts: list[object] = []
        for url, address, first, last, content in STAYS:
            told = {"content_id": content, "reported_at": hour(first), "received_at": hour(first)}
            facts += [replace(one, **told) if isinstance(one, Report) else one for one in _known(url, address, 0)]
            facts += _looks(url, " " * first + ("u" * (last - first)).ljust(48 - first, "d"), address)
        study.folder.store.add(facts)
    return tmp_path / "study"


def rows(said: tuple[int, str, str]) -> list[dict[str, object]]:
    """The rows of a JSON answer."""
    assert said[0] == 0, said
    found: list[dict[str, object]] = json.loads(said[1])["rows"]
    return found


def refused(said: tuple[int, str, str], *parts: str) -> None:
    """Exit code 2 and one sentence with these parts."""
    assert (said[0], said[1], said[2].strip().count("\n")) == (2, "", 0), said
    assert all(part in said[2] for part in parts), said[2]


def test_main_flows_are_the_rows_of_the_hop_matrix(run: Run, folder: Path) -> None:
    """From a half went to b and half to c; nothing is certain, so the bounds say how little is known."""
    found = rows(run("-C", folder, "graph", "--format", "json"))
    flows = {(row["from_name"], row["to_name"]): (row["hops"], row["share"]) for row in found}
    assert flows == {
        ("Hoster a", "Hoster b"): (1, 0.5),
        ("Hoster a", "Hoster c"): (1, 0.5),
        ("Hoster b", "Hoster c"): (1, 1.0),
    }
    code, out, _ = run("-C", folder, "graph")
    assert code == 0
    assert "Hoster a" in out
    assert "3 hops" in out


@pytest.mark.parametrize("by", ["hoster", "asn", "country"])
def test_measures_name_what_bounds_are_of(by: str, run: Run, folder: Path) -> None:
    """All measures in one table for each level; where there is no number the reason stands beside."""
    found = {
        (row["measure"], row["key"]): row
        for row in rows(run("-C", folder, "graph", "--by", by, "--table", "measures", "--format", "json"))
    }
    assert (found["hops", ""]["value"], found["hops", ""]["low"]) == (3.0, 0.0)
    assert "where 30 between 3 are needed" in str(found["communities", ""]["note"])
    assert any(measure == "net flow" for measure, _ in found)
    assert run("-C", folder, "graph", "--by", by, "--table", "measures")[0] == 0


def test_weeks_and_filters_part_the_hops(run: Run, folder: Path) -> None:
    """All arrivals may lie in the week of the study; kinds and orders that there are none of leave nothing."""
    (week,) = rows(run("-C", folder, "graph", "--table", "weeks", "--format", "json"))
    assert (week["possibly"], week["possibly_until"]) == (3, 3)
    assert len(rows(run("-C", folder, "graph", "--week", str(week["week"]), "--format", "json"))) == 3
    assert rows(run("-C", folder, "graph", "--week", "2027-W01", "--format", "json", "--kind", "relocation")) == []
    assert len(rows(run("-C", folder, "graph", "--week", "2027-W01", "--cumulative", "--format", "json"))) == 3
    code, out, _ = run("-C", folder, "graph", "--order", "parallel")
    assert (code, "nothing to show" in out) == (0, True)


def test_contents_and_the_time_line_of_one(run: Run, folder: Path) -> None:
    """Contents that hopped, most hops first; one of them stay by stay in order of time."""
    contents = rows(run("-C", folder, "graph", "--by", "content", "--format", "json"))
    assert [(row["hops"], row["hosters"], row["chain_possibly"]) for row in contents] == [(2, 3, 2), (1, 2, 1)]
    ask = ("-C", folder, "graph", "--by", "content", "--content", contents[0]["content_id"])
    line = list(csv.DictReader(io.StringIO(run(*ask, "--format", "csv")[1])))
    assert [(row["url_id"], row["came_from"] != "") for row in line] == [("a1", False), ("b1", True), ("c1", True)]
    assert "Hoster b" in run(*ask)[1]


def test_a_time_line_has_every_hop_of_its_content(run: Run, folder: Path) -> None:
    """A hop of another kind, week or window has brought its stay all the same."""
    contents = rows(run("-C", folder, "graph", "--by", "content", "--format", "json"))
    ask = ("-C", folder, "graph", "--by", "content", "--content", contents[0]["content_id"])
    whole = rows(run(*ask, "--format", "json"))
    assert [row["came_from"] for row in whole] == ["", "AS64500", "AS64501"]
    for narrowed in (("--kind", "relocation"), ("--week", "2027-W01"), ("--since", "2027-01-01")):
        assert rows(run(*ask, *narrowed, "--format", "json")) == whole
        assert run(*ask, *narrowed)[1] == run(*ask)[1]


def test_a_window_without_a_hop_is_named_by_its_bounds(run: Run, folder: Path) -> None:
    """No bound is told that there is none of."""
    (_, later, _), (_, both, _) = (
        run("-C", folder, "graph", *window)
        for window in (("--since", "2027-01-01"), ("--since", "2027-01-01", "--until", "2027-02-01"))
    )
    assert later == "No hop arrived in this window (from 2027-01-01).\n"
    assert both == "No hop arrived in this window (from 2027-01-01 and before 2027-02-01).\n"


def test_a_notebook_has_the_graph_of_the_command(run: Run, folder: Path, tmp_path: Path) -> None:
    """Of a window too: the same places by the same names, hops from places left before it, and successions."""
    later = ("--since", "2026-02-01", "--reason", "sold")
    assert run("-C", folder, "hosters", "succession", "AS64501", "AS64502", *later)[0] == 0
    with waterbed.open(folder) as study:
        window = study.within("2026-01-06")
        for by, level in (("hoster", "hoster"), ("asn", "as"), ("country", "country")):
            out = tmp_path / f"{by}.json"
            assert run("-C", folder, "graph", "--by", by, "--since", "2026-01-06", "--out", out)[0] == 0
            told = nx.node_link_graph(json.loads(out.read_text()), edges="edges")
            found = window.graph(level)
            assert dict(found.nodes(data=True)) == dict(told.nodes(data=True))
            assert [*found.edges(data=True)] == [*told.edges(data=True)]
        assert "unknown" not in window.graph("as")
        assert window.graph("as").nodes["AS64501"]["label"] == "Hoster b"
        assert "lineage" in {kind for _, _, kind in window.graph().edges(data="kind")}


@pytest.mark.parametrize("by", ["hoster", "asn", "country", "content"])
def test_files_open_in_networkx(by: str, run: Run, folder: Path, tmp_path: Path) -> None:
    """Each form has an edge a hop."""
    for end in ("gexf", "graphml", "json"):
        out = tmp_path / f"hops.{end}"
        code, said, _ = run("-C", folder, "graph", "--by", by, "--out", out)
        assert (code, "3 edges" in said) == (0, True), said
    assert nx.read_gexf(tmp_path / "hops.gexf").number_of_edges() == 3
    assert nx.read_graphml(tmp_path / "hops.graphml").number_of_edges() == 3
    assert nx.node_link_graph(json.loads((tmp_path / "hops.json").read_text()), edges="edges").number_of_edges() == 3


def test_what_cannot_be_is_refused_in_one_sentence(run: Run, folder: Path, tmp_path: Path) -> None:
    """Bad weeks, kinds, orders, file ends, contents and places are named, and nothing is written."""

    def ask(*words: object) -> tuple[int, str, str]:
        return run("-C", folder, "graph", *words)

    refused(ask("--week", "2026-W60"), "2026-W60", "2026-W12")
    refused(ask("--kind", "jump"), "jump", "relocation")
    refused(ask("--order", "late"), "late", "sequential")
    refused(ask("--out", tmp_path / "hops.png"), "hops.png", ".gexf")
    refused(ask("--out", tmp_path / "none" / "hops.gexf"), "cannot be written")
    refused(ask("--cumulative"), "--week")
    refused(ask("--table", "measures", "--table", "weeks"), "name one")
    refused(ask("--by", "content", "--table", "measures"), "--by content")
    refused(ask("--content", "x"), "--by content")
    said = ask("--by", "content", "--content", "http://secret.example.com/")
    refused(said, "not a content id")
    assert "secret" not in said[2]
    assert not list(tmp_path.glob("hops*"))


def test_who_stands_behind_whom(run: Run, folder: Path, tmp_path: Path) -> None:
    """With a table of relations: rankings by carrier, providers with the hosters behind them, and each one's sheet."""
    (tmp_path / "relations").write_text(
        "64900|64500|-1\n64900|64501|-1\n64999|64900|-1\n64999|64502|-1\n64501|64502|0\n"
    )
    added = ("--date", "2026-01-04", "--kind", "relations")
    assert run("-C", folder, "tables", "add", tmp_path / "relations", *added)[0] == 0
    by = {row["key"]: row["hosts"] for row in rows(run("-C", folder, "rank", "--by", "transit", "--format", "json"))}
    assert by == {"AS64900": 5, "AS64999": 3}
    found = {
        row["provider"]: row for row in rows(run("-C", folder, "graph", "--table", "providers", "--format", "json"))
    }
    told = {key: (row["customers"], row["hosters"], row["directly"], row["hosts"]) for key, row in found.items()}
    assert told == {"AS64999": (2, 3, 1, 8), "AS64900": (2, 2, 2, 5)}
    out = tmp_path / "providers.graphml"
    assert run("-C", folder, "graph", "--table", "providers", "--out", out)[0] == 0
    assert set(nx.read_graphml(out).edges()) == {
        *[("AS64500", "AS64900"), ("AS64501", "AS64900"), ("AS64900", "AS64999"), ("AS64502", "AS64999")]
    }
    assert "reached through AS64900 (transit, 3 of 3 hosts)" in run("-C", folder, "fact-sheet", "AS64500")[1]
    refused(run("-C", folder, "graph", "--table", "providers", "--by", "asn"), "only --as-of, --out and --format")
    refused(run("-C", folder, "graph", "--as-of", "2026-01-05"), "--as-of is for --table providers")
    (tmp_path / "broken").write_text("64500|64501|-1\n64500|secret.example|-1\n")
    refused(run("-C", folder, "tables", "add", tmp_path / "broken", *added), "line 2 is not AS|AS|-1")
