"""Kinds of rankings, and the keys of each kind.

Keys come from an attribution, a report or an episode.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal, Self, get_args

from waterbed.analysis.rankings.takedown import By
from waterbed.model.conclusions import Attribution, Episode

Kind = Literal[
    "hoster", "asn", "country", "delegated", "registered", "seat", "upstream", "platform", "operator", "proxy",
    "as_holder", "category",
]  # fmt: skip
"""`country` and `delegated` are one: where the addresses are delegated to."""

ROLES: Final[Mapping[str, Kind]] = {
    "hoster": "hoster",
    "upstream": "upstream",
    "operator": "operator",
    "proxy": "proxy",
    "as-holder": "as_holder",
}
"""Whom a ranking of organisations can hold to account: word of the command line, and kind."""

_COUNTRIES: Final = ("country", "delegated", "registered", "seat")

_OF: Final[Mapping[Kind, Callable[[Attribution], tuple[str, ...]]]] = {
    "hoster": lambda answer: answer.hosters,
    "asn": lambda answer: tuple(f"AS{origin}" for origin in answer.origins),
    "country": lambda answer: answer.countries,
    "delegated": lambda answer: answer.countries,
    "registered": lambda answer: answer.registered_countries,
    "seat": lambda answer: answer.seats,
    "upstream": lambda answer: answer.upstreams,
    "platform": lambda answer: (answer.platform,) if answer.platform else (),
    "operator": lambda answer: answer.operators,
    "proxy": lambda answer: answer.proxies,
    "as_holder": lambda answer: answer.as_holders,
}


def attributed_keys(answer: Attribution, kind: Kind) -> tuple[str, ...]:
    """The keys that an attribution gives.

    None for `category`, which reports give.
    """
    return () if kind == "category" else _OF[kind](answer)


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
    return kind not in _COUNTRIES and kind != "category"


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
    keys: Annotated[tuple[str, ...], "distinct hosters, ASes or countries of its addresses over its looks"]
    decided: Annotated[bool, "whether any look at it could be decided"]
    proxy: Annotated[bool, "whether all its addresses were reverse proxies"]
    since: Annotated[datetime | None, "when a takedown clock starts, if a look said where; null: nothing does"] = None

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
    ) -> Self:
        """The appearance of a URL, drawn from its distinct attributions.

        `keys` gives their keys, `since` starts its clock.
        """
        return cls(
            url_id=url_id,
            host_id=host_id,
            site_id=site_id,
            keys=keys(answers),
            decided=decided,
            proxy=bool(answers) and all(answer.proxy for answer in answers),
            since=since if answers else None,
        )
