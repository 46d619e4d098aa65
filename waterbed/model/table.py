"""Metadata of a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

ALL: Final = "all reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableInfo:
    """Metadata of a table: method, data and run.

    Without it numbers cannot be compared.
    """

    what: Annotated[str, "what the rows are: ranking, flows, ..."]
    by: Annotated[str, "what a row stands for: hoster, asn, country, category, ..."]
    clock: Annotated[str, "what time runs from: reported, notice_delivered, ..."]
    window: Annotated[str, "the time measured, as start/end"]
    method: Annotated[str, "how the numbers were estimated"]
    data_dates: Annotated[Mapping[str, str], "name of each data set used, to its date"]
    run: Annotated[str, "the run that made it"]
    version: Annotated[str, "version of Waterbed"]
    left_out: Annotated[int, "rows left out because they are about too few, at least so many: docs/publishing.md"] = 0
    protocol: Annotated[str, "what it is to the locked protocol, and which (docs/protocol.md); none: none"] = "none"
    deviations: Annotated[tuple[str, ...], "what was done otherwise than the locked protocol says, with reasons"] = ()
    reports: Annotated[str, "which reports it is about: all reports, or those of a window, and followed to when"] = ALL
    caveat: Annotated[str, "of a lab: Simulated or Replay, and what that means; empty: the Internet was measured"] = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Caveat, window, place in the protocol, deviations.

        In words, for forms that are read by people.
        """
        caveat = (self.caveat,) if self.caveat else ()
        window = (self.reports,) if self.reports != ALL else ()
        deviations = (f"deviates from it: {deviation}" for deviation in self.deviations)
        return (*caveat, *window, f"protocol: {self.protocol}", *deviations)
