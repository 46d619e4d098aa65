"""The layout of every page, and the formatting of numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from importlib.resources import files
from typing import Annotated, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from waterbed.measures.constancy import change_message
from waterbed.measures.takedown import seldom_seen
from waterbed.model.formatter import OWN
from waterbed.model.progress import staged
from waterbed.model.spelling import NOTHING, number, p_value, percent, share_of
from waterbed.model.table import TableInfo
from waterbed.shown.figures.marks import Figure
from waterbed.store.settings import Tlp
from waterbed.study.formats import as_csv, as_json

POLICY: Final = (
    "default-src 'none'; script-src 'self'{files}; style-src 'self'{files}; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""Content security policy of pages: own scripts and style, none of either within a page.

A folder that is opened from a disk has no origin of its own in every browser, hence `file:` there.
"""
UNLICENSED: Final = "LicenseRef-none"
"""The licence of a study that names none."""
ALONE: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""The policy of a page that is one file: its style stands in it, and no script is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Values that all pages of a site share."""

    title: Annotated[str, "name of the study"]
    made_at: Annotated[datetime, "when the conclusions were drawn, aware"]
    first: Annotated[datetime | None, "first check; null: none yet"]
    last: Annotated[datetime | None, "last check"]
    home: Annotated[str, "ISO code of the country that counts as home"]
    publisher: Annotated[str, "who publishes"]
    tlp: Annotated[Tlp, "traffic light (TLP 2.0)"]
    licence: Annotated[str, "SPDX name of the licence"]
    least: Annotated[int, "rows about fewer sites are left out"]
    info: Annotated[TableInfo, "of the ranking by hoster: clock, run, version, data, protocol and caveat"]

    @property
    def licence_words(self) -> str:
        """The licence for people."""
        return "no licence is given" if self.licence == UNLICENSED else f"licence {self.licence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """Rows behind a page, written beside it."""

    path: Annotated[str, "path of its files in the site, without .csv and .json"]
    cls: Annotated[type, "dataclass of its rows"]
    rows: Annotated[Sequence[Any], "the rows"]
    what: Annotated[str, "what they are"]
    by: Annotated[str, "what a row stands for"]
    method: Annotated[str, "how they were estimated, or counted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: a template extending layout.html, and its values."""

    path: Annotated[str, "path in the site, with / between parts"]
    template: Annotated[str, "name of its template"]
    title: Annotated[str, "its heading"]
    values: Annotated[Mapping[str, Any], "what the template is filled with"] = field(default_factory=dict)
    menu: Annotated[str | None, "its word in the navigation; null: it is reached from others"] = None
    under: Annotated[str | None, "path of the page in the navigation that it belongs to"] = None
    figures: Annotated[Sequence[Figure], "its figures"] = ()
    tables: Annotated[Sequence[PageTable], "rows that are written beside it"] = ()
    scripts: Annotated[tuple[str, ...], "scripts among the assets, in order; the page is whole without them"] = ()

    @property
    def assets(self) -> tuple[str, ...]:
        """The scripts it loads, in order."""
        return (*self.scripts, LINKS)


LINKS: Final = "links.js"
"""The script that copies the link of a figure or table."""


def render(frame: Layout, page: Page, menu: Sequence[tuple[str, str]]) -> str:
    """Render a page with every value escaped.

    `menu` are path and word of the navigation's entries.
    """
    return (
        templates()
        .get_template(page.template)
        .render(
            {
                **page.values,
                "frame": frame,
                "page": page,
                "menu": menu,
                "root": "../" * page.path.count("/"),
                "policy": POLICY.format(files=" file:"),
                "figures": {figure.name: figure for figure in page.figures},
            }
        )
    )


@cache
def templates() -> Environment:
    """The pages' templates: escaped throughout, undefined names an error."""
    found = Environment(
        loader=PackageLoader("waterbed.shown", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    found.filters["percent"] = percent
    found.filters["share"] = share_of
    found.filters["share_of"] = partial(share_of, name="removed")
    found.filters["change_words"] = lambda row: OWN.text(change_message(row))
    found.filters["thousands"] = thousands
    found.filters["number"] = number
    found.filters["p_value"] = p_value
    found.filters["seldom_seen"] = lambda row: seldom_seen(row.first_down, row.episodes)
    found.filters["day"] = day
    found.filters["minute"] = minute
    return found


def thousands(count: int | None) -> str:
    """Format a count, a dash for none."""
    return NOTHING if count is None else f"{count:,}"


def day(when: datetime | None) -> str:
    """Format a day, as 5 January 2026."""
    return NOTHING if when is None else f"{when.astimezone(UTC).day} {when.astimezone(UTC):%B %Y}"


def minute(when: datetime | None) -> str:
    """Format a time to the minute, UTC."""
    return NOTHING if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M}"


HTML: Final = "text/html; charset=utf-8"
START: Final = "index.html"
_MEDIA: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "html": HTML,
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "gexf": "application/xml",
    "graphml": "application/xml",
    "parquet": "application/vnd.apache.parquet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a publication."""

    content: Annotated[bytes, "what is written, or answered"]
    media: Annotated[str, "its media type with charset"]
    cases: Annotated[bool, "whether it holds single cases: a server gives it to those with that scope"] = False


Site = Mapping[str, File]
"""Files by path: index.html, data/totals.csv, hosters/KEY.html, assets/style.css, ..."""


def make_site(frame: Layout, pages: Sequence[Page]) -> Site:
    """Render all pages and the assets that they use.

    The navigation names the pages that have a `menu`.
    """
    menu = tuple((page.path, page.menu) for page in pages if page.menu)
    made = {
        page.path: File(content=render(frame, page, menu).encode(), media=HTML)
        for page in staged("pages written", pages)
    }
    if len(made) < len(pages):
        raise ValueError("two pages have one path")
    tables = {path: file for page in pages for table in page.tables for path, file in data_files(table, frame.info)}
    assets = {"style.css", *(name for page in pages for name in page.assets)}
    return made | tables | {f"assets/{name}": asset(name) for name in sorted(assets)}


def data_files(table: PageTable, info: TableInfo) -> Iterator[tuple[str, File]]:
    """The rows of a page as CSV and JSON.

    By path; `info` is that of another table of the study.
    """
    own = replace(info, what=table.what, by=table.by, method=table.method, left_out=0)
    for ending, text in (("csv", as_csv(table.cls, table.rows)), ("json", as_json(table.cls, table.rows, own))):
        yield f"{table.path}.{ending}", File(content=text.encode(), media=media_of(f".{ending}"))


def media_of(path: str) -> str:
    """The media type of a file, by its ending."""
    return _MEDIA.get(path.rpartition(".")[2], "text/plain; charset=utf-8")


@cache
def asset(name: str) -> File:
    """Read the stylesheet or a script."""
    text = files("waterbed.shown").joinpath("assets", name).read_text(encoding="utf-8")
    return File(content=text.encode(), media=media_of(name))
