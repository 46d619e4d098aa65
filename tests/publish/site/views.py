"""Views of an invented study, with one name in every place where a name can stand."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from waterbed.graphs.beyond import Beyond
from waterbed.graphs.network.flows import Flow
from waterbed.measures.removal_curves import MARKS_H, RemovalCurve
from waterbed.measures.takedown import CAUSES
from waterbed.model.conclusions import RankClass, RankingRow, Reached
from waterbed.model.decisions import HosterChange
from waterbed.model.results import Answer, Changed, ChangeRow, FeedCard, PlaceRow, VolumeRow, WindowShare
from waterbed.model.table import TableInfo
from waterbed.model.takedown import CauseShare, ComplianceRow, ComplianceTrend, Duration, NoticeEffect
from waterbed.publish.site.hoster import CauseCurves, SheetView, Weekly, sheet_page, sheet_paths
from waterbed.publish.site.letter import LetterView, letter_page
from waterbed.publish.site.method import MethodView, PublishedTable, method_page
from waterbed.publish.site.overview import (
    OverviewView,
    Passage,
    Slow,
    Total,
    overview_page,
    slowest_of_all,
)
from waterbed.publish.site.quality import (
    Canaries,
    CanaryDay,
    CanaryRecord,
    DatedTable,
    Held,
    Lag,
    Outcome,
    QualityView,
    quality_page,
)
from waterbed.questions.intervention.page import EventPage
from waterbed.shown.figures.moments import Moment, in_weeks
from waterbed.shown.layout import Layout, Page
from waterbed.shown.rankings import RankingEntry, RankingView, ranking_page

NOW = datetime(2026, 6, 3, 9, 20, tzinfo=UTC)
START = "the report"


def frame(name: str = "Acme BV") -> Layout:
    """What all pages have in common."""
    return Layout(
        title=f"Study of {name}",
        made_at=NOW,
        first=NOW,
        last=NOW,
        home="NL",
        publisher=name,
        tlp="green",
        licence="CC-BY-4.0",
        least=3,
        info=TableInfo(
            what="ranking",
            by="hoster",
            clock="reported",
            window="none",
            method="NPMLE",
            data_dates={f"routes of {name}": "2026-05-31"},
            run="5f2c9e0b7d6a",
            version="0.1.0",
            protocol="as locked",
            deviations=(name,),
        ),
    )


def row(
    place: int | None, name: str, share: float | None = None, rank_class: RankClass = "ranked", **other: Any
) -> RankingRow:
    """A row of a ranking; its interval reaches half way down and up."""
    made = RankingRow(
        place=place,
        key=f"k{place}",
        name=name,
        urls=1200,
        hosts=900,
        sites=40,
        hosts_fractional=880.5,
        removed_24h=share,
        removed_24h_low=None if share is None else share / 2,
        removed_24h_high=None if share is None else (1 + share) / 2,
        removed_or_moved_24h=share,
        removed_24h_worst=share,
        removed_24h_best=share,
        median_h=None if share is None else 17.3,
        median_h_low=None if share is None else 12.0,
        episodes=700,
        unknown=3,
        rank_class=rank_class,
    )
    return replace(made, **other)


def standing(one: RankingRow, low: int | None = None, high: int | None = None) -> RankingEntry:
    """A row with its places and its volume against size."""
    place = PlaceRow(
        key=one.key,
        name=one.name,
        removed_24h=one.removed_24h,
        place_low=low,
        place_high=high,
        own_low=low,
        own_high=high,
        among_worst=None if low is None else 0.25,
        without_one_low=one.removed_24h,
        without_one_high=one.removed_24h,
        norm=None if low is None else 0.5,
        sites=one.sites,
        rank_class=one.rank_class,
    )
    volume = VolumeRow(
        key=one.key,
        name=one.name,
        urls=one.urls,
        hosts=one.hosts,
        sites=one.sites,
        incidents=30,
        incidents_fractional=20.0,
        routed_v4=5120,
        score=4.0,
        expected=12.5,
        ratio=3.2,
        shrunk=2.5,
        shrunk_low=2.0,
        shrunk_high=3.1,
        place_low=1,
        place_high=2,
        among_worst=0.5,
    )
    return RankingEntry(row=one, place=place, volume=volume)


def standings(name: str = "Acme BV") -> list[RankingEntry]:
    """Four rows, one of each class."""
    return [
        standing(row(1, name, 0.62), 2, 4),
        standing(row(2, "Beta", 0.1), 1, 2),
        standing(row(3, "Veil", rank_class="proxy")),
        standing(row(4, "Dark", rank_class="unmeasurable")),
        standing(row(5, "Tiny", rank_class="too few")),
    ]


SHEETS = sheet_paths([f"k{n}" for n in range(1, 6)])


def ranking(name: str = "Acme BV", **other: Any) -> RankingView:
    """A ranking by hoster."""
    values: dict[str, Any] = {"kind": "hoster", "standings": standings(name), "left_out": 2, "slowest": 1}
    return RankingView(**(values | {"sheets": SHEETS} | other))


def flow(name: str, hops: int = 9) -> Flow:
    """A flow from one hoster to another of that name."""
    return Flow(from_key="k1", from_name=name, to_key="k9", to_name=name, passage="leaves home", hops=hops, certain=4)


TOTALS = {
    "urls": 1200, "reports": 1500, "looks": 30_000, "looks_undecided": 12, "hosters": 5, "hosters_with_share": 2,
    "below_norm": 0, "norm_share": 0.5, "norm_rate": 0.1, "hops": 14, "hops_certain": 6, "left_home_least": 4,
    "left_home_most": 12, "quarantines_open": 1, "quarantines_open_no_verdict": 0, "quarantines": 1, "least": 3,
}  # fmt: skip
"""Numbers of the first page."""


PRESSED = datetime(2026, 5, 21, 12, tzinfo=UTC)
"""Thursday of the second of the weeks below."""


def pressed(name: str, at: datetime = PRESSED) -> Moment:
    """An event on axes of time."""
    return Moment(at=at, title=name)


def event_page(name: str, target: str = "k1") -> EventPage:
    """An event's page, and its shares."""
    shares = [
        Answer(
            question="?", name=f"removed {when}, target", estimator="e", reading="all", n=n, n_of="reports followed",
            estimate=share, low=share - 0.02, high=share, note="",
        )
        for when, n, share in (("before", 81, 0.06), ("after", 90, 0.98))
    ]  # fmt: skip
    page = Page(path="interventions/e.html", template="refused.html", title=f"{name}, pressed")
    return EventPage(
        page=page, paragraphs=("It did.",), moment=pressed(name), target=target, others=(), shares=tuple(shares)
    )


WEEKS = [("2026-W20", None), ("2026-W21", 0.2), ("2026-W22", 0.3)]
"""Three weeks, the first without a share."""


def changed(name: str, change: Changed) -> ChangeRow:
    """A hoster that changed since the edition before."""
    then, now = change != "came", change != "went"
    return ChangeRow(
        key="k1", name=name, change=change, class_before="ranked" if then else None, sites=12,
        class_now=None if not now else "too few" if change == "class" else "ranked",
        removed_before=0.4 if then else None, removed_before_low=0.3 if then else None,
        removed_before_high=0.5 if then else None, removed_now=0.62 if now else None,
        removed_now_low=0.5 if now else None, removed_now_high=0.7 if now else None,
    )  # fmt: skip


def overview(name: str = "Acme BV", **other: Any) -> OverviewView:
    """The first page."""
    hours = tuple(map(float, range(100)))
    curve = RemovalCurve(key="k1", name=name, hours=hours, removed=tuple(h / 200 for h in range(100)), clocks=9)
    held = quality(name).held
    values: dict[str, Any] = {
        "title": f"Study of {name}",
        "totals": [Total(name=one, value=float(number), meaning=f"{one} of {name}") for one, number in TOTALS.items()],
        "standings": standings(name),
        "slowest": [
            Slow(entry=one, country="NL", weeks=WEEKS, moments=in_weeks([week for week, _ in WEEKS], [pressed(name)]))
            for one in slowest_of_all(standings(name))
        ],
        "changes": [changed(name, change) for change in ("came", "went", "class", "share")],
        "changed_since": NOW,
        "curves": [curve],
        "passages": [
            Passage(passage="leaves home", hops=9, certain=4),
            Passage(passage="stays home", hops=2, certain=2),
            Passage(passage=None, hops=3, certain=0),
        ],
        "beyond": [Beyond(medium="tor", contents=9, least=0, most=6)],
        "held": held,
        "notes": [(f"Note on {name}.", "tables", "The tables, and what to do"), (f"Another on {name}.", "", "")],
        "events": [
            (
                "ranking.html",
                f"{name}, pressed",
                (f"{name} removed 90 to 97% of 30 reports.", "It is not shown that content moved."),
            )
        ],
        "sheets": SHEETS,
    }
    return OverviewView(**(values | other))


def week(name: str | None, within_h: float, removed: float | None) -> ComplianceRow:
    """What was acted on after notices of one week, or of all."""
    return ComplianceRow(
        key="k1",
        name="Acme BV",
        week=name,
        within_h=within_h,
        clocks=30,
        clusters=12,
        removed=removed,
        removed_low=None if removed is None else removed / 2,
        removed_high=None if removed is None else (1 + removed) / 2,
        removed_or_moved=removed,
        surely=9,
        possibly=11,
        before=2,
        removed_before=1,
        late=0,
        rank_class="too few" if removed is None else "ranked",
    )


def weekly(slope: tuple[float, float, float] | None = (0.031, 0.01, 0.052)) -> Weekly:
    """Weeks with a trend."""
    trend = ComplianceTrend(
        key="k1",
        name="Acme BV",
        within_h=24.0,
        first_week="2026-W01",
        last_week="2026-W03",
        weeks=5,
        clusters=40,
        slope=slope and slope[0],
        slope_low=slope and slope[1],
        slope_high=slope and slope[2],
        rank_class="ranked",
    )
    return Weekly(
        whole=[week(None, 12.0, 0.4), week(None, 24.0, 0.5)],
        weeks=[week("2026-W01", 24.0, 0.44), week("2026-W02", 24.0, None), week("2026-W03", 24.0, 0.58)],
        trend=trend,
    )


def reported(name: str, week: str, share: float | None) -> WindowShare:
    """What was removed of one week's reports."""
    return WindowShare(
        window=week, window_since=NOW, window_until=NOW, followed_to=NOW, key="k1", name=name, urls=30, sites=12,
        removed_24h=share, removed_24h_low=None, removed_24h_high=None, removed_24h_worst=share, removed_24h_best=share,
        episodes=30, first_down=0, rank_class="too few days" if share else "too few",
    )  # fmt: skip


def sheet(name: str = "Acme BV", **other: Any) -> SheetView:
    """A hoster's sheet."""
    hours = tuple(map(float, range(169)))
    shares = {cause: tuple(h / 300 if cause in ("removed", "moved") else 0.0 for h in hours) for cause in CAUSES}
    told = [
        CauseShare(cause=cause, within_h=h, share=shares[cause][int(h)], low=0.0, high=0.9)
        for h in MARKS_H
        for cause in CAUSES
    ]
    values: dict[str, Any] = {
        "standing": standings(name)[0],
        "places": 4,
        "slowest": 1,
        "seat": "NL",
        "origins": (64500, 64501),
        "curves": CauseCurves(hours=hours, shares=shares),
        "shares": told,
        "duration": Duration(
            clocks=9, median_h=17.3, median_low=12.0, median_high=None, late=0, within_h=168.0, mean_h=40.0,
            mean_low=30.0, mean_high=50.0,
        ),
        "weekly": weekly(),
        "reported": [reported(name, week, share) for week, share in WEEKS],
        "successions": [taken_over(name)],
        "reached_through": [Reached(key="AS64999", name=name, kind="transit", hosts=3, of=4)],
        "events": [event_page(name)],
        "moments": [pressed(name)],
        "goes_to": [flow(name), flow("Beta", 3)],
        "comes_from": [],
    }  # fmt: skip
    return SheetView(**(values | other))


def taken_over(name: str) -> HosterChange:
    """A confirmed succession to the sheet's hoster, of one with this name."""
    return HosterChange(
        change_id="0" * 32, kind="proposal", key=name, into="acme", members=(), name=None, country=None, entity=None,
        since=NOW, who="ann", reason="case 1", decided_at=NOW,
    )  # fmt: skip


def quality(name: str = "Acme BV", **other: Any) -> QualityView:
    """The page on data quality."""
    card = FeedCard(
        source=name, reports=90, urls=80, hosts=70, sites=60, first_day=NOW, last_day=NOW, days_covered=1, days=1,
        undated=0, delay_median_h=0.5, delay_p90_h=2.0, shared=0.25, first_here=0.5, deliveries=12, empty=1, suspect=1,
    )  # fmt: skip
    values: dict[str, Any] = {
        "cards": [card],
        "canaries": Canaries(
            vantages=[CanaryRecord(vantage=name, looks=40, failed=2, last=NOW, last_ok=False)],
            days=[
                CanaryDay(vantage=name, day="2026-06-02", looks=20, failed=0),
                CanaryDay(vantage=name, day="2026-06-03", looks=20, failed=2),
            ],
        ),
        "held": [
            Held(what=name, kind="hoster", began_at=NOW, ended_at=NOW, figures="7 of 9 sites went down", status="open")
        ],
        "lag": Lag(
            due=12, overdue=4, oldest_s=7200.0, promised_s=900.0, taken=100, taken_p50_s=60.0, taken_p95_s=600.0
        ),
        "tables": [
            DatedTable(kind="routes", family=4, date=NOW, age_days=9.0, rows=1234, licence=name, stale=True),
        ],
        "outcomes": [
            Outcome(outcome="up", state="up", looks=60),
            Outcome(outcome="soft_gone", state="down", looks=30),
            Outcome(outcome="challenge", state="unknown", looks=10),
        ],
        "hoster_word": 7,
        "stale_looks": 5,
        "moments": [pressed(name, NOW)],
    }  # fmt: skip
    return QualityView(**(values | other))


def method(name: str = "Acme BV") -> MethodView:
    """The page on method."""
    return MethodView(
        methods={"ranking": f"by {name}"},
        tables=[PublishedTable(name="ranking-hoster", title="ranking", rows=5, left_out=2)],
        sources={f"routes of {name}": name},
        effects=[
            NoticeEffect(
                what="a notice arrived",
                ratio=2.0,
                low=1.5,
                high=2.7,
                p=0.0001,
                clocks=120,
                clusters=90,
                of_clocks=200,
                of_clusters=150,
                refusal=None,
            )
        ],
    )


def letter(name: str = "Acme BV", **other: Any) -> LetterView:
    """The letter's questions, with a name where a category, a source and an event stand."""
    rows = [one.row for one in standings(name)]
    values: dict[str, Any] = {
        "tables": {"ranking-category": rows, "ranking-hoster": rows, "feeds": quality(name).cards},
        "passages": [Passage(passage="leaves home", hops=9, certain=4)],
        "home": "NL",
        "events": [
            (
                "ranking.html",
                f"{name}, pressed",
                (f"{name} removed 90 to 97% of 30 reports.", "It is not shown that content moved."),
            )
        ],
    }
    return LetterView(**(values | other))


def pages(name: str = "Acme BV") -> list[Page]:
    """All pages of the invented study."""
    others = [
        ranking_page(ranking(name), ["hoster", "asn"], START),
        ranking_page(ranking(name, kind="asn", sheets={}), ["hoster", "asn"], START),
        quality_page(quality(name)),
        method_page(method(name), START),
    ]
    others.append(letter_page(letter(name), others))
    sheets = [
        sheet_page(sheet(name if n == 1 else f"{name} {n}", standing=one), SHEETS, START)
        for n, one in enumerate(standings(name), 1)
    ]
    return [overview_page(overview(name), others, START), *others, *sheets]
