"""Nobody works out a hidden cell: linear programs over all that is published leave it its full range."""

import os
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.publish.attacker import (
    Signature,
    System,
    read_cells,
    read_chains,
    read_tables,
    read_total,
    reported,
    with_categories,
    with_chains,
    with_hops,
    with_left_out,
    with_notices,
    with_rankings,
    with_sources,
)
from tests.publish.simulated import BY_LEVEL, KINDS, LEAST, World, chains, drawn, of_hosters, publication
from tests.publish.simulated import published as published_tables
from tests.study.facts import config
from waterbed.model.errors import InputError
from waterbed.model.takedown import NoticeEffect
from waterbed.publish.edition import FILE, LastEdition, Overtaken, editions, remember
from waterbed.publish.policy import EFFECTS, Publication, Table, named_keys, publishable
from waterbed.study.study import create_study

WORLDS = range(int(os.environ.get("WATERBED_WORLDS", "10")))
"""Simulated publications; `make prove` asks for 50."""
TOLD_BY_TWO = 15
"""A world of which a first edition would be told by a second one that knows nothing of it."""


def narrowed(ranges: Mapping[Hashable, tuple[float, float]], most: int = LEAST - 1) -> dict[Hashable, Any]:
    """The ranges that do not hold every count from 0 to `most`."""
    return {name: ends for name, ends in ranges.items() if ends[0] > 0.01 or ends[1] < most - 0.01}


def places(world: World) -> dict[str, dict[str, str]]:
    return {key: {"country": country, "asn": systems[0]} for key, (country, systems) in world.hosters.items()}


def cells(found: Publication) -> list[dict[str, Any]]:
    """The cells of the displacement page, weeks left out."""
    return [
        {"passage": cell.passage, "hops": cell.hops, **{kind: cell.ends(level) for level, kind in BY_LEVEL.items()}}
        for cell in found.cells.cells
    ]


def told(*before: Publication) -> list[LastEdition]:
    """What editions told, the newest given last."""
    return [one.edition for one in reversed(before) if one.edition]


def hidden_of(full: Publication, kind: str) -> list[tuple[str, str]]:
    return [(kind, row.key) for row in full.table(f"ranking-{kind}").rows if row.sites < LEAST]


@pytest.mark.parametrize("seed", WORLDS)
def test_no_row_of_a_ranking_follows(seed: int) -> None:
    """URLs and hosts of a small hoster, AS or country may be any number below the least, or more.

    Nor does it follow from how many rows are left out, or from the places of those shown.
    """
    no_row_follows(drawn(seed))


def test_a_key_hidden_alone_is_not_counted() -> None:
    """A small AS whose only URL is another's too takes no other with it, and no count of rows left out tells of it."""
    where = {f"h{at}": ("C0", (f"AS{at}",)) for at in range(3)}
    urls = [of_hosters(where, at, own) for at, own in enumerate([{"h0"}] * 12 + [{"h0", "h1"}] + [{"h2"}] * 12)]
    world = World(hosters=where, urls=urls)
    found = publishable(publication(world)).table("ranking-asn")
    assert {row.key for row in found.rows} == {"AS0", "AS2"}
    no_row_follows(world)


def no_row_follows(world: World) -> None:
    """Nothing small follows from the rankings of a world, and from the numbers of rows left out."""
    full = publication(world)
    tables = published_tables(publishable(full))
    signatures = sorted({url.network for url in world.urls}, key=sorted)
    hidden = [key for kind in KINDS for key in hidden_of(full, kind)]
    for count in ("urls", "hosts"):
        system = System()
        of = with_rankings(system, tables, signatures, count=count, total=len(world.urls))
        with_left_out(system, tables, signatures, of, sources=len(full.table("feeds").rows))
        assert not narrowed(system.ranges({key: of(key) for key in hidden}))


@pytest.mark.parametrize("seed", WORLDS)
def test_places_are_among_the_rows_shown(seed: int) -> None:
    """No place by speed is missing among those shown: it would tell of a key that is left out."""
    found = publishable(publication(drawn(seed)))
    for kind in BY_LEVEL.values():
        places = sorted(row.place_low for row in found.table(f"places-{kind}").rows if row.place_low)
        assert places == list(range(1, len(places) + 1))


@pytest.mark.parametrize("seed", WORLDS)
def test_no_category_and_no_source_follows(seed: int) -> None:
    """Nor does a small category, a small source, or what a source reported of a key."""
    world = drawn(seed)
    full = publication(world)
    tables = published_tables(publishable(full))
    system = System()
    with_categories(system, tables, sorted({url.category for url in world.urls}), len(world.urls))
    hidden = [key for _, key in hidden_of(full, "category")]
    assert not narrowed(system.ranges({key: [(("category", key), 1.0)] for key in hidden}))
    system = System()
    sets = {url.sources for url in world.urls}
    kinds = [(one, own) for one in {url.network for url in world.urls} for own in sets]
    with_sources(system, tables, kinds, len(world.urls))
    wanted = {}
    for name, kind in ((f"feeds-{kind}", kind) for kind in BY_LEVEL.values()):
        for row in full.table(name).rows:
            if row.hosts < LEAST:
                wanted[kind, row.key, row.source] = reported(kinds, row.source, key=(kind, row.key))
    for row in full.table("feeds").rows:
        if row.sites < LEAST:
            wanted[row.source] = reported(kinds, row.source)
    assert not narrowed(system.ranges(wanted))


@pytest.mark.parametrize("seed", WORLDS)
def test_no_week_and_no_key_of_notices_follows(seed: int) -> None:
    """Nor do the clocks of a key with few of them, or of a hoster's week with few."""
    world = drawn(seed)
    full = publication(world)
    signatures = sorted({url.network for url in world.urls}, key=sorted)
    weeks = sorted({row.week for row in full.table("compliance-hoster").rows if row.week})
    system = System()
    with_notices(system, published_tables(publishable(full)), signatures, weeks)
    assert not narrowed(system.ranges(small_clocks(full, signatures, weeks)))


def small_clocks(
    full: Publication, signatures: Sequence[Signature], weeks: Sequence[str], edition: int = 0
) -> dict[Hashable, list[tuple[Hashable, float]]]:
    """The clocks of keys with few of them, and of hosters' weeks with few."""
    return {
        (kind, row.key, row.week): [
            ((edition, "clocks", one, week), 1.0)
            for one in signatures
            if (kind, row.key) in one
            for week in weeks
            if row.week in (None, week)
        ]
        for kind in BY_LEVEL.values()
        for row in full.table(f"compliance-{kind}").rows
        if row.clocks < LEAST and (kind == "hoster" or row.week is None)
    }


@pytest.mark.parametrize("seed", WORLDS)
def test_no_flow_follows(seed: int) -> None:
    """Nor does a flow between two hosters with few hops, from flows, shares, what they are of, cells, and chains."""
    world = drawn(seed)
    full = publication(world)
    found = publishable(full)
    system = System()
    with_hops(system, published_tables(found), places(world), "C0", cells(found))
    with_chains(system, chains(world, found), places(world))
    small = Counter((one.from_hoster, one.to_hoster) for one in world.hops)
    wanted = {pair: [((0, "hops", pair), 1.0)] for pair, hops in small.items() if hops < LEAST}
    assert not narrowed(system.ranges(wanted))


def test_what_no_table_attributes_is_named_where_its_ranking_shows_it() -> None:
    """The key of unknown countries has a name in flows as any other: only where its row is published."""
    full = publication(drawn(1))
    ranking = full.table("ranking-country")
    row = replace(ranking.rows[0], key="unknown")
    for rows, named in (([row], True), (ranking.rows[1:], False)):
        found = replace(full, tables=[replace(ranking, rows=rows) if one is ranking else one for one in full.tables])
        assert ("unknown" in named_keys(found)["country"]) is named


Ranges = dict[Hashable, tuple[float, float]]


def ranges_of_two(
    world: World, half: Publication, first: Publication, second: Publication, whole: Publication | None = None
) -> tuple[Ranges, Ranges]:
    """What two editions leave open of the URLs of small keys then, and now."""
    signatures = sorted({url.network for url in world.urls}, key=sorted)
    system = System()
    sums = [
        with_rankings(system, published_tables(found), signatures, count="urls", edition=at)
        for at, found in enumerate((first, second))
    ]
    for one in signatures:  # what was there stays counted
        system.at_most([((0, "urls", one), 1.0), ((1, "urls", one), -1.0)], 0.0)
    then = [key for kind in KINDS for key in hidden_of(half, kind)]
    now = [key for kind in KINDS for key in hidden_of(whole, kind)] if whole else []
    return system.ranges({key: sums[0](key) for key in then}), system.ranges({key: sums[1](key) for key in now})


@pytest.mark.parametrize("seed", WORLDS)
def test_no_two_editions_in_a_row_tell(seed: int) -> None:
    """What the first half of a study hid, and what the whole hides, does not follow from both publications together.

    A key that is hidden now may be known to have grown by no more than all that was hidden did.
    """
    world = drawn(seed)
    half, whole = publication(world, 0.6), publication(world)
    first = publishable(half)
    untold(world, (half, first), (whole, publishable(whole, told(first))))


@pytest.mark.long
@pytest.mark.parametrize("seed", WORLDS)
def test_no_two_of_three_editions_tell(seed: int) -> None:
    """A page that was served, a package, and a publication: no two of them tell what one of them hid."""
    world = drawn(seed)
    full = [publication(world, part) for part in (0.5, 0.7, 1.0)]
    served = publishable(full[0])
    frozen = publishable(full[1], told(served))
    published = publishable(full[2], told(served, frozen))
    for (one, a), (two, b) in combinations(zip(full, (served, frozen, published), strict=True), 2):
        untold(world, (one, a), (two, b), first=int(a is not served))


def untold(
    world: World, earlier: tuple[Publication, Publication], later: tuple[Publication, Publication], first: int = 0
) -> None:
    """Nothing small in either follows from both; each is all that there was, and what was published of it.

    `first` is the number of the earlier edition: from 1 on, new hops may have waited.
    """
    (half, told_then), (whole, told_now) = earlier, later
    then, now = ranges_of_two(world, half, told_then, told_now, whole)
    assert not narrowed(then)
    assert not [key for key, ends in now.items() if ends[0] > 0.01]
    system = System()
    pairs = [(a, b) for a in world.hosters for b in world.hosters if a != b]
    for at, found in enumerate((told_then, told_now), first):
        with_hops(system, published_tables(found), places(world), "C0", cells(found), edition=at)
        with_chains(system, chains(world, found), places(world), edition=at)
    for pair in pairs:
        system.at_most([((first, "hops", pair), 1.0), ((first + 1, "hops", pair), -1.0)], 0.0)
    for at, hops in enumerate((half.basis.hops, whole.basis.hops), first):
        small = Counter((one.from_hoster, one.to_hoster) for one in hops)
        wanted = {pair: [((at, "hops", pair), 1.0)] for pair, number in small.items() if number < LEAST}
        assert not narrowed(system.ranges(wanted))


def test_nothing_follows_from_files(published: Path, everything: Path) -> None:
    """From files and pages no number of the two small hosters follows, nor a small flow."""
    tables, truth = read_tables(published), read_tables(everything)
    where = {row["hoster"]: row for row in truth["episodes"]["rows"]}
    signatures = [
        frozenset({("hoster", key), ("asn", key), ("country", row["countries"][0]), ("medium", "web")})
        for key, row in where.items()
    ]
    signatures.append(frozenset({("medium", "tor")}))
    system = System()
    total = read_total(published, "urls")
    of = with_rankings(system, tables, signatures, count="urls", total=total)
    small = [row["key"] for row in truth["ranking-hoster"]["rows"] if row["sites"] < LEAST]
    assert len(small) == 2
    assert not narrowed(system.ranges({key: of(("hoster", key)) for key in small}))
    system = System()
    known = {key: {"asn": key, "country": row["countries"][0]} for key, row in where.items()}
    with_hops(system, tables, known, "NL", read_cells(published))
    with_chains(system, read_chains(published), known)
    flows = {(row["from_key"], row["to_key"]): row["hops"] for row in truth["flows"]["rows"]}
    assert read_total(published, "hops") == sum(flows.values())
    few = {pair: [((0, "hops", pair), 1.0)] for pair, hops in flows.items() if hops < LEAST}
    assert few
    assert not narrowed(system.ranges(few))


def test_the_attacker_finds_what_is_hidden_alone() -> None:
    """Where only small rows are left out, the same attacker finds their numbers exactly."""
    found = 0
    for seed in range(6):
        world = drawn(seed)
        full = publication(world)
        kept = [
            replace(table, rows=[row for row in table.rows if getattr(row, "sites", LEAST) >= LEAST])
            for table in full.tables
        ]
        system = System()
        signatures = sorted({url.network for url in world.urls}, key=sorted)
        of = with_rankings(system, published_tables(replace(full, tables=kept)), signatures, count="urls")
        hidden = [key for kind in KINDS for key in hidden_of(full, kind)]
        ranges = system.ranges({key: of(key) for key in hidden})
        found += sum(round(ends[0]) == round(ends[1]) for ends in ranges.values())
    assert found > 5


def test_the_study_keeps_what_it_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record of an edition comes back as it was, for the owner alone; a damaged one is refused by name."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    first, second = (publishable(publication(drawn(1), share)).edition for share in (0.6, 1.0))
    assert first != second
    with create_study(tmp_path / "study", config()) as study:
        assert editions(study.folder) == []
        remember(study.folder, first, "publish", [])
        assert editions(study.folder) == [first]
        kept = tmp_path / "study" / FILE
        assert kept.stat().st_mode & 0o777 == 0o600
        for _ in range(9):  # what is served day by day takes the place of no publication
            remember(study.folder, second, "serve", [first])
            remember(study.folder, first, "serve", [second])
        assert editions(study.folder) == [first, second, first]
        with pytest.raises(Overtaken, match="start again"):
            remember(study.folder, first, "publish", [first])
        kept.write_text('{"hidden": 3}')
        with pytest.raises(InputError, match=r"edition\.json is no record of an edition"):
            editions(study.folder)


def test_a_policy_that_allows_more_starts_anew() -> None:
    """With a smaller least nothing of the edition before binds; the same facts published again are the same."""
    full = publication(drawn(TOLD_BY_TWO))
    first = publishable(full)
    assert published_tables(publishable(full, told(first))) == published_tables(first)
    open_ = replace(full, policy=replace(full.policy, least=1))
    assert published_tables(publishable(open_, told(first))) == published_tables(publishable(open_))


def test_without_the_edition_before_the_next_one_tells() -> None:
    """An edition made as if it were the first tells, with the one before, what that one hid."""
    world = drawn(TOLD_BY_TWO)
    half, whole = publication(world, 0.6), publication(world)
    assert narrowed(ranges_of_two(world, half, publishable(half), publishable(whole))[0])
    first = publishable(half)
    assert not narrowed(ranges_of_two(world, half, first, publishable(whole, told(first)))[0])


def test_effects_of_notices_rest_on_enough_and_tell_no_small_rest() -> None:
    """A row needs enough clocks and clusters with the change, and enough or none without; counts are rounded down."""
    row = NoticeEffect(
        what="plain",
        ratio=2.0,
        low=1.0,
        high=4.0,
        p=0.05,
        clocks=20,
        clusters=10,
        of_clocks=31,
        of_clusters=16,
        refusal=None,
    )
    rows = [
        row,
        replace(row, what="all", of_clocks=20, of_clusters=10),
        replace(row, what="few without it", of_clocks=22),
        replace(row, what="few clusters without it", of_clusters=12),
        replace(row, what="few", clusters=2),
        replace(row, what="refused", refusal="fewer than 10 clusters"),
    ]
    full = publication(drawn(1))
    effects = Table(name=EFFECTS, title="", cls=NoticeEffect, rows=rows, envelope=full.tables[0].envelope)
    found = publishable(replace(full, tables=[*full.tables, effects])).table(EFFECTS)
    assert [one.what for one in found.rows] == ["plain", "all"]
    plain = found.rows[0]
    assert (plain.clocks, plain.clusters, plain.of_clocks, plain.of_clusters) == (18, 9, 30, 15)
    assert found.envelope.left_out == 1
