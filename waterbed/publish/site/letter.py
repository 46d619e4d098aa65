"""The page of a minister's questions, answered from published tables."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from waterbed.graphs.network.weeks import CROSS_BORDER
from waterbed.measures.keys import UNTOLD
from waterbed.measures.ranking import UNKNOWN
from waterbed.measures.totals import coverage, weighing
from waterbed.model.conclusions import RankingRow
from waterbed.model.mediums import LOOKED_AT, MEDIUM_WORDS
from waterbed.model.spelling import number, percent
from waterbed.publish.policy import BEYOND, DEADLINES
from waterbed.publish.site.displacement import PATH as DISPLACEMENT
from waterbed.publish.site.overview import Passage
from waterbed.shown.layout import Page, PageTable, thousands
from waterbed.shown.rankings import ranking_path

PATH: Final = "letter.html"
_DAY_H: Final = 24.0
_PLACES: Final = {
    "country": "their server lies there",
    "registered": "their network is registered there",
    "seat": "their hoster has its seat there",
}
_KINDS: Final = {"category": "category", "site_type": "type of site", "commercial": "commercial or not"}
_NOTICES: Final[Mapping[str, str]] = {
    "ntd": "notice and takedown",
    "legal_order": "order of a court or an authority",
    "nl_order": "order of the Dutch authority",
    "tco": "removal order about terrorist content",
    "dsa": "notice under the Digital Services Act",
    "citizen": "notice of a citizen",
}
"""Kinds of notices in words."""
_ALONE: Final = "no other country is shown: the rest may be held back"


_ONE: Final = {
    "times": "time",
    "hours": "hour",
    "sites": "site",
    "URLs": "URL",
    "notices": "notice",
    "hosters": "hoster",
    "hops": "hop",
    "contents": "content",
    "share": "share",
}
"""Each unit of which there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterNumber:
    """One number that answers a question of the letter."""

    question: Annotated[int, "the question, 1 is the first"]
    asked: Annotated[str, "its words"]
    what: Annotated[str, "what the number is"]
    value: Annotated[float | None, "the number; null: none can be given"]
    low: Annotated[float | None, "lower bound, or lower end of its 95% interval; null: none"] = None
    high: Annotated[float | None, "upper bound, or upper end of its 95% interval; null: none"] = None
    unit: Annotated[str, "what it counts; a share is 0..1"]
    why_not: Annotated[str | None, "why no number or no interval can be given"] = None

    @property
    def text(self) -> str:
        """The number as the page shows it."""
        spell = percent if self.unit == "share" else number if self.unit in ("times", "hours") else _count
        ends = f"{spell(self.low)} to {spell(self.high)}" if self.low is not None else ""
        if self.value is None and self.low == self.high:
            ends = spell(self.low) if self.low is not None else ""
        first = ends if self.value is None and ends else spell(self.value)
        unit = _ONE[self.unit] if first == "1" else self.unit
        number_text = first if self.unit == "share" else f"{first} {unit}"
        return f"{number_text} ({ends})" if ends and first != ends else number_text


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterView:
    """Content of the page."""

    tables: Annotated[Mapping[str, Sequence[Any]], "rows of the published tables, by name"]
    passages: Sequence[Passage]
    home: Annotated[str, "ISO code of the country that counts as home"]
    events: Annotated[Sequence[tuple[str, str, Sequence[str]]], "path, title and answer of each event's page"] = ()
    no_hops: Annotated[str, "why no hop is shown, where none is"] = ""

    def rows(self, name: str) -> Sequence[Any]:
        """The rows of a table, none without it."""
        return self.tables.get(name, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One question, how it is answered, and where more stands."""

    words: str
    numbers: Callable[["LetterView"], Iterable[dict[str, Any]]]
    nothing: Annotated[Callable[["LetterView"], str] | str, "why there may be no number"]
    reading: Annotated[str, "what the numbers cannot say"]
    more: Annotated[tuple[str, str], "path of the page with more, and its name"]


def letter_page(view: LetterView, pages: Sequence[Page]) -> Page:
    """Render the page; `pages` are those it may lead to."""
    answers, rows = [], list[LetterNumber]()
    paths = {page.path for page in pages}
    for place, question in enumerate(_QUESTIONS, 1):
        wording = question.words.format(home=view.home)
        numbers = [
            LetterNumber(question=place, asked=wording, **number_fields) for number_fields in question.numbers(view)
        ]
        more = question.more if question.more[0] in paths else None
        nothing = question.nothing if isinstance(question.nothing, str) else question.nothing(view)
        answers.append(
            {"asked": wording, "rows": numbers, "nothing": nothing, "reading": question.reading, "more": more}
        )
        rows += numbers
    return Page(
        path=PATH,
        template="letter.html",
        title="The letter's questions",
        menu="The letter's questions",
        tables=(
            PageTable(
                path="data/letter",
                cls=LetterNumber,
                rows=rows,
                what="answers to the letter's questions",
                by="question",
                method="taken from the published tables; docs/publishing.md",
            ),
        ),
        values={"answers": answers, "events": view.events},
    )


def _count(value: float | None) -> str:
    return thousands(None if value is None else round(value))


def _share_of(what: str, value: float | None, **more: Any) -> dict[str, Any]:
    return {"what": what, "value": None if value is None else round(value, 6), "unit": "share", **more}


def _removed(row: RankingRow, subject: str) -> dict[str, Any]:
    """The share that a row removed within 24 hours, or why there is none."""
    has_share = row.removed_24h_low is not None
    since = ""
    if row.rank_class == "changed":
        since = f" of reports since {row.changed_before:%Y-%m-%d}" if row.changed_before else " of its later reports"
        since += ", as the share changed"
    return _share_of(
        f"{subject}: removed within 24 hours{since}",
        row.removed_24h if has_share else None,
        low=row.removed_24h_low,
        high=row.removed_24h_high,
        why_not=None if has_share else row.rank_class,
    )


def _at_home(view: LetterView) -> Iterator[dict[str, Any]]:
    """Shares of hosts at home by server, registration and seat; volume against size."""
    for kind, description in _PLACES.items():
        rows = [row for row in view.rows(f"ranking-{kind}") if row.key != UNKNOWN]
        hosts = sum(row.hosts_fractional for row in rows)
        home_hosts = next((row.hosts_fractional for row in rows if row.key == view.home), None)
        if rows:
            only_home = home_hosts is not None and len(rows) == 1
            reason = "too few sites there, or held back" if home_hosts is None else _ALONE if only_home else None
            share = None if home_hosts is None or only_home else home_hosts / hosts
            yield _share_of(f"of hosts in the countries that are shown, {description}", share, why_not=reason)
    for row in view.rows("volume-country"):
        if row.key == view.home:
            yield {
                "what": "sites there against those expected of its size",
                "value": row.shrunk,
                "low": row.shrunk_low,
                "high": row.shrunk_high,
                "unit": "times",
                "why_not": None if row.shrunk is not None else "no table of sizes",
            }


def _reported(view: LetterView) -> Iterator[dict[str, Any]]:
    """Sites of each category, type of site and commercial use, with how fast they are removed."""
    for kind, description in _KINDS.items():
        for row in view.rows(f"ranking-{kind}"):
            subject = (
                description if row.key == UNTOLD else row.name if kind == "commercial" else f"{description} {row.name}"
            )
            subject = f"{subject}: not told" if row.key == UNTOLD else subject
            yield {"what": subject, "value": float(row.sites), "unit": "sites"}
            yield _removed(row, subject)


def _assessed(view: LetterView) -> Iterator[dict[str, Any]]:
    """URLs of each source, and those that count nowhere."""
    for card in view.rows("feeds"):
        for subject, value in (
            ("URLs", card.urls),
            ("of these assessed as not illegal", card.not_illegal),
            ("of these awaiting an assessment", card.unassessed),
        ):
            yield {"what": f"{card.source}: {subject}", "value": float(value), "unit": "URLs"}


def _unseen(view: LetterView) -> Iterator[dict[str, Any]]:
    """What has no address to look at, and what may have gone there."""
    for row in view.rows("ranking-medium"):
        if row.key not in LOOKED_AT:
            yield {"what": f"{MEDIUM_WORDS.get(row.key, row.key)}: reported", "value": float(row.urls), "unit": "URLs"}


def _told(view: LetterView) -> Iterator[dict[str, Any]]:
    """Clocks that notices started, and those removed within 24 hours."""
    rows = [
        row
        for row in view.rows("compliance-hoster")
        if row.week is None and row.within_h == _DAY_H and row.key != UNKNOWN and row.rank_class != "views differ"
    ]
    if rows:
        count = sum(row.clocks for row in rows)
        ends = sum(row.surely for row in rows), sum(row.possibly for row in rows)
        yield {"what": "notices that found content up at a hoster named here", "value": float(count), "unit": "notices"}
        yield {
            "what": "of these, removed within 24 hours",
            "value": None,
            "low": float(ends[0]),
            "high": float(ends[1]),
            "unit": "notices",
        }


def _most_and_few(view: LetterView) -> Iterator[dict[str, Any]]:
    """How many hosters remove most, and how many surely do not."""
    rows = [row for row in view.rows("ranking-hoster") if row.key != UNKNOWN]
    shared = [row for row in rows if row.removed_24h_low is not None]
    places = {row.key: row for row in view.rows("places-hoster")}
    norm = next((place.norm for place in places.values() if place.norm is not None), None)
    if not rows:
        return
    yield {"what": "hosters with enough sites", "value": float(len(rows)), "unit": "hosters"}
    yield {"what": "of these, with a share removed", "value": float(len(shared)), "unit": "hosters"}
    if not shared:
        return
    if norm is not None:
        below = sum(bool(place.below_norm) for place in places.values())
        above = sum(row.removed_24h_low > norm for row in shared)
        yield {
            "what": f"surely removed less than {percent(norm)} within 24 hours, tested with all hosters together",
            "value": float(below),
            "unit": "hosters",
        }
        yield {
            "what": f"whose own 95% interval lies above {percent(norm)}, each hoster by itself",
            "value": float(above),
            "unit": "hosters",
        }
    covered, weighed = coverage(rows), weighing(rows)
    if weighed is None:
        return
    for counted, share in (("hoster", weighed.by_hoster), ("content", weighed.by_content)):
        counted_hosters = "1 hoster" if weighed.hosters == 1 else f"{weighed.hosters:,} hosters"
        subject = f"mean of {counted_hosters} with a share: removed within 24 hours, each {counted} counted once"
        if not covered.told:
            yield _share_of(subject, None, why_not=covered.words)
        else:
            more = {} if share.single is not None else {"low": round(share.worst, 6), "high": round(share.best, 6)}
            yield _share_of(f"{subject}; {covered.words}" if covered.words else subject, share.single, **more)


def _in_time(view: LetterView) -> Iterator[dict[str, Any]]:
    """Removals by the deadlines of orders, or the time to action."""
    for row in view.rows(DEADLINES):
        if row.due:
            reason = None if row.met is not None else "too few sites, or checks too sparse"
            hours = "1 hour" if row.due_h == 1 else f"{number(row.due_h)} hours"
            subject = f"{_NOTICES.get(row.kind, row.kind)}: removed by the deadline, {hours}"
            yield _share_of(subject, row.met, low=row.met_low, high=row.met_high, why_not=reason)
        else:
            subject = f"{_NOTICES.get(row.kind, row.kind)}: until half was gone; no law sets a time"
            reason = None if row.action_h is not None else "not yet half, or not estimable"
            low, high = (row.action_h_low, row.action_h_high) if row.action_h_high is not None else (None, None)
            yield {"what": subject, "value": row.action_h, "low": low, "high": high, "unit": "hours", "why_not": reason}


def _goes(view: LetterView) -> Iterator[dict[str, Any]]:
    """Hops by passage, with bounds; what was reported where no hoster can be told."""
    by_passage = {row.passage: row for row in view.passages}
    hidden_hops = by_passage[None].hops if None in by_passage else 0
    unknown = by_passage["unknown"].hops if "unknown" in by_passage else 0
    for passage in CROSS_BORDER:
        passage_row = by_passage.get(passage)
        most = (passage_row.hops if passage_row else 0) + hidden_hops + (unknown if passage != "unknown" else 0)
        if most:
            subject = str(passage if passage != "unknown" else "country unknown")
            least = passage_row.certain if passage_row else 0
            yield {"what": subject, "value": None, "low": float(least), "high": float(most), "unit": "hops"}
    for row in view.rows(BEYOND):
        subject = (
            f"to {MEDIUM_WORDS.get(row.medium, row.medium)}, of at least {row.contents:,} contents reported there too"
        )
        yield {"what": subject, "value": None, "low": float(row.least), "high": float(row.most), "unit": "contents"}


_RANKING: Final = ranking_path("hoster")
_QUESTIONS: Final[Sequence[_Asked]] = (
    _Asked(
        words="How much of what was reported is hosted in {home}, and does its size explain it?",
        numbers=_at_home,
        nothing="No table tells the country of what was reported, or all is held back.",
        reading="Shares are of hosts, each shared equally among its countries. No table says who rents "
        "a server, or from where: a server at home may serve supply and demand from abroad.",
        more=(ranking_path("country"), "Ranking by country"),
    ),
    _Asked(
        words="What was reported: which content, which sites, commercial or not?",
        numbers=_reported,
        nothing="No report tells, or all is held back.",
        reading="Kinds are as the reporter told them. The interval of a share is for how it would be if removal went "
        "on so.",
        more=(ranking_path("category"), "Ranking by category"),
    ),
    _Asked(
        words="Who reported it, and what became of it in the hotlines' assessment?",
        numbers=_assessed,
        nothing="All sources are held back.",
        reading="A URL of two sources stands at both. Content last assessed as not illegal counts in no other number.",
        more=("quality.html", "Data quality"),
    ),
    _Asked(
        words="What cannot be checked: live streams, chats, hidden services?",
        numbers=_unseen,
        nothing="None was reported, or it is held back.",
        reading="Unmeasurable: no address to check. They are counted, never checked, and at no hoster.",
        more=(_RANKING, "Rankings"),
    ),
    _Asked(
        words="When a hotline tells a hoster, is the content removed?",
        numbers=_told,
        nothing="No notice is on record, or all are held back.",
        reading="The number removed in time lies between the sure and the possible removals. A notice that found the "
        "content gone is not counted.",
        more=("method.html", "Method"),
    ),
    _Asked(
        words="Do most hosters remove it quickly, and a minority not?",
        numbers=_most_and_few,
        nothing="No hoster has enough sites.",
        reading="Slow and quick hosters are counted by two rules, so the two numbers cannot be compared: slow ones by "
        "a stricter test of all hosters together, quick ones each by its interval alone. The others cannot be told "
        "from the norm. Both means are of the hosters with a share: in the first, large and small ones count alike, "
        "the second is of their content.",
        more=(_RANKING, "Ranking by hoster"),
    ),
    _Asked(
        words="Are orders met in time?",
        numbers=_in_time,
        nothing="No order or notice is on record, or all are held back.",
        reading="Only a deadline that the order states, or the law sets, can be met. For other notices the time until "
        "half was gone stands in.",
        more=("method.html", "Method"),
    ),
    _Asked(
        words="Does the content hop to another provider, at home or abroad?",
        numbers=_goes,
        nothing=lambda view: view.no_hops,
        reading="Bounds: from the hops whose order is certain to all that may be displacement. Hops that are held "
        "back, and those of unknown countries, may be of any passage: each most takes them in, so that the most add "
        "up to more than all hops. Arrivals that nobody reported are not seen.",
        more=(DISPLACEMENT, "Displacement"),
    ),
)
"""The questions, in the letter's order; the last one, on pressing a hoster, is answered by its event's page."""
