"""Names of AS holders, read from a saved table when the first one is asked for."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waterbed.model.errors import InputError

_ARRAYS = ("name_asns", "name_ends", "name_text")


class AsNames(Mapping[int, str]):
    """The holder's name by AS number, from memory-mapped arrays.

    AS i is `asns[i]`; its name is the UTF-8 text between ends i-1 and i. Opening costs nothing; the first name asked
    for unpacks all of them.
    """

    def __init__(self, asns: NDArray[np.uint32], ends: NDArray[np.uint32], text: NDArray[np.uint8]) -> None:
        """Take the arrays; nothing is read yet."""
        self._arrays = asns, ends, text
        self._unpacked: dict[int, str] | None = None

    def __getitem__(self, asn: int) -> str:
        """The name of an AS's holder; KeyError if the table gives none."""
        return self._all()[asn]

    def __iter__(self) -> Iterator[int]:
        """The AS numbers, ascending."""
        return iter(self._all())

    def __len__(self) -> int:
        """Count the ASes."""
        return len(self._arrays[0])

    def _all(self) -> dict[int, str]:
        if self._unpacked is None:
            asns, ends, text = self._arrays
            whole = text.tobytes()
            names = [whole[start:stop].decode() for start, stop in pairwise([0, *ends.tolist()])]
            self._unpacked = dict(zip(asns.tolist(), names, strict=True))
        return self._unpacked


def name_arrays(names: Mapping[int, str]) -> dict[str, NDArray[Any]]:
    """The arrays of names, to be saved beside a table."""
    spelled = [(asn, name.encode(errors="replace")) for asn, name in sorted(names.items())]
    ends = np.cumsum([len(name) for _, name in spelled], dtype=np.uint32)
    text = np.frombuffer(b"".join(name for _, name in spelled), np.uint8)
    return dict(zip(_ARRAYS, (np.array([asn for asn, _ in spelled], np.uint32), ends, text), strict=True))


def load_names(folder: Path) -> AsNames:
    """The names in a saved table's folder; InputError if they are not whole."""
    try:
        asns, ends, text = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS)
        whole = len(asns) == len(ends) and (not len(ends) or int(ends[-1]) == len(text))
    except (OSError, ValueError, EOFError):
        whole = False
    if not whole:
        raise InputError(f"{folder} holds no whole table of routes; import its file again (docs/tables.md)")
    return AsNames(asns, ends, text)
