"""Signs that URLs share, from a study's facts.

Keyed ids only.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from waterbed.graphs.linking.evidence import Role, Sign
from waterbed.graphs.linking.near_labels import ALIKE, NearLabels
from waterbed.model.conclusions import EvidenceKind
from waterbed.model.facts import Report, Target, named_contents, reported_at

_OfUrl = tuple[EvidenceKind, str, Role]
_Entry = tuple[str, EvidenceKind, str, Role]
Key = TypeVar("Key")
Span = tuple[datetime, datetime]
"""The first and the last time of something."""


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
    signs: dict[_Entry, Span] = {}
    reports = list(reports)
    contents = named_contents(reports)
    for report in reports:
        if report.content_id and report.content_id == contents[report.url_id]:
            when = _known_at(report)
            _widen(signs, (report.url_id, "content_id", report.content_id, ""), when, when)
    for sign in seen:
        _widen(signs, (sign.url_id, sign.kind, sign.key, sign.role), sign.first, sign.last)
    named = _named(signs, targets, near, alone=alone)
    spans = {url: span for url in named if (span := answered.get(url))}
    for report in reports:
        if report.url_id in named:
            when = _known_at(report)
            _widen(spans, report.url_id, when, when)
    for url, entries in named.items():
        span = spans.get(url) or (targets[url].added_at, targets[url].added_at)
        signs.update(dict.fromkeys(((url, *entry) for entry in entries), span))
    return [
        Sign(url_id=url, kind=kind, key=key, first=first, last=last, role=role)
        for (url, kind, key, role), (first, last) in signs.items()
    ]


def _known_at(report: Report) -> datetime:
    return min(report.verified_at or reported_at(report), report.received_at)


def _widen(spans: dict[Key, Span], key: Key, first: datetime, last: datetime) -> None:
    span = spans.get(key)
    spans[key] = (min(first, span[0]), max(last, span[1])) if span else (first, last)


def _named(
    signs: Iterable[_Entry], targets: Mapping[str, Target], near: Iterable[NearLabels], *, alone: bool
) -> dict[str, list[_OfUrl]]:
    """Path and label of each URL that has any sign of them, its labels' near-strings, and where redirects lead."""
    led: dict[str, set[EvidenceKind]] = {}
    for _, kind, key, role in signs:
        if role == "from":
            led.setdefault(key, set()).add(kind)
    near_by_label: dict[str, list[_OfUrl]] = {}
    for pair in near:
        is_alike = pair.likeness in ALIKE
        by: EvidenceKind = "alike_name" if is_alike else "fuzzy_label"
        key = f"{pair.likeness} {pair.a} {pair.b}" if is_alike else f"{pair.a} {pair.b}"
        near_by_label.setdefault(pair.a, []).append((by, key, "from"))
        near_by_label.setdefault(pair.b, []).append((by, key, "to"))
    paths = Counter(target.path_id for target in targets.values())
    labels = Counter(target.label_id for target in targets.values())
    named: dict[str, list[_OfUrl]] = {}
    for url, target in targets.items():
        entries: list[_OfUrl] = [
            *((("path", target.path_id, ""),) if alone or paths[target.path_id] > 1 else ()),
            *((("label", target.label_id, ""),) if alone or labels[target.label_id] > 1 else ()),
            *near_by_label.get(target.label_id, ()),
            *((kind, url, "to") for kind in led.get(url, ())),
            *((kind, target.site_id, "to") for kind in led.get(target.site_id, ())),
        ]
        if entries:
            named[url] = entries
    return named
