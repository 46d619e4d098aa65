"""Small dated tables of arrays: one way to keep them."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.contents import MAX_AS
from waterbed.attribution.lookups.tables.folders import about_in, save_array, whole_folder
from waterbed.model.errors import InputError

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrayTable:
    """A table whose fields are arrays, and words or numbers.

    From a saved folder its arrays are memory-mapped.
    """

    KIND: ClassVar[str]
    """Kind of table: what a message calls it."""

    form: str

    def complete(self) -> bool:
        """True if the lengths of all arrays agree."""
        return True

    def save(self, folder: Path) -> None:
        """Write it as a folder: arrays, and about.json."""
        about: dict[str, Any] = {"format": _FORMAT, "kind": self.KIND}
        with whole_folder(folder) as written:
            for field in fields(self):
                value = getattr(self, field.name)
                if isinstance(value, np.ndarray):
                    save_array(written / f"{field.name}.npy", value)
                else:
                    about[field.name] = value
            (written / "about.json").write_text(json.dumps(about), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load a saved table; InputError if incomplete."""
        try:
            about = about_in(folder)
            if (about.pop("format"), about.pop("kind")) != (_FORMAT, cls.KIND):
                raise ValueError
            # plain views of the maps: a single number comes out of them in a fraction of the time
            arrays = {
                field.name: np.load(folder / f"{field.name}.npy", mmap_mode="r").view(np.ndarray)
                for field in fields(cls)
                if field.name not in about
            }
            table = cls(**about, **arrays)
            if not table.complete():
                raise ValueError
            return table
        except (InputError, OSError, ValueError, EOFError, KeyError, TypeError, AttributeError):
            raise InputError(
                f"{folder} does not contain a complete table of {cls.KIND}; import its file again (docs/tables.md)"
            ) from None


def row_of(asns: NDArray[np.uint32], asn: int) -> int | None:
    """The row of an AS in a sorted column.

    None if it is not there.
    """
    if not 0 <= asn <= MAX_AS:
        return None
    row = int(np.searchsorted(asns, np.uint32(asn)))  # of the column's own type: else all of it is converted
    return row if row < len(asns) and asns[row] == asn else None
