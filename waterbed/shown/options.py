"""Options and arguments that several commands share."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from waterbed.model.errors import InputError
from waterbed.model.redaction import meant, shown


def to_write(place: Path | None) -> Path | None:
    """Take a place to write to.

    InputError, before any work, for one in a publication's folder: these outputs were not made for its readers.
    """
    if place is not None:
        from waterbed.store.whole.replacing import refuse_published  # noqa: PLC0415 (help needs none of it)

        refuse_published(place)
    return place


class Format(StrEnum):
    """Output formats of rows."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


class By(StrEnum):
    """The unit of a row."""

    hoster = "hoster"
    asn = "asn"
    country = "country"


class Complied(StrEnum):
    """The unit of a row about removal after notices."""

    hoster = "hoster"
    asn = "asn"
    country = "country"
    category = "category"
    site_type = "site-type"
    commercial = "commercial"
    registrar = "registrar"


class Clock(StrEnum):
    """The origin of takedown clocks."""

    first_seen = "first_seen"
    reported = "reported"
    notice_sent = "notice_sent"
    notice_delivered = "notice_delivered"
    legal_order = "legal_order"
    episode_start = "episode_start"


Formatted = Annotated[Format, typer.Option("--format", help="table for people; csv, json, parquet for tools.")]
ByRow = Annotated[By, typer.Option("--by", help="Unit of a row.")]
Reason = Annotated[
    str, typer.Option("--reason", help="Reason, kept on record; must contain no address.", show_default=False)
]
Given = Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The day, as 2025-04-11.")]
AsOf = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="As of this day; else today.")]
Queue = Annotated[str, typer.Option("--queue", help="hosters, roles or outcomes.")]
Page = Annotated[
    Path | None,
    typer.Option("--out", help="Folder for the page and the JSON, instead.", show_default=False, callback=to_write),
]
Store = Annotated[
    str | None,
    typer.Option(help="sqlite, or a postgresql:// URL of an empty database; else $WATERBED_STORE, else sqlite."),
]
NewStudy = Annotated[
    Path, typer.Argument(metavar="DIR", help="The study folder to make; it may not exist yet.", callback=to_write)
]
Override = Annotated[str, typer.Option(help="TLP:CLEAR: reason for not waiting for hosters' replies; kept on record.")]
Zone = Annotated[
    str | None,
    typer.Option(
        help="Time zone of times that name none, in CSV and SCART's files, like Europe/Amsterdam.", show_default="UTC"
    ),
]
Dates = Annotated[
    str | None,
    typer.Option(help="Order in CSV's dates like 5-1-2026: day-first or month-first.", show_default=False),
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same studies.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that share them.")]
Processes = Annotated[int, typer.Option(min=1, max=256, help="Worker processes that share the work.")]
Top = Annotated[int | None, typer.Option(min=1, help="Only the first rows.")]
Since = Annotated[
    str | None, typer.Option("--since", help="Only URLs first reported from this day or time on.", show_default=False)
]
Until = Annotated[
    str | None, typer.Option("--until", help="Only URLs first reported before this day or time.", show_default=False)
]
Follow = Annotated[
    str | None,
    typer.Option(
        "--follow", help="Follow them for so long after the window's end, as 36h, 14d, 2w.", show_default=False
    ),
]
Every = Annotated[
    str | None, typer.Option("--window", help="Rows by week or month of the first report.", show_default=False)
]
OfSource = Annotated[str | None, typer.Option("--source", help="Only what this source reported.", show_default=False)]
Hoster = Annotated[str, typer.Argument(metavar="HOSTER", help="A hoster's key, AS64500 or registry:HANDLE.")]

# Words of other modules, spelled here as well so that no module is loaded to help or to complete; a test compares them.
REPORT_FORMS = (
    "csv", "urls", "openphish", "urlhaus", "tweetfeed", "phishtank", "phishstats", "scart", "scart-input", "iccam",
    "jsonl", "json", "xarf", "misp", "stix",
)  # fmt: skip
RANKED = (
    *("hoster", "asn", "country", "delegated", "registered", "seat", "upstream", "transit", "platform"),
    *("category", "site-type", "commercial", "medium", "registrar", "tld"),
)
NOTICE_FORMS = ("csv", "scart")
TABLE_KINDS = (
    "routes",
    "places",
    "organisations",
    "hosting",
    "domains",
    "covariates",
    "relations",
    "siblings",
    "births",
)
WINDOW_DAYS = 30


def ranking(word: str) -> str:
    """Take the name of a ranking; InputError for another name.

    One that is built in, or that a plug-in adds.
    """
    if word in RANKED:
        return word
    from waterbed.measures.keys import RankingKind  # noqa: PLC0415 (for words that are not built in)
    from waterbed.model.plugins import added  # noqa: PLC0415 (the same)

    more = added("rankings", RankingKind, dict.fromkeys(RANKED))
    if word not in more:
        known = (*RANKED, *more)
        raise InputError(
            f"--by {shown(word)} is not known{meant(word, known)}; one of {', '.join(known)} was expected "
            "(docs/ranking.md, What is ranked)"
        )
    return word


OUTCOMES = "outcomes"
