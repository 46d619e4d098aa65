"""Signs that URLs share, from a study's facts.

Keyed ids only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from graphs.linking.evidence import EvidenceKind, Home, Role, Sign
from graphs.linking.near_labels import NearLabels
from waterbed.model.facts import ControlLook, Observation, Report, Resolution, Target

_NO_PAGE = frozenset({"challenge", "suspended", "removed", "parked"})
"""Marks of answers that are not the content: what they share is their hoster's."""

_Entry = tuple[str, EvidenceKind, str, Role]


def homes_of(targets: Iterable[Target]) -> dict[str, Home]:
    """Host and site of each URL."""
    return {target.url_id: Home(host_id=target.host_id, site_id=target.site_id) for target in targets}


def signs_of(
    targets: Mapping[str, Target],
    reports: Iterable[Report],
    looks: Iterable[Observation],
    *,
    resolutions: Mapping[str, Resolution],
    controls: Mapping[str, ControlLook],
    near: Iterable[NearLabels] = (),
) -> list[Sign]:
    """All signs of a study's URLs, with their times.

    Each has the first and the last time it was seen. A URL's own path and label are seen whenever it is reported, or a
    look reads an answer. `near` are pairs of labels that the vault found alike. Redirects count where they lead to a
    URL or a site that the study knows. Pure; one pass over the looks, in any order.
    """
    known = _Gathered()
    for report in reports:
        reported_at = report.verified_at or report.reported_at or report.received_at
        known.known(report.url_id, min(reported_at, report.received_at))
        known.known(report.url_id, reported_at)
        if report.content_id:
            known.add((report.url_id, "content_id", report.content_id, ""), reported_at)
    urls, sites = set(targets), {target.site_id for target in targets.values()}
    for look in looks:
        if look.failure is None:
            known.known(look.url_id, look.observed_at)
        for kind, key, role in _of_look(look, urls, sites, resolutions, controls):
            known.add((look.url_id, kind, key, role), look.observed_at)
    _add_names(known, targets, near)
    return [
        Sign(url_id=url, kind=kind, key=key, first=first, last=last, role=role)
        for (url, kind, key, role), (first, last) in known.signs.items()
    ]


@dataclass(slots=True)
class _Gathered:
    """Signs and URLs with the first and last time of each."""

    signs: dict[_Entry, tuple[datetime, datetime]]
    spans: dict[str, tuple[datetime, datetime]]

    def __init__(self) -> None:
        self.signs, self.spans = {}, {}

    def add(self, entry: _Entry, when: datetime) -> None:
        first, last = self.signs.get(entry, (when, when))
        self.signs[entry] = min(first, when), max(last, when)

    def known(self, url_id: str, when: datetime) -> None:
        first, last = self.spans.get(url_id, (when, when))
        self.spans[url_id] = min(first, when), max(last, when)


def _of_look(
    look: Observation,
    urls: set[str],
    sites: set[str],
    resolutions: Mapping[str, Resolution],
    controls: Mapping[str, ControlLook],
) -> Iterator[tuple[EvidenceKind, str, Role]]:
    """Yield the signs of one check."""
    resolution = resolutions.get(look.resolution_id or "")
    if resolution and resolution.name_server_ids and "parking" not in resolution.tags:
        yield "name_servers", " ".join(resolution.name_server_ids), ""
    if "cdn" not in look.marks:  # a proxy's certificate is shared by its customers
        if look.certificate_id:
            yield "certificate", look.certificate_id, ""
        if look.public_key_id:
            yield "public_key", look.public_key_id, ""
    if look.redirect_url_id in urls and look.redirect_url_id != look.url_id:
        yield ("same_url" if look.redirect == "same" else "redirect_url"), look.redirect_url_id, "from"
    if look.redirect == "other" and look.redirect_site_id in sites:
        yield "redirect_site", look.redirect_site_id, "from"
    yield from _of_page(look, controls.get(look.control_id or ""))


def _of_page(look: Observation, control: ControlLook | None) -> Iterator[tuple[EvidenceKind, str, Role]]:
    """Yield the signs of a page.

    Nothing if any path gets this answer, or if it holds no content.
    """
    if look.status is None or not 200 <= look.status < 300 or _NO_PAGE.intersection(look.marks):
        return
    if look.etag_id and look.content_length and (control is None or control.etag_id != look.etag_id):
        yield "etag", f"{look.etag_id} {look.content_length}", ""
    if look.title_id:
        yield "title", look.title_id, ""
    if look.page_id:
        yield "page", look.page_id, ""


def _add_names(known: _Gathered, targets: Mapping[str, Target], near: Iterable[NearLabels]) -> None:
    """Path and label of each URL, its labels' near-strings, and where redirects lead."""
    led: dict[str, set[EvidenceKind]] = {}
    for _, kind, key, role in known.signs:
        if role == "from":
            led.setdefault(key, set()).add(kind)
    beside: dict[str, list[tuple[EvidenceKind, str, Role]]] = {}
    for pair in near:
        key = f"{pair.a} {pair.b}"
        beside.setdefault(pair.a, []).append(("fuzzy_label", key, "from"))
        beside.setdefault(pair.b, []).append(("fuzzy_label", key, "to"))
    for url, target in targets.items():
        first, last = known.spans.get(url, (target.added_at, target.added_at))
        entries: list[tuple[EvidenceKind, str, Role]] = [
            ("path", target.path_id, ""),
            ("label", target.label_id, ""),
            *beside.get(target.label_id, ()),
            *((kind, url, "to") for kind in led.get(url, ())),
            *((kind, target.site_id, "to") for kind in led.get(target.site_id, ())),
        ]
        for entry in entries:
            known.signs[(url, *entry)] = first, last
