"""Rows of ranking pages: published volume, speed and ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from waterbed.measures.ranking import UNKNOWN
from waterbed.measures.speed_ranks import slowest_first
from waterbed.model.conclusions import RankClass, RankingRow
from waterbed.model.results import PlaceRow, VolumeRow
from waterbed.model.spelling import percent, share_of
from waterbed.shown.layout import Page
from waterbed.store.settings import Norm

MEANINGS: Final[Mapping[RankClass, tuple[str, str]]] = {
    "ranked": ("Enough sites and days: the share is given, or its worst and best case", ""),
    "changed": (
        "The share did not stay the same: it is given for the reports before the change and for those since",
        "The norm and places by speed go by those since; without a date the change may have been gradual, and they go "
        "by both halves. The class says nothing of the cause.",
    ),
    "too few": ("Fewer than ten site clusters: a share would reflect single sites rather than the hoster", ""),
    "too few followed": ("Of its sites fewer than ten could be followed for 24 hours after a report", ""),
    "too few days": (
        "Reports span less than a week: how the hoster works cannot be told from one good or bad day",
        "",
    ),
    "views differ": ("Unmeasurable: our views of its content differ, so a share of them would say nothing", ""),
    "unmeasurable": (
        "Checks around 24 hours decided nothing: there were too few, or their answers could mean anything",
        "The hoster stays in the list, so that evading measurement would not remove it; the class says nothing of "
        "whose doing it is.",
    ),
    "no address": (
        "Unmeasurable: no address to check, as of hidden services, chats and live streams",
        "Counted, never checked.",
    ),
    "proxy": ("Only seen as a reverse proxy: the real host is behind it, so it is counted but not judged", ""),
}
"""What each class means, in a clause, and what else must be known of it, in a sentence."""
CLASSES: Final[Mapping[RankClass, str]] = {
    word: f"{clause}. {more}" if more else f"{clause}." for word, (clause, more) in MEANINGS.items()
}
NOUNS: Final[Mapping[str, tuple[str, str]]] = {
    "hoster": ("hoster", "hosters"),
    "asn": ("AS", "ASes"),
    "country": ("country", "countries"),
    "registered": ("registered country", "registered countries"),
    "seat": ("country of the seat", "countries of the seat"),
    "upstream": ("upstream", "upstreams"),
    "platform": ("platform", "platforms"),
    "category": ("category of reports", "categories of reports"),
    "site_type": ("type of site", "types of site"),
    "commercial": ("commercial or not", "groups, commercial or not"),
    "medium": ("medium", "mediums"),
}
"""Singular and plural nouns of each kind."""
NAMED: Final = 12
"""Names in a sentence; more are marked in the table."""
FIRST_ROWS: Final = 30
"""Rows of a long table shown initially in a browser with scripts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingEntry:
    """One row of a ranking: published values of a key."""

    row: RankingRow
    place: Annotated[PlaceRow | None, "its places by speed; null: none are published"] = None
    volume: Annotated[VolumeRow | None, "its volume against size"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingView:
    """One ranking in display order."""

    kind: Annotated[str, "hoster, asn, country, ..."]
    standings: Sequence[RankingEntry]
    left_out: Annotated[int, "rows left out because they are about too few, at least so many"]
    slowest: Annotated[int, "how many are called the slowest; 0: no places by speed"]
    norm: Norm = field(default_factory=Norm)
    """What places are held against."""
    sheets: Annotated[Mapping[str, str], "path of the sheet of each key that has one"] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Its path in the site."""
        return ranking_path(self.kind)


def ranking_path(kind: str) -> str:
    """The path of a kind's ranking page."""
    return "ranking.html" if kind == "hoster" else f"ranking-{kind}.html"


def ranking_page(view: RankingView, kinds: Sequence[str], start: str) -> Page:
    """Render one ranking's page.

    `kinds` are all that are ranked; `start` names the clocks' origin.
    """
    noun, nouns = NOUNS[view.kind]
    return Page(
        path=view.path,
        template="ranking.html",
        title=f"Ranking by {noun}",
        menu="Ranking" if view.kind == "hoster" else None,
        under=ranking_path("hoster"),
        scripts=("tables.js",),
        values={
            "view": view,
            "noun": noun,
            "nouns": nouns,
            "start": start,
            "tabs": [(ranking_path(kind), NOUNS[kind][0], kind == view.kind) for kind in kinds],
            "classes": CLASSES,
            "places": places_of(view.standings),
            "reading": _reading(view, noun, nouns),
            "below": below_norm(view.standings),
            "changed": [one.row for one in view.standings if one.row.rank_class == "changed"],
            "spanning": [one.row for one in view.standings if one.row.spans_change],
            "norm_share": norm_share(view.standings),
            "unknown": any(one.row.key == UNKNOWN for one in view.standings),
            "most": NAMED,
            "sizes": any(one.volume and one.volume.routed_v4 is not None for one in view.standings),
            "against": any(one.volume and one.volume.shrunk is not None for one in view.standings),
            "slow": slow_words(view.slowest),
            "first_rows": FIRST_ROWS,
        },
    )


def below_norm(standings: Sequence[RankingEntry]) -> list[RankingRow]:
    """Rows that surely removed less than the norm, slowest first."""
    rows = [one.row for one in standings if one.place and one.place.below_norm]
    return sorted(rows, key=slowest_first)


def norm_share(standings: Sequence[RankingEntry]) -> float | None:
    """The norm that rows were held against.

    It is estimated from the rows where it lies below their median. None if no row was.
    """
    return next((one.place.norm for one in standings if one.place and one.place.norm is not None), None)


def places_of(standings: Sequence[RankingEntry]) -> int:
    """Number of ranks by speed."""
    return max((one.place.place_high or 0 for one in standings if one.place), default=0)


def slow_words(slowest: int) -> str:
    """The label of a row among the slowest."""
    return "the slowest" if slowest == 1 else f"among the {slowest} slowest"


def _reading(view: RankingView, noun: str, nouns: str) -> dict[str, Any] | None:
    """Explain the first row with a share, in words."""
    names = {one.row.key: one.row.name for one in view.standings}
    for one in view.standings:
        row, place = one.row, one.place
        if row.removed_24h_low is not None and row.rank_class != "changed":
            return {
                "name": row.name,
                "hosts": row.hosts,
                "share": share_of(row),
                "low": percent(row.removed_24h_low),
                "high": percent(row.removed_24h_high),
                "place": place if place and place.place_low else None,
                "slower_than": [names[key] for key in place.slower_than] if place else [],
                "noun": noun,
                "nouns": nouns,
            }
    return None
