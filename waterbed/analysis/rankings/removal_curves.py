"""Curves of the share removed, hour by hour."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from waterbed.analysis.rankings.labels import Labels
from waterbed.analysis.rankings.takedown import REMOVED, By, Clock, clocks, episodes_by_key, hourly
from waterbed.model.conclusions import Episode


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalCurve:
    """Cumulative share removed, hour by hour, of one group."""

    key: Annotated[str, "key of the group"]
    name: Annotated[str, "name for people"]
    hours: Annotated[tuple[float, ...], "hours since the report, increasing from 0"]
    removed: Annotated[tuple[float, ...], "share removed by then, 0..1"]
    clocks: Annotated[int, "takedown clocks behind it"]


def removal_curves(
    episodes: Iterable[Episode],
    *,
    by: By,
    keys: Sequence[str],
    names: Mapping[str, str],
    horizon_h: int = 168,
    started: Mapping[str, Sequence[Clock]] | None = None,
    labels: Labels | None = None,
) -> list[RemovalCurve]:
    """Estimate the removal curves of some groups, in order.

    `started` gives the clocks of each key if they do not run from the report; `labels` are those of the study.

    A curve stops at `horizon_h`, or where its data do (`hourly`). A group of too few sites has none.
    """
    groups = episodes_by_key(episodes, by)
    found = []
    for key in keys:
        group = clocks(groups.get(key, ()), labels) if started is None else started.get(key, ())
        if shares := hourly(group, [REMOVED], horizon_h).get(REMOVED):
            found.append(
                RemovalCurve(
                    key=key,
                    name=names.get(key, key),
                    hours=tuple(map(float, range(len(shares)))),
                    removed=shares,
                    clocks=len(group),
                )
            )
    return found
