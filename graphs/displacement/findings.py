"""All findings on displacement, of one event or overall."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from waterbed.estimators.detection import Bounds
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.answers import TypedAnswer, answer
from waterbed.graphs.displacement.areas import balance, many_events
from waterbed.graphs.displacement.course import lengthened
from waterbed.graphs.displacement.destinations import Destinations, overall_abroad
from waterbed.graphs.displacement.disclosure import (
    OTHERS,
    disclosed_answers,
    disclosed_excess,
    disclosed_moved,
    disclosed_pairs,
    disclosed_periods,
    disclosed_placebos,
    disclosed_share,
)
from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.known import LEVEL, Moved
from waterbed.graphs.displacement.movements import READINGS, Movements
from waterbed.graphs.displacement.own import own_after, own_answers
from waterbed.graphs.displacement.pairs import NO_MOVES, PairTable, pair_table
from waterbed.graphs.displacement.returns import (
    assumed_share,
    bias_after,
    bias_answer,
    corrected_answer,
    displaced_share,
    excess,
    excess_after,
    excess_answer,
    moved,
    unseen,
)
from waterbed.graphs.displacement.series import Series
from waterbed.graphs.displacement.summary import Summary
from waterbed.graphs.displacement.time_series import TimeSeries
from waterbed.model.formatter import EVERYTHING, Disclosure, Formatter
from waterbed.model.message import NOTHING, Message, Name, Number
from waterbed.model.results import DestinationRow, EventCurveRow, PairRow, PeriodRow, PlaceboRow, Reading
from waterbed.model.table import TableInfo

HORIZON_H, AGE_WITHIN_H = 72.0, 48.0
"""Defaults of the overall view, which has no event file, hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Answers and the tables behind them.

    `event` None: the study as a whole.
    """

    info: TableInfo
    event: Event | None
    answers: Sequence[TypedAnswer]
    curves: Sequence[EventCurveRow] = ()
    periods: Sequence[PeriodRow] = ()
    placebos: Sequence[PlaceboRow] = ()
    destinations: Sequence[DestinationRow] = ()
    pairs: Sequence[PairRow] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    disclosure: Disclosure = EVERYTHING
    """The rules applied; suppressed numbers are not in it."""
    notes: Sequence[Message] = ()
    """Sentences about the data, such as the part that third parties observed."""
    moved: Moved | None = None
    """What the answer says of content that moved."""
    abroad: Bounds | None = None
    """Of what moved, the share abroad, as the answer says it."""
    summary: Summary | None = None
    """The answer in sentences."""
    stopped: Message = NOTHING
    """The reason for which nothing is told, such as an open quarantine."""

    @property
    def formatter(self) -> Formatter:
        """It spells all that the findings say, under their rules."""
        return Formatter(disclosure=self.disclosure)


def overall(movements: Movements, info: TableInfo, names: Mapping[str, str]) -> Findings:
    """Return the findings of the study as a whole."""
    answers = list(excess(movements, horizon_h=HORIZON_H, age_within_h=AGE_WITHIN_H))
    pairs: list[PairRow] = []
    for reading in READINGS:
        answers.append(overall_abroad(movements, reading))
        table = pair_table(movements, reading, names=names, horizon_h=HORIZON_H, age_within_h=AGE_WITHIN_H)
        answers += _lift_answers(table, reading)
        pairs += [] if isinstance(table, Refusal) else table.rows
    answers += unseen(movements, lambda _: True, reading="not parallel", of_what="in the whole study")
    return Findings(info=info, event=None, answers=answers, pairs=pairs, names=names)


def of_event(
    series: Series, info: TableInfo, names: Mapping[str, str], disclosure: Disclosure = EVERYTHING
) -> Findings:
    """Return the findings of one event, under disclosure control."""
    event, movements = series.event, series.movements
    readings: tuple[Reading, ...] = ("all",) if event.outcome == "takedowns" else READINGS
    answers: list[TypedAnswer] = []
    periods: list[PeriodRow] = []
    placebos: list[PlaceboRow] = []
    longer = lengthened(series, readings[-1], disclosure)
    for reading in readings:
        time_series = TimeSeries(series=series, reading=reading)
        answers += [*time_series.answers(), *balance(series, reading)]
        staggered = many_events(series, reading)
        answers += [staggered] if staggered else []
        periods += (TimeSeries(series=longer, reading=reading) if longer is not series else time_series).rows()
        placebos += time_series.placebos()
    more = {reading: disclosed_excess(estimate, disclosure) for reading, estimate in excess_after(series).items()}
    answers += [excess_answer(estimate, reading, event.horizon_h) for reading, estimate in more.items()]
    comparisons = {name: disclosed_excess(comparison, disclosure) for name, comparison in own_after(series).items()}
    answers += own_answers(comparisons, event.horizon_h)
    answers += [corrected_answer(estimate, reading, event) for reading, estimate in more.items()]
    answers += [bias_answer(estimate, bias_after(series, reading), reading) for reading, estimate in more.items()]
    answers += [disclosed_share(displaced_share(series), series.takedowns, disclosure), assumed_share(series)]
    abroad = None
    destinations: list[DestinationRow] = []
    pairs: list[PairRow] = []
    pooled: set[tuple[str, str]] = set()
    for reading in READINGS:
        destinations_of = Destinations(series=series, reading=reading, names=names, disclosure=disclosure)
        pooled |= {(reading, place) for place, name in destinations_of.pools.places.items() if name == OTHERS}
        answers += destinations_of.answers()
        abroad = destinations_of.bounds("abroad", LEVEL)
        destinations += destinations_of.rows()
        table = pair_table(
            movements,
            reading,
            names=names,
            target=event.target,
            within=series.after,
            horizon_h=event.horizon_h,
            age_within_h=event.age_within_h,
        )
        answers += _lift_answers(table, reading)
        pairs += [] if isinstance(table, Refusal) else table.rows
    answers += unseen(
        movements,
        lambda gain: gain.left == event.target and series.after[0] <= gain.seen < series.after[1],
        reading="not parallel",
        of_what="of what left the target after the event",
    )
    pairs = disclosed_pairs(pairs, disclosure, pooled)
    return Findings(
        info=info,
        event=event,
        answers=disclosed_answers(answers, pairs, disclosure),
        periods=disclosed_periods(periods, disclosure),
        placebos=disclosed_placebos(placebos, disclosure),
        destinations=destinations,
        pairs=pairs,
        names={place: name for place, name in names.items() if disclosure.names(place)},
        disclosure=disclosure,
        moved=disclosed_moved(moved(series, more, comparisons, LEVEL), series.takedowns, disclosure),
        abroad=abroad if isinstance(abroad, Bounds) else None,
    )


def _lift_answers(table: PairTable | Refusal, reading: Reading) -> Iterator[TypedAnswer]:
    """Yield the pair that stands out most under each null."""
    for name, question in (
        ("lift, destinations", "Where does content go more often than content of those weeks goes anyway?"),
        ("lift, timing", "Where do arrivals follow takedowns more closely than their weeks explain?"),
    ):
        timing = name == "lift, timing"
        estimator = "lifts.timing_null" if timing else "lifts.destination_null"
        refused = table if isinstance(table, Refusal) else (table.timing if timing else table.destination)
        if isinstance(table, Refusal) or isinstance(refused, Refusal):
            reason = refused if isinstance(refused, Refusal) else NO_MOVES
            yield answer(name, question, estimator, reason, reading=reading, n=0, n_of="moves")
            continue
        best = min(table.rows, key=lambda row: (_p(row, timing), -row.moves))
        yield replace(
            answer(
                name,
                question,
                estimator,
                _ratio(best, timing),
                reading=reading,
                n=table.moves,
                n_of="moves",
                unit="soon after an end / expected" if timing else "lift",
                note=Message.of(
                    "the least p of {pairs}, for all at once: {place} to {destination}",
                    pairs=Number(len(table.rows), "pair"),
                    place=Name(best.from_key),
                    destination=Name(best.to_key),
                ),
            ),
            pair=(best.from_key, best.to_key),
            p=_p(best, timing),
            smallest_p=best.smallest_p,
        )


def _ratio(row: PairRow, timing: bool) -> float | Refusal:
    """How many times as many moves as expected."""
    if not timing:
        return 0.0 if row.lift is None else row.lift
    if row.soon is None or not row.soon_foretold:
        return Refusal(Message.of("by their weeks alone no arrival is expected soon after an end"))
    return row.soon / row.soon_foretold


def _p(row: PairRow, timing: bool) -> float:
    p = row.timing_p if timing else row.destination_p
    return 1.0 if p is None else p
