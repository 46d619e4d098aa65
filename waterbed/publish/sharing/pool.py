"""Pools exports of several studies, each row with its source."""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from waterbed.model.errors import InputError
from waterbed.model.results import PooledHoster, Provenance
from waterbed.model.table import TableInfo
from waterbed.publish.sharing.share import MANIFEST, PARTNER, TABLES, export_id_of
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
    for its, path in sorted(read, key=lambda one: (one[0].made_on, one[0].last_day or "", one[0].export_id)):
        newest[its.study] = its, path
    chosen = sorted(newest.values(), key=lambda one: (one[0].publisher, one[0].study))
    tables = {name: [(its, _table(path, name)) for its, path in chosen] for name in TABLES}
    made = Pooled(
        exports=[its for its, _ in chosen],
        older=[its for its, _ in read if newest[its.study][0].export_id != its.export_id],
        hosters=hosters_in(tables["looks"], tables["episodes"]),
    )
    _write(out, made, tables)
    return made


def hosters_in(
    looks: Sequence[tuple[Provenance, pa.Table]], episodes: Sequence[tuple[Provenance, pa.Table]]
) -> list[PooledHoster]:
    """Each hoster over all exports, largest first."""
    sites: dict[str, set[str]] = defaultdict(set)
    urls: dict[str, set[str]] = defaultdict(set)
    studies: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for its, table in looks:
        for keys, site, url in _rows(table, "hosters", "site_id", "url_id"):
            for key in json.loads(keys):
                sites[key].add(f"{its.study} {site}")
                urls[key].add(f"{its.study} {url}")
                studies[key].add(its.study)
    for its, table in episodes:
        for key, site, url, down, cause in _rows(table, "hoster", "site_id", "url_id", "first_down_day", "cause"):
            sites[key].add(f"{its.study} {site}")
            urls[key].add(f"{its.study} {url}")
            studies[key].add(its.study)
            for place, counts_too in enumerate((True, down is not None, cause == "removed")):
                counts[key][place] += counts_too
    rows = [
        PooledHoster(
            hoster=key,
            studies=len(studies[key]),
            sites=len(sites[key]),
            urls=len(urls[key]),
            episodes=counts[key][0],
            ended=counts[key][1],
            removed=counts[key][2],
        )
        for key in sites
    ]
    return sorted(rows, key=lambda row: (-row.sites, row.hoster))


def _rows(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def _provenance(path: Path) -> Provenance:
    try:
        content = (path / MANIFEST).read_bytes()
        files = msgspec.json.decode(content, type=_Manifest).files
        its = msgspec.json.decode(content, type=Provenance)
    except OSError as problem:
        why = f"its {MANIFEST} cannot be read ({problem.strerror})"
        raise InputError(f"{path} is not an export: {why}; see {_SEE}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InputError(f"{path}/{MANIFEST} is not a manifest of waterbed lake export; see {_SEE}") from None
    for name in TABLES:
        try:
            whole = hashlib.sha256((path / f"{name}.parquet").read_bytes()).hexdigest() == files.get(f"{name}.parquet")
        except OSError:
            whole = False
        if not whole:
            raise InputError(
                f"{path}/{name}.parquet is missing or differs from its checksum (SHA-256); ask for it again ({_SEE})"
            )
    if not _true(path, its, files):
        raise InputError(f"{path}/{MANIFEST} does not list its files; ask for the export again ({_SEE})")
    return its


def _true(path: Path, its: Provenance, sums: dict[str, str]) -> bool:
    """True if a manifest describes these files.

    Folders of the pool are named by what it says.
    """
    try:
        tables = {name: _table(path, name) for name in TABLES}
    except pa.ArrowException:
        return False
    if any([field.name for field in fields(cls)] != tables[name].column_names for name, cls in TABLES.items()):
        return False
    days = tables["looks"]["day"].to_pylist()
    return (
        its.export_id == export_id_of({f"{name}.parquet": sums[f"{name}.parquet"] for name in TABLES})
        and bool(_STUDY.fullmatch(its.study) and PARTNER.fullmatch(its.partner))
        and all(text.isprintable() for text in asdict(its).values() if isinstance(text, str))
        and (its.looks, its.episodes) == tuple(tables[name].num_rows for name in ("looks", "episodes"))
        and (its.first_day, its.last_day) == (min(days, default=None), max(days, default=None))
    )


def _table(path: Path, name: str) -> pa.Table:
    return pq.read_table(path / f"{name}.parquet")


def _write(out: Path, made: Pooled, tables: dict[str, list[tuple[Provenance, pa.Table]]]) -> None:
    with new_folder(out) as part:
        for name, of in tables.items():
            for its, table in of:
                where = part / name / f"study={its.study}"
                where.mkdir(parents=True)
                pq.write_table(_with(table, its), where / f"{its.export_id}.parquet", compression="zstd")
        text = json.dumps([_as_json(its) for its in made.exports], indent=1, ensure_ascii=False)
        (part / PROVENANCE).write_text(text + "\n", encoding="utf-8")
        (part / "hosters.csv").write_text(as_csv(PooledHoster, made.hosters), encoding="utf-8")
        pq.write_table(as_arrow(PooledHoster, made.hosters, pooled_info(made)), part / "hosters.parquet")


def _with(table: pa.Table, its: Provenance) -> pa.Table:
    """Add its source to each row."""
    for column in ("publisher", "export_id"):
        table = table.append_column(column, pa.array([getattr(its, column)] * table.num_rows, pa.string()))
    return table


def pooled_info(made: Pooled) -> TableInfo:
    """Metadata of the table of pooled hosters."""
    days = sorted(day for its in made.exports for day in (its.first_day, its.last_day) if day)
    return TableInfo(
        what="pooled hosters",
        by="hoster",
        clock="none",
        window=f"{days[0]}/{days[-1]}" if days else "no look",
        method="counted; each study's sites and URLs apart",
        data_dates={f"export {its.export_id}": its.made_on for its in made.exports},
        run="none",
        version=", ".join(sorted({its.version for its in made.exports})),
        left_out=sum(its.left_out for its in made.exports),
    )


def _as_json(its: Provenance) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(its)
    return found
