"""Cases of doubtful outcome, with evidence; never a URL."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from waterbed.attribution.hosters.day import BookOfDay
from waterbed.attribution.hosters.evidence import printable
from waterbed.judging.columns import NOTHING, mixed
from waterbed.judging.doubtful import Case
from waterbed.judging.features import FEATURES
from waterbed.model.codec import moment
from waterbed.model.conclusions import Attribution, Verdict
from waterbed.record.coding.doubts import all_cases
from waterbed.record.coding.items import OUTCOMES, ROLES, Item, sampled
from waterbed.store.settings import Coding
from waterbed.study.conclusions import Conclusions

_BY_CAUSE: Final[Mapping[str, str]] = {
    "removed": "gone",
    "moved": "moved",
    "name": "no_name",
    "network": "unreachable",
}
"""End causes as coders call them."""
_COMPARED: Final[Mapping[str, str]] = {
    "address": "address",
    "length": "content_length",
    "etag": "etag_id",
    "certificate": "certificate_id",
    "title": "title_id",
    "words": "page_id",
    "target_of_redirect": "redirect_url_id",
}


def outcome_items(conclusions: Conclusions, settings: Coding) -> list[Item]:
    """The doubtful cases of a study, and the checks.

    Checks are drawn among the other cases, as many as the settings ask for.
    """
    told = conclusions.looks.walk.verdicts
    checks = sampled(_clear(conclusions), each=settings.checks, seed=settings.seed) if settings.checks else set()
    drawn = pa.array(checks, pa.string())
    looks, verdicts, chosen = dict[int, Any](), dict[int, Verdict](), list[Case]()
    for its in all_cases(conclusions, (*_COMPARED.values(), "media_type", "server")):
        ids = its.block.id.take(pa.array(its.first))
        own = its.cases(np.flatnonzero((its.doubt != NOTHING) | np.asarray(pc.is_in(ids, drawn))))
        every = {n for case in own for n in (case.first, case.last, case.before, case.after) if n is not None}
        places = np.array(sorted(every), np.int64) - its.block.first
        rows = zip(
            places.tolist(),
            its.seen.take(pa.array(places)).to_pylist(),
            *(column[places].tolist() for column in (its.block.url, its.block.at, its.verdicts)),
            strict=True,
        )
        for place, row, url, at, verdict in rows:
            named = {**row, "url_id": conclusions.looks.urls[url], "observed_at": moment(at)}
            looks[its.block.first + place] = SimpleNamespace(**named)
            verdicts[its.block.first + place] = told[verdict]
        chosen += own
    features = conclusions.features(case.item_id for case in chosen)
    since = {url_id: known.known_up_at for url_id, known in conclusions.known.items()}
    return [_item(case, looks, verdicts, features[case.item_id], since) for case in chosen]


def _clear(conclusions: Conclusions) -> Iterator[tuple[str, str]]:
    """Outcome and id of all cases that the rules decided and nobody doubts."""
    told = conclusions.looks.walk.verdicts
    for its in all_cases(conclusions):
        said = np.array([_said(one) is not None for one in told], bool)
        first = its.first[(its.doubt == NOTHING) & said[its.verdicts[its.first]]]
        outcomes = (told[number].outcome for number in its.verdicts[first].tolist())
        yield from zip(outcomes, its.block.id.take(pa.array(first)).to_pylist(), strict=True)


def unresolved(conclusions: Conclusions) -> list[Case]:
    """The doubtful cases that no code applies to."""
    return [
        case
        for its in all_cases(conclusions)
        for case in its.cases(np.flatnonzero(its.doubt != NOTHING))
        if case.item_id not in conclusions.settled
    ]


def _item(
    case: Case,
    looks: Mapping[int, Any],
    verdicts: Mapping[int, Verdict],
    features: Mapping[str, Any],
    since: Mapping[str, datetime],
) -> Item:
    look, verdict = looks[case.first], verdicts[case.first]
    evidence = {"url_id": look.url_id, **dict(_timing(case, looks, verdicts, since.get(look.url_id)))}
    evidence |= {name: _cell(features[name]) for name in FEATURES}
    evidence |= {"media_type": _cell(look.media_type), "server": _cell(look.server)}
    evidence |= {f"same_{name}": _same(name, case, looks, verdicts) for name in _COMPARED}
    _, *overruled = verdict.rule.split("+")
    evidence["other_networks"] = "disagree" if "panel" in overruled else ""
    evidence["quarantined"] = "yes" if "quarantine" in overruled else "no"
    return Item(
        queue=OUTCOMES,
        item_id=case.item_id,
        evidence=evidence,
        stratum=case.doubt or verdict.outcome,
        said=None if case.doubt else _said(verdict),
        doubtful=case.doubt is not None,
    )


def _said(verdict: Verdict) -> str | None:
    """The code of a verdict; None if undecided."""
    return "up" if verdict.state == "up" else _BY_CAUSE.get(verdict.cause or "")


def _timing(
    case: Case, looks: Mapping[int, Any], verdicts: Mapping[int, Verdict], since: datetime | None
) -> Iterator[tuple[str, str]]:
    first, last = looks[case.first].observed_at, looks[case.last].observed_at
    yield "hours_after_report", _hours(first - since) if since else ""
    yield "looks", str(case.last - case.first + 1)
    yield "lasted_hours", _hours(last - first)
    for name, at, apart in (
        ("before", case.before, None if case.before is None else first - looks[case.before].observed_at),
        ("after", case.after, None if case.after is None else looks[case.after].observed_at - last),
    ):
        yield name, "" if at is None else (_said(verdicts[at]) or verdicts[at].state)
        yield f"hours_{name}", "" if apart is None else _hours(apart)


def _same(name: str, case: Case, looks: Mapping[int, Any], verdicts: Mapping[int, Verdict]) -> str:
    """Compare a feature with the look before, for coders.

    `yes` or `no` if the look before saw the URL up; empty where one of the two does not state the feature.
    """
    if case.before is None or verdicts[case.before].state != "up":
        return ""
    was, now = (getattr(looks[n], _COMPARED[name]) for n in (case.before, case.first))
    return "" if was is None or now is None else _cell(was == now)


def _hours(time: timedelta) -> str:
    return f"{time / timedelta(hours=1):.1f}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


_LEVELS = ("low", "medium", "high")


@dataclass(slots=True)
class _CompanyRoles:
    """The URLs of a company in each role, and more.

    Also its confidence, the hosters above whom it is an upstream, and its prefixes.
    """

    urls: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    confidence: Counter[str] = field(default_factory=Counter)
    beneath: set[str] = field(default_factory=set)
    """Hosters on whose URLs it is an upstream."""
    prefixes: set[str] = field(default_factory=set)

    @property
    def doubtful(self) -> bool:
        """True if a company's role is in doubt.

        It answers for some URLs and only carries others, or answers on weak grounds.
        """
        hosts, proxies = self.urls["hoster"], self.urls["proxy"]
        several = bool(hosts and self.urls["upstream"]) or bool(proxies and hosts - proxies)
        named = bool(self.urls["platform"] and self.urls["operator"])
        return several or named or self.confidence["low"] > 0


def role_items(conclusions: Conclusions, book: BookOfDay, settings: Coding) -> list[Item]:
    """The companies whose role is in doubt, and the checks.

    Checks are drawn among the other companies, as many as the settings ask for. `book` is the book of hosters without
    what coders said of roles.
    """
    stands = dict(sorted(_roles_of_companies(conclusions).items()))
    clear = [(book.kind(key), key) for key, one in stands.items() if not one.doubtful]
    checks = sampled(clear, each=settings.checks, seed=settings.seed)
    return [_role_item(key, one, conclusions, book) for key, one in stands.items() if one.doubtful or key in checks]


def _roles_of_companies(conclusions: Conclusions) -> dict[str, _CompanyRoles]:
    found: dict[str, _CompanyRoles] = defaultdict(_CompanyRoles)
    judged = conclusions.judged
    for its in judged.blocks():
        places = np.flatnonzero(its.attributed != NOTHING)
        url, numbers = its.block.url[places], its.attributed[places]
        first, pair = mixed([url, numbers])
        counts = np.bincount(pair, minlength=len(first)).tolist()
        for of_url, number, looks in zip(
            url[first].tolist(), numbers[first].tolist(), counts[: len(first)], strict=True
        ):
            _add_roles(found, judged.looks.urls[of_url], judged.made[number], looks)
    return found


def _add_roles(found: Mapping[str, _CompanyRoles], url_id: str, answer: Attribution, looks: int) -> None:
    for role, keys in _roles(answer):
        for key in keys:
            found[key].urls[role].add(url_id)
            if role == "upstream":
                found[key].beneath.update(set(answer.hosters) - {key})
    for key in answer.hosters:
        found[key].confidence[answer.confidence] += looks
        found[key].prefixes.update(prefix for prefix in answer.prefixes if prefix)


def _roles(answer: Attribution) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "hoster", answer.hosters
    yield "operator", answer.operators
    yield "as_holder", answer.as_holders
    yield "upstream", answer.upstreams
    yield "proxy", answer.proxies
    yield "platform", (answer.platform,) if answer.platform else ()


def _role_item(key: str, one: _CompanyRoles, conclusions: Conclusions, book: BookOfDay) -> Item:
    roles = ("hoster", "operator", "as_holder", "upstream", "proxy", "platform")
    evidence = {
        "key": key,
        "name": printable(conclusions.attributor.name_of(key)),
        "seat": conclusions.attributor.country_of(key) or "",
        "in_the_book": book.origin(key) or "no",
        **{f"urls_as_{role}": str(len(one.urls[role])) for role in roles},
        **{f"looks_with_{level}_confidence": str(one.confidence[level]) for level in _LEVELS},
        "ranges": str(len(one.prefixes)),
        "hosters_beneath": str(len(one.beneath)),
        "members": str(len(book.members(key))),
    }
    return Item(
        queue=ROLES, item_id=key, evidence=evidence, stratum=book.kind(key), said=book.kind(key), doubtful=one.doubtful
    )
