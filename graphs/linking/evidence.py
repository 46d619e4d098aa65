"""Kinds of evidence that URLs share content, with their weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import log
from types import MappingProxyType
from typing import Literal

from waterbed.model.conclusions import EvidenceKind, LinkStrength

Family = Literal["reported", "redirect", "name", "path", "page", "server"]
"""Evidence of one family is not independent: who copies a page copies its title. Only the best of a family counts."""

Unit = Literal["url", "host", "site"]
"""The unit that must differ for a sign to count: one site's own certificate links nothing."""

Role = Literal["", "from", "to"]
"""For evidence with a direction: `from` shows the way, `to` is where it leads. Only unlike roles are linked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule:
    """The weight and limits of one kind of evidence.

    `cap`: a key on more units than this links nothing; None: no cap. `doubt`: nats taken off the rarity log(N/df).
    `fixed`: a weight that does not depend on rarity. `alone`: the most that its family can make of a link without
    another one. `kept`: such links are never cut to keep a cluster small.
    """

    family: Family
    unit: Unit
    cap: int | None
    doubt: float = 0.0
    fixed: float | None = None
    alone: LinkStrength = "strong"
    kept: bool = False

    def __post_init__(self) -> None:
        """Refuse what would be silently wrong later."""
        if self.cap is not None and self.cap < 2:
            raise ValueError(f"cap {self.cap} links nothing at all; 2 is the least")
        if self.kept and self.fixed is None:
            raise ValueError("only evidence of a fixed weight can be exempt from cutting")

    def weight(self, frequency: int, sites: int) -> float:
        """The fixed weight, else log(N/df) less the doubt, in nats."""
        return self.fixed if self.fixed is not None else log(sites / frequency) - self.doubt

    def cost(self, frequency: int) -> float:
        """log(df) plus the doubt, in nats.

        It orders weights without N, so that a growing study does not change the order.
        """
        return log(frequency) + self.doubt


KINDS: Mapping[EvidenceKind, KindRule] = MappingProxyType(
    {
        "content_id": KindRule(family="reported", unit="url", cap=None, fixed=20.0, kept=True),
        "same_url": KindRule(family="reported", unit="url", cap=20, fixed=20.0, kept=True),
        "redirect_url": KindRule(family="redirect", unit="host", cap=50, fixed=12.0),
        "redirect_site": KindRule(family="redirect", unit="site", cap=50, fixed=5.0, alone="weak"),
        "path": KindRule(family="path", unit="host", cap=50, doubt=0.5),
        "label": KindRule(family="name", unit="site", cap=30, doubt=0.5, alone="weak"),
        "fuzzy_label": KindRule(family="name", unit="site", cap=10, doubt=3.0, alone="weak"),
        "alike_name": KindRule(family="name", unit="site", cap=50, fixed=6.0),
        "page": KindRule(family="page", unit="host", cap=50),
        "title": KindRule(family="page", unit="host", cap=50, doubt=2.0, alone="weak"),
        "etag": KindRule(family="page", unit="host", cap=50, doubt=1.0),
        "certificate": KindRule(family="server", unit="site", cap=30),
        "public_key": KindRule(family="server", unit="site", cap=30, doubt=0.5),
        "name_servers": KindRule(family="server", unit="site", cap=50, doubt=3.0, alone="weak"),
    }
)
"""The rules of a new study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRules:
    """When evidence links two URLs, and how far links reach.

    `weak` and `strong` are least weights in nats; `agreement` is added for each further family that agrees. A rarity
    kind's key that is on more than `common_share` of all sites links nothing: in a small study nothing is rare. A key
    on up to `all_pairs` units links each with each, a commoner one each with its `neighbours` in time. `most_keys`
    bounds the keys of one kind that one URL brings, the rarest first. `largest` bounds the URLs of a cluster.
    """

    weak: float = 4.0
    strong: float = 6.0
    agreement: float = 2.0
    common_share: float = 0.2
    all_pairs: int = 8
    neighbours: int = 2
    most_keys: int = 32
    largest: int = 500
    kinds: Mapping[EvidenceKind, KindRule] = field(default_factory=lambda: KINDS)

    def __post_init__(self) -> None:
        """Refuse what would be silently wrong later."""
        if not 0 < self.weak <= self.strong:
            raise ValueError(f"weak {self.weak} must be above 0 and at most strong {self.strong}")
        if self.agreement < 0 or not 0 < self.common_share <= 1:
            raise ValueError("agreement must not be negative, and common_share must lie in (0, 1]")
        if min(self.all_pairs, self.largest) < 2 or min(self.neighbours, self.most_keys) < 1:
            raise ValueError("all_pairs and largest must be at least 2, neighbours and most_keys at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a URL lies: its host and its site.

    A target has both, too.
    """

    host_id: str
    site_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Something of one URL that another can share."""

    url_id: str
    kind: EvidenceKind
    key: str
    first: datetime
    last: datetime
    role: Role = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One sign that two URLs share, and its weight.

    `frequency` is df, the number of the kind's units with that key. The times are those of the link's URLs a and b.
    """

    kind: EvidenceKind
    key: str
    frequency: int
    weight: float
    a_first: datetime
    a_last: datetime
    b_first: datetime
    b_last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Two URLs that are held to carry the same content.

    `a` is the smaller id. `evidence` is all that they share, the best of it first. `weight` is that of the best, plus
    what the agreement of further families adds. `source` is the URL that redirects to the other, None without redirect.
    `rank` sorts links, the surest first, and does not depend on how many URLs the study has.
    """

    a: str
    b: str
    strength: LinkStrength
    weight: float
    evidence: tuple[Evidence, ...]
    source: str | None
    kept: bool
    rank: tuple[int, float, str, str]
