"""Freezes a study as a package that others can check."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from waterbed.governance.hosters import FILE as HOSTERS
from waterbed.governance.hosters import book_file
from waterbed.governance.protocol.file import PROTOCOL, read_protocol
from waterbed.governance.reply import refuse_unheard
from waterbed.graphs.displacement.event import EVENTS
from waterbed.model.errors import InputError
from waterbed.model.facts import Target
from waterbed.model.governance import DeviationNote, ProtocolLock
from waterbed.model.progress import stage
from waterbed.model.results import PooledHoster, SharedEpisode, SharedLook
from waterbed.publish.build_publication import publication_of
from waterbed.publish.edition import editions, remember
from waterbed.publish.freeze.bag import ALGORITHMS, DATA, seal, sums_of
from waterbed.publish.freeze.layout import (
    ABOUT,
    DOCS,
    EDITIONS,
    FACTS,
    FORM,
    RESULTS,
    RULES,
    SETTINGS,
    SHARED,
    TABLES,
    About,
    DatedTable,
    Kind,
    access,
    here,
    installed,
    readme,
    rules_inside,
)
from waterbed.publish.freeze.metadata import CRATE, DATACITE, Cited, codebook, crate, datacite
from waterbed.publish.freeze.package_facts import Facts, counts, frozen_facts, refuse_named, write_facts
from waterbed.publish.freeze.results import EVENT_RESULTS, event_results, results_of, shared_results
from waterbed.publish.named import named_hosters
from waterbed.publish.policy import Publication, publishable
from waterbed.publish.sharing.share import export
from waterbed.questions.intervention.declared_events import event_stems, public_events
from waterbed.store.audit import put_on_record
from waterbed.store.bounded.toml import toml_bytes
from waterbed.store.config import Config
from waterbed.store.folder import Folder
from waterbed.store.frozen import Frozen
from waterbed.store.lake.reading import observed_span
from waterbed.store.settings import Canary, Domains, Registry
from waterbed.store.tables import table_name
from waterbed.store.whole.folders import new_folder
from waterbed.study.conclusions import Conclusions
from waterbed.study.dated_tables import folder_name, suffixes_of
from waterbed.study.linking import near_of, opened, opens_names
from waterbed.study.study import Study

ACTION: Final = "freeze"
"""The action's name in the audit; its subject is the SHA-256 that names the package."""
_KEPT: Final = (
    "name",
    "home",
    "vantage",
    "network",
    "routes_max_age_days",
    "clock",
    "engine",
    "probe",
    "schedule",
    "judge",
    "cycle_guard",
    "norm",
    "coding",
    "hosters",
    "linking",
    "testimony",
    "publish",
    "reply",
    "citation",
)
"""Settings that a package copies; all others would reveal machines, people or addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A finished package."""

    package: Annotated[Path, "its folder"]
    name: Annotated[str, "SHA-256 that names it: cite it"]
    kind: Annotated[Kind, "facts or shared"]
    rows: Annotated[int, "rows of facts in it"]
    results: Annotated[int, "tables in it"]
    files: Annotated[int, "files of its payload"]
    size: Annotated[int, "bytes of its payload"]
    outside: Annotated[list[str], "dated tables that it names by checksum alone"]


@stage("freezing")
def freeze(study: Study, out: Path, *, shared: str = "", without_tables: bool = False, override: str = "") -> Made:
    """Write a package to a new folder, atomically.

    The audit trail first records who does so.
    `shared` names a partner: then it holds what `waterbed lake export` gives that partner in place of the facts.
    InputError if a run is alive, the study is TLP:RED, hosters could still answer (TLP:CLEAR, unless `override` says
    why), or a text of people names a host of the study.
    """
    folder = study.folder
    _refuse(out, folder)
    clock, now = folder.clock, folder.clock()
    try:
        with folder.alone("freezing"), new_folder(out, "freeze", folder.path) as work:
            folder.clock = lambda: now
            before, conclusions = counts(folder), study.conclude()
            told, publication = editions(folder), publication_of(study, conclusions)
            shown = publishable(publication, told)
            why = refuse_unheard(folder, named_hosters(shown), override)
            about = _written(study, conclusions, publication, shown, work, shared, inside=not without_tables)
            if not shared:
                (work / DATA / EDITIONS).write_bytes(msgspec.json.encode(told))
            _describe(study, work / DATA, about, shown)
            _refuse_changed(folder, before)
            remember(folder, shown.edition, "freeze", told)
            name = seal(work, _information(study, about), now.date())
            put_on_record(folder, ACTION, name, why or (f"for {shared}" if shared else "whole"))
    finally:
        folder.clock = clock
    files = [path for path in (out / DATA).rglob("*") if path.is_file()]
    return Made(
        package=out,
        name=name,
        kind=about.kind,
        rows=sum(about.rows.values()),
        results=len(list((out / DATA / RESULTS).glob("*.csv"))),
        files=len(files),
        size=sum(path.stat().st_size for path in files),
        outside=[table.folder for table in about.tables if not table.inside],
    )


def _written(
    study: Study,
    conclusions: Conclusions,
    publication: Publication,
    shown: Publication,
    work: Path,
    shared: str,
    *,
    inside: bool,
) -> About:
    """Write the payload of a package, but for its description."""
    folder, payload = study.folder, work / DATA
    of_events = event_results(study, conclusions, shown)  # they may put deviations on record
    facts = frozen_facts(folder)
    events = _events(study)
    _refuse_names(folder, facts, suffixes_of(folder, conclusions.attributor.book).values(), events)
    payload.mkdir(parents=True)
    results, held = results_of(publication, shown)
    results |= of_events
    _texts(folder, payload, whole=not shared)
    if events and not shared:
        _write(payload / EVENTS, events)
    rows, tables, frozen = dict[str, int](), list[DatedTable](), _nothing_told(folder)
    if shared:
        export(study, payload / SHARED, shared)
        results |= shared_results(payload / SHARED, work / ".pool")
        held = {}
    else:
        rows, tables = write_facts(folder, facts, payload / FACTS), _tables(study, payload, inside=inside)
        frozen = _frozen(folder, facts, conclusions)
    _write(payload / RESULTS, results)
    return _about(study, "shared" if shared else "facts", facts, rows, tables, held, frozen)


def _refuse_changed(folder: Folder, before: Mapping[type, int]) -> None:
    now = counts(folder)
    changed = [cls for cls in before if now[cls] != before[cls] and cls is not DeviationNote]  # those we add ourselves
    if changed:
        raise InputError(
            f"rows of {table_name(changed[0])} were added during the freeze; freeze again "
            f"when no other process writes ({DOCS})"
        )


def settings_of(config: Config) -> Config:
    """Settings of a package: `_KEPT`, and some of further sections.

    Of these: the canary minimum, and the days for which answers of registries tell of a loss.
    """
    kept = {name: getattr(config, name) for name in _KEPT}
    if config.engine == "spark":  # the results are equal, and who reproduces need not have it
        kept["engine"] = "duckdb"
    told = config.domains
    return Config(
        study="",
        canary=Canary(need=config.canary.need),
        registry=Registry(fresh_days=config.registry.fresh_days),
        domains=Domains(
            before_expiry_days=told.before_expiry_days,
            after_expiry_days=told.after_expiry_days,
            within_days=told.within_days,
        ),
        **kept,
    )


def _refuse(out: Path, folder: Folder) -> None:
    if out.exists() or out.is_symlink():
        raise InputError(f"{out} exists already; name a new folder for the package ({DOCS})")
    if out.resolve().is_relative_to(folder.path.resolve()):
        raise InputError(f"{out} lies inside the study folder; name a place outside it ({DOCS})")
    if folder.config.publish.tlp == "red":
        raise InputError("publish.tlp is red: nothing may leave this study (docs/publishing.md)")


def _events(study: Study) -> dict[str, bytes]:
    """The files of public events, by names that tell of no host."""
    files = list(public_events(study))
    return {
        f"{stem}.toml": toml_bytes(file, "an event file", "docs/displacement.md, The event file")
        for stem, file in zip(event_stems(files), files, strict=True)
    }


def _refuse_names(folder: Folder, facts: Facts, platforms: Iterable[str], events: Mapping[str, bytes]) -> None:
    config = folder.config
    cited = config.citation
    said = [config.name, config.publish.publisher, cited.title, cited.description, *cited.keywords]
    said += [text for one in cited.creators for text in (one.name, one.affiliation)]
    texts = {"name, publisher or [citation] in waterbed.toml": "\n".join(said)}
    if (folder.path / PROTOCOL).exists():
        texts[PROTOCOL] = read_protocol(folder.path / PROTOCOL)[1]
    for number, lock in enumerate(facts[ProtocolLock], 1):
        texts[f"the text of lock {number}"] = lock.text
    texts |= {f"{EVENTS}/{name}": text.decode(errors="replace") for name, text in events.items()}
    texts[HOSTERS] = book_file(folder).decode(errors="replace")
    refuse_named(texts, folder.vault, facts[Target], set(platforms))


def _texts(folder: Folder, payload: Path, *, whole: bool) -> None:
    """Files written by people, and the rules."""
    if (folder.path / PROTOCOL).exists():
        shutil.copyfile(folder.path / PROTOCOL, payload / PROTOCOL)
    if whole and (hosters := book_file(folder)):
        (payload / HOSTERS).write_bytes(hosters)
    (payload / SETTINGS).write_bytes(msgspec.toml.encode(settings_of(folder.config)))
    (payload / "requirements.lock").write_text(installed())
    _write(payload / RULES, rules_inside())


def _tables(study: Study, payload: Path, *, inside: bool) -> list[DatedTable]:
    made = {
        folder_name(one): DatedTable(
            folder=folder_name(one),
            kind=one.kind,
            day=one.data_date.date().isoformat(),
            sha256=one.checksum,
            licence=one.licence,
            inside=inside,
        )
        for one in study.snapshots()
    }
    for name in made if inside else ():
        shutil.copytree(study.folder.tables / name, payload / TABLES / name)
    return list(made.values())


def _nothing_told(folder: Folder) -> Frozen:
    return Frozen(frozen_at=folder.clock(), common=(), suffixes={}, near=None, world=folder.world)


def _frozen(folder: Folder, facts: Facts, conclusions: Conclusions) -> Frozen:
    linking = folder.config.linking
    occurring = {target.suffix_id for target in facts[Target]}
    suffixes = suffixes_of(folder, conclusions.attributor.book)
    asked = opens_names(linking)
    return Frozen(
        frozen_at=folder.clock(),
        common=tuple(sorted(opened(folder).common)),
        suffixes={key: suffixes[key] for key in sorted(suffixes) if key in occurring},
        near=tuple((one.a, one.b, one.likeness) for one in near_of(folder, near=linking.near_labels))
        if asked
        else None,
        world=folder.world,
    )


def _about(
    study: Study,
    kind: Kind,
    facts: Facts,
    rows: Mapping[str, int],
    tables: list[DatedTable],
    held: Mapping[str, str],
    frozen: Frozen,
) -> About:
    locks = sorted(facts[ProtocolLock], key=lambda one: (one.locked_at, one.lock_id))
    installation: dict[str, Any] = here()
    return About(
        form=FORM,
        kind=kind,
        title=study.config.citation.title or study.config.name,
        protocol=tuple(lock.sha256 for lock in locks),
        deviations=study.protocol.sentences if study.protocol else (),
        rows=dict(rows),
        tables=tuple(tables),
        held_back=dict(held),
        frozen=frozen,
        **installation,
    )


def _describe(study: Study, payload: Path, about: About, shown: Publication) -> None:
    """Write the package's description last: it names all files."""
    first, last = observed_span(study.folder)
    days = (first.date().isoformat(), last.date().isoformat()) if first and last else None
    cited = Cited(
        config=study.config,
        made_on=about.frozen.frozen_at.date(),
        collected=days,
        version=about.version,
        access=access(study.config, about.kind),
    )
    (payload / ABOUT).write_bytes(msgspec.json.format(msgspec.json.encode(about), indent=1) + b"\n")
    results = {f"{RESULTS}/{table.name}.csv": table.cls for table in shown.tables}
    for name, cls in EVENT_RESULTS.items():
        results |= {path.relative_to(payload).as_posix(): cls for path in payload.glob(f"{RESULTS}/event-*-{name}.csv")}
    facts = {f"{FACTS}/{table_name(cls)}.parquet": cls for cls in counts(study.folder)}
    if about.kind == "shared":
        facts = {f"{SHARED}/looks.parquet": SharedLook, f"{SHARED}/episodes.parquet": SharedEpisode}
        results[f"{RESULTS}/shared-hosters.csv"] = PooledHoster
    (payload / "codebook.csv").write_text(codebook({**facts, **results}), encoding="utf-8")
    (payload / DATACITE).write_bytes(datacite(cited))
    (payload / "README.txt").write_text(readme(about, study.config, sorted(results)), encoding="utf-8")
    names = sorted(path.relative_to(payload).as_posix() for path in payload.rglob("*") if path.is_file())
    sha256 = ALGORITHMS.index("sha256")
    sums = {name: its[sha256] for name, its in sums_of(payload, names).items()}
    (payload / CRATE).write_bytes(crate(cited, payload, sums, about.tables))


def _information(study: Study, about: About) -> dict[str, str]:
    config = study.config
    return {
        "Source-Organization": config.publish.publisher or config.name,
        "External-Description": about.title,
        "Bag-Software-Agent": f"Waterbed {version('waterbed')}",
    }


def _write(into: Path, contents: Mapping[str, bytes]) -> None:
    into.mkdir()
    for name, content in contents.items():
        (into / name).write_bytes(content)
