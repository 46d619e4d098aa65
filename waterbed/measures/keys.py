"""Kinds of rankings, and the keys of each kind.

Keys come from an attribution, a report or an episode.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Annotated, Final, Self, get_args

from waterbed.measures.takedown import By
from waterbed.model.conclusions import Attribution, Episode
from waterbed.model.errors import InputError
from waterbed.model.facts import Medium, Report
from waterbed.model.plugins import INTERFACE, called, named

Kind = str
"""Name of what is ranked: one of KINDS, or a plug-in's. `country` and `delegated` are one."""

ROLES: Final[Mapping[str, Kind]] = {
    "hoster": "hoster",
    "upstream": "upstream",
    "operator": "operator",
    "proxy": "proxy",
    "as-holder": "as_holder",
}
"""Whom a ranking of organisations can hold to account: word of the command line, and kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingKind:
    """One kind of ranking.

    `keys` gives the keys of an attribution; `organisations` says that these are keys of companies or ASes, which have
    names of their own. `reported` gives the key of a report instead, where that is what is ranked.
    """

    keys: Callable[[Attribution], tuple[str, ...]] = lambda _: ()
    organisations: bool = False
    reported: Callable[[Report], str] | None = None
    by_domain: bool = False
    """True if registries' answers on the domain give the keys (`registered.py`)."""
    interface: int = INTERFACE


UNTOLD: Final = "not told"
"""Key of what no reporter told."""
_COMMERCIAL: Final[Mapping[bool | None, str]] = {True: "commercial", False: "not commercial", None: UNTOLD}

KINDS: Final[Mapping[Kind, RankingKind]] = {
    "hoster": RankingKind(keys=lambda answer: answer.hosters, organisations=True),
    "asn": RankingKind(keys=lambda answer: tuple(f"AS{origin}" for origin in answer.origins), organisations=True),
    "country": RankingKind(keys=lambda answer: answer.countries),
    "delegated": RankingKind(keys=lambda answer: answer.countries),
    "registered": RankingKind(keys=lambda answer: answer.registered_countries),
    "seat": RankingKind(keys=lambda answer: answer.seats),
    "upstream": RankingKind(keys=lambda answer: answer.upstreams, organisations=True),
    "transit": RankingKind(keys=lambda answer: answer.transits, organisations=True),
    "platform": RankingKind(keys=lambda answer: (answer.platform,) if answer.platform else (), organisations=True),
    "category": RankingKind(reported=lambda report: report.category),
    "site_type": RankingKind(reported=lambda report: report.site_type or UNTOLD),
    "commercial": RankingKind(reported=lambda report: _COMMERCIAL[report.commercial]),
    "medium": RankingKind(reported=lambda report: report.medium),
    "registrar": RankingKind(by_domain=True),
    "tld": RankingKind(by_domain=True),
    "operator": RankingKind(keys=lambda answer: answer.operators, organisations=True),
    "proxy": RankingKind(keys=lambda answer: answer.proxies, organisations=True),
    "as_holder": RankingKind(keys=lambda answer: answer.as_holders, organisations=True),
}
"""The rankings that are built in; plug-ins add others. Reports give the keys of those from `category` to `medium`."""


REPORTED: Final[tuple[Kind, ...]] = ("site_type", "commercial", "medium")
"""Rankings by what reports may tell, and often do not."""


def told_kinds(reports: Iterable[Report], kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    """The kinds, without those of REPORTED that no report tells."""
    told = set()
    for one in reports:
        if one.site_type:
            told.add("site_type")
        if one.commercial is not None:
            told.add("commercial")
        if one.medium != "web":
            told.add("medium")
        if len(told) == len(REPORTED):
            break
    return tuple(kind for kind in kinds if kind not in REPORTED or kind in told)


@cache
def ranking_kind(kind: Kind) -> RankingKind:
    """The ranking of a name; InputError for another name."""
    return named("rankings", RankingKind, KINDS, kind, "--by", "docs/ranking.md")


def reported_keys(reports: Iterable[Report], kind: Kind) -> dict[str, tuple[str, ...]] | None:
    """The keys that reports give each URL.

    None where addresses give them. What one reporter told counts, though another told nothing.
    """
    of_report = ranking_kind(kind).reported
    if of_report is None:
        return None
    found: dict[str, set[str]] = defaultdict(set)
    for report in reports:
        if kind in KINDS:
            found[report.url_id].add(of_report(report))
        else:
            found[report.url_id].update(_texts((called(kind, partial(of_report, report)),), kind))
    return {url_id: tuple(sorted(named - {UNTOLD} or named)) for url_id, named in found.items()}


def attributed_keys(answer: Attribution, kind: Kind) -> tuple[str, ...]:
    """The keys that an attribution gives.

    None where reports give them.
    """
    found = ranking_kind(kind).keys
    return found(answer) if kind in KINDS else _texts(called(kind, lambda: _gathered(found(answer))), kind)


def keys_of(answers: Iterable[Attribution], kind: Kind) -> tuple[str, ...]:
    """The distinct keys that attributions give, by name."""
    return tuple(sorted({key for answer in answers for key in attributed_keys(answer, kind)}))


def size_kind(kind: Kind) -> By | None:
    """The kind of sizes for a ranking, None without."""
    if kind == "delegated":
        return "country"
    return next((by for by in get_args(By) if by == kind), None)


def names_organisations(kind: Kind) -> bool:
    """True if keys of this kind have names.

    Countries and categories are their own names.
    """
    return ranking_kind(kind).organisations


def _gathered(keys: Iterable[object]) -> Sequence[object]:
    return keys if isinstance(keys, str) else tuple(keys)


def _texts(keys: Sequence[object], kind: Kind) -> tuple[str, ...]:
    if isinstance(keys, str) or not all(isinstance(key, str) and key.isprintable() for key in keys):
        raise InputError(f"the plug-in {kind} gave keys that are no texts on one line (docs/plugins.md)")
    return tuple(key for key in keys if isinstance(key, str))


def grouped(episodes: Iterable[Episode], keys_of: Callable[[Episode], Iterable[str]]) -> dict[str, list[Episode]]:
    """Group episodes by keys that are looked up for each."""
    groups: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        for key in dict.fromkeys(keys_of(episode)):
            groups[key].append(episode)
    return groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """One reported URL and the keys its addresses gave it."""

    url_id: Annotated[str, "the URL"]
    host_id: Annotated[str, "its host"]
    site_id: Annotated[str, "its registrable domain: the cluster"]
    keys: Annotated[tuple[str, ...], "distinct hosters, ASes or countries of its addresses over its checks"]
    decided: Annotated[bool, "whether any check of it could be decided"]
    proxy: Annotated[bool, "whether all its addresses were reverse proxies"]
    since: Annotated[datetime | None, "when a takedown clock starts, if a check said where; null: nothing does"] = None
    medium: Annotated[Medium, "where it was reported to be: web, ipfs, tor, chat or live"] = "web"
    fronts: Annotated[tuple[str, ...], "of the keys, those that only its reverse proxies gave; empty if all did"] = ()

    def behind(self, key: str) -> bool:
        """True if proxies alone showed it under a key."""
        return self.proxy or key in self.fronts

    @classmethod
    def of(
        cls,
        url_id: str,
        *,
        host_id: str,
        site_id: str,
        answers: Sequence[Attribution],
        decided: bool,
        keys: Callable[[Sequence[Attribution]], tuple[str, ...]],
        since: datetime | None,
        medium: Medium = "web",
    ) -> Self:
        """The appearance of a URL, drawn from its distinct attributions.

        `keys` gives their keys, `since` starts its clock.
        """
        found = keys(answers)
        own = [answer for answer in answers if not answer.proxy]
        real = keys(own) if 0 < len(own) < len(answers) else found
        return cls(
            url_id=url_id,
            host_id=host_id,
            site_id=site_id,
            keys=found,
            decided=decided,
            proxy=bool(answers) and not own,
            since=since if answers else None,
            medium=medium,
            fronts=tuple(key for key in found if key not in real),
        )
