"""A share removed as one view says it, held against the row of the ranking that it is of."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from waterbed.model.conclusions import NO_SHARE, OF_VOLUME
from waterbed.model.spelling import NOTHING, share_or_range

Row = Mapping[str, Any]
Rows = Mapping[str, Row]
ENDS: Final = ("removed_24h", "removed_24h_low", "removed_24h_high", "removed_24h_worst", "removed_24h_best")
OF_CLOCKS: Final = {
    "removed_24h": "removed",
    "removed_24h_low": "removed_low",
    "removed_24h_high": "removed_high",
    "removed_24h_worst": "removed_worst",
    "removed_24h_best": "removed_best",
    "removed_or_moved_24h": "removed_or_moved",
    "episodes": "clocks",
    "first_down": "first_down",
    "class": "class",
}
"""Fields of a ranking's row, and their names in rows of clocks."""
WITHHELD: Final = ("views differ", "unmeasurable")
"""Classes whose share no view gives as one number."""
CLOSE: Final = 1.1e-6
"""Numbers rounded to a millionth are equal within this."""


def unlike(view: str, said: Row, row: Row, names: Iterable[str], own: Callable[[str], str] = str) -> Iterator[str]:
    """The fields of a view's row that are not those of the ranking's; `own` gives the view's name of a field."""
    for name in names:
        one, other = said[own(name)], row[name]
        if not equal(one, other):
            yield f"{view}, {row['key']} ({row['class']}), {name}: {one} is not {other}"


def equal(one: Any, other: Any) -> bool:
    """True for equal values, numbers as they are rounded in files."""
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= CLOSE
    return bool(one == other)


def by_key(rows: Iterable[Row]) -> dict[str, Row]:
    """Rows by their key."""
    return {row["key"]: row for row in rows}


def clocks_alike(view: str, said: Row, row: Row) -> Iterator[str]:
    """A row of clocks has the share, bounds, counts and class of the ranking by the same clock."""
    yield from unlike(view, said, row, OF_CLOCKS, OF_CLOCKS.__getitem__)


def places_alike(view: str, told: Rows, rows: Rows) -> Iterator[str]:
    """Places have the ranking's shares, but for those of both halves of what may have changed gradually."""
    for key, said in told.items():
        row = rows[key]
        halved = row["class"] == "changed" and row["changed_before"] is None
        yield from unlike(view, said, row, ("class", "first_down", *(() if halved else (ENDS[0], *ENDS[3:]))))
        if (said["place_low"] is not None) != (row["removed_24h_low"] is not None):
            yield f"{view}: {key} has place {said['place_low']} and interval from {row['removed_24h_low']}"


def curve_alike(view: str, curve: Sequence[Row], row: Row) -> Iterator[str]:
    """The curve of removals has at 24 hours the ranking's share with its interval; no curve of what is withheld."""
    if row["class"] in WITHHELD and curve:
        yield f"{view}: one of class {row['class']}"
    for one in curve:
        if (one["cause"], one["within_h"]) == ("removed", 24.0):
            yield from share_alike(view, (one["share"], one["low"], one["high"]), row)


def share_alike(view: str, said: Sequence[float | None], row: Row) -> Iterator[str]:
    """A share with its interval is the ranking's; a view may leave both out, and never says more."""
    wanted = [row[name] for name in ENDS[:3]]
    if any(value is not None for value in said) and not all(map(equal, said, wanted)):
        yield f"{view}, {row['key']} ({row['class']}): {said} is not {wanted}"


def shown(row: Row) -> str:
    """A share as people see it: one number, else from worst to best case; none where it is withheld."""
    low = row.get("removed_24h_low", row.get("place_low"))
    if row["class"] in NO_SHARE or (row["class"] == "views differ" and low is None):
        return NOTHING
    return share_or_range(row["removed_24h"], row["removed_24h_worst"], row["removed_24h_best"])


def squeezed(text: str) -> str:
    """A text without more than one space at a place."""
    return " ".join(text.split())


def has_volume(row: Row) -> bool:
    """True unless its class rests on volume alone."""
    return row["class"] not in OF_VOLUME
