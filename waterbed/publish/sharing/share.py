"""The export for a partner: less detail and new ids.

Prefixes replace addresses, days replace times, and small cells are left out.
"""

import hashlib
import hmac
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.metadata import version
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

from waterbed.model.errors import InputError
from waterbed.model.progress import staged
from waterbed.model.results import Provenance, SharedEpisode, SharedLook
from waterbed.store.audit import put_on_record
from waterbed.store.whole.folders import new_folder
from waterbed.study.conclusions import Conclusions
from waterbed.study.formats import as_parquet
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

MANIFEST: Final = "export.json"
TABLES: Final[Mapping[str, type]] = {"looks": SharedLook, "episodes": SharedEpisode}
PARTNER: Final = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")

Renamed = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The rows that a partner may have."""

    looks: list[SharedLook]
    episodes: list[SharedEpisode]
    left_out: int
    hidden: int


def export(study: Study, out: Path, partner: str) -> Provenance:
    """Write an export for a partner to a new folder.

    The audit trail first records who made it for whom.
    Ids are keyed anew for the partner: equal in all exports for one partner, and of no use beside those for another.
    InputError if the folder exists, or if the study is marked TLP:RED.
    """
    config = study.config
    if not PARTNER.fullmatch(partner):
        raise InputError(f"--to {partner!r} is not a plain name for a partner, like pool-2026 (docs/lake.md, Export)")
    if config.publish.tlp == "red":
        raise InputError("publish.tlp is red: nothing may leave this study (docs/publishing.md)")
    if out.exists():
        raise InputError(f"{out} exists already; name a new folder for the export (docs/lake.md, Export)")
    renamed = _renamed(study, partner)
    conclusions = study.conclude()
    chosen = choose(conclusions, renamed, config.publish.least)
    heading = replace(table_info(study, "export"), run="none", window="days")
    files = {
        f"{name}.parquet": as_parquet(cls, getattr(chosen, name), replace(heading, what=name))
        for name, cls in TABLES.items()
    }
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    days = sorted(look.day for look in chosen.looks)
    made = Provenance(
        export_id=export_id_of(sums),
        study=renamed(f"study {config.study}"),
        publisher=config.publish.publisher or config.name,
        partner=partner,
        licence=config.publish.licence,
        tlp=config.publish.tlp,
        made_on=_day(study.clock()),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        version=version("waterbed"),
        ruleset=conclusions.rules.name,
        least=config.publish.least,
        looks=len(chosen.looks),
        episodes=len(chosen.episodes),
        left_out=chosen.left_out,
        hidden=chosen.hidden,
    )
    put_on_record(study.folder, "export", made.export_id, f"for {partner}")
    with new_folder(out, "lake export", study.folder.path) as work:
        for name, content in {**files, MANIFEST: manifest_json(made, sums)}.items():
            (work / name).write_bytes(content)
    return made


def export_id_of(sums: Mapping[str, str]) -> str:
    """The id of an export, from its files' checksums."""
    return hashlib.sha256("".join(f"{name}{sums[name]}" for name in sorted(sums)).encode()).hexdigest()[:32]


def choose(conclusions: Conclusions, renamed: Renamed, least: int) -> Chosen:
    """Observations and episodes of enough sites, under new ids."""
    targets = conclusions.facts.targets
    judged = list(zip(conclusions.facts.looks, conclusions.verdicts, conclusions.attributions, strict=True))
    hosters, prefixes = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for look, _, answer in judged:
        site = targets[look.url_id].site_id
        for key in _hosters(answer):
            hosters[key].add(site)
        if look.address:
            prefixes[prefix_of(look.address)].add(site)
    for episode in conclusions.episodes:
        hosters[episode.hoster].add(episode.site_id)
    enough = {key for key, sites in hosters.items() if len(sites) >= least}
    shown = {key for key, sites in prefixes.items() if len(sites) >= least}
    rows, left_out = Counter[SharedLook](), 0
    for look, verdict, answer in staged("looks shared", judged):
        keys = _hosters(answer)
        if not set(keys) <= enough:
            left_out += 1
            continue
        prefix = prefix_of(look.address) if look.address else None
        rows[
            SharedLook(
                url_id=renamed(look.url_id),
                site_id=renamed(targets[look.url_id].site_id),
                day=_day(look.observed_at),
                prefix=prefix if prefix in shown else None,
                hosters=keys if keys != _NOBODY else (),
                state=verdict.state,
                outcome=verdict.outcome,
                looks=0,
            )
        ] += 1
    looks = sorted((replace(row, looks=times) for row, times in rows.items()), key=_order)
    episodes = sorted((_shared(one, renamed) for one in conclusions.episodes if one.hoster in enough), key=_order)
    left_out += sum(one.hoster not in enough for one in conclusions.episodes)
    return Chosen(looks=looks, episodes=episodes, left_out=left_out, hidden=len(prefixes) - len(shown))


_NOBODY: Final = ("",)
"""The cell of observations without an address; it must be large enough too."""


def _hosters(answer: Any) -> tuple[str, ...]:
    return tuple(sorted(set(answer.hosters))) if answer and answer.hosters else _NOBODY


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


def prefix_of(address: str) -> str:
    """The IPv4 /24 or IPv6 /48 of an address."""
    ip = ip_address(address)
    return str(ip_network((ip, 24 if ip.version == 4 else 48), strict=False))


def _renamed(study: Study, partner: str) -> Renamed:
    key = study.vault.keyed_id("export", partner).encode()
    return lambda text: hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


def manifest_json(made: Provenance, sums: Mapping[str, str]) -> bytes:
    """An export's manifest as JSON: origin and file checksums."""
    return (json.dumps({**asdict(made), "files": dict(sums)}, indent=1, ensure_ascii=False) + "\n").encode()


def _day(when: datetime) -> str:
    return when.date().isoformat()


def _order(row: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in asdict(row).values())
