"""The export for a partner: less detail and new ids.

Prefixes replace addresses, days replace times, and small cells are left out.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from waterbed.model.errors import InputError
from waterbed.model.redaction import names_something, shown
from waterbed.model.results import Provenance, SharedEpisode, SharedLook
from waterbed.publish.sharing.shared_looks import SharedLooks
from waterbed.store.audit import put_on_record
from waterbed.store.bounded.files import raw_pieces
from waterbed.store.bounded.limits import MOST_FILE
from waterbed.store.whole.folders import new_folder
from waterbed.study.conclusions import Conclusions
from waterbed.study.formats import arrow_schema, as_arrow
from waterbed.study.metadata import table_info
from waterbed.study.streams import write_parquet
from waterbed.study.study import Study

MANIFEST: Final = "export.json"
TABLES: Final[Mapping[str, type]] = {"looks": SharedLook, "episodes": SharedEpisode}
PARTNER: Final = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")

Renamed = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The rows that a partner may have."""

    looks: SharedLooks
    episodes: list[SharedEpisode]
    left_out: int
    hidden: int

    def tables(self, name: str) -> Iterable[pa.Table]:
        """The rows of a table of `TABLES`."""
        return self.looks.tables() if name == "looks" else [as_arrow(SharedEpisode, self.episodes)]


def export(study: Study, out: Path, partner: str) -> Provenance:
    """Write an export for a partner to a new folder.

    The audit trail first records who made it for whom.
    Ids are keyed anew for the partner: equal in all exports for one partner, and of no use beside those for another.
    InputError if the folder exists, or if the study is marked TLP:RED.
    """
    config = study.config
    if not PARTNER.fullmatch(partner) or names_something(partner):
        raise InputError(
            f"--to {shown(partner)} is not a plain name for a partner, like pool-2026 (docs/lake.md, Export)"
        )
    if config.publish.tlp == "red":
        raise InputError("publish.tlp is red: nothing may leave this study (docs/publishing.md)")
    if out.exists():
        raise InputError(f"{out} exists already; name a new folder for the export (docs/lake.md, Export)")
    renamed = _renamed(study, partner)
    conclusions = study.conclude()
    chosen = choose(conclusions, renamed, config.publish.least)
    heading = replace(table_info(study, "export"), run="none", window="days")
    with new_folder(out, "lake export", study.folder.path) as work:
        sums = {}
        for name, cls in TABLES.items():
            path = work / f"{name}.parquet"
            with path.open("wb") as file:
                write_parquet(arrow_schema(cls, replace(heading, what=name)), chosen.tables(name), file)
            sums[path.name] = _sha256(path)
        provenance = Provenance(
            export_id=export_id_of(sums),
            study=renamed(f"study {config.study}"),
            publisher=config.publish.publisher or config.name,
            partner=partner,
            licence=config.publish.licence,
            tlp=config.publish.tlp,
            made_on=_day(study.clock()),
            first_day=chosen.looks.days[0] if chosen.looks.days else None,
            last_day=chosen.looks.days[1] if chosen.looks.days else None,
            version=version("waterbed"),
            ruleset=conclusions.rules.name,
            least=config.publish.least,
            looks=chosen.looks.rows,
            episodes=len(chosen.episodes),
            left_out=chosen.left_out,
            hidden=chosen.hidden,
        )
        (work / MANIFEST).write_bytes(manifest_json(provenance, sums))
        put_on_record(study.folder, "export", provenance.export_id, f"for {partner}")
    return provenance


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for piece in raw_pieces(path, "a table of an export", MOST_FILE, "docs/lake.md, Export"):
        digest.update(piece)
    return digest.hexdigest()


def export_id_of(sums: Mapping[str, str]) -> str:
    """The id of an export, from its files' checksums."""
    return hashlib.sha256("".join(f"{name}{sums[name]}" for name in sorted(sums)).encode()).hexdigest()[:32]


def choose(conclusions: Conclusions, renamed: Renamed, least: int) -> Chosen:
    """Observations and episodes of enough sites, under new ids."""
    looks = SharedLooks(conclusions, renamed)
    hosters, prefixes = looks.sites()
    for episode in conclusions.episodes:
        hosters[episode.hoster].add(episode.site_id)
    enough = {key for key, sites in hosters.items() if len(sites) >= least}
    shown_prefixes = {key for key, sites in prefixes.items() if len(sites) >= least}
    left_out = looks.choose(enough, shown_prefixes)
    episodes = sorted(
        (_shared(episode, renamed) for episode in conclusions.episodes if episode.hoster in enough), key=_order
    )
    left_out += sum(episode.hoster not in enough for episode in conclusions.episodes)
    return Chosen(looks=looks, episodes=episodes, left_out=left_out, hidden=len(prefixes) - len(shown_prefixes))


def _shared(episode: Any, renamed: Renamed) -> SharedEpisode:
    return SharedEpisode(
        url_id=renamed(episode.url_id),
        site_id=renamed(episode.site_id),
        content_id=renamed(episode.content_id),
        hoster=episode.hoster,
        proxy=episode.proxy,
        known_up_day=_day(episode.known_up_at),
        reported_day=_day(episode.reported_at) if episode.reported_at else None,
        last_up_day=_day(episode.last_up),
        first_down_day=_day(episode.first_down) if episode.first_down else None,
        cause=episode.cause,
        looks=episode.looks,
    )


def _renamed(study: Study, partner: str) -> Renamed:
    key = study.vault.keyed_id("export", partner).encode()
    return lambda text: hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


def manifest_json(provenance: Provenance, sums: Mapping[str, str]) -> bytes:
    """An export's manifest as JSON: origin and file checksums."""
    return (json.dumps({**asdict(provenance), "files": dict(sums)}, indent=1, ensure_ascii=False) + "\n").encode()


def _day(when: datetime) -> str:
    return when.date().isoformat()


def _order(row: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in asdict(row).values())
