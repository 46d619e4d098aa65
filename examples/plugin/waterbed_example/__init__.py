"""A form of reports, a ranking, an export, a page and a question for Waterbed."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from waterbed.intake.csv_reports import ReportLine, checked_report
from waterbed.intake.csv_table import Rejected
from waterbed.intake.formats import ReportForm
from waterbed.measures.keys import RankingKind
from waterbed.model.conclusions import Attribution, RankingRow
from waterbed.publish.exports import Export
from waterbed.publish.policy import Publication
from waterbed.publish.site.added import AddedPage
from waterbed.shown.question import Command, Question

HEAD = "#pipes 1"
_STATES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"


def _parse(lines: Iterable[str], name: str) -> Iterator[ReportLine | Rejected]:
    """Read lines `time|category|url`; a wrong one is rejected and never repeated."""
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.rstrip("\r\n").split("|", 2)
        if len(cells) == 3:
            yield checked_report(number, dict(zip(("reported_at", "category", "url"), cells, strict=True)))
        else:
            yield Rejected(line=number, reason="time|category|url was expected")


def _is_head(head: Sequence[str]) -> bool:
    return head[0].startswith(HEAD) if head else False


def _union(answer: Attribution) -> tuple[str, ...]:
    """Whether addresses are delegated to the European Union; one key for each answer found."""
    return tuple(sorted({"in the EU" if country in _STATES.split() else "elsewhere" for country in answer.countries}))


def _slowest(publication: Publication) -> list[RankingRow]:
    """The ranked hosters that may be published, slowest first."""
    rows = [row for row in publication.table("ranking-hoster").rows if row.removed_24h_low is not None]
    return sorted(rows, key=lambda row: (row.removed_24h, row.name))


def _markdown(publication: Publication) -> dict[str, str]:
    rows = "".join(
        f"| {row.name.replace('|', ' ')} | {row.removed_24h:.0%} | "
        f"{row.removed_24h_low:.0%} to {row.removed_24h_high:.0%} |\n"
        for row in _slowest(publication)
    )
    return {"slowest.md": f"| hoster | removed within 24 h | 95% |\n| --- | --- | --- |\n{rows}"}


def _page(publication: Publication) -> str:
    rows = "".join(f"<li>{escape(row.name)}: {row.removed_24h:.0%}</li>" for row in _slowest(publication))
    return f"<p>Share removed within 24 hours of the report, slowest first.</p><ol>{rows}</ol>"


PIPES = ReportForm(parse=_parse, is_head=_is_head)
UNION = RankingKind(keys=_union)
SLOWEST = Export(write=_markdown, files={"slowest.md": "hosters by speed of removal, as Markdown"})
PAGE = AddedPage(title="Slowest", body=_page)
ATTRIBUTED = Question(
    commands={
        "attributed": Command("waterbed_example.question:attributed", "Count episodes at known hosters.", "Added")
    }
)
