"""Units of the columns in packages."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

_ENDS: Final[Mapping[str, str]] = {"_s": "seconds", "_ms": "milliseconds", "_h": "hours", "_d": "days"}
_BOUNDS: Final = ("_low", "_high", "_worst", "_best", "_if_hiding")
"""Ends of names of bounds, which have the unit of what they bound."""
_BARE: Final = ("low", "high")
"""Bounds of the last number before them."""
_UNITS: Final[Mapping[type, Mapping[str, str]]] = {
    int: {
        **dict.fromkeys(("bytes_read", "content_length", "page_bytes"), "bytes"),
        **dict.fromkeys(("days", "days_covered", "retention_day"), "days"),
        **dict.fromkeys(("family", "head_status", "level", "port", "status"), "code"),
        **dict.fromkeys(("own", "place"), "place"),
        "routed_v4": "addresses",
    },
    float: {
        **dict.fromkeys(("first_here", "met", "norm", "norm_bound", "share", "shared"), "share"),
        **dict.fromkeys(("removed", "removed_24h", "removed_24h_before", "removed_24h_overall"), "share"),
        **dict.fromkeys(("removed_before", "removed_now"), "share"),
        **dict.fromkeys(("removed_or_moved", "removed_or_moved_24h", "twins_fewer", "without_one"), "share"),
        **dict.fromkeys(("adjusted", "among_worst", "constancy_p", "norm_p", "p", "smallest_p"), "probability"),
        **dict.fromkeys(("certain", "expected", "hops_fractional", "hosts_fractional"), "count"),
        **dict.fromkeys(("incidents_fractional", "left", "regimes", "twins_sites"), "count"),
        **dict.fromkeys(("latent", "ratio", "shrunk"), "1"),
        "estimate": "named in column unit",
        "rate": "checks a second",
        "score": "incidents for 10,000 addresses",
    },
}
"""Units of numbers, by name; other whole numbers are counts, and of other numbers none is told."""


def units(columns: Iterable[tuple[str, type]]) -> Iterator[str]:
    """The unit of each column, empty for texts.

    Names tell it, for the words of a meaning do not: a count of clocks within some hours has both in it.
    """
    last = ""
    for name, kind in columns:
        found = last if kind is float and name in _BARE else _unit(name, kind)
        last = found if kind is float else last
        yield found


def _unit(name: str, kind: type) -> str:
    if kind is datetime:
        return "UTC, microseconds"
    if kind not in _UNITS:
        return ""
    known, base = _UNITS[kind], name
    if name not in known:
        base = next((name.removesuffix(end) for end in _BOUNDS if name.endswith(end)), name)
    by_end = next((unit for end, unit in _ENDS.items() if base.endswith(end)), "")
    return by_end or known.get(base, "count" if kind is int else "")
