"""What findings tell to readers outside: nothing about too few sites, nor what can be worked out of the rest."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs.displacement.movements import HEADING, day, gain, series, world
from waterbed.estimators.reappearance import Excess, Units, excess_reappearance
from waterbed.graphs.displacement.answers import TypedAnswer
from waterbed.graphs.displacement.destinations import Destinations
from waterbed.graphs.displacement.disclosure import (
    disclosed_answers,
    disclosed_excess,
    disclosed_moved,
    disclosed_pairs,
    disclosed_periods,
    disclosed_placebos,
    disclosed_share,
    held_back,
    pools,
)
from waterbed.graphs.displacement.feeds import ChangedFeed
from waterbed.graphs.displacement.findings import of_event
from waterbed.graphs.displacement.overlap import Overlap
from waterbed.graphs.displacement.receivers import Receiver
from waterbed.graphs.displacement.returns import IN_BOUNDS
from waterbed.graphs.displacement.summary import Moved
from waterbed.graphs.displacement.takedowns import Takedown
from waterbed.model.formatter import EVERYTHING, Disclosure, Formatter
from waterbed.model.message import NOTHING, Count, Message, Name, Refusal
from waterbed.model.results import PairRow, PeriodRow, PlaceboRow

OUTSIDE = Disclosure(least=3)


def answer(**changes: object) -> TypedAnswer:
    plain = {"question": "?", "name": "WDD", "estimator": "e", "reading": "all", "n": 40, "n_of": "site clusters"}
    return TypedAnswer(**(plain | {"estimate": 1.5, "low": 1.0, "high": 2.0, "p": 0.5, "smallest_p": 0.1} | changes))  # type: ignore[arg-type]


def told(refusal: Refusal) -> str:
    """The reason in words, for readers outside."""
    return Formatter(disclosure=OUTSIDE).text(refusal.reason)


def period(**changes: object) -> PeriodRow:
    plain = {"reading": "not parallel", "age": 0, "begins_at": day(160), "target": 3, "control": 5, "buffer": 0}
    more = {
        "buffer_control": 9,
        "reports": 14,
        "observed": -1.5,
        "foretold": -1.0,
        "gap": -0.5,
        "p": 0.5,
        "smallest_p": 0.1,
    }
    return PeriodRow(**(plain | more | changes))  # type: ignore[arg-type]


def pair(**changes: object) -> PairRow:
    plain = {
        "reading": "sequential",
        "from_key": "t",
        "from_name": "T",
        "to_key": "b",
        "to_name": "B",
        "moves": 9,
        "sites": 9,
    }
    nulls = dict.fromkeys(("soon", "soon_foretold", "destination_p", "timing_p", "smallest_p"))
    return PairRow(**(plain | {"foretold": 3.0, "lift": 3.0} | nulls | changes))  # type: ignore[arg-type]


arrivals = st.lists(
    st.lists(
        st.tuples(st.sampled_from("pqrs"), st.sampled_from(["home", "abroad", "unknown"]), st.integers(0, 30)),
        max_size=25,
    ),
    min_size=4,
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(arrivals)
def test_pools_leave_no_small_number_and_no_small_difference(drawn: list[list[tuple[str, str, int]]]) -> None:
    """In each column that is told, each place of each side has no site or enough, and so has all that is added up."""
    columns = [[gain(place, day_n, n, side=side) for n, (place, side, day_n) in enumerate(column)] for column in drawn]
    found = pools(columns, replace(OUTSIDE, named="pqr"), first=1)
    assert "s" not in found.places.values()
    for column, known in zip(columns, found.columns, strict=True):
        sizes = Counter((found.sides[one.side], found.places[one.place]) for one in column)
        if known and len(set(found.places.values())) > 1:
            assert all(size >= 3 for size in sizes.values()), sizes
        if known:
            assert all(size >= 3 for size in Counter(found.sides[one.side] for one in column).values())


def test_the_share_abroad_comes_before_the_controls() -> None:
    """A side with too few among the controls holds the controls' column back, not the target's own share."""
    after = [gain("p", 1.0, n, side="home" if n % 2 else "abroad") for n in range(20)]
    controls = [gain("p", 1.0, n, side="home" if n else "abroad") for n in range(20)]
    found = pools([[], after, [], controls], OUTSIDE, first=1)
    assert found.columns == (True, True, True, False)
    assert found.abroad
    assert not pools([[], controls, [], after], OUTSIDE, first=1).abroad


def test_everything_is_told_to_the_study_itself() -> None:
    """Without a policy nothing is pooled, masked or refused."""
    columns = [[gain("p", 1.0, 1)], [gain("q", 1.0, 2, side="home")], [], []]
    found = pools(columns, EVERYTHING, first=1)
    assert found.columns == (True,) * 4
    assert all(key == name for key, name in (*found.sides.items(), *found.places.items()))
    one = answer(n=1, note="1 of 2")
    assert disclosed_answers([one], [], EVERYTHING) == [one]
    assert disclosed_periods([period(target=1)], EVERYTHING) == [period(target=1)]


@pytest.mark.parametrize("name", ["target", "control"])
def test_a_small_count_takes_along_what_gives_it_away(name: str) -> None:
    """What is foretold and the gap are held back with the count that they are made of; other counts are rounded."""
    (row,) = disclosed_periods([period(**{name: 2}, foretold_sites=4.6, placebo_low=1.0, placebo_high=9.0)], OUTSIDE)
    assert (getattr(row, name), row.observed, row.foretold, row.gap) == (None, None, None, None)
    assert (row.foretold_sites, row.placebo_low, row.placebo_high) == (None, None, None)
    assert (row.buffer, row.buffer_control, row.reports) == (0, 9, 15)


def test_a_small_buffer_takes_nothing_along() -> None:
    """No series is made of the buffer."""
    (row,) = disclosed_periods([period(buffer=1)], OUTSIDE)
    assert (row.buffer, row.gap) == (None, -0.5)


def test_what_is_told_gives_no_single_site_away() -> None:
    """Counts are multiples of the least, shares whole percents, and no log rate stands beside a count."""
    (row,) = disclosed_periods([period(target=7, control=10, reports=11, gap=-0.513, foretold_sites=4.6)], OUTSIDE)
    assert (row.target, row.control, row.reports, row.buffer) == (6, 9, 12, 0)
    assert (row.observed, row.foretold, row.gap, row.foretold_sites) == (None, None, -0.5, 5.0)
    (told,) = disclosed_answers([answer(n=70, scale="share", estimate=0.47947)], [], OUTSIDE)
    assert (told.n, told.estimate) == (69, 0.48)
    (told,) = disclosed_answers([answer(unit="appearances a period", estimate=0.4118, low=-3.176)], [], OUTSIDE)
    assert (told.estimate, told.low) == (0.4, -3.2)
    (told,) = disclosed_answers([answer(n=70, n_of="periods", unit="log ratio", estimate=0.47947)], [], OUTSIDE)
    assert (told.n, told.estimate) == (70, 0.5)
    (told,) = disclosed_answers([answer(unit="quotient", estimate=-0.478220574606117, low=None)], [], OUTSIDE)
    assert (told.estimate, told.low) == (-0.5, None)
    (told,) = disclosed_answers([answer(n=11, scale="count", estimate=11.0, low=11.0, high=13.6)], [], OUTSIDE)
    assert (told.n, told.estimate, told.low, told.high) == (12, 12.0, 12.0, 15.0)
    (told_pair,) = disclosed_pairs([pair(moves=10, sites=8, soon=9, soon_foretold=2.345)], OUTSIDE)
    assert (told_pair.moves, told_pair.sites, told_pair.soon, told_pair.soon_foretold) == (9, 9, None, None)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 30), st.integers(0, 1_000))
def test_rounded_counts_differ_by_none_or_enough(least: int, count: int) -> None:
    """A rounded count is a multiple of the least, nearest, and none that may be told becomes one that may not."""
    one = replace(OUTSIDE, least=least).rounded(count)
    assert one % least == 0
    assert abs(one - count) * 2 <= least
    assert one >= least or count < least


def _ended(sure: range, rest: range, *, all_may: bool = True) -> list[Takedown]:
    """Takedowns of a site each, those that surely moved and others."""
    return [
        Takedown(
            url_id=f"u{n}",
            content_id=f"c{n}",
            site_id=f"s{n}",
            hoster="t",
            certain=(n in sure, False, False, False),
            possible=(all_may or n in sure, False, False, False),
        )
        for n in [*sure, *rest]
    ]


@pytest.mark.parametrize(
    ("sure", "rest", "told"),
    [
        (range(12), range(12, 40), (39, 12)),
        (range(14), range(14, 41), (42, 12)),
        (range(2), range(2, 40), (39, None)),
        (range(38), range(38, 40), (39, None)),
        (range(0), range(40), (39, 0)),
        (range(1), range(1, 2), (None, None)),
    ],
)
def test_what_moved_is_told_of_enough_sites_on_both_sides(
    sure: range, rest: range, told: tuple[int | None, int | None]
) -> None:
    """Contents that surely moved are rounded down, and not counted where too few sites moved, or too few did not."""
    ended = _ended(sure, rest)
    found = disclosed_moved(Moved(ended=len(ended), surely=len(sure), horizon_h=48.0), ended, OUTSIDE)
    assert (found.ended, found.surely) == told
    one_site = [replace(one, site_id="s") for one in ended]
    assert disclosed_moved(Moved(ended=40, surely=12, horizon_h=48.0), one_site, OUTSIDE).surely is None


@pytest.mark.parametrize("parts", [(2, 11, 0, 40), (11, 2, 0, 40), (9, 9, 1, 40), (9, 9, 40, 2)])
def test_an_excess_of_few_on_either_side_is_refused(parts: tuple[int, int, int, int]) -> None:
    """One of thirteen is 8%: a share would count the few that came up elsewhere, or the few that did not."""
    units = Units(
        started=np.arange(40.0) % 20,
        ended=np.where(np.arange(40) < 20, 30.0, np.inf),
        category=np.zeros(40, np.int64),
        cluster=np.arange(40),
        arrivals=(np.arange(5, 15), np.full(10, 31.0)),
    )
    found = excess_reappearance(units, np.random.default_rng(1), horizon=5.0, observed_until=99.0, age_within=48.0)
    assert isinstance(found, Excess)
    assert found.parts == (10, 10, 0, 20)
    assert disclosed_excess(found, OUTSIDE) is found
    few = replace(found, parts=parts)
    assert disclosed_excess(few, EVERYTHING) is few
    assert disclosed_excess(few, OUTSIDE) == held_back(OUTSIDE)
    assert held_back(OUTSIDE).held_back
    assert told(held_back(OUTSIDE)) == "held back, as it describes fewer than 3 sites"


def test_a_displaced_share_counts_no_few() -> None:
    """The row's note says how many moved only where enough did, and enough did not."""
    row = answer(name="displaced share", note=Message.of("{n} surely moved", n=Count(39)))
    for sure, note in ((range(20), row.note), (range(38), IN_BOUNDS)):
        assert disclosed_share(row, _ended(sure, range(sure.stop, 40), all_may=False), OUTSIDE).note == note


def test_answers_of_few_are_refused() -> None:
    """An answer about two contents is refused with the reason; one of two periods is not."""
    held, kept = disclosed_answers([answer(n=2, n_of="contents"), answer(n=2, n_of="periods")], [], OUTSIDE)
    assert (held.estimate, held.low, held.p, held.n) == (None, None, None, 0)
    assert held.refusal is not None
    assert held.refusal.held_back
    assert told(held.refusal) == "held back: it rests on fewer than 3 contents"
    assert kept.estimate == 1.5


def test_lifts_of_pairs_not_told_are_refused() -> None:
    """The pair that stands out most is named in the note: held back where the pair is."""
    note = Message.of("{place} to {destination}", place=Name("t"), destination=Name("b"))
    lift = answer(name="lift, timing", reading="sequential", n=51, note=note, pair=("t", "b"))
    assert disclosed_answers([lift], [pair(soon=6, soon_foretold=4.0)], OUTSIDE) == [lift]
    where = replace(lift, name="lift, destinations")
    assert disclosed_answers([where], [pair()], OUTSIDE) == [where]
    for pairs in ([], [pair()], [pair(to_key="c")], [pair(reading="not parallel")]):
        (held,) = disclosed_answers([lift], pairs, OUTSIDE)
        assert held.refusal is not None
        assert held.note == NOTHING


def test_pairs_and_placebos_name_only_what_has_a_name() -> None:
    """Pairs of too few sites, without a name, or told with others are left out, and placebos without a name."""
    only = replace(OUTSIDE, named=["t", "b", "c"])
    rows = [pair(), pair(sites=2), pair(to_key="x"), pair(from_key="x"), pair(to_key="c"), pair(moves=0, sites=0)]
    assert disclosed_pairs(rows, only, {("sequential", "c")}) == [rows[0], rows[5]]
    labels = [("window", "2026-01-01 00:00"), ("place", "b"), ("place", "x")]
    placebos = [PlaceboRow(reading="all", kind=kind, label=label, effect=1.0) for kind, label in labels]  # type: ignore[arg-type]
    assert disclosed_placebos(placebos, only) == placebos[:2]


def test_destinations_add_up_whatever_is_told() -> None:
    """Pooled or not, the destinations of a column and its sides add up to its arrivals, but for rounding."""
    whole = Destinations(series=series(world(1, fall=1 / 3, moved=0.5)), reading="not parallel", names={})
    outside = replace(whole, disclosure=replace(OUTSIDE, least=12))
    sides = ("home", "abroad", "unknown")
    for name in ("before", "after", "control_before", "control_after"):
        arrivals = sum(getattr(row, name) for row in whole.rows() if row.key in sides)
        for rows in (
            [row for row in outside.rows() if row.key.split(" or ")[0] in sides],
            [row for row in outside.rows() if row.key.split(" or ")[0] not in sides],
        ):
            told = [getattr(row, name) for row in rows]
            assert abs(sum(told) - arrivals) <= 6 * len(told) if None not in told else set(told) == {None}
            assert all(count is None or count % 12 == 0 for count in told), (name, told)


def test_places_that_are_all_without_a_name_are_no_place() -> None:
    """Where no place may be named there is no row of other places that received everything; sides stay."""
    found = Destinations(series=series(world(1, fall=1 / 3, moved=0.5)), reading="not parallel", names={})
    keys = [row.key for row in replace(found, disclosure=replace(OUTSIDE, named="")).rows()]
    assert keys
    assert {side for key in keys for side in key.split(" or ")} <= {"home", "abroad", "unknown"}


@pytest.mark.long
def test_findings_hold_back_what_their_parts_do() -> None:
    """All tables and names of an event's findings are as outsiders may read them; the study's own lack nothing."""
    found = series(world(1, fall=1 / 3, moved=0.5))
    own, outside = (
        of_event(found, HEADING, {}),
        of_event(found, HEADING, {"t": "T", "b": "B"}, Disclosure(least=4, named="tb")),
    )
    assert any(0 < (row.target or 0) < 4 for row in own.periods)
    assert not any(0 < (row.target or 0) < 4 for row in outside.periods)
    assert {row.to_key for row in outside.pairs} <= {"b"}
    assert {row.key for row in outside.destinations} <= {"home", "abroad", "unknown", "b", "others"}
    assert {row.kind for row in outside.placebos} == {"window"}
    assert len(outside.answers) == len(own.answers)


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
    | st.sampled_from(["Level 3", "fewer than 5 BV", "24%", "2026-01-01 Host", "1 of 2", "held back"]),
    st.integers(1, 2),
)
def test_what_a_company_or_feed_is_called_changes_no_sentence(name: str, few: int) -> None:
    """The name stands as it is, whatever numbers it holds, and counts of too few beside it are withheld."""
    rules = Formatter(disclosure=replace(OUTSIDE, named=["k"]))
    when = {"at": day(160), "until": day(167)}
    received = Receiver(place="k", came=few, expected=1.0, usual=2.0)
    said = [
        received.words(name, 0.2, left_out=True),
        Overlap(place="k", of=None, target=True, controls=False, buffer=False, **when).words(name),
        ChangedFeed(source=name, area="target", before=few, after=20, others=(few, 40)).words(),
    ]
    for message, before, withheld in zip(said, ("event (", "study, ", "feed "), (2, 0, 2), strict=True):
        head, _, rest = rules.text(message).partition(f"{before}{name}")
        assert rest, "the name stands there"
        assert (head + rest).count("fewer than 3") == withheld
    hidden = rules.text(replace(received, place="other").words(name, 0.2, left_out=True))
    assert hidden.startswith("A control received the target's content after the event (a place that is not named): ")
