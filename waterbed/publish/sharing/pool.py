"""Pools exports of several studies, each row with its source."""

import hashlib
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from waterbed.model.errors import InputError, OwnFailure
from waterbed.model.progress import staged
from waterbed.model.results import PooledHoster, Provenance
from waterbed.model.table import TableInfo
from waterbed.publish.sharing.share import MANIFEST, PARTNER, TABLES, export_id_of
from waterbed.store.bounded.files import content as bounded
from waterbed.store.bounded.files import raw_pieces
from waterbed.store.bounded.limits import MOST_HOSTER, MOST_HOSTERS, MOST_ID, MOST_MANIFEST
from waterbed.store.bounded.memory import bounded_memory
from waterbed.store.bounded.parquet import batches, check, columns_of
from waterbed.store.engine import run
from waterbed.store.whole.folders import new_folder
from waterbed.study.formats import as_arrow, as_csv

PROVENANCE: Final = "provenance.json"
_SEE: Final = "docs/lake.md, Pool"
_STUDY: Final = re.compile("[0-9a-f]{32}")


class _Manifest(msgspec.Struct):
    """The part of a manifest that is not provenance."""

    files: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """The pooled exports."""

    exports: list[Provenance]
    older: list[Provenance]
    """Exports left out because a newer one of the same study replaces them."""
    hosters: list[PooledHoster]


def pool(out: Path, exports: Sequence[Path]) -> Pooled:
    """Pool exports in a new folder.

    It holds observations, episodes, hosters, and the source of each.
    Of one study the newest export counts. InputError, and nothing written, if one is damaged, no export of ours, or
    made for another partner: ids for several partners would count a study twice.
    """
    if out.exists():
        raise InputError(f"{out} exists already; name a new folder for the pool ({_SEE})")
    if not exports:
        raise InputError(f"name the folders of one or more exports ({_SEE})")
    read = [(_provenance(path), path) for path in exports]
    partners = sorted({its.partner for its, _ in read})
    if len(partners) > 1:
        raise InputError(f"exports for several partners, {' and '.join(partners)}, cannot be pooled ({_SEE})")
    newest: dict[str, tuple[Provenance, Path]] = {}
    for its, path in sorted(
        read, key=lambda export: (export[0].made_on, export[0].last_day or "", export[0].export_id)
    ):
        newest[its.study] = its, path
    chosen = sorted(newest.values(), key=lambda export: (export[0].publisher, export[0].study))
    pooled = Pooled(
        exports=[its for its, _ in chosen],
        older=[its for its, _ in read if newest[its.study][0].export_id != its.export_id],
        hosters=hosters_in([path for _, path in chosen]),
    )
    _write(out, pooled, chosen)
    return pooled


_HOSTERS: Final = """
WITH named AS (
    SELECT unnest(from_json(hosters, '["VARCHAR"]')) AS hoster, site_id, url_id, 0 AS episode, 0 AS ended, 0 AS removed
    FROM looks
    UNION ALL
    SELECT hoster, site_id, url_id, 1, (first_down_day IS NOT NULL)::INT, coalesce(cause = 'removed', false)::INT
    FROM episodes
)
SELECT left(hoster, $name) AS hoster, count(DISTINCT site_id) AS sites, count(DISTINCT url_id) AS urls,
    sum(episode)::BIGINT AS episodes, sum(ended)::BIGINT AS ended, sum(removed)::BIGINT AS removed
FROM named GROUP BY named.hoster LIMIT $most
"""
"""Counts of each hoster in one export. Each study has one export, so that several add up."""
_MEMORY_MB: Final = 128


def hosters_in(exports: Sequence[Path]) -> list[PooledHoster]:
    """Each hoster over exports of different studies, largest first."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
    for path in staged("exports pooled", exports):
        for row in _counted(path).to_pylist():
            hoster_counts = counts[row.pop("hoster")]
            for place, count in enumerate((1, *row.values())):
                hoster_counts[place] += count
    rows = [
        PooledHoster(
            hoster=key, studies=studies, sites=sites, urls=urls, episodes=episodes, ended=ended, removed=removed
        )
        for key, (studies, sites, urls, episodes, ended, removed) in counts.items()
    ]
    return sorted(rows, key=lambda row: (-row.sites, row.hoster))


def _counted(path: Path) -> pa.Table:
    files = {name: path / f"{name}.parquet" for name in TABLES}
    try:
        bounds = {"most": MOST_HOSTERS + 1, "name": MOST_HOSTER + 1}
        table = run(_HOSTERS, files, bounds, folder=Path(tempfile.gettempdir()), memory_mb=_MEMORY_MB)
    except OwnFailure:
        raise InputError(f"the rows of {path} cannot be counted; ask for the export again ({_SEE})") from None
    if table.num_rows > MOST_HOSTERS:
        raise InputError(f"{path} names more than {MOST_HOSTERS:,} hosters; it is no export of a study ({_SEE})")
    if (pc.max(pc.utf8_length(table["hoster"])).as_py() or 0) > MOST_HOSTER:
        raise InputError(f"{path} has a hoster's key of more than {MOST_HOSTER} characters; it is no export ({_SEE})")
    return table


def _provenance(path: Path) -> Provenance:
    content = bounded(path / MANIFEST, "the manifest of an export", MOST_MANIFEST, _SEE)
    try:
        files = msgspec.json.decode(content, type=_Manifest).files
        its = msgspec.json.decode(content, type=Provenance)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputError(f"{path}/{MANIFEST} is not a manifest of waterbed lake export ({_SEE})") from None
    paths = {f"{name}.parquet": path / f"{name}.parquet" for name in TABLES}
    for name, file in paths.items():
        if _checksum(file) != files.get(name):
            raise InputError(f"{file} is missing or differs from its checksum (SHA-256); ask for it again ({_SEE})")
    check(list(paths.values()), MOST_ID, "a table of an export", _SEE)
    if not _true(path, its, files):
        raise InputError(f"{path}/{MANIFEST} does not list its files; ask for the export again ({_SEE})")
    return its


def _checksum(path: Path) -> str | None:
    digest = hashlib.sha256()
    try:
        for piece in raw_pieces(path, "a table of an export", see=_SEE):
            digest.update(piece)
    except InputError:
        return None
    return digest.hexdigest()


def _true(path: Path, its: Provenance, sums: dict[str, str]) -> bool:
    """True if a manifest describes these files.

    Folders of the pool are named by what it says.
    """
    for name, cls in TABLES.items():
        if [field.name for field in fields(cls)] != columns_of(path / f"{name}.parquet").names:
            return False
    days: list[str] = []
    rows = dict.fromkeys(TABLES, 0)
    for name in TABLES:
        for batch in batches(path / f"{name}.parquet", ["day"] if name == "looks" else None):
            rows[name] += batch.num_rows
            if name == "looks":
                span = pc.min_max(batch["day"]).as_py()
                days = [min(*days, span["min"]), max(*days, span["max"])] if days else [span["min"], span["max"]]
    return (
        its.export_id == export_id_of({f"{name}.parquet": sums[f"{name}.parquet"] for name in TABLES})
        and bool(_STUDY.fullmatch(its.study) and PARTNER.fullmatch(its.partner))
        and all(text.isprintable() for text in asdict(its).values() if isinstance(text, str))
        and (its.looks, its.episodes) == (rows["looks"], rows["episodes"])
        and (its.first_day, its.last_day) == (min(days, default=None), max(days, default=None))
    )


def _write(out: Path, pooled: Pooled, chosen: Sequence[tuple[Provenance, Path]]) -> None:
    with new_folder(out) as part:
        for name in TABLES:
            for its, path in chosen:
                where = part / name / f"study={its.study}"
                where.mkdir(parents=True)
                with bounded_memory(path, _SEE):
                    _copy(path / f"{name}.parquet", where / f"{its.export_id}.parquet", its)
        text = json.dumps([_as_json(its) for its in pooled.exports], indent=1, ensure_ascii=False)
        (part / PROVENANCE).write_text(text + "\n", encoding="utf-8")
        (part / "hosters.csv").write_text(as_csv(PooledHoster, pooled.hosters), encoding="utf-8")
        pq.write_table(as_arrow(PooledHoster, pooled.hosters, pooled_info(pooled)), part / "hosters.parquet")


_AT_ONCE: Final = 256
"""Batches in one group of rows."""


def _copy(path: Path, into: Path, its: Provenance) -> None:
    """Copy a table, and add its source to each row."""
    added = [pa.field(name, pa.string()) for name in ("publisher", "export_id")]
    schema, rows = columns_of(path), batches(path)
    with pq.ParquetWriter(into, pa.schema([*schema, *added], schema.metadata), compression="zstd") as writer:
        while some := list(islice(rows, _AT_ONCE)):
            table = pa.Table.from_batches(some, schema)
            for field in added:
                table = table.append_column(field, pa.array([getattr(its, field.name)] * table.num_rows, pa.string()))
            writer.write_table(table)


def pooled_info(pooled: Pooled) -> TableInfo:
    """Metadata of the table of pooled hosters."""
    days = sorted(day for its in pooled.exports for day in (its.first_day, its.last_day) if day)
    return TableInfo(
        what="pooled hosters",
        by="hoster",
        clock="none",
        window=f"{days[0]}/{days[-1]}" if days else "no check",
        method="counted; each study's sites and URLs apart",
        data_dates={f"export {its.export_id}": its.made_on for its in pooled.exports},
        run="none",
        version=", ".join(sorted({its.version for its in pooled.exports})),
        left_out=sum(its.left_out for its in pooled.exports),
    )


def _as_json(its: Provenance) -> dict[str, Any]:
    record: dict[str, Any] = msgspec.to_builtins(its)
    return record
