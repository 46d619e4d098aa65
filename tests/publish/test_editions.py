"""Editions know of each other: those made at once, and what one withheld, which the next does not tell."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.publish.attacker import System, reported, with_notices, with_sources
from tests.publish.simulated import BY_LEVEL, LEAST, World, drawn, of_hosters, publication
from tests.publish.simulated import published as published_tables
from tests.publish.study import noticed, small_study
from tests.publish.test_differencing import WORLDS, narrowed, small_clocks, told
from tests.study.facts import _canary, _looks, config, hour, report, resolution, target
from waterbed.model.errors import InputError
from waterbed.publish import release
from waterbed.publish.api import source
from waterbed.publish.edition import editions
from waterbed.publish.policy import publishable
from waterbed.publish.release import publish_all
from waterbed.store.settings import Publish
from waterbed.study.study import Study, create_study


def grow(study: Study, number: int) -> None:
    """Another site is reported at the first hoster."""
    url, address = f"new{number}", f"28.0.200.{number}"
    study.folder.store.add([target(url), resolution(url, address), report(url), *_looks(url, "uuuu", address)])


def between(once: Callable[[], Any], real: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, before whose first call something happens."""
    left = [once]

    def called(*words: Any) -> Any:
        if left:
            left.pop()()
        return real(*words)

    return called


def test_an_edition_that_another_overtakes_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two publications made at once the later one is refused, and knows of the other when repeated."""
    with small_study(tmp_path) as study:

        def other() -> None:
            grow(study, 1)
            publish_all(study, tmp_path / "b")

        monkeypatch.setattr(release, "tables_of", between(other, release.tables_of))
        with pytest.raises(InputError, match="start again"):
            publish_all(study, tmp_path / "a")
        assert [path.name for path in (tmp_path / "a").iterdir()] == []
        assert len(editions(study.folder)) == 1
        publish_all(study, tmp_path / "a")
        assert (tmp_path / "a" / "index.html").is_file()


def test_a_server_that_another_edition_overtakes_draws_its_answers_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publication while answers are made: they are made once more, of what the study holds by then."""
    drawn = []
    with small_study(tmp_path) as study:

        def other() -> None:
            grow(study, 1)
            publish_all(study, tmp_path / "out")

        real = between(other, source.tables_of)
        monkeypatch.setattr(source, "tables_of", lambda *words: drawn.append(1) or real(*words))
        served = source.read(study.folder.path)
        assert len(drawn) == 2
        assert len(editions(study.folder)) == 2
        own = json.loads((tmp_path / "out" / "ranking-hoster.json").read_text())["rows"]
        assert [row.urls for row in served.publication.table("ranking-hoster").rows] == [row["urls"] for row in own]


@pytest.mark.parametrize("later", [0, 2])
@pytest.mark.parametrize("seed", WORLDS)
def test_no_two_editions_tell_of_notices(seed: int, later: int) -> None:
    """Nor do clocks of a week follow from two editions, whether new notices come to old weeks or to `later` ones."""
    world = drawn(seed, hosters=3, scale=2)
    at = round(len(world.urls) * 0.6)
    new = [replace(url, weeks=tuple(week + later for week in url.weeks)) for url in world.urls[at:]]
    world = replace(world, urls=[*world.urls[:at], *new])
    half, whole = publication(world, 0.6), publication(world)
    first = publishable(half)
    signatures = sorted({url.network for url in world.urls}, key=sorted)
    weeks = sorted({row.week for row in whole.table("compliance-hoster").rows if row.week})
    system = System()
    for edition, found in enumerate((first, publishable(whole, told(first)))):
        with_notices(system, published_tables(found), signatures, weeks, edition)
    for one in signatures:  # what was there stays counted
        for week in weeks:
            system.at_most([((0, "clocks", one, week), 1.0), ((1, "clocks", one, week), -1.0)], 0.0)
    assert not narrowed(system.ranges(small_clocks(half, signatures, weeks)))
    now = system.ranges(small_clocks(whole, signatures, weeks, 1))
    assert not [key for key, ends in now.items() if ends[0] > 0.01]


@pytest.mark.long
@pytest.mark.parametrize("seed", WORLDS)
def test_no_two_editions_tell_of_sources(seed: int) -> None:
    """Nor does what a source reported of a key follow from two editions."""
    no_source_follows(drawn(seed))


def test_no_two_editions_tell_of_a_source_that_grew() -> None:
    """A source has one URL at a hoster, then three: all that it had, less what it has elsewhere now, was the one."""
    where = {f"h{at}": ("C0", (f"AS{at}",)) for at in range(3)}
    second = [("h0", 6), ("h1", 4), ("h2", 1)]
    own = [(key, {"hotline", "second"}) for key, number in second for _ in range(number)]
    own += [(key, {"hotline"}) for key, number in (("h0", 6), ("h1", 8), ("h2", 39)) for _ in range(number)]
    own += [("h2", {"hotline", "second"})] * 2
    urls = [replace(of_hosters(where, at, {key}), sources=frozenset(by)) for at, (key, by) in enumerate(own)]
    no_source_follows(World(hosters=where, urls=urls), 64 / 66)


def no_source_follows(world: World, part: float = 0.6) -> None:
    """Of the parts of a source at keys none that was small follows from both editions; none that is may be above 0."""
    half, whole = publication(world, part), publication(world)
    first = publishable(half)
    signatures, sets = {url.network for url in world.urls}, {url.sources for url in world.urls}
    kinds = [(one, own) for one in signatures for own in sets]
    system = System()
    for at, found in enumerate((first, publishable(whole, told(first)))):
        with_sources(system, published_tables(found), kinds, edition=at)
    for one in signatures:  # what was there, and what was reported, stays so; by whom else may come
        for by in (None, *sorted({one for own in sets for one in own})):
            of = [kind for kind in kinds if kind[0] == one]
            later = [(unknown, -factor) for unknown, factor in reported(of, by, edition=1)]
            system.at_most([*reported(of, by), *later], 0.0)
    small = [
        {
            (kind, row.key, row.source): reported(kinds, row.source, key=(kind, row.key), edition=at)
            for kind in BY_LEVEL.values()
            for row in full.table(f"feeds-{kind}").rows
            if row.hosts < LEAST
        }
        for at, full in enumerate((half, whole))
    ]
    assert not narrowed(system.ranges(small[0]))
    assert not [key for key, ends in system.ranges(small[1]).items() if ends[0] > 0.01]


WEEK_H = 168


def in_week(week: int, number: int) -> list[object]:
    """Sites at one hoster that are reported, and of which notices are sent, in a week."""
    found: list[object] = []
    for at in range(number):
        url, address, begin = f"w{week}{at}", f"28.0.{week}.{at}", week * WEEK_H + 5
        told = {"reported_at": hour(begin), "received_at": hour(begin)}
        found += [target(url), resolution(url, address, resolved_at=hour(begin)), report(url, **told)]
        found += _looks(url, " " * begin + "u" * 30, address)
        found.append(noticed(url, hour(begin + 2)))
    return found


def test_a_later_week_with_few_sites_tells_of_no_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weeks of 2, 3 and 5 sites, then of 1 more: that of 3, which hid that of 2, is not shown for the sake of the 1."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with create_study(tmp_path / "study", config(publish=Publish(publisher="p", licence="CC0-1.0"))) as study:
        (tmp_path / "routes.csv").write_text("28.0.0.0,28.0.255.255,64500,Hoster a\n")
        study.add_table(tmp_path / "routes.csv", date(2026, 1, 5))
        study.folder.store.add([*in_week(0, 2), *in_week(1, 3), *in_week(2, 5)])
        for out, end, more in (("one", 3, []), ("two", 4, in_week(3, 1))):
            study.folder.clock = partial(hour, end * WEEK_H)
            study.folder.store.add([*more, *(_canary(at, True) for at in range((end - 1) * WEEK_H, end * WEEK_H))])
            publish_all(study, tmp_path / out)
            weeks, notices = (
                [row[name] for row in json.loads((tmp_path / out / f"{table}-hoster.json").read_text())["rows"]]
                for table, name in (("weeks", "window"), ("compliance", "week"))
            )
            assert set(weeks) == {"2026-W04"}
            assert set(notices) == {None, "2026-W04"}
