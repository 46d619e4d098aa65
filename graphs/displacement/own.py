"""Content of a target that reappears elsewhere, beside its own past and beside later."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np

from waterbed.estimators.own_past import Compared, over_later, over_past, since_first_seen
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.answers import SEED, TypedAnswer, answer
from waterbed.graphs.displacement.returns import NOTHING_THERE, units_of
from waterbed.graphs.displacement.sequence import LATER, PAST
from waterbed.graphs.displacement.series import Series
from waterbed.model.message import NOTHING, Count, Message
from waterbed.model.message import Share as Percent

SINCE: Final = "reappearance since first seen"
"""The change of what reappears elsewhere within the horizon after it was first seen: an effect size alone."""


def own_after(series: Series, resamples: int = 999) -> dict[str, Compared | Refusal]:
    """Return the target's arrivals elsewhere beside its own past and beside later, by name.

    After an end, of the contents that ended after the event; and after it was first seen, of all. Order plays no part
    where both sides are of the same content and feeds: all arrivals that are not parallel count.
    """
    event, movements, (first, last) = series.event, series.movements, series.after
    spells = [spell for spell in movements.spells if spell.place == event.target]
    if not spells:
        return dict.fromkeys((PAST, LATER, SINCE), NOTHING_THERE)
    units = units_of(spells, movements, "not parallel")
    ended = np.array([spell.last_up >= first and spell.ended("not parallel") < last for spell in spells], bool)
    start, end = series.before
    horizon, until = event.horizon_h, movements.end
    early = (units.started >= start) & (units.started + horizon <= end)
    late = (units.started >= first) & (units.started < last) & (units.started + horizon <= until)

    def compare(estimator: Callable[..., Compared | Refusal], **of: object) -> Compared | Refusal:
        return estimator(units, np.random.default_rng(SEED), horizon=horizon, resamples=resamples, **of)

    return {
        PAST: compare(over_past, treated=ended, observed_until=until, first=start, last=end),
        LATER: compare(over_later, treated=ended, observed_until=until),
        SINCE: compare(since_first_seen, before_event=early, after=late),
    }


def own_answers(comparisons: Mapping[str, Compared | Refusal], horizon_h: float) -> Iterator[TypedAnswer]:
    """Yield these comparisons as answers."""
    questions = {
        PAST: "Does content come back elsewhere more often than the target's own that was up at the same age before?",
        LATER: "Does it come back elsewhere more often than in as long a time that follows?",
        SINCE: "Is content elsewhere within the horizon after it was first seen more often than before the event?",
    }
    methods = {PAST: "over_past", LATER: "over_later", SINCE: "since_first_seen"}
    for name, comparison in comparisons.items():
        note = NOTHING
        if isinstance(comparison, Compared):
            shares = {"share": Percent(comparison.share, 1), "other": Percent(comparison.other, 1)}
            clusters = Count(comparison.clusters, "cluster")
            note = Message.of("{share} after an end, {other} beside it; {clusters}", **shares, clusters=clusters)
            if name == SINCE:
                note = Message.of("{share} after the event, {other} before; {clusters}", **shares, clusters=clusters)
        yield answer(
            name,
            questions[name],
            f"own_past.{methods[name]}",
            comparison,
            reading="not parallel",
            n=comparison.treated if isinstance(comparison, Compared) else 0,
            n_of="contents first seen" if name == SINCE else "contents that ended",
            unit=f"share within {horizon_h:g} h",
            scale="share",
            note=note,
        )
