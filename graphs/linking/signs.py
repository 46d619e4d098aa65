"""Signs that URLs share, from a study's facts.

Keyed ids only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from graphs.linking.evidence import EvidenceKind, Home, Role, Sign
from graphs.linking.near_labels import NearLabels
from waterbed.model.facts import Report, Target

_Entry = tuple[str, EvidenceKind, str, Role]
Span = tuple[datetime, datetime]
"""The first and the last time of something."""


def homes_of(targets: Iterable[Target]) -> dict[str, Home]:
    """Host and site of each URL."""
    return {target.url_id: Home(host_id=target.host_id, site_id=target.site_id) for target in targets}


def signs_of(
    targets: Mapping[str, Target],
    reports: Iterable[Report],
    seen: Iterable[Sign],
    *,
    answered: Mapping[str, Span],
    near: Iterable[NearLabels] = (),
) -> list[Sign]:
    """All signs of a study's URLs, with their times.

    Each has the first and the last time it was seen. `seen` are those of looks; `answered` gives the span of each URL's
    looks that read an answer. A URL's own path and label are seen whenever it is reported, or a look reads an answer.
    `near` are pairs of labels that the vault found alike. Pure.
    """
    known = _Gathered()
    for report in reports:
        reported_at = report.verified_at or report.reported_at or report.received_at
        known.known(report.url_id, min(reported_at, report.received_at))
        known.known(report.url_id, reported_at)
        if report.content_id:
            known.add((report.url_id, "content_id", report.content_id, ""), reported_at)
    for url_id, span in answered.items():
        for when in span:
            known.known(url_id, when)
    for sign in seen:
        for when in (sign.first, sign.last):
            known.add((sign.url_id, sign.kind, sign.key, sign.role), when)
    _add_names(known, targets, near)
    return [
        Sign(url_id=url, kind=kind, key=key, first=first, last=last, role=role)
        for (url, kind, key, role), (first, last) in known.signs.items()
    ]


@dataclass(slots=True)
class _Gathered:
    """Signs and URLs with the first and last time of each."""

    signs: dict[_Entry, Span]
    spans: dict[str, Span]

    def __init__(self) -> None:
        self.signs, self.spans = {}, {}

    def add(self, entry: _Entry, when: datetime) -> None:
        first, last = self.signs.get(entry, (when, when))
        self.signs[entry] = min(first, when), max(last, when)

    def known(self, url_id: str, when: datetime) -> None:
        first, last = self.spans.get(url_id, (when, when))
        self.spans[url_id] = min(first, when), max(last, when)


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
