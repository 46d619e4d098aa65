"""What a benchmark found, told as one JSON line for the suite to gather."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

FILE = "WATERBED_FIGURES"
"""The variable that names the file to which figures are added; without it none are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measure beside its peer, and what was aimed at."""

    work: str
    """What was done, the same words in every run."""
    ours: float
    unit: str
    peer: float | None = None
    """The peer's measure in the same unit, from the same run; null: it has no peer."""
    peer_name: str = ""
    value: float
    """What is held against the target: a ratio, or ours itself."""
    bound: Literal["at least", "at most", "none"]
    target: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; null: there is none."""
        if self.target is None or self.bound == "none":
            return None
        return self.value >= self.target if self.bound == "at least" else self.value <= self.target


def tell(figure: Figure) -> None:
    """Add a figure to the file that the suite named, if it did."""
    if named := os.environ.get(FILE):
        with Path(named).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(figure)) + "\n")


def told(file: Path) -> list[Figure]:
    """The figures in such a file, in order; ValueError names a line that is none."""
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            found.append(Figure(**json.loads(line)))
        except (ValueError, TypeError):
            raise ValueError(f"line {number} of the figures is no figure: {line[:200]}") from None
    return found
