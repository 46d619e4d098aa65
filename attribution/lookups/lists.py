"""Lists of IANA and of CDNs, shipped and renewed.

A newer one lies in the study folder, `lists/ID-YEAR-MONTH-DAY`, as `waterbed data renew` left it. It adds to the
shipped one and takes nothing away: no name is asked for, and no address connected to, because a list forgot it.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final

from waterbed.attribution.lookups.dns.infrastructure import Entry, Infrastructure, shipped_day, standard_entries
from waterbed.model.addresses import SPECIAL_DAY
from waterbed.model.errors import InputError
from waterbed.model.redaction import shown
from waterbed.model.urls import SPECIAL_USE
from waterbed.store.bounded.files import content
from waterbed.store.whole.files import write_whole

FOLDER: Final = "lists"
SEE: Final = "docs/tables.md, Lists"
_SPECIAL_USE_DAY: Final = date(2026, 11, 27)
"""The day on which the suffixes of special use were written down."""
_MOST: Final = 1 << 20
_MOST_ROWS: Final = 20_000
_NAME = re.compile(r"(?:[a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}")
_LEFT_TO_THE_RESOLVER: Final = ("test", "example", "example.com", "example.net", "example.org")
_NOTE = re.compile(r"\[[^\]]*\]")
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """One list, and its age."""

    id: Annotated[str, "the list"]
    what: Annotated[str, "content and use"]
    day: Annotated[date, "day of the newest one: shipped, or of the study"]
    renewed: Annotated[bool, "whether the study has a newer one than was shipped"]
    get: Annotated[str, "where a person gets it"]


def _special_names(text: str) -> Iterator[str]:
    """Names of IANA's registry of special-use domain names (CSV)."""
    rows = csv.DictReader(io.StringIO(text))
    for row in rows:
        name = (row.get("Name") or "").strip().lower().removesuffix(".")
        if not _NAME.fullmatch(name):
            raise ValueError(f"line {rows.line_num}: a column Name with a domain name was expected")
        if name not in _LEFT_TO_THE_RESOLVER:
            yield name


def _special_addresses(text: str) -> Iterator[str]:
    """Blocks of IANA's special-purpose registries that are not globally reachable (CSV)."""
    rows = csv.DictReader(io.StringIO(text))
    for row in rows:
        blocks, reachable = row.get("Address Block"), row.get("Globally Reachable")
        if blocks is None or reachable is None:
            raise ValueError(f"line {rows.line_num}: columns Address Block and Globally Reachable were expected")
        # the two registries may stand in one file, each with its heading
        if blocks != "Address Block" and _NOTE.sub("", reachable).strip().lower() == "false":
            for block in _NOTE.sub("", blocks).split(","):
                yield str(_network(rows.line_num, block.strip()))


def _cdn_ranges(text: str) -> Iterator[str]:
    """Prefixes from which a CDN answers for others, one a line."""
    for number, line in enumerate(text.splitlines(), 1):
        if prefix := line.partition("#")[0].strip():
            network = _network(number, prefix)
            if not network.is_global or network.prefixlen < (8 if network.version == 4 else 16):
                raise ValueError(f"line {number}: a public prefix of /8 (IPv6: /16) or smaller was expected")
            yield str(network)


def _network(line: int, text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"line {line}: a prefix such as 192.0.2.0/24 was expected") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    what: str
    get: str
    day: Callable[[], date]
    read: Callable[[str], Iterator[str]]
    holds: tuple[str, ...]
    """One of these must be in it: else it is another file."""


KINDS: Final[Mapping[str, _Kind]] = {
    "special-names": _Kind(
        what="special-use domain names, which no resolver is asked for",
        get="iana.org/assignments/special-use-domain-names, CSV",
        day=lambda: _SPECIAL_USE_DAY,
        read=_special_names,
        holds=("onion",),
    ),
    "special-addresses": _Kind(
        what="special-purpose addresses, which nothing connects to",
        get="iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry, CSV, in one file",
        day=lambda: SPECIAL_DAY,
        read=_special_addresses,
        holds=("10.0.0.0/8", "fc00::/7"),
    ),
    "cdn-ranges": _Kind(
        what="prefixes of CDNs, which get the tag cdn",
        get="the CDN's own list of its prefixes, one a line",
        day=lambda: shipped_day("cdn"),
        read=_cdn_ranges,
        holds=(),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The lists that a study goes by."""

    special_names: frozenset[str]
    denied: tuple[Network, ...]
    infrastructure: Infrastructure


def lists_of(folder: Path) -> Lists:
    """Return a study's lists, shipped and renewed.

    InputError for a file of it that is damaged.
    """
    cdn = tuple(_entries(folder, "cdn-ranges"))
    more = [Entry(tag="cdn", who="the study's list", source=("study",), addresses=cdn)] if cdn else []
    return Lists(
        special_names=frozenset((*SPECIAL_USE, *_entries(folder, "special-names"))),
        denied=tuple(ip_network(text) for text in _entries(folder, "special-addresses")),
        infrastructure=Infrastructure((*standard_entries(), *more)),
    )


def list_rows(folder: Path | None) -> list[ListRow]:
    """All lists, each with the day of the newest."""
    rows = []
    for list_id, kind in KINDS.items():
        shipped, newest = kind.day(), _newest(folder, list_id) if folder else None
        renewed = newest is not None and newest[0] > shipped
        day = newest[0] if newest and renewed else shipped
        rows.append(ListRow(id=list_id, what=kind.what, day=day, renewed=renewed, get=kind.get))
    return rows


def newer_list(folder: Path, list_id: str, path: Path, day: date, today: date) -> list[str]:
    """Read a newer list for a study.

    Returns its entries, sorted. InputError for a file that is another, a list that is not
    known, and a day in the future or before the newest.
    """
    kind = KINDS.get(list_id)
    if kind is None:
        raise InputError(f"list {shown(list_id)} is not known; {', '.join(KINDS)} was expected ({SEE})")
    row = next(row for row in list_rows(folder) if row.id == list_id)
    if not row.day <= day <= today:
        raise InputError(
            f"--date {day}: the day of the list was expected, from {row.day}, that of the one in use, to today ({SEE})"
        )
    entries = _read(kind, path, content(path, f"a list of {list_id}", _MOST, SEE))
    if kind.holds and not set(kind.holds) & set(entries):
        raise InputError(f"{path}: a list of {list_id} was expected, which has {' or '.join(kind.holds)} in it ({SEE})")
    return entries


def keep_list(folder: Path, list_id: str, day: date, entries: Sequence[str]) -> None:
    """Put a list into force, whole or not at all."""
    (folder / FOLDER).mkdir(exist_ok=True)
    write_whole(folder / FOLDER / f"{list_id}-{day}", "".join(f"{entry}\n" for entry in entries).encode())


def _read(kind: _Kind, path: Path, data: bytes) -> list[str]:
    try:
        entries = sorted({*kind.read(data.decode("utf-8-sig"))})
    except (UnicodeDecodeError, csv.Error):
        raise InputError(f"{path}: a text in UTF-8 was expected ({SEE})") from None
    except ValueError as problem:
        raise InputError(f"{path}: {problem} ({SEE})") from None
    if not entries or len(entries) > _MOST_ROWS:
        raise InputError(f"{path}: {len(entries):,} entries, 1 to {_MOST_ROWS:,} were expected ({SEE})")
    return entries


def _newest(folder: Path, list_id: str) -> tuple[date, Path] | None:
    dated_paths = []
    for path in (folder / FOLDER).glob(f"{list_id}-*"):
        if match := _DAY.fullmatch(path.name.removeprefix(f"{list_id}-")):
            dated_paths.append((date(*map(int, match.groups())), path))
    return max(dated_paths, default=None)


def _entries(folder: Path, list_id: str) -> list[str]:
    newest = _newest(folder, list_id)
    if newest is None:
        return []
    kind = replace(KINDS[list_id], read=_plain)
    entries = _read(kind, newest[1], content(newest[1], f"a list of {list_id}", _MOST, SEE))
    try:
        return entries if list_id == "special-names" else [str(ip_network(entry)) for entry in entries]
    except ValueError:
        raise InputError(f"{newest[1]}: prefixes such as 192.0.2.0/24 were expected; renew it ({SEE})") from None


def _plain(text: str) -> Iterator[str]:
    return iter(text.split())
