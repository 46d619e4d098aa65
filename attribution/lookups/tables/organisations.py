"""CAIDA's AS-to-organisation files: text in two sections, or JSON lines."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.arrays import ArrayTable, row_of
from waterbed.attribution.lookups.tables.contents import (
    MAX_AS,
    SAMPLE,
    SEE,
    first_lines,
    lines_of,
    opened,
    plain_text,
    split_lines,
)
from waterbed.model.errors import InputError

_FORMAT = re.compile(r"#\s*format:\s*([a-z_]+(?:\|[a-z_]+)*)\s*")
_HANDLE = re.compile(r"[!-~]{1,80}")
_AS_COLUMNS = {"aut": "asn", "org_id": "organisation", "source": "source"}
_ORGANISATION_COLUMNS = {"org_id": "organisation", "org_name": "name", "name": "name", "country": "country"} | {
    "source": "source"
}
_EXPECTED = (
    "a table of organisations has the sections '# format:aut|...' and '# format:org_id|...', or lines of JSON with "
    f"type ASN and Organization ({SEE})"
)


@dataclass(frozen=True, slots=True)
class Named:
    """An organisation as the file has it."""

    name: str
    country: str
    source: str


@dataclass(slots=True)
class OrganisationRows:
    """Organisation id and source of each AS, and organisations."""

    ases: dict[int, tuple[str, str]] = field(default_factory=dict)
    organisations: dict[str, Named] = field(default_factory=dict)


def read_organisation_rows(path: Path) -> OrganisationRows:
    """The rows of a file, plain or gzip.

    The content identifies the format.

    An AS or organisation that comes twice is as the later row says. Raises InputError for any other file, for one with
    a bad row, and for one that names ASes or organisations alone: half a file.
    """
    front, pieces = opened(path)
    sample = first_lines(front)
    if b"\x00" in front[:1024] or not front.strip():
        raise InputError(f"{path} is {'a binary file' if front.strip() else 'empty'}; {_EXPECTED}")
    rows = OrganisationRows()
    if sample and sample[0].startswith("{"):
        _read_json(lines_of(pieces, path), rows, path)
    elif any(map(_FORMAT.fullmatch, split_lines(front[:SAMPLE].decode(errors="replace")))):
        _read_sections(lines_of(pieces, path), rows, path)
    else:
        raise InputError(f"{path} is of no known kind; {_EXPECTED}")
    if not rows.ases or not rows.organisations:
        missing = "organisations" if rows.ases else "ASes"
        raise InputError(f"{path} names no {missing}: half a file; fetch it again ({SEE})")
    return rows


def _read_sections(lines: Iterable[str], rows: OrganisationRows, path: Path) -> None:
    columns: list[str] = []
    add: Callable[[OrganisationRows, dict[str, str]], bool] = _add_as
    for number, line in enumerate(lines, 1):
        header = _FORMAT.fullmatch(line)
        if header:
            columns = header[1].split("|")
            add = _add_as if "aut" in columns else _add_organisation
        elif line.strip() and not line.startswith("#"):
            cells = line.split("|")
            if len(cells) != len(columns):
                _bad(path, number, f"has {len(cells)} columns where its section has {len(columns)}")
            names = _AS_COLUMNS if add is _add_as else _ORGANISATION_COLUMNS
            fields = {names[c]: cell.strip() for c, cell in zip(columns, cells, strict=True) if c in names}
            if not add(rows, fields):
                _bad(path, number, "names no AS and organisation")


def _read_json(lines: Iterable[str], rows: OrganisationRows, path: Path) -> None:
    for number, record in _records(lines, path):
        kind = record.get("type")
        field_names = ("organizationId", "source", *(("asn",) if kind == "ASN" else ("name", "country")))
        fields = {
            {"organizationId": "organisation"}.get(name, name): str(record[name])
            for name in field_names
            if isinstance(record.get(name), str | int)
        }
        add = {"ASN": _add_as, "Organization": _add_organisation}.get(str(kind))
        if add is None or not add(rows, fields):
            _bad(path, number, "is not an ASN or Organization with its id")


def _records(lines: Iterable[str], path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, decode(line)
        except (msgspec.DecodeError, RecursionError):
            _bad(path, number, "is not a complete JSON object")


def _add_as(rows: OrganisationRows, given: dict[str, str]) -> bool:
    asn, organisation = given.get("asn", ""), given.get("organisation", "")
    if not (asn.isascii() and asn.isdecimal() and len(asn) <= 10 and 0 < int(asn) <= MAX_AS):
        return False
    if not _HANDLE.fullmatch(organisation):
        return False
    rows.ases[int(asn)] = organisation, plain_text(given.get("source", ""))
    return True


def _add_organisation(rows: OrganisationRows, given: dict[str, str]) -> bool:
    organisation, country = given.get("organisation", ""), given.get("country", "").upper()
    if not _HANDLE.fullmatch(organisation):
        return False
    rows.organisations[organisation] = Named(
        name=plain_text(given.get("name", "")),
        country=country if re.fullmatch("[A-Z]{2}", country) and country != "ZZ" else "",
        source=plain_text(given.get("source", "")),
    )
    return True


def _bad(path: Path, line: int, problem: str) -> NoReturn:
    raise InputError(f"{path}: line {line} {problem} ({SEE})")


_ADDED = re.compile(r"(?P<handle>.+)-ARIN|(?P<ap>.+-AP)-APNIC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """The holder of an AS by CAIDA's table.

    `holder` is registry:HANDLE, the handle as RDAP gives it. Ids that begin with `@` are CAIDA's own and equal no
    handle. `name` is empty if the table does not say it.
    """

    holder: str
    name: str
    country: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AsOrganisations(ArrayTable):
    """One day's holders of ASes.

    `asns` are sorted; `places` gives each one's organisation. Organisation i is text between ends 3i-1 and 3i+2:
    holder, name, country, as UTF-8.
    """

    KIND = "organisations"

    asns: NDArray[np.uint32]
    places: NDArray[np.uint32]
    ends: NDArray[np.uint32]
    text: NDArray[np.uint8]

    def __len__(self) -> int:
        """Count the ASes."""
        return len(self.asns)

    def of(self, asn: int) -> Organisation | None:
        """The organisation that holds an AS, or None."""
        row = row_of(self.asns, asn)
        if row is None:
            return None
        place = 3 * int(self.places[row])
        stops = [int(self.ends[place - 1]) if place else 0, *self.ends[place : place + 3].tolist()]
        holder, name, country = (bytes(self.text[start:stop]).decode() for start, stop in pairwise(stops))
        return Organisation(holder=holder, name=name, country=country or None)


def read_organisations(path: Path) -> AsOrganisations:
    """The holders in a CAIDA file of either format.

    InputError for any other file.
    """
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
