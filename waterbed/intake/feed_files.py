"""Reports from the CSV files of public feeds, each with its own columns."""

from collections.abc import Iterable, Iterator
from typing import Final

from waterbed.intake.csv_reports import ReportLine, report
from waterbed.intake.csv_table import Columns, Rejected, read_lines

PAGE: Final = "docs/intake.md"

URLHAUS: Final = Columns(
    names={"url": ("url",), "reported_at": ("dateadded",), "category": ("threat",), "verified_at": ("last_online",)},
    needed=(("url",),),
    page=PAGE,
)
"""URLhaus (abuse.ch): the header is a comment; older dumps have no `last_online`."""

PHISHSTATS: Final = Columns(
    names={"url": ("url",), "reported_at": ("date",)},
    needed=(("url",),),
    page=PAGE,
    header=("date", "score", "url", "ip"),
)
"""PhishStats: comment lines, then rows without a header. Its address is that of its own look, not of ours."""


def parse_urlhaus(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Reports from URLhaus's CSV dump: its header line is a comment."""
    yield from read_lines((_uncommented(text) for text in lines), name, URLHAUS, report)


def is_urlhaus_header(text: str) -> bool:
    """Whether a comment names URLhaus's columns."""
    return text.lstrip("# ").lower().startswith("id,dateadded,url,")


def _uncommented(text: str) -> str:
    return text.lstrip("# ") if is_urlhaus_header(text) else text


def parse_phishstats(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Reports from PhishStats's CSV file, with or without its header line."""
    yield from read_lines(("" if is_phishstats_header(text) else text for text in lines), name, PHISHSTATS, report)


def is_phishstats_header(text: str) -> bool:
    """Whether a line names PhishStats's columns."""
    return text.lstrip("# ").replace('"', "").lower().startswith("date,score,url")
