"""Facts and conclusions of a time before another, whatever was recorded since."""

from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.store.lake.rig import concluded, figures, in_store, prune, virtual
from waterbed.model.facts import ControlLook, Observation, Resolution
from waterbed.store.folder import Folder
from waterbed.store.lake.lake import lake_of
from waterbed.store.lake.sealing import seal
from waterbed.study.facts import Facts, read_facts

STUDY = virtual(sites=4)
FACTS = STUDY.conclusions.facts
AT = min(look.observed_at for look in FACTS.looks) + timedelta(days=5, hours=7, minutes=1)


@pytest.fixture(params=["store", "lake", "pruned"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """The facts in the store, sealed as well, or half of them in the lake alone."""
    made = in_store(tmp_path / "study", FACTS)
    if request.param != "store":
        seal(made)
    if request.param == "pruned":
        days = sorted(lake_of(made).manifest().days("observation"))
        prune(made, days[: len(days) // 2])
    return made


def test_rows_of_facts_end_at_the_time(folder: Folder) -> None:
    """Looks, resolutions and controls by SQL are those from before it, to the microsecond."""
    facts = read_facts(folder).before(AT)
    for cls, column, held in (
        (Observation, "observed_at", FACTS.looks),
        (Resolution, "resolved_at", FACTS.resolutions.values()),
        (ControlLook, "observed_at", FACTS.controls.values()),
    ):
        table = facts.selected(cls, [column], f"SELECT {column} AS at FROM {_NAMES[cls]}", {})
        wanted = sorted(getattr(one, column) for one in held if getattr(one, column) < AT)  # type: ignore[attr-defined]
        assert sorted(table.column("at").to_pylist()) == wanted
        assert len(wanted) > 0
    assert len(facts.looks) == len([look for look in FACTS.looks if look.observed_at < AT])


_NAMES = {Observation: "observation", Resolution: "resolution", ControlLook: "control_look"}


class _Late:
    """A fact of any kind, all of whose times are late."""

    def __getattr__(self, _: str) -> datetime:
        return AT


def test_every_kind_of_fact_is_cut() -> None:
    """Nothing is left of facts that are all from that time on, whatever field holds them."""
    names = {field.name for field in fields(Facts)} - {"folder", "since", "until", "_tables", "_counted"}
    mappings = {"targets", "resolutions", "controls"}
    late: dict[str, Any] = {name: {"one": _Late()} if name in mappings else [_Late()] for name in names}
    late["claimed"] = {("u", "source"): AT}
    assert {name: len(getattr(Facts(**late).before(AT), name)) for name in names} == dict.fromkeys(names, 0)


def test_conclusions_before_are_those_of_a_study_that_ended_then(folder: Folder, tmp_path: Path) -> None:
    """All of them, from verdicts to rankings; what was recorded later changes none."""
    ended = in_store(tmp_path / "ended", FACTS.before(AT))
    then, before = figures(concluded(ended, STUDY)), figures(concluded(folder, STUDY).before(AT))
    assert then.pop("facts")
    assert before.pop("facts")
    assert before == then
    assert then["episodes"]
