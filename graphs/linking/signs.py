"""Signs that URLs share, from a study's facts.

Keyed ids only.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from graphs.linking.evidence import EvidenceKind, Home, Role, Sign
from graphs.linking.near_labels import ALIKE, NearLabels
from waterbed.model.facts import Report, Target, reported_at

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
    alone: bool = True,
) -> list[Sign]:
    """All signs of a study's URLs, with their times.

    Each has the first and the last time it was seen. `seen` are those of looks; `answered` gives the span of each URL's
    looks that read an answer. A URL's own path and label are seen whenever it is reported, or a look reads an answer.
    `near` are pairs of labels that the vault found alike. Without `alone` paths and labels of one URL are left out:
    they link nothing. Pure.
    """
    known = _Gathered()
    for report in reports:
        when = min(report.verified_at or reported_at(report), report.received_at)
        known.known(report.url_id, when, when)
        if report.content_id:
            known.add((report.url_id, "content_id", report.content_id, ""), when, when)
    for url_id, (first, last) in answered.items():
        known.known(url_id, first, last)
    for sign in seen:
        known.add((sign.url_id, sign.kind, sign.key, sign.role), sign.first, sign.last)
    _add_names(known, targets, near, alone=alone)
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

    def add(self, entry: _Entry, first: datetime, last: datetime) -> None:
        before = self.signs.get(entry)
        self.signs[entry] = (min(first, before[0]), max(last, before[1])) if before else (first, last)

    def known(self, url_id: str, first: datetime, last: datetime) -> None:
        before = self.spans.get(url_id)
        self.spans[url_id] = (min(first, before[0]), max(last, before[1])) if before else (first, last)


def _add_names(known: _Gathered, targets: Mapping[str, Target], near: Iterable[NearLabels], *, alone: bool) -> None:
    """Path and label of each URL, its labels' near-strings, and where redirects lead."""
    led: dict[str, set[EvidenceKind]] = {}
    for _, kind, key, role in known.signs:
        if role == "from":
            led.setdefault(key, set()).add(kind)
    beside: dict[str, list[tuple[EvidenceKind, str, Role]]] = {}
    for pair in near:
        alike = pair.likeness in ALIKE
        by: EvidenceKind = "alike_name" if alike else "fuzzy_label"
        key = f"{pair.likeness} {pair.a} {pair.b}" if alike else f"{pair.a} {pair.b}"
        beside.setdefault(pair.a, []).append((by, key, "from"))
        beside.setdefault(pair.b, []).append((by, key, "to"))
    paths = Counter(target.path_id for target in targets.values())
    labels = Counter(target.label_id for target in targets.values())
    for url, target in targets.items():
        first, last = known.spans.get(url, (target.added_at, target.added_at))
        entries: list[tuple[EvidenceKind, str, Role]] = [
            *((("path", target.path_id, ""),) if alone or paths[target.path_id] > 1 else ()),
            *((("label", target.label_id, ""),) if alone or labels[target.label_id] > 1 else ()),
            *beside.get(target.label_id, ()),
            *((kind, url, "to") for kind in led.get(url, ())),
            *((kind, target.site_id, "to") for kind in led.get(target.site_id, ())),
        ]
        for entry in entries:
            known.signs[(url, *entry)] = first, last
