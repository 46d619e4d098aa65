"""Dated tables of organisations: which company holds an AS."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attribution.lookups.tables.folders import whole_folder
from attribution.lookups.tables.organisations import Named, read_organisation_rows
from waterbed.model.errors import InputError

_ARRAYS = ("asns", "places", "ends", "text")
_FORMAT = 1
_ADDED = re.compile(r"(?P<handle>.+)-ARIN|(?P<ap>.+-AP)-APNIC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Who holds an AS, by CAIDA's table.

    `holder` is registry:HANDLE, the handle as RDAP gives it. Ids that begin with `@` are CAIDA's own and equal no
    handle. `name` is empty if the table does not say it.
    """

    holder: str
    name: str
    country: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AsOrganisations:
    """One day's holders of ASes.

    `asns` are sorted; `places` gives each one's organisation. Organisation i is text between ends 3i-1 and 3i+2:
    holder, name, country, as UTF-8. From a saved folder all are memory-mapped.
    """

    form: str
    asns: NDArray[np.uint32]
    places: NDArray[np.uint32]
    ends: NDArray[np.uint32]
    text: NDArray[np.uint8]

    def __len__(self) -> int:
        """Count the ASes."""
        return len(self.asns)

    def of(self, asn: int) -> Organisation | None:
        """The organisation that holds an AS, if the table knows it."""
        if not 0 <= asn < 1 << 32:
            return None
        found = int(np.searchsorted(self.asns, np.uint32(asn)))  # of the column's own type: else all of it is converted
        if found == len(self.asns) or self.asns[found] != asn:
            return None
        place = 3 * int(self.places[found])
        stops = [int(self.ends[place - 1]) if place else 0, *self.ends[place : place + 3].tolist()]
        holder, name, country = (bytes(self.text[start:stop]).decode() for start, stop in pairwise(stops))
        return Organisation(holder=holder, name=name, country=country or None)

    def save(self, folder: Path) -> None:
        """Write it as a folder of memory-mappable arrays."""
        with whole_folder(folder) as written:
            for name in _ARRAYS:
                np.save(written / f"{name}.npy", getattr(self, name))
            about = {"format": _FORMAT, "kind": "organisations", "form": self.form}
            (written / "about.json").write_text(json.dumps(about), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "AsOrganisations":
        """A saved table; InputError if it is not whole."""
        try:
            about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
            # plain views of the maps: a single number comes out of them in a fraction of the time
            arrays: dict[str, Any] = {
                name: np.load(folder / f"{name}.npy", mmap_mode="r").view(np.ndarray) for name in _ARRAYS
            }
            if (about["format"], about["kind"]) != (_FORMAT, "organisations"):
                raise ValueError
            return cls(form=about["form"], **arrays)
        except (OSError, ValueError, EOFError, KeyError, TypeError):
            raise InputError(
                f"{folder} holds no whole table of organisations; import its file again (docs/tables.md)"
            ) from None


def read_organisations(path: Path) -> AsOrganisations:
    """The holders in a CAIDA file, either form; InputError for any other file."""
    rows = read_organisation_rows(path)
    places: dict[str, int] = {}
    texts: list[bytes] = []
    asns = sorted(rows.ases)
    where = []
    for asn in asns:
        identity, source = rows.ases[asn]
        if identity not in places:
            places[identity] = len(places)
            named = rows.organisations.get(identity) or Named(name="", country="", source=source)
            holder = holder_of(identity, named.source or source)
            texts += [holder.encode(), named.name.encode(), named.country.encode()]
        where.append(places[identity])
    return AsOrganisations(
        form="as2org",
        asns=np.array(asns, np.uint32),
        places=np.array(where, np.uint32),
        ends=np.cumsum(_lengths(texts), dtype=np.uint32),
        text=np.frombuffer(b"".join(texts), np.uint8),
    )


def holder_of(identity: str, source: str) -> str:
    """CAIDA's organisation id as registry:HANDLE.

    CAIDA adds `-ARIN` to the handles of ARIN, and `-APNIC` to those of APNIC that end in `-AP`: taken off again.
    """
    added = _ADDED.fullmatch(identity)
    handle = (added["handle"] or added["ap"]) if added else identity
    return f"{re.sub('[^a-z0-9]', '', source.lower()) or 'unknown'}:{handle}"


def _lengths(texts: Sequence[bytes]) -> list[int]:
    return [len(text) for text in texts]
