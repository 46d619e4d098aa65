"""What is kept of all URLs, so that later conclusions go on with it."""

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from attribution.attribute import Attributor
from waterbed.judging.columns import NOTHING, Array
from waterbed.judging.guard_state import GuardState, packed, unpacked
from waterbed.judging.walk import words
from waterbed.model.codec import microseconds, moment
from waterbed.model.facts import CanaryLook, ControlLook, Observation, Resolution
from waterbed.store.config import Config
from waterbed.store.folder import Folder
from waterbed.store.kept import Kept
from waterbed.store.lake.lake import lake_of
from waterbed.store.lake.reading import days_in
from waterbed.store.lake.rows import whole_days
from waterbed.store.tables import table_name
from waterbed.study.attributed import Attributed, hosters_of
from waterbed.study.digest import of_rules, of_tables
from waterbed.study.facts import Facts
from waterbed.study.guarded import KeptGuard, cycle_start
from waterbed.study.look_reader import Before
from waterbed.study.looks import Looks

if TYPE_CHECKING:
    from waterbed.study.conclusions import Conclusions
    from waterbed.study.grown import Grown

NAME: Final = "urls"
"""The name of what is kept."""
_READ: Final = (Observation, Resolution, ControlLook)


_DAY_US: Final = 86_400_000_000
_URLS: Final = pa.schema(
    [
        ("url_id", pa.string()),
        *((name, pa.int64()) for name in ("looks", "first", "state", "at", "hosters", "prefix")),
    ]
)
_URL_COLUMNS: Final = _URLS.names
_ASKED: Final = pa.schema(
    [
        ("addresses", pa.string()),
        ("suffix", pa.string()),
        ("cdn", pa.bool_()),
        ("origin", pa.string()),
        ("at", pa.int64()),
        ("until", pa.int64()),
    ]
)
_DIGESTED: Final = pa.schema([*_ASKED, ("stretch", pa.int64()), ("digest", pa.binary())])


class KeptUrls(msgspec.Struct, frozen=True, kw_only=True):
    """What was worked out of all looks, and what it came from.

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
    """What conclusions of some URLs alone go on with."""

    before: Before
    guard: KeptGuard


def kept_since(facts: Facts, looks: Looks, config: Config) -> int | None:
    """From when on looks will be read again, if more come: microseconds.

    It is the beginning of a day, by the guard's cycles: after it are open days, and looks that cannot be confirmed yet
    or whose canaries may still come. None without looks, or where facts are in memory.
    """
    if facts.folder is None or looks.span is None:
        return None
    last = looks.span[1]
    margin = round(max(config.judge.canary_within_s, config.judge.freeze_s) * 1_000_000)
    _, opened = closed(facts.folder, last)
    return cycle_start(_begin(min([moment(last - margin).date(), *opened])), config)


def keep_urls(conclusions: "Conclusions", kept: Kept, grown: "Grown | None") -> None:
    """Keep what is known of all URLs, so that later conclusions go on with it."""
    part = grown.part if grown else conclusions
    looks, guard, facts = part.looks, part.believed.kept, conclusions.facts
    if guard is None or looks.neighbours_asked or conclusions.span is None:
        return
    if grown and guard.since < grown.was.since:
        return
    config, folder = conclusions.config, facts.folder
    first, last = conclusions.span
    urls, others, tables = _urls_of(looks, guard.urls), [guard.held], [looks.usable]
    hosters, prefixes = list(guard.hosters), list(guard.prefixes)
    asked = asked_before(conclusions.attributor, _asked_of(part.attributed, guard.since))
    keys = hosters_of(part.attributed)
    if grown:
        urls = pa.concat_tables([urls, _renamed(grown, hosters, prefixes)])
        held = unpacked(grown.was.held).column("id").combine_chunks()
        others.append(held.filter(pc.invert(pc.is_in(held, guard.held))))
        hosts = pa.array({target.host_id for target in part.facts.targets.values()}, pa.string())
        usable = unpacked(grown.was.usable)
        tables.append(usable.filter(pc.invert(pc.is_in(usable.column("host_id"), hosts))))
        asked = pa.concat_tables([unpacked(grown.was.asked), asked])
        keys |= set(grown.was.keys)
    urls = urls.sort_by("url_id")
    signs = grown.signs.table() if grown else looks.link_signs.table(looks.coder.name_servers.values)
    kept.keep(
        NAME,
        KeptUrls(
            rules=of_rules(facts, config, folder),
            since=guard.since,
            files=closed(folder, guard.since)[0],
            canaries=canaries_before(facts.canaries, guard.since, config.judge.canary_within_s),
            changes=changes_before(conclusions.attributor, guard.since),
            span=(microseconds(first), microseconds(last)),
            aside=tuple(sorted({*conclusions.set_aside.not_illegal, *conclusions.set_aside.unassessed})),
            urls=packed(
                urls.append_column("reports", pa.chunked_array([reports_of(facts, urls.column("url_id").to_pylist())]))
            ),
            usable=packed(pa.concat_tables(tables)),
            signs=packed(signs),
            held=packed(pa.table({"id": pa.concat_arrays(others)})),
            tables=of_tables(folder, guard.since),
            asked=packed(_newest(asked)),
            keys=tuple(sorted(keys)),
            guard=guard.state,
            hosters=tuple(hosters),
            prefixes=tuple(prefixes),
        ),
    )


def _begin(day: date) -> int:
    return (day - date(1970, 1, 1)).days * _DAY_US


def closed(folder: Folder | None, since: int) -> tuple[dict[str, dict[date, tuple[str, ...]]], set[date]]:
    """The files of the sealed days that began before a time, by kind, and the first day that is not sealed whole."""
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
    """The digest of the canary looks that looks before a time are judged with."""
    found, last = hashlib.sha256(), moment(since) + timedelta(seconds=within_s)
    for one in canaries:
        if one.observed_at <= last:
            found.update(f"{one.canary_id} {one.vantage} {one.observed_at} {one.targets} {one.reached}\n".encode())
    return found.digest()


def changes_before(attributor: Attributor, since: int) -> tuple[date, ...]:
    """The days before a time on which other tables began to apply."""
    return tuple(day for day in attributor.changes if _begin(day) < since)


def reports_of(facts: Facts, urls: Sequence[str]) -> pa.Array:
    """For each URL a number that changes with its reports."""
    found: dict[str, int] = defaultdict(int)
    for report in facts.reports:
        found[report.url_id] += (1 << 40) + crc32(report.report_id.encode())
    return pa.array([found.get(url_id, 0) for url_id in urls], pa.int64())


def _asked_of(attributed: Attributed, since: int) -> pa.Table:
    """What attributions were made of, with a time before `since` for which each holds."""
    columns: Sequence[Sequence[Any]] = list(zip(*attributed.asked, strict=True)) or [(), (), (), ()]
    at = [microseconds(one.day) for one in attributed.made]
    cells = (*columns, at, [since] * len(at))
    return pa.Table.from_arrays(
        [pa.array(own, field.type) for own, field in zip(cells, _ASKED, strict=True)], schema=_ASKED
    )


def asked_before(attributor: Attributor, table: pa.Table) -> pa.Table:
    """What attributions were made of before a time, with a digest of what each is now.

    One that was made for a time since then is taken as of the last moment before, where nothing changed between.
    """
    own: dict[str, list[int]] = {}
    every = [_begin(day) for day in attributor.changes]
    rows = []
    for addresses, suffix, cdn, origin, made, until in zip(
        *(table.column(name).to_pylist() for name in _ASKED.names), strict=True
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
    by_stretch: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        by_stretch[bisect_right(every, row[4])].append(place)
    digests = [b""] * len(rows)
    for places in by_stretch.values():
        texts = {one for place in places for one in words(rows[place][0])}
        attributor.prepare(sorted(texts), moment(rows[places[0]][4]))
        for place in places:
            addresses, suffix, cdn, origin, at, _, _, registered = rows[place]
            made = attributor.attribute(words(addresses), suffix, moment(at), origin, behind_cdn=cdn)
            told = msgspec.msgpack.encode(replace(made, day=moment(0)))
            digests[place] = hashlib.blake2b(told + registered.encode(), digest_size=12).digest()
    columns = [list(cells) for cells in zip(*(row[:7] for row in rows), strict=True)] or [[] for _ in range(7)]
    arrays = [pa.array(cells, field.type) for cells, field in zip((*columns, digests), _DIGESTED, strict=True)]
    return pa.Table.from_arrays(arrays, schema=_DIGESTED)


def _newest(asked: pa.Table) -> pa.Table:
    """Each attribution once in a stretch of days, as it was asked for last."""
    columns = [asked.column(name).to_pylist() for name in _ASKED.names if name not in ("at", "until")]
    last = {key: place for place, key in enumerate(zip(*columns, asked.column("stretch").to_pylist(), strict=True))}
    return asked.take(pa.array(list(last.values()), pa.int64())).combine_chunks()


def _urls_of(looks: Looks, states: pa.Table) -> pa.Table:
    """The columns of URLs that were looked at again."""
    count, first = np.zeros(len(looks.urls), np.int64), np.zeros(len(looks.urls), np.int64)
    for block in looks.blocks():
        url, begin, number = np.unique(block.url, return_index=True, return_counts=True)
        count[url], first[url] = number, block.at[begin]
    found = states.append_column("looks", pa.array(count)).append_column("first", pa.array(first, mask=count == 0))
    return found.select(_URL_COLUMNS).cast(_URLS)


def _renamed(grown: "Grown", hosters: list[tuple[str, ...]], prefixes: list[str]) -> pa.Table:
    """The kept columns of unchanged URLs, by places in these lists, which grow."""
    table, was = grown.unchanged.select(_URL_COLUMNS), grown.was
    for name, values, own in (("hosters", hosters, was.hosters), ("prefix", prefixes, was.prefixes)):
        places = _places(values, own)
        column = np.asarray(table.column(name))
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(places[column]))
    return table.cast(_URLS)


def _places(values: list[Any], own: Sequence[Any]) -> Array:
    """The place of each of some values in a list to which they are added; that of none is none."""
    known = {value: place for place, value in enumerate(values)}
    places = [known.setdefault(value, len(known)) for value in own]
    values[:] = known
    return np.array([*places, NOTHING], np.int64)


def placed(signs: pa.Table, places: pa.Array) -> pa.Table:
    """Signs with URLs by other places."""
    return signs.set_column(1, "url", places.cast(pa.int64()).take(signs.column("url").combine_chunks()))
