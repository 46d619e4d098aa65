"""WDD, WDQ and net effect of target, controls and buffer.

Each compares counts before and after the event. `many_events` estimates the effect of events at several times.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from waterbed.estimators.refusal import Refusal
from waterbed.estimators.staggered import NEVER, group_times
from waterbed.estimators.wdd import (
    Difference,
    Interval,
    Windows,
    clustered_difference,
    clustered_net_effect,
    clustered_quotient,
    control_sizes,
)
from waterbed.graphs.displacement.answers import SEED, TypedAnswer, answer
from waterbed.graphs.displacement.event import Outcome
from waterbed.graphs.displacement.known import IN_WORDS
from waterbed.graphs.displacement.series import Series
from waterbed.model.message import NOTHING, Code, Count, Message, Number, Term, joined
from waterbed.model.results import Reading

Floats = npt.NDArray[np.float64]

_LEAST_PLACES = 2


def balance(series: Series, reading: Reading) -> Iterator[TypedAnswer]:
    """Yield the three answers that need only two windows."""
    event, rng = series.event, np.random.default_rng(SEED)
    roles = 4 if event.buffer else 2
    windows = Windows(before=series.before, after=series.after, chosen_until=series.movements.hours(event.chosen_until))
    tables = series.unsound(buffer=True) or _tables(series, windows, reading, roles)
    clusters = 0 if isinstance(tables, Refusal) else int((tables.sum(axis=(1, 2)) > 0).sum())
    say = partial(answer, reading=reading, n=clusters, n_of="site clusters")
    before_periods, after = (length / event.period_h for length in windows.lengths)
    yield say(
        "WDD",
        "Did target and buffer together change more than their controls?",
        "wdd.clustered_difference",
        _difference(tables, rng, (before_periods, after)),
        unit=f"{event.outcome} a period",
        note=_counts(tables),
    )
    none = Refusal(Message.of("no buffer is declared, and spill-over cannot be measured without one"))
    ready = tables if isinstance(tables, Refusal) or event.buffer else none
    yield say(
        "WDQ",
        "What part of the target's fall turned up in the buffer?",
        "wdd.clustered_quotient",
        ready if isinstance(ready, Refusal) else _quotient(ready, rng, event.outcome),
        unit="quotient",
    )
    yield say(
        "TNE",
        "How many fewer were seen in target and buffer than expected from the controls?",
        "wdd.clustered_net_effect",
        ready if isinstance(ready, Refusal) else clustered_net_effect(ready, rng),
        unit=event.outcome,
        scale="count",
    )


def _tables(series: Series, windows: Windows, reading: Reading, roles: int) -> Floats | Refusal:
    rows = list(series.rows(reading))
    labels = np.unique([row.cluster for row in rows], return_inverse=True)[1] if rows else np.zeros(0, np.int64)
    return windows.counted([row.when for row in rows], [series.area(row.place) for row in rows], labels, roles=roles)


def _difference(
    tables: Floats | Refusal, rng: np.random.Generator, lengths: tuple[float, float]
) -> Difference | Refusal:
    """The difference with controls at the size of what they stand for."""
    if isinstance(tables, Refusal):
        return tables
    sizes = control_sizes(tables)
    return sizes if isinstance(sizes, Refusal) else clustered_difference(tables, rng, lengths=lengths, sizes=sizes)


def _quotient(tables: Floats, rng: np.random.Generator, outcome: Outcome) -> Interval | Refusal:
    """The quotient; its refusal names what is counted, for the target may have removed more all the same."""
    counted = Message.of("the target's {counted} ({outcome})", counted=Term(IN_WORDS[outcome]), outcome=Code(outcome))
    return clustered_quotient(tables, rng, counted=counted)


def _counts(tables: Floats | Refusal) -> Message:
    if isinstance(tables, Refusal):
        return NOTHING
    names = (Term("target"), Term("controls"), Term("buffer"), Term("its controls"))
    totals = tables.sum(axis=0).astype(int).tolist()
    counted = joined(
        *(
            Message.of("{area} {before} to {after}", area=name, before=Count(before_count), after=Count(other))
            for name, (before_count, other) in zip(names, totals, strict=False)
        ),
        by="comma",
    )
    if len(totals) > 2:
        return joined(counted, Message.of("controls at the size of what they stand for"))
    target_only = Message.of("no buffer is declared: the target alone")
    return joined(counted, Message.of("controls at the target's size"), target_only)


def many_events(series: Series, reading: Reading) -> TypedAnswer | None:
    """Return the average effect of events at different times.

    None if the event file names a single target.
    """
    event = series.event
    if not event.events:
        return None
    first = {event.target: series.index}
    for other in event.events:
        period = series.period_of(series.movements.hours(other.date))
        first[other.target] = min(first.get(other.target, period), period)
    places = sorted(series.movements.places())
    groups = np.array([first.get(place, NEVER) for place in places], np.int64)
    group_effects = (
        group_times(
            series.log_rates(reading, places).T,
            groups,
            np.arange(len(places)),
            np.random.default_rng(SEED),
            anticipation=event.anticipation,
        )
        if len(places) >= _LEAST_PLACES
        else Refusal(Message.of("there is one place alone"))
    )
    return answer(
        "many events",
        "What did events at different times do to their targets?",
        "staggered.group_times",
        group_effects if isinstance(group_effects, Refusal) else group_effects.overall,
        reading=reading,
        n=len(first),
        n_of="targets",
        unit="log ratio",
        note=NOTHING
        if isinstance(group_effects, Refusal)
        else Message.of("{places} not yet pressed", places=Number(group_effects.control_clusters, "place")),
    )
