"""Links between a study's URLs of the same content.

Settings to rules, facts to clusters, clusters to names.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Protocol, cast, get_args

from waterbed.graphs.episodes import UrlHistory
from waterbed.graphs.linking.alike_names import MODELS, alike_names
from waterbed.graphs.linking.clusters import Clusters, cluster
from waterbed.graphs.linking.evidence import KINDS, KindRule, LinkRules, Sign
from waterbed.graphs.linking.links import find_links
from waterbed.graphs.linking.near_labels import Likeness, NearLabels, near_labels
from waterbed.graphs.linking.signs import Span, signs_of
from waterbed.model.bookkeeping import Sealed
from waterbed.model.conclusions import Episode, EvidenceKind
from waterbed.model.errors import InputError
from waterbed.model.facts import Report, reported_at
from waterbed.model.urls import is_address, registrable_domain
from waterbed.store.folder import Folder
from waterbed.store.settings import Linking
from waterbed.store.tables import TABLES
from waterbed.study.facts import Facts

ROOT = "/"
"""Path of a bare host name: every site has it, so it links nothing."""


class LinkSigns(Protocol):
    """The question for the signs of looks."""

    def signs(self) -> list[Sign]:
        """The signs that link URLs; plain ones only if shared."""

    def answered(self) -> Mapping[str, Span]:
        """The first and last time that each URL answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedNames:
    """The vault's part of linking, as keyed ids alone."""

    common: frozenset[str] = frozenset()
    """Keys that link nothing."""
    near: Callable[[], Sequence[NearLabels]] = tuple
    """Labels that look alike, found when asked for."""


def opened(folder: Folder) -> OpenedNames:
    """Return the vault's part of linking for a study.

    Names are opened only if the settings ask for it, and forgotten at once.
    """
    frozen = folder.frozen
    common = frozenset(frozen.common if frozen else [folder.vault.keyed_id("path", ROOT)])
    settings = folder.config.linking
    if not opens_names(settings):
        return OpenedNames(common=common)
    return OpenedNames(common=common, near=lambda: near_of(folder, near=settings.near_labels))


def opens_names(settings: Linking) -> bool:
    """True if settings ask for names to be opened."""
    near = settings.near_labels and "fuzzy_label" not in settings.off
    return near or (settings.names != "off" and "alike_name" not in settings.off)


def near_of(folder: Folder, *, near: bool = True) -> list[NearLabels]:
    """Return pairs of labels that look alike, by id.

    With `near` those that look alike to the eye or by one edit; and those likely of one brand or kit, if the settings
    name a population. Names are opened in memory and forgotten. A study that was reproduced has those of its package;
    InputError if these were not frozen.
    """
    settings = folder.config.linking
    if folder.frozen is None:
        labels = _labels(folder)
        found = near_labels(labels) if near else []
        if settings.names != "off":
            model = MODELS[settings.names]
            found += alike_names(labels, model, least=settings.name_least, odds=settings.name_odds)
        return found
    if folder.frozen.near is None:
        raise InputError(
            "labels that look alike are found in names, and this study was reproduced from a package that holds none: "
            "freeze again with linking.near_labels or linking.names on, or switch them off (docs/freeze.md)"
        )
    return [NearLabels(a, b, cast(Likeness, likeness)) for a, b, likeness in folder.frozen.near]


def _labels(folder: Folder) -> dict[str, str]:
    """The text of each label, for the memory of this process alone."""
    vault, found = folder.vault, dict[str, str]()
    for entry in folder.store.all(Sealed, TABLES[Sealed].c.kind == "host"):
        host = vault.open(entry)
        if not is_address(host):
            label = registrable_domain(host).partition(".")[0]
            found[vault.keyed_id("label", label)] = label
    return found


def link_rules(settings: Linking) -> LinkRules:
    """Return the linking rules of the settings.

    InputError for an unknown kind or an impossible number.
    """
    for name in ("caps", "doubts", "weights", "off"):
        for kind in getattr(settings, name):
            if kind not in get_args(EvidenceKind):
                raise InputError(f"linking.{name}: {kind!r} is not a kind of evidence (docs/linking.md, Evidence)")
    try:
        return LinkRules(
            weak=settings.weak,
            strong=settings.strong,
            agreement=settings.agreement,
            common_share=settings.common_share,
            all_pairs=settings.all_pairs,
            neighbours=settings.neighbours,
            most_keys=settings.most_keys,
            largest=settings.largest,
            kinds=MappingProxyType({k: _rule(k, rule, settings) for k, rule in KINDS.items() if k not in settings.off}),
        )
    except ValueError as problem:
        raise InputError(
            f"the settings under linking cannot be used: {problem} (docs/operations.md, Settings)"
        ) from None


def _rule(kind: EvidenceKind, rule: KindRule, settings: Linking) -> KindRule:
    if (
        kind == "label" and settings.names == "brands"
    ):  # who moves takes the name along: docs/linking.md, Names that tell
        rule = replace(rule, fixed=settings.strong, alone="strong")
    return replace(
        rule,
        cap=settings.caps.get(kind, rule.cap),
        doubt=settings.doubts.get(kind, rule.doubt),
        fixed=settings.weights.get(kind, rule.fixed),
    )


def clusters_of(facts: Facts, looks: LinkSigns, opened: OpenedNames, settings: Linking) -> Clusters:
    """Return the clusters of a study's URLs.

    By links of the least class that the settings name. Raises InputError as `link_rules` does.
    """
    rules = link_rules(settings)
    near = opened.near() if {"fuzzy_label", "alike_name"} & rules.kinds.keys() else ()
    signs = signs_of(facts.targets, facts.reports, looks.signs(), answered=looks.answered(), near=near, alone=False)
    links = find_links(signs, facts.targets, rules, common=opened.common)
    return cluster(links, rules, least=settings.least)


def content_ids(targets: Iterable[str], reports: Iterable[Report], clusters: Clusters) -> dict[str, str]:
    """Return the content id of each URL.

    The id that a hotline gave to a URL of its cluster in the report that was received first, of several the smallest;
    else the cluster's name.
    """
    first: dict[str, tuple[datetime, str]] = {}
    for report in reports:
        if report.content_id:
            name, its = clusters.name_of(report.url_id), (report.received_at, report.content_id)
            first[name] = min(first.get(name, its), its)
    clustered = {url_id: clusters.name_of(url_id) for url_id in targets}
    return {url_id: first[name][1] if name in first else name for url_id, name in clustered.items()}


def named(episodes: Iterable[Episode], contents: Mapping[str, str]) -> list[Episode]:
    """Return episodes with the content of each URL."""
    return [
        one if one.content_id == (its := contents[one.url_id]) else replace(one, content_id=its) for one in episodes
    ]


def known_of(facts: Facts, contents: Mapping[str, str] | None = None) -> dict[str, UrlHistory]:
    """Return the reports of each URL, with its content.

    Without `contents` each URL is one of its own. It is known up since its first report (`as_counted`), or since the
    earlier time at which an analyst saw it up, as a report says that none was received before. Earlier times that later
    reports claim stay beside.
    """
    reported = reported_in(facts)
    first = {url_id: min(times) for url_id, times in reported.items()}
    came: dict[str, datetime] = {}
    for report in facts.reports:
        came[report.url_id] = min(came.get(report.url_id, report.received_at), report.received_at)
    for report in facts.reports:
        if report.verified_at and report.received_at == came[report.url_id]:
            first[report.url_id] = min(first[report.url_id], report.verified_at)
    confirmed = confirmed_in(facts)
    claimed: dict[str, datetime] = {}
    for report in facts.reports if facts.claimed else ():
        if when := facts.claimed.get((report.url_id, report.source)):
            claimed[report.url_id] = min(claimed.get(report.url_id, when), when)
    return {
        url_id: UrlHistory(
            url_id=url_id,
            content_id=contents[url_id] if contents else url_id,
            site_id=target.site_id,
            known_up_at=first[url_id],
            reported=tuple(sorted(reported[url_id])),
            confirmed=tuple(sorted(confirmed.get(url_id, ()))),
            claimed_at=claimed.get(url_id),
        )
        for url_id, target in facts.targets.items()
    }


def confirmed_in(facts: Facts) -> dict[str, list[tuple[datetime, datetime]]]:
    """The times at which somebody but the reporter dated a sighting of each URL, and when each was received.

    An analyst, by the time in a report that was assessed, and other observers with checks of their own. The time of a
    bare report, or of a feed's own crawler, is none.
    """
    found: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for report in facts.reports:
        if report.verified_at and report.assessed_illegal is not None:
            found[report.url_id].append((min(report.verified_at, report.received_at), report.received_at))
    for one in facts.external_observations:
        if one.last_seen:
            found[one.url_id].append((min(one.last_seen, one.received_at), one.received_at))
    return found


def reported_in(facts: Facts) -> dict[str, list[datetime]]:
    """The times at which each URL was reported."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for report in facts.reports:
        found[report.url_id].append(reported_at(report))
    return found
