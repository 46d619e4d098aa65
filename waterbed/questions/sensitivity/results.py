"""Findings of a specification curve.

The curve, the conclusions, and what flips them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, cast

from waterbed.measures.speed_ranks import slowest_of
from waterbed.model.conclusions import ClockKind
from waterbed.model.errors import InputError
from waterbed.model.redaction import names_something
from waterbed.model.specifications import ConclusionRow, CurveRow, FlipRow, LevelRow, ValueRow
from waterbed.model.table import TableInfo
from waterbed.questions.sensitivity.conclusions import (
    conclusion_rows,
    conclusions_of,
    curve_rows,
    level_rows,
    value_rows,
)
from waterbed.questions.sensitivity.curve import MOST, Curve, Outcomes, curve_of, removed
from waterbed.study.conclusions import Conclusions
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

METHOD = (
    "specification curve (Simonsohn, Simmons and Nelson 2020): the same estimates under every combination of choices; "
    "a flip is a pair of specifications that differ in one choice and disagree: see docs/sensitivity.md"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The curve of the main outcome, with its tables."""

    info: TableInfo
    title: str
    hoster: Annotated[str, "key whose share is the main outcome"]
    name: Annotated[str, "its name for people"]
    grid: Annotated[str, "how many specifications were run, and of how many"]
    curve: Sequence[CurveRow]
    conclusions: Sequence[ConclusionRow]
    flips: Sequence[FlipRow]
    levels: Sequence[LevelRow]
    values: Sequence[ValueRow]

    @property
    def main(self) -> ConclusionRow:
        """The conclusion about the main outcome."""
        return self.conclusions[0]


_SAME = "--than {} is --hoster too: name another (docs/sensitivity.md)"


def findings_of(
    study: Study,
    *,
    hoster: str | None = None,
    than: str | None = None,
    slowest: int | None = None,
    most: int = MOST,
    true_values: Callable[[Curve], Outcomes] | None = None,
    conclusions: Conclusions | None = None,
) -> Findings:
    """Run all specifications of a study and follow its conclusions.

    The main outcome is the share that `hoster` removed within 24 hours, by default that of the first place by volume;
    it is compared with `than`, by default the next place. `slowest` are called the slowest, by default a quarter of
    those ranked. `true_values` are the outcomes as they truly were, where that is known; conclusions are drawn unless
    given. InputError if a key is not one of the reference's.
    """
    if hoster and than == hoster:
        raise InputError(_SAME.format(than))
    curve = curve_of(study, most=most, conclusions=conclusions)
    key = _known(curve, hoster) if hoster else curve.ranked[0]
    other = _known(curve, than) if than else next((one for one in curve.ranked if one != key), None)
    if other == key:
        raise InputError(_SAME.format(other))
    asked = conclusions_of(curve, hoster=key, than=other, slowest=slowest or slowest_of(len(curve.ranked)))
    rows, flips = conclusion_rows(curve, asked, true_values(curve) if true_values else None)
    spec, ran = curve.reference.spec, len(curve.outcomes)
    info = table_info(study, "sensitivity", by=spec.role, clock=cast(ClockKind, spec.clock))
    grid = (
        f"a balanced fraction: {ran} of {curve.whole:,} specifications"
        if curve.fraction
        else (f"all {ran} specifications of the grid")
    )
    return Findings(
        info=replace(info, method=f"{METHOD}; {grid}"),
        title=study.config.name,
        hoster=key,
        name=curve.names.get(key, key),
        grid=grid,
        curve=curve_rows(curve, removed(key), key),
        conclusions=rows,
        flips=flips,
        levels=level_rows(curve, removed(key)),
        values=value_rows(curve),
    )


def _known(curve: Curve, key: str) -> str:
    if removed(key) not in curve.reference.values:
        said = "that" if names_something(key) else key
        raise InputError(
            f"{said} is not a {curve.reference.spec.role} of this study; those with a share: {', '.join(curve.ranked)}"
        )
    return key
