"""The command about what hosters mostly offer: proposals with evidence, without effect until two accept them."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.study.facts import written
from tests.study.rig import Run
from waterbed.governance import hosters
from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.simulate.study import virtual_study
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.sizes import ranking_structure
from waterbed.model.decisions import HosterChange
from waterbed.model.errors import InputError
from waterbed.publish.freeze.package_facts import frozen_facts
from waterbed.questions.networks.hosting_types import hosting_types
from waterbed.study.study import open_study

DAY = "2026-01-04"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with looks at three hosters, AS64500 to AS64502."""
    with written(tmp_path, {"a0": "uu", "a1": "uu", "b0": "uu", "c0": "uu"}):
        pass
    return tmp_path / "study"


def add(run: Run, study: Path, text: str, *words: str) -> None:
    path = study.parent / "table.csv"
    path.write_text(text)
    assert run("-C", study, *words[:2], path, "--date", DAY, *words[2:])[0] == 0


def names(run: Run, study: Path, *, crowded: int, alone: int) -> None:
    """Passive DNS: eleven domains at each of `crowded` addresses of AS64500, one at each of `alone` of AS64501."""
    rows = [f"www.d{at}x{n}.com,28.0.0.{at}" for at in range(crowded) for n in range(11)]
    rows += [f"e{at}.org,28.1.0.{at}" for at in range(alone)]
    text = "rrname,addresses,first,last\n" + "".join(f"{row},2026-01-01,2026-02-01\n" for row in rows)
    add(run, study, text, "sizes", "add")


def found(run: Run, study: Path, *words: str) -> dict[str, dict[str, Any]]:
    code, out, err = run("-C", study, "hosters", "types", "--as-of", DAY, "--format", "json", *words)
    assert code == 0, err
    return {row["key"]: row for row in json.loads(out)["rows"]}


def test_types_need_evidence_that_agrees(run: Run, study: Path) -> None:
    """Dense addresses are shared hosting, a tag is virtual servers; nothing, and both at once are unknown."""
    assert {row["hosting_type"] for row in found(run, study).values()} == {"unknown"}
    names(run, study, crowded=10, alone=12)
    add(run, study, "vpsh,AS64501\n", "tables", "add", "--kind", "covariates")
    rows = found(run, study)
    assert {key: (row["hosting_type"], row["evidence"]) for key, row in rows.items()} == {
        "AS64500": ("shared", ["median 11 domains an address on 10 addresses (AS64500)"]),
        "AS64501": ("vps", ["median 1 domains an address on 12 addresses (AS64501)", "tagged vpsh by bgp.tools"]),
        "AS64502": ("unknown", []),
    }
    add(run, study, "vpsh,AS64500\n", "tables", "add", "--kind", "covariates")
    assert found(run, study)["AS64500"]["hosting_type"] == "unknown"
    assert len(found(run, study)["AS64500"]["evidence"]) == 2


def test_few_addresses_show_nothing(run: Run, study: Path) -> None:
    """Nine crowded addresses are less than the setting asks for."""
    names(run, study, crowded=9, alone=1)
    assert found(run, study)["AS64500"]["hosting_type"] == "unknown"
    settings = study / "waterbed.toml"
    settings.write_text(settings.read_text().replace("shared_addresses = 10", "shared_addresses = 9"))
    assert found(run, study)["AS64500"]["hosting_type"] == "shared"


def test_a_type_holds_once_two_people_accept_it(run: Run, study: Path) -> None:
    """Proposed once; with two codes and sources it is in the book from its day on, on the sheet, and a covariate."""
    names(run, study, crowded=10, alone=1)
    words = ("-C", study, "hosters", "types", "--as-of", DAY, "--propose", "names of January")
    code, out, _ = run(*words)
    assert (code, "AS64500 may mostly offer shared hosting from 2026-01-04" in " ".join(out.split())) == (0, True)
    assert "0 proposals wait" in run(*words)[1]
    with open_study(study) as opened:
        (change,) = opened.store.all(HosterChange)
        assert (change.kind, change.key, change.into, change.hosting_type) == ("proposal", "AS64500", None, "shared")
        assert change.reason == "names of January (median 11 domains an address on 10 addresses (AS64500))"
        assert opened.book().on(datetime(2026, 2, 1, tzinfo=UTC).date()).hosting_type("AS64500") == "unknown"
        assert not frozen_facts(opened.folder)[HosterChange]
        with pytest.raises(InputError, match="a public source"):
            hosters.code(opened.folder, change.change_id, "accept", person="bob")
        for person in ("bob", "cas"):
            hosters.code(opened.folder, change.change_id, "accept", note="price list, 2026", person=person)
        book, day = opened.book(), datetime(2026, 1, 4, tzinfo=UTC).date()
        assert [book.on(one).hosting_type("AS64500") for one in (day.replace(day=3), day)] == ["unknown", "shared"]
        assert (book.lineage(), book.confirmed()) == ((), ())
        assert book.without_effect() == ()
        tables = RankingTables(conclusions=opened.conclude(), kind="asn")
        assert ranking_structure(opened, tables, day)["hosting_type"]["AS64500"] == "shared"
        assert ranking_structure(opened, tables, day)["domains_per_address"]["AS64500"] == 11.0
        assert len(frozen_facts(opened.folder)[HosterChange]) == 1
        merged = hosters.decide(opened.folder, "merge", "AS64500", into="AS64501", reason="x", person="dan")
        assert opened.book().on(day).hosting_type("AS64501") == "shared"
        hosters.decide(opened.folder, "undo", merged.change_id, reason="x", person="dan")
    (row,) = json.loads(run("-C", study, "hosters", "show", "AS64500", "--as-of", DAY, "--format", "json")[1])["rows"]
    assert row["hosting_type"] == "shared"
    assert "may mostly offer shared hosting" in run("-C", study, "hosters", "show", "--table", "changes")[1]
    assert "hosting type" in run("-C", study, "explain", "AS64500")[1]
    assert json.loads(run("-C", study, "fact-sheet", "AS64500", "--format", "json")[1])["hosting_type"] == "shared"
    assert found(run, study)["AS64500"]["in_book"] == "shared"


def test_what_waits_shows_the_type_and_its_evidence(run: Run, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A coder sees the hoster, the proposed type and the figures, and no second hoster."""
    names(run, study, crowded=10, alone=1)
    run("-C", study, "hosters", "types", "--as-of", DAY, "--propose", "names of January")
    monkeypatch.setattr("os.getuid", lambda: 90_001)
    code, out, _ = run("-C", study, "hosters", "queue", "--format", "json")
    (item,) = json.loads(out)["rows"]
    assert (code, item["hosting_type"], item["into"], item["into_members"]) == (1, "shared", "", [])
    assert item["since"] == DAY


def test_who_rents_networks_of_one_other_is_a_reseller(study: Path) -> None:
    """In a world of known chains the hoster within another's networks, and nobody else, is a reseller."""
    world = read_world(scenario_path("lineage"))
    hosters_ = tuple(replace(one, weight=9.0) if one.within else one for one in world.hoster)
    sites = replace(world.sites, multi_address=0.0, v6=0.0)
    world = replace(world, hoster=hosters_, sale=(), renaming=(), sites=sites)
    truth = simulate(world)
    conclusions = virtual_study(truth, LookPlan(), random.Random(1)).conclusions
    with open_study(study) as opened:
        rows, _ = hosting_types(opened, conclusions, world.start.date())
    said = {row.key: (row.hosting_type, row.evidence) for row in rows}
    hosts = {row.key: row.hosts for row in rows}["huurserver"]
    assert hosts >= 10
    assert said.pop("huurserver") == (
        "reseller",
        (f"{hosts} of {hosts} reported hosts in networks of polderhost",),
    )
    assert {kind for kind, _ in said.values()} == {"unknown"}


def test_no_other_type_can_be_proposed(run: Run, study: Path) -> None:
    """A type that the project does not know, and one without a day, are refused."""
    day = datetime(2026, 1, 4, tzinfo=UTC).date()
    with open_study(study) as opened:
        for entity, since in (("cloud", day), ("shared", None)):
            with pytest.raises(InputError, match="one of shared, vps, dedicated, reseller, platform, from a day on"):
                hosters.decide(opened.folder, "proposal", "AS64500", entity=entity, since=since, reason="x")
        with pytest.raises(InputError, match="no hoster of this book"):
            hosters.decide(opened.folder, "proposal", "nobody", entity="shared", since=day, reason="x")
        with pytest.raises(InputError, match="needs two hosters"):
            hosters.decide(opened.folder, "proposal", "AS64500", since=day, reason="x")
