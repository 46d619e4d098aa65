"""Steps of conclusions that are worked out once, or shared."""

import ctypes
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Self, TypeVar, overload

import pyarrow as pa

from waterbed.model.collector import collector_paused

RESTS_ON: Final[Mapping[str, frozenset[str]]] = {
    "_counted": frozenset(),
    "looks": frozenset(),
    "attributed": frozenset({"attributor", "told"}),
    "believed": frozenset({"attributor", "told"}),  # the cycle guard goes by hoster
    "settled": frozenset({"codes"}),
    "_coded": frozenset({"attributor", "codes", "told"}),
    "verdicts": frozenset({"attributor", "codes", "told"}),
    "attributions": frozenset({"attributor", "told"}),
    "links": frozenset(),
    "known": frozenset(),
}
"""The choices of `Conclusions.with_` on which each step before the runs depends."""


Value = TypeVar("Value")


_trim: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""Of glibc; None where the C library has no such function."""


def _give_back() -> None:
    """Return memory that a step freed to the system, else each step's is held beside the next one's."""
    pa.default_memory_pool().release_unused()
    if _trim is not None:
        _trim(0)


class Step(cached_property[Value]):
    """A step that is worked out once, or shared.

    Shared steps are taken from the conclusions that these vary. What a step needed meanwhile is given back to the
    system.
    """

    @overload
    def __get__(self, conclusions: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, conclusions: object, owner: type | None = None) -> Value: ...
    def __get__(self, conclusions: Any, owner: type | None = None) -> Any:
        base = conclusions.varies if conclusions is not None else None
        if base is not None and self.attrname in conclusions.shared:
            return getattr(base, str(self.attrname))
        new = conclusions is not None and self.attrname not in conclusions.__dict__
        if not new:
            return super().__get__(conclusions, owner)
        with collector_paused():
            found = super().__get__(conclusions, owner)
        _give_back()
        return found
