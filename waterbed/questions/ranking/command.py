"""The `rank` command: rankings, sizes, and uncertainty of ranks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.model.conclusions import RankingRow
from waterbed.model.errors import InputError
from waterbed.model.spelling import counted, share_or_range
from waterbed.questions.ranking.printing import BY_WINDOW, PLACES_BY_WINDOW, print_ranking, print_side_by_side
from waterbed.shown.options import RANKED, Clock, Every, Follow, Format, Formatted, Since, Top, Until, ranking
from waterbed.shown.output import for_tools, note, say, unchecked
from waterbed.shown.windows import Asked, asked, print_by_window

if TYPE_CHECKING:
    from waterbed.measures.keys import Kind
    from waterbed.measures.ranking_tables import RankingTables, Side
    from waterbed.measures.totals import Span, Weighing
    from waterbed.model.table import TableInfo
    from waterbed.study.conclusions import Conclusions
    from waterbed.study.study import Study


_FROM_NOTICES = (Clock.notice_sent, Clock.notice_delivered, Clock.legal_order)
"""Clocks that only notices and orders on record start."""


class Shown(StrEnum):
    """The table to show."""

    ranking = "ranking"
    volume = "volume"
    places = "places"
    sources = "sources"
    actors = "actors"
    borrowed = "borrowed"


class Role(StrEnum):
    """The organisation that a ranking by hoster attributes to."""

    hoster = "hoster"
    upstream = "upstream"
    operator = "operator"
    proxy = "proxy"
    as_holder = "as-holder"


def rank(
    context: typer.Context,
    by: Annotated[
        str,
        typer.Option(
            help=f"Unit to rank: {', '.join(RANKED)}, or a plug-in's; country is the delegated one.",
            parser=ranking,
            autocompletion=lambda: list(RANKED),
            metavar="UNIT",
        ),
    ] = "hoster",
    form: Formatted = Format.table,
    top: Top = None,
    role: Annotated[Role, typer.Option(help="With --by hoster: the role.")] = Role.hoster,
    home: Annotated[bool, typer.Option("--home", help="Only content located at home.")] = False,
    abroad: Annotated[bool, typer.Option("--abroad", help="Only content located abroad.")] = False,
    table: Annotated[
        Shown,
        typer.Option(
            help="The ranking; volume against size; ranks by speed; each source separately; who acted; shares borrowed "
            "from all, for the study's own people."
        ),
    ] = Shown.ranking,
    day: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Day of the sizes; by default that of the last check."),
    ] = None,
    worst: Annotated[int, typer.Option(min=1, help="Number of keys that count as the worst.")] = 10,
    together: Annotated[
        float,
        typer.Option(
            min=1.0,
            help="Intervals and ranks by speed as if hosters decided on so many sites at once.",
            metavar="SITES",
        ),
    ] = 1.0,
    clock: Annotated[
        Clock | None, typer.Option(help="Origin of takedown clocks; by default from the settings.", show_default=False)
    ] = None,
    since: Since = None,
    until: Until = None,
    follow: Follow = None,
    every: Every = None,
    told_origins: Annotated[
        bool,
        typer.Option(
            "--told-origins",
            help="Use what a CDN's origin service told; needs the agreement on record (docs/origins.md).",
        ),
    ] = False,
) -> None:
    """Rank hosters by volume and share removed, with intervals.

    For example: waterbed -C mystudy rank --by asn --top 20
    """
    from waterbed.measures.about import as_if, own_events, ranking_info
    from waterbed.measures.ranking_tables import PLACES_METHOD, RankingTables
    from waterbed.study.study import open_study

    wanted, side = asked(since, until, follow, every), _side(home, abroad)
    if together != 1.0 and table not in (Shown.ranking, Shown.places):
        raise InputError(f"--together is for the ranking and for places, not for --table {table.value}: leave it out")
    if day and table is not Shown.volume:
        raise InputError("--as-of is the day of the sizes that --table volume needs: leave it out (docs/ranking.md)")
    with open_study(context.obj) as study:
        origin = clock.value if clock else study.config.clock
        if table in (Shown.places, Shown.sources, Shown.actors, Shown.borrowed) and origin != "reported":
            raise InputError(
                f"--table {table.value} knows clocks from the report alone, not {origin}"
                f"{'' if clock else ', which the settings name'}; add --clock reported (docs/notices.md)"
            )
        kind = _kind(by, role)
        each = (
            RankingTables(
                conclusions=conclusions,
                kind=kind,
                side=side,
                clock=origin,
                events=own_events(study),
                together=together,
            )
            for conclusions in (_told(study, wanted) if told_origins else wanted.each(study, grows=True))
        )
        if wanted.every:
            _by_window(study, list(each), table, worst, top, form, wanted)
            return
        tables = next(each)
        if wanted.window and form is Format.table and not tables.appearances:
            wanted.empty()
            return
        if together != 1.0 and form is Format.table:
            note(f"{as_if(together)}.")
        if table is Shown.volume:
            _volume(study, tables, day, worst, top, form)
        elif table is Shown.places:
            info = ranking_info(study, tables, "places", PLACES_METHOD)
            _places(tables, info, worst, top, form)
        elif table is Shown.sources:
            _sources(study, tables, top, form)
        elif table is Shown.actors:
            _actors(study, tables, top, form)
        elif table is Shown.borrowed:
            _borrowed(study, tables, top, form)
        else:
            _ranking(study, tables, by, top, form)


def _told(study: Study, wanted: Asked) -> Iterator[Conclusions]:
    """The conclusions of the whole study, with what an origin service told."""
    from waterbed.measures.told_origins import with_told_origins

    if wanted.window or wanted.every:
        raise InputError(
            "--told-origins is for the whole study: leave --since, --until, --window out (docs/origins.md)"
        )
    yield with_told_origins(study, study.conclude())


def _by_window(
    study: Study, each: Sequence[RankingTables], table: Shown, worst: int, top: int | None, form: Format, wanted: Asked
) -> None:
    """Print the rows of each week or month."""
    from waterbed.measures.about import ranking_info
    from waterbed.measures.ranking_tables import PLACES_METHOD, RankingTables
    from waterbed.model.results import PlaceRow

    if table in (Shown.volume, Shown.sources, Shown.actors, Shown.borrowed):
        raise InputError(f"--window is for the ranking and for places, not for --table {table.value} (docs/windows.md)")
    if not each:
        wanted.empty()
        return
    method = PLACES_METHOD if table is Shown.places else None
    rows = [(one.conclusions.window, one.places(worst) if method else one.rows) for one in each]
    whole = RankingTables(
        conclusions=study.conclude(window=wanted.window),
        kind=each[0].kind,
        side=each[0].side,
        clock=each[0].clock,
        together=each[0].together,
    )
    info = ranking_info(study, whole, table.value, method)
    cls = PlaceRow if method else RankingRow
    shown = [(window, own[:top]) for window, own in rows]
    print_by_window(cls, shown, info, form.value, wanted=wanted, columns=PLACES_BY_WINDOW if method else BY_WINDOW)


def _kind(by: str, role: Role) -> Kind:
    from waterbed.measures.keys import ROLES

    if role is not Role.hoster and by != "hoster":
        raise InputError("--role is for --by hoster alone: leave out one of the two (docs/ranking.md)")
    if by == "hoster":
        return ROLES[role.value]
    return by.replace("-", "_") if ranking(by) in RANKED else by


def _side(home: bool, abroad: bool) -> Side | None:
    if home and abroad:
        raise InputError("--home and --abroad are two rankings: leave out one of the two (docs/ranking.md)")
    return "home" if home else "abroad" if abroad else None


def _ranking(study: Study, tables: RankingTables, by: str, top: int | None, form: Format) -> None:
    from waterbed.measures.about import ranking_info
    from waterbed.measures.ranking import UNKNOWN
    from waterbed.model.facts import Notice
    from waterbed.model.mediums import MEDIUM_WORDS
    from waterbed.model.shell import command

    rows: Sequence[RankingRow] = tables.rows
    print_ranking(rows[:top] if top else rows, ranking_info(study, tables, "ranking"), form.value, tables.side)
    if form is Format.table and rows and tables.conclusions.whole.until is None:
        unchecked(study.path)
    elif form is Format.table and rows and all(row.key == UNKNOWN for row in rows):
        _unattributed(tables.kind.replace("_", " "))
    if form is Format.table and rows and tables.clock in _FROM_NOTICES and not study.store.count(Notice):
        first = command("notices", "notices.csv", study=study.path)
        say(
            f"This study has no notice, and the clock {tables.clock} begins with one: import notices first ({first}; "
            "docs/notices.md)",
            broken=True,
        )
    if form is Format.table and by == "hoster" and tables.clock == "reported":
        _weighing(tables.weighing(), tables.rows)
    without = Counter(tables.without_address.values())
    if form is Format.table and without:
        told = ", ".join(f"{MEDIUM_WORDS[medium]} {n:,}" for medium, n in sorted(without.items()))
        note(
            f"{without.total():,} reported URLs have no address to check ({told}): they are counted, never checked "
            "at, and at no hoster (--by medium).",
            broken=True,
        )


def _places(tables: RankingTables, info: TableInfo, worst: int, top: int | None, form: Format) -> None:
    from waterbed.model.results import PlaceRow
    from waterbed.questions.ranking.printing import print_places

    rows = tables.places(worst)[:top]
    if form is not Format.table:
        for_tools(PlaceRow, rows, info, form)
    elif rows:
        print_places(rows, tables.rows, info, worst, tables.side)
    else:
        _nothing()


def _volume(
    study: Study, tables: RankingTables, day: datetime | None, worst: int, top: int | None, form: Format
) -> None:
    from waterbed.measures.about import ranking_info, volume_method
    from waterbed.measures.sizes import ranking_sizes, ranking_structure
    from waterbed.model.results import VolumeRow
    from waterbed.questions.ranking.printing import print_volume

    on = (day or tables.conclusions.until or study.clock().astimezone(UTC)).date()
    rows, remark = tables.volume(ranking_sizes(study, tables, on), worst, ranking_structure(study, tables, on))
    info = ranking_info(study, tables, "volume", volume_method(remark))
    if form is not Format.table:
        for_tools(VolumeRow, rows[:top], info, form)
    elif rows:
        print_volume(rows[:top], info, worst, remark, tables.side)
    else:
        _nothing()


def _sources(study: Study, tables: RankingTables, top: int | None, form: Format) -> None:
    from waterbed.measures.about import ranking_info
    from waterbed.measures.by_source import side_by_side
    from waterbed.measures.sizes import ranking_sizes
    from waterbed.model.results import FeedRow
    from waterbed.questions.ranking.latent_sources import with_latent

    rows, agreements = side_by_side(tables)
    on = (tables.conclusions.until or study.clock()).astimezone(UTC).date()
    rows, latent = with_latent(rows, ranking_sizes(study, tables, on))
    info = ranking_info(study, tables, "feeds")
    if top:
        shown = list(dict.fromkeys(row.key for row in rows))[:top]
        rows = [row for row in rows if row.key in shown]
    if form is Format.table:
        print_side_by_side(rows, agreements, info, latent, tables.side)
    else:
        for_tools(FeedRow, rows, info, form)


def _actors(study: Study, tables: RankingTables, top: int | None, form: Format) -> None:
    from waterbed.measures.about import ranking_info
    from waterbed.measures.actors import ACTORS_METHOD
    from waterbed.model.takedown import ActorShare
    from waterbed.questions.ranking.printing import print_actors

    rows = tables.actors()
    shown = list(dict.fromkeys(row.key for row in rows))[: top + 1 if top else None]
    rows = [row for row in rows if row.key in shown]
    info = ranking_info(study, tables, "who acted", ACTORS_METHOD)
    if form is not Format.table:
        for_tools(ActorShare, rows, info, form)
    elif rows:
        print_actors(rows, info, tables.side)
    else:
        _nothing()


def _borrowed(study: Study, tables: RankingTables, top: int | None, form: Format) -> None:
    from waterbed.measures.about import ranking_info
    from waterbed.model.results import BorrowedRow
    from waterbed.questions.ranking.borrowed import borrowed_info, borrowed_rows
    from waterbed.questions.ranking.printing import print_borrowed

    rows = borrowed_rows(tables)[:top]
    info = borrowed_info(ranking_info(study, tables, "borrowed shares"))
    if form is not Format.table:
        for_tools(BorrowedRow, rows, info, form)
    elif rows:
        print_borrowed(rows, info, tables.side)
    else:
        _nothing()


def _weighing(found: Weighing | None, rows: Sequence[RankingRow]) -> None:
    """Print how hosters are weighted, if enough of them have a share."""
    from waterbed.measures.totals import coverage

    def spanned(one: Span) -> str:
        return share_or_range(one.single, one.worst, one.best)

    if found is None:
        return
    covered = coverage(rows)
    if not covered.told:
        say(f"Removed within 24 h: no total, as {covered.words}.")
        return
    say(
        f"Removed within 24 h: {spanned(found.by_hoster)} by hoster (mean of {found.hosters}, median "
        f"{spanned(found.middle)}; {found.slow} removed less than half), "
        f"{spanned(found.by_content)} by content ({found.clocks:,} clocks of these hosters)"
        f"{covered.words and f'; {covered.words}'}."
    )
    if found.changed:
        say(f"The share of {counted(found.changed, 'hoster')} changed: in these totals it is that of all its reports.")


def _nothing() -> None:
    """Print that the ranking is empty so far."""
    say("Nothing to rank: no reported URL was checked yet (waterbed import, waterbed recheck).")


def _unattributed(kind: str) -> None:
    """Print why a ranking consists of one unattributed row."""
    say(f"Nothing in the study tells the {kind} of any URL (docs/ranking.md, What is ranked).")
