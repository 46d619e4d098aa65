"""The command line's part for rankings: what is ranked, against what size, and how sure each place is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, get_args

import typer

from waterbed import show_rank, show_ranking
from waterbed.compliance import Clock
from waterbed.formats import Format, Formatted, for_tools
from waterbed.model.conclusions import RankingRow
from waterbed.model.errors import InputError
from waterbed.model.standings import FeedRow, PlaceRow, VolumeRow
from waterbed.model.table import Envelope
from waterbed.rankings.kinds import ROLES, Kind
from waterbed.rankings.rank import UNKNOWN
from waterbed.sizes import ranking_sizes
from waterbed.standings import PLACES_METHOD, VOLUME_METHOD, RankingTables, Side, ranking_info, side_by_side
from waterbed.study import Study, open_study


class By(StrEnum):
    """What is ranked."""

    hoster = "hoster"
    asn = "asn"
    country = "country"
    delegated = "delegated"
    registered = "registered"
    seat = "seat"
    upstream = "upstream"
    platform = "platform"
    category = "category"


_KINDS: dict[By, Kind] = {By(kind): kind for kind in get_args(Kind) if kind in set(By)}


class Role(StrEnum):
    """Which organisations a ranking by hoster is of."""

    hoster = "hoster"
    upstream = "upstream"
    operator = "operator"
    proxy = "proxy"
    as_holder = "as-holder"


def rank(
    context: typer.Context,
    by: Annotated[By, typer.Option(help="What to rank; country is delegated.")] = By.hoster,
    form: Formatted = Format.table,
    top: Annotated[int | None, typer.Option(min=1, help="Only the first rows.")] = None,
    role: Annotated[Role, typer.Option(help="With --by hoster: in which role.")] = Role.hoster,
    home: Annotated[
        bool | None, typer.Option("--home/--abroad", help="Only what lies there.", show_default=False)
    ] = None,
    volume: Annotated[bool, typer.Option("--volume", help="Volume against size, instead.")] = False,
    places: Annotated[bool, typer.Option("--places", help="Places by speed and how sure they are, instead.")] = False,
    feeds: Annotated[bool, typer.Option("--feeds", help="Each source on its own, side by side, instead.")] = False,
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="Day of the sizes; else that of the last look."),
    ] = None,
    worst: Annotated[int, typer.Option(min=1, help="How many count as the worst.")] = 10,
    clock: Annotated[
        Clock | None, typer.Option(help="What takedown clocks run from; else as the settings say.", show_default=False)
    ] = None,
) -> None:
    """The ranking: volume, and share removed within 24 hours with its interval.

    For example: waterbed -C mystudy rank --by asn --top 20
    """
    if volume + places + feeds > 1:
        raise InputError("--volume, --places and --feeds are three tables: name one of them (docs/ranking.md)")
    if day and not volume:
        raise InputError("--date is the day of the sizes that --volume needs: leave it out (docs/ranking.md)")
    with open_study(context.obj) as study:
        origin = clock.value if clock else study.folder.config.clock
        if (places or feeds) and origin != "reported":
            raise InputError(f"--places and --feeds know clocks from the report alone, not {origin} (docs/notices.md)")
        kind, done = _kind(by, role), study.conclude()
        standings = RankingTables(done=done, kind=kind, side=_side(home), clock=origin)
        if volume:
            _volume(study, standings, day, worst, top, form)
        elif places:
            heading = ranking_info(study, standings, "places", PLACES_METHOD)
            _print(PlaceRow, standings.places(worst)[:top], heading, form, worst)
        elif feeds:
            _feeds(study, standings, top, form)
        else:
            _ranking(study, standings, by, top, form)


def _kind(by: By, role: Role) -> Kind:
    if role is not Role.hoster and by is not By.hoster:
        raise InputError("--role is for --by hoster alone: leave out one of the two (docs/ranking.md)")
    return _KINDS[by] if by is not By.hoster else ROLES[role.value]


def _side(home: bool | None) -> Side | None:
    return None if home is None else ("home" if home else "abroad")


def _ranking(study: Study, standings: RankingTables, by: By, top: int | None, form: Format) -> None:
    rows: Sequence[RankingRow] = standings.rows
    show_ranking.ranking(rows[:top] if top else rows, ranking_info(study, standings, "ranking"), form.value)
    if form is Format.table and rows and all(row.key == UNKNOWN for row in rows):
        show_rank.unattributed(standings.kind.replace("_", " "))
    if form is Format.table and by is By.hoster and standings.clock == "reported":
        show_rank.weighing(standings.weighing())


def _volume(
    study: Study, standings: RankingTables, day: datetime | None, worst: int, top: int | None, form: Format
) -> None:
    when = day or standings.done.until or study.folder.clock().astimezone(UTC)
    rows = standings.volume(ranking_sizes(study, standings, when.date()), worst)
    _print(VolumeRow, rows[:top], ranking_info(study, standings, "volume", VOLUME_METHOD), form, worst)


def _feeds(study: Study, standings: RankingTables, top: int | None, form: Format) -> None:
    rows, agreements = side_by_side(standings)
    heading = ranking_info(study, standings, "feeds")
    if top:
        shown = list(dict.fromkeys(row.key for row in rows))[:top]
        rows = [row for row in rows if row.key in shown]
    if form is Format.table:
        show_rank.feeds(rows, agreements, heading)
    else:
        for_tools(FeedRow, rows, heading, form)


def _print(
    cls: type, rows: Sequence[VolumeRow] | Sequence[PlaceRow], heading: Envelope, form: Format, worst: int
) -> None:
    if form is not Format.table:
        for_tools(cls, rows, heading, form)
    elif rows:
        show_rank.standings(rows, heading, worst)
    else:
        show_rank.nothing()
