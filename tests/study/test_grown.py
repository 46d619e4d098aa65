"""Conclusions after a day more, of which only what is new was worked out."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from tests.study.facts import hour, report, target
from tests.study.random_studies import HOURS, Drawn
from waterbed.judging.walk import Walk
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.errors import OwnFailure
from waterbed.model.facts import CanaryLook, Observation
from waterbed.store.lake.sealing import seal
from waterbed.study import conclusions as whole
from waterbed.study import judgements, kept_urls
from waterbed.study.conclusions import Conclusions
from waterbed.study.judged import verdicts_in
from waterbed.study.look_reader import Before, read_looks
from waterbed.study.study import Study, create_study

STAGES = (26, 38, 50, HOURS + 60)
"""Hours after which conclusions are drawn."""
SEEDS = (11, 20, 40, 42)
"""Studies in which no verdict rests on what is served beside a URL: there all is worked out."""
KINDS = ("hoster", "asn", "category")


def told(conclusions: Conclusions) -> list[Any]:
    """All that grows."""
    tables = [RankingTables(conclusions=conclusions, kind=kind, clock="reported") for kind in KINDS]  # type: ignore[arg-type]
    return [
        *(conclusions.episodes, conclusions.notices, conclusions.hosters, conclusions.until, conclusions.look_count),
        *(its.appearances for its in tables),
        {url_id: conclusions.links.name_of(url_id) for url_id in conclusions.facts.targets},
    ]


class Growing:
    """A drawn study whose facts are recorded as time goes on."""

    def __init__(self, folder: Path, seed: int) -> None:
        drawn = Drawn(seed).conclusions()
        self.folder, self.facts, self.at = folder, drawn.facts, datetime.min.replace(tzinfo=hour(0).tzinfo)
        lake = changed(drawn.config.lake, grace_hours=1.0)
        self.config = changed(drawn.config, study=f"{seed:032x}", lake=lake)

    @contextmanager
    def opened(self) -> Iterator[Study]:
        """The study, with what never changes on record."""
        with create_study(self.folder / "study", self.config) as study:
            for on, last in ((date(2026, 1, 1), 64502), (date(2026, 1, 6), 64503)):
                table = self.folder / f"{on}.csv"
                owners = ((0, 64500), (1, 64501), (2, last), (3, 64503), (4, 64500))
                table.write_text("".join(f"28.{n}.0.0,28.{n}.255.255,{asn},Holder {asn}\n" for n, asn in owners))
                study.add_table(table, on)
            facts = self.facts
            study.folder.store.add([*facts.targets.values(), *facts.reports, *facts.codings, *facts.decisions])
            yield study

    def until(self, study: Study, last: datetime) -> None:
        """Record what happened until a time, and seal the days that are over."""
        before, self.at = self.at, last
        new = [
            *(one for one in self.facts.looks if before <= one.observed_at < last),
            *(one for one in self.facts.resolutions.values() if before <= one.resolved_at < last),
            *(one for one in self.facts.controls.values() if before <= one.observed_at < last),
            *(one for one in self.facts.canaries if before <= one.observed_at < last),
        ]
        study.folder.store.add(new)
        study.folder.clock = lambda: last
        seal(study.folder)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgements, "SHARED", 0)


def grown_as_anew(study: Study) -> bool:
    """Compare what grew with what is concluded of all facts; whether it grew."""
    grew = study.conclude(2, grows=True)
    found, its = told(grew), grew.grown
    kept = {file.name: file for file in study.kept().files()}
    assert all(file.current for name, file in kept.items() if name != kept_urls.NAME)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Conclusions, "kept", lambda self, name, form, make: make())
        patched.setattr(Conclusions, "grown", None)
        assert told(study.conclude(1)) == found
    return its is not None


@pytest.mark.long
def test_what_grows_is_what_is_concluded_of_all_facts(tmp_path: Path) -> None:
    """Day after day, whatever rules can see, kept conclusions and new looks give what all looks give."""
    grew = 0
    for seed in SEEDS:
        growing = Growing(tmp_path / f"{seed}", seed)
        growing.folder.mkdir()
        with growing.opened() as study:
            for n in STAGES:
                growing.until(study, hour(n))
                grew += grown_as_anew(study)
    assert grew == len(SEEDS) * (len(STAGES) - 1)


def test_the_first_report_that_tells_a_kind_is_seen_at_all_urls(tmp_path: Path) -> None:
    """Until a report tells a type of site no URL has a key; then each has one, also where nothing else is new."""

    def keys(conclusions: Conclusions) -> dict[str, tuple[str, ...]]:
        tables = RankingTables(conclusions=conclusions, kind="site_type", clock="reported")
        return {one.url_id: one.keys for one in tables.appearances}

    growing = Growing(tmp_path, 40)
    with growing.opened() as study:
        growing.until(study, hour(50))
        first = study.conclude(2, grows=True)
        assert (bool(told(first)), set(keys(first).values())) == (True, {()})
        study.folder.store.add([report("u0", report_id="forum", received_at=hour(52), site_type="forum")])
        growing.until(study, hour(HOURS + 60))
        grew = study.conclude(2, grows=True)
        assert grew.grown is not None
        assert set(keys(grew).values()) == {("forum",), ("not told",)}


@pytest.mark.parametrize("near", [False, True])
def test_contents_are_found_in_another_process_unless_names_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, near: bool
) -> None:
    """Names are read from the database, which another process must not use."""
    forked, here = list[str](), Conclusions.found_beside
    growing = Growing(tmp_path, SEEDS[0])
    growing.config = changed(growing.config, linking=changed(growing.config.linking, near_labels=near))

    def told_of(self: Conclusions, name: str, find: Callable[[], Any]) -> Any:
        forked.append(name)
        return here(self, name, find)

    monkeypatch.setattr(Conclusions, "found_beside", told_of)
    with growing.opened() as study:
        growing.until(study, hour(STAGES[0]))
        assert study.conclude(2, grows=True).episodes == study.conclude(1).episodes
    assert forked == ([] if near else ["contents"])


def test_what_failed_half_way_is_worked_out_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that finds contents dies: asked once more, the same conclusions are those of all facts."""
    growing, here, us = Growing(tmp_path, 40), whole.clusters_of, os.getpid()

    def dies(*given: Any) -> Any:
        return here(*given) if os.getpid() == us else os.kill(os.getpid(), signal.SIGKILL)

    with growing.opened() as study:
        growing.until(study, hour(STAGES[0]))
        assert study.conclude(2, grows=True).episodes
        growing.until(study, hour(STAGES[1]))
        grew = study.conclude(2, grows=True)
        with monkeypatch.context() as patched:
            patched.setattr(whole, "clusters_of", dies)
            with pytest.raises(OwnFailure):
                _ = grew.episodes
        assert grew.grown is not None
        again = grew.episodes
        study.kept().drop()
        assert again == study.conclude(1).episodes


Change = Callable[[Study], None]


def _report_of_an_old_url(study: Study) -> None:
    study.folder.store.add([report("u0", report_id="again", reported_at=hour(52), received_at=hour(52))])


def _origin_of_an_old_url(study: Study) -> None:
    origin = report("u0", report_id="told", received_at=hour(52), origin_address="28.1.9.9")
    study.folder.store.add([origin])


def _url_where_a_redirect_led(study: Study) -> None:
    new = [target(f"new{n}", site_id=f"s-{n}") for n in (0, 1)]
    study.folder.store.add([*new, *(report(one.url_id, received_at=hour(52), reported_at=hour(52)) for one in new)])


def _late_look(study: Study) -> None:
    first = study.folder.store.all(Observation, order=("observed_at",))[:1]
    study.folder.store.add([replace(one, observation_id="late", status=404) for one in first])


def _late_canary(study: Study) -> None:
    first = study.folder.store.all(CanaryLook, order=("observed_at",))[0]
    later = first.observed_at + timedelta(hours=3)
    study.folder.store.add([replace(first, canary_id="late", observed_at=later, reached=0)])


def _table(day: date) -> Change:
    def add(study: Study) -> None:
        table = study.path.parent / "another.csv"
        table.write_text("".join(f"28.{n}.0.0,28.{n}.255.255,64777,Another\n" for n in range(5)))
        study.add_table(table, day)

    return add


def _book(study: Study) -> None:
    book = study.path.parent / "hosters.toml"
    book.write_text('[[hoster]]\nkey = "one"\nname = "One"\nasns = [64500, 64501]\n')
    study.set_hosters(book)


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "grows"),
    [
        (_report_of_an_old_url, True),
        (_origin_of_an_old_url, False),
        (_url_where_a_redirect_led, True),
        (_late_look, False),
        (_late_canary, False),
        (_table(date(2026, 1, 5)), False),
        (_table(date(2026, 1, 7)), True),
        (_book, False),
    ],
)
def test_what_is_told_of_the_past_changes_all(tmp_path: Path, change: Change, grows: bool) -> None:
    """What concerns one URL is read again with it, what concerns all means that all is worked out."""
    growing = Growing(tmp_path, 40)
    with growing.opened() as study:
        growing.until(study, hour(50))
        grown_as_anew(study)
        change(study)
        growing.until(study, hour(HOURS + 60))
        assert grown_as_anew(study) == grows


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_some_urls_alone_are_judged_as_among_all(seed: int) -> None:
    """Controls of their hosts that are not read again are known by the classes that were kept."""
    its = Drawn(seed).conclusions()
    if its.looks.neighbours_asked or not len(its.looks):
        return
    facts, urls = its.facts, sorted({look.url_id for look in its.facts.looks})[::2]
    looks = [look for look in facts.looks if look.url_id in urls]
    own = {look.control_id for look in looks}
    some = replace(
        facts,
        targets={url_id: facts.targets[url_id] for url_id in urls},
        looks=looks,
        controls={name: one for name, one in facts.controls.items() if name in own},
    )
    targets = facts.targets.values()
    known = pa.table({name: [getattr(one, name) for one in targets] for name in ("url_id", "site_id")})
    part = read_looks(some, its.config, Walk(its.rules), before=Before(known=known, usable=its.looks.usable))
    assert not part.neighbours_asked
    found = [one for block in part.blocks() for one in verdicts_in(part, block, block.verdicts, slice(0, len(block)))]
    whole = [
        one
        for block in its.looks.blocks()
        for one in verdicts_in(its.looks, block, block.verdicts, slice(0, len(block)))
        if one.url_id in urls
    ]
    assert found == whole
    shown = {sign for sign in its.looks.signs(alone=True) if sign.url_id in urls}
    assert set(part.signs(alone=True)) == shown
