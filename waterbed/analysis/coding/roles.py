"""Companies whose role is in doubt, with how often they stand in each."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from attribution.hosters.book import BookOfDay
from attribution.hosters.evidence import printable
from waterbed.analysis.coding.items import ROLES, Item, drawn
from waterbed.model.conclusions import Attribution
from waterbed.store.config import Coding
from waterbed.study.conclusions import Conclusions

_LEVELS = ("low", "medium", "high")


@dataclass(slots=True)
class _Stands:
    """The URLs for which a company stands in each role, and what else is known of it there."""

    urls: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    confidence: Counter[str] = field(default_factory=Counter)
    beneath: set[str] = field(default_factory=set)
    """Hosters on whose URLs it is an upstream."""
    prefixes: set[str] = field(default_factory=set)

    @property
    def doubtful(self) -> bool:
        """Whether it answers for some URLs and only carries others, or answers on weak grounds."""
        hosts, proxies = self.urls["hoster"], self.urls["proxy"]
        several = bool(hosts and self.urls["upstream"]) or bool(proxies and hosts - proxies)
        named = bool(self.urls["platform"] and self.urls["operator"])
        return several or named or self.confidence["low"] > 0


def role_items(done: Conclusions, book: BookOfDay, settings: Coding) -> list[Item]:
    """The companies whose role is in doubt, and the checks among the others that the settings ask for.

    `book` is the book of hosters without what coders said of roles.
    """
    stands = dict(sorted(_stands(done).items()))
    clear = [(book.kind(key), key) for key, one in stands.items() if not one.doubtful]
    checks = drawn(clear, each=settings.checks, seed=settings.seed)
    return [_item(key, one, done, book) for key, one in stands.items() if one.doubtful or key in checks]


def _stands(done: Conclusions) -> dict[str, _Stands]:
    found: dict[str, _Stands] = defaultdict(_Stands)
    for look, answer in zip(done.facts.looks, done.attributions, strict=True):
        if answer is None:
            continue
        for role, keys in _roles(answer):
            for key in keys:
                found[key].urls[role].add(look.url_id)
                if role == "upstream":
                    found[key].beneath.update(set(answer.hosters) - {key})
        for key in answer.hosters:
            found[key].confidence[answer.confidence] += 1
            found[key].prefixes.update(prefix for prefix in answer.prefixes if prefix)
    return found


def _roles(answer: Attribution) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "hoster", answer.hosters
    yield "operator", answer.operators
    yield "as_holder", answer.as_holders
    yield "upstream", answer.upstreams
    yield "proxy", answer.proxies
    yield "platform", (answer.platform,) if answer.platform else ()


def _item(key: str, one: _Stands, done: Conclusions, book: BookOfDay) -> Item:
    roles = ("hoster", "operator", "as_holder", "upstream", "proxy", "platform")
    told = {
        "key": key,
        "name": printable(done.attributor.name_of(key)),
        "seat": done.attributor.country_of(key) or "",
        "in_the_book": book.origin(key) or "no",
        **{f"urls_as_{role}": str(len(one.urls[role])) for role in roles},
        **{f"looks_with_{level}_confidence": str(one.confidence[level]) for level in _LEVELS},
        "ranges": str(len(one.prefixes)),
        "hosters_beneath": str(len(one.beneath)),
        "members": str(len(book.members(key))),
    }
    return Item(
        queue=ROLES, item_id=key, evidence=told, stratum=book.kind(key), said=book.kind(key), doubtful=one.doubtful
    )
