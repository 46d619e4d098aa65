"""Values kept of all URLs, for later conclusions."""

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import msgspec
import pyarrow as pa

from waterbed.attribution.attribute import Attributor
from waterbed.judging.guard_state import GuardState
from waterbed.judging.walk import words
from waterbed.model.codec import moment
from waterbed.model.conclusions import Attribution
from waterbed.model.facts import CanaryLook, ControlLook, Observation, Resolution
from waterbed.store.config import Config
from waterbed.store.folder import Folder
from waterbed.store.lake.lake import lake_of
from waterbed.store.lake.reading import days_in
from waterbed.store.lake.rows import whole_days
from waterbed.store.tables import table_name
from waterbed.study.facts import Facts
from waterbed.study.guarded import KeptGuard, cycle_start
from waterbed.study.look_reader import Before
from waterbed.study.looks import Looks

NAME: Final = "urls"
"""The name of what is kept."""
_READ: Final = (Observation, Resolution, ControlLook)


_DAY_US: Final = 86_400_000_000
URLS: Final = pa.schema(
    [
        ("url_id", pa.string()),
        *((name, pa.int64()) for name in ("looks", "first", "state", "at", "hosters", "prefix", "held")),
    ]
)
"""The columns that are kept of a URL."""
URL_COLUMNS: Final = URLS.names
ASKED: Final = pa.schema(
    [
        ("addresses", pa.string()),
        ("suffix", pa.string()),
        ("cdn", pa.bool_()),
        ("origin", pa.string()),
        ("at", pa.int64()),
        ("until", pa.int64()),
    ]
)
_AT_ONCE: Final = 65_536
"""Attributions that are compared at once."""
_DIGESTED: Final = pa.schema([*ASKED, ("stretch", pa.int64()), ("digest", pa.binary())])


class KeptUrls(msgspec.Struct, frozen=True, kw_only=True):
    """Values of all looks, and the digests of their origin.

    Tables are in Arrow's form. All of `since` is before the first look that can change what is concluded of others.
    """

    rules: bytes
    """The digest of code, settings, and what people decided."""
    since: int
    """Microseconds: looks from then on are read again, with all others at their URLs."""
    files: dict[str, dict[date, tuple[str, ...]]]
    """The sealed files of the days before, by kind."""
    canaries: bytes
    changes: tuple[date, ...]
    """The days before on which other tables began to apply."""
    span: tuple[int, int]
    aside: tuple[str, ...]
    """URLs that counted nowhere."""
    urls: bytes
    """`url_id`, number and first time of its `looks`, a sum of its `reports`, and its last state (`LastKnown`)."""
    usable: bytes
    signs: bytes
    held: bytes
    tables: bytes
    """The digest of all that attributions came from before."""
    asked: bytes
    """What they were made of, with a digest of each."""
    keys: tuple[str, ...]
    """The hosters in them."""
    guard: GuardState
    hosters: tuple[tuple[str, ...], ...]
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """The beginning of conclusions of some URLs alone."""

    before: Before
    guard: KeptGuard


def kept_since(facts: Facts, looks: Looks, config: Config) -> int | None:
    """The time from which looks will be read again, microseconds.

    It is the beginning of a day, by the guard's cycles: after it are open days, and looks that cannot be confirmed yet
    or whose canaries may still come. None without looks, or where facts are in memory.
    """
    if facts.folder is None or looks.span is None:
        return None
    last = looks.span[1]
    margin = round(max(2 * config.judge.canary_within_s, config.judge.freeze_s) * 1_000_000)
    _, opened = closed(facts.folder, last)
    return cycle_start(_begin(min([moment(last - margin).date(), *opened])), config)


def _begin(day: date) -> int:
    return (day - date(1970, 1, 1)).days * _DAY_US


def closed(folder: Folder | None, since: int) -> tuple[dict[str, dict[date, tuple[str, ...]]], set[date]]:
    """The files of sealed days before a time, by kind.

    And the first day that is not sealed whole.
    """
    if folder is None:
        return {}, set()
    manifest, files, opened = lake_of(folder).manifest(), dict[str, dict[date, tuple[str, ...]]](), set[date]()
    for cls in _READ:
        sealed, stored = manifest.days(table_name(cls)), days_in(folder.store, cls)
        whole = whole_days(sealed, stored)
        opened.update({*sealed, *stored} - whole)
        files[table_name(cls)] = {
            day: tuple(sorted(file.path for file in sealed[day].files)) if day in whole else ("open",)
            for day in sorted({*sealed, *stored})
            if _begin(day) < since
        }
    return files, {min(opened)} if opened else set()


def canaries_before(canaries: Iterable[CanaryLook], since: int, within_s: float) -> bytes:
    """Digest of the canary looks that earlier looks need."""
    found, last = hashlib.sha256(), moment(since) + timedelta(seconds=2 * within_s)
    for one in canaries:
        if one.observed_at <= last:
            found.update(f"{one.canary_id} {one.vantage} {one.observed_at} {one.targets} {one.reached}\n".encode())
    return found.digest()


def changes_before(attributor: Attributor, since: int) -> tuple[date, ...]:
    """The days before a time on which other tables began."""
    return tuple(day for day in attributor.changes if _begin(day) < since)


def reports_of(facts: Facts, urls: Sequence[str]) -> pa.Array:
    """For each URL a number that changes with its reports."""
    found: dict[str, int] = defaultdict(int)
    for report in facts.reports:
        found[report.url_id] += (1 << 40) + _number(report.report_id)
    return pa.array([found.get(url_id, 0) for url_id in urls], pa.int64())


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")


def asked_before(attributor: Attributor, table: pa.Table, made: Sequence[Attribution] = ()) -> pa.Table:
    """The origins of attributions before a time, with digests now.

    One that was made for a time since then is taken as of the last moment before, where nothing changed between. Those
    `made` just now, one for each row, need not be made again.
    """
    parts = [
        _part_before(attributor, table.slice(first, _AT_ONCE), made[first : first + _AT_ONCE])
        for first in range(0, len(table), _AT_ONCE)
    ]
    return pa.concat_tables([_DIGESTED.empty_table(), *parts])


def _part_before(attributor: Attributor, table: pa.Table, known: Sequence[Attribution]) -> pa.Table:
    own: dict[str, list[int]] = {}
    every = [_begin(day) for day in attributor.changes]
    rows, answers = [], list[Attribution | None]()
    for row, (addresses, suffix, cdn, origin, made, until) in enumerate(
        zip(*(table.column(name).to_pylist() for name in ASKED.names), strict=True)
    ):
        changes: set[int] = set()
        for address in (*words(addresses), *((origin,) if origin else ())):
            if address not in own:
                own[address] = [_begin(day) for day in attributor.changes_of(address)]
            changes.update(own[address])
        both = sorted([*every, *changes]) if changes else every
        stretch = bisect_right(both, made)
        if made >= until and bisect_right(both, until - 1) != stretch:
            continue
        before = [day for day in both if day < until] if changes else ()
        rows.append((addresses, suffix, cdn, origin, min(made, until - 1), until, stretch, repr(before)))
        answers.append(known[row] if known and made < until else None)
    by_stretch: dict[int, list[int]] = defaultdict(list)
    for place, answer in enumerate(answers):
        if answer is None:
            by_stretch[bisect_right(every, rows[place][4])].append(place)
    for places in by_stretch.values():
        texts = {one for place in places for one in words(rows[place][0])}
        attributor.prepare(sorted(texts), moment(rows[places[0]][4]))
        for place in places:
            addresses, suffix, cdn, origin, at = rows[place][:5]
            answers[place] = attributor.attribute(words(addresses), suffix, moment(at), origin, behind_cdn=cdn)
    told = (msgspec.msgpack.encode(replace(answer, day=moment(0))) for answer in answers if answer)
    digests = [
        hashlib.blake2b(one + row[7].encode(), digest_size=12).digest() for one, row in zip(told, rows, strict=True)
    ]
    columns = [list(cells) for cells in zip(*(row[:7] for row in rows), strict=True)] or [[] for _ in range(7)]
    arrays = [pa.array(cells, field.type) for cells, field in zip((*columns, digests), _DIGESTED, strict=True)]
    return pa.Table.from_arrays(arrays, schema=_DIGESTED)


def placed(signs: pa.Table, places: pa.Array) -> pa.Table:
    """Signs with URLs by other places."""
    return signs.set_column(1, "url", places.cast(pa.int64()).take(signs.column("url").combine_chunks()))
