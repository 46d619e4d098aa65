"""One thing that a person should know of a study, or mend."""

from dataclasses import dataclass
from typing import Annotated, Literal

Severity = Literal["problem", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a person should know or mend."""

    severity: Annotated[Severity, "problem: results are wrong or missing; warning: they may be; note: nothing to do"]
    what: Annotated[str, "what was found"]
    figures: Annotated[str, "the numbers of it"]
    advice: Annotated[str, "what to do"]

    @property
    def open(self) -> bool:
        """Whether something is to be done."""
        return self.severity != "note"


def finding(severity: Severity, what: str, figures: str, advice: str = "") -> Finding:
    """A finding, said in order."""
    return Finding(severity=severity, what=what, figures=figures, advice=advice)
