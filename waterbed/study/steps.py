"""Steps of conclusions that are worked out once, or shared."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Self, TypeVar, overload

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


class Step(cached_property[Value]):
    """A step that is worked out once, or shared.

    Shared steps are taken from the conclusions that these vary.
    """

    @overload
    def __get__(self, conclusions: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, conclusions: object, owner: type | None = None) -> Value: ...
    def __get__(self, conclusions: Any, owner: type | None = None) -> Any:
        base = conclusions.varies if conclusions is not None else None
        if base is not None and self.attrname in conclusions.shared:
            return getattr(base, str(self.attrname))
        return super().__get__(conclusions, owner)
