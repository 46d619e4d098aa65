"""The layout of every page, and the formatting of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from waterbed.model.progress import staged
from waterbed.model.spelling import NOTHING, number, percent

LIBRARY: Final = "plotly.js"
"""The drawing library, as the name of its asset."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'{files}; style-src 'self'{files} 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""Content security policy of pages: own scripts and style. The library sets styles in elements, hence 'unsafe-inline'.

A folder that is opened from a disk has no origin of its own in every browser, hence `file:` there.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Values that all pages of a site share."""

    title: Annotated[str, "name of the study"]
    made_at: Annotated[datetime, "when the conclusions were drawn, aware"]
    first: Annotated[datetime | None, "first look; null: none yet"]
    last: Annotated[datetime | None, "last look"]
    home: Annotated[str, "ISO code of the country that counts as home"]
    publisher: Annotated[str, "who publishes"]
    tlp: Annotated[str, "traffic light (TLP 2.0)"]
    licence: Annotated[str, "SPDX name of the licence"]
    least: Annotated[int, "rows about fewer sites are left out"]
    clock: Annotated[str, "what takedown clocks run from"]
    run: Annotated[str, "id of the newest run"]
    version: Annotated[str, "version of Waterbed"]
    data_dates: Annotated[Mapping[str, str], "each data set to its date"]
    protocol: Annotated[str, "what the ranking is to the locked protocol; none: there is none"] = "none"
    deviations: Annotated[Sequence[str], "what was done otherwise than the protocol says, with reasons"] = ()
    caveat: Annotated[str, "of a lab: Simulated or Replay, and what that means; empty: the Internet was measured"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: a template extending layout.html, and its values."""

    path: Annotated[str, "path in the site, with / between parts"]
    template: Annotated[str, "name of its template"]
    title: Annotated[str, "its heading"]
    values: Annotated[Mapping[str, Any], "what the template is filled with"] = field(default_factory=dict)
    menu: Annotated[str | None, "its word in the navigation; null: it is reached from others"] = None
    under: Annotated[str | None, "path of the page in the navigation that it belongs to"] = None
    figures: Annotated[Mapping[str, Any], "the library's plain data by name: NAME is drawn in #figure-NAME"] = field(
        default_factory=dict
    )
    scripts: Annotated[tuple[str, ...], "further scripts among the assets, in order"] = ()

    @property
    def assets(self) -> tuple[str, ...]:
        """The scripts it loads, in order."""
        return (*((LIBRARY, "figures.js") if self.figures else ()), *self.scripts)


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
                "figures": page.figures,
            }
        )
    )


@cache
def templates() -> Environment:
    """The pages' templates: escaped throughout, undefined names an error."""
    found = Environment(
        loader=PackageLoader("waterbed.publish.site", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["percent"] = percent
    found.filters["thousands"] = thousands
    found.filters["number"] = number
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
_MEDIA: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "html": HTML}


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One page or asset."""

    content: Annotated[bytes, "what is written, or answered"]
    media: Annotated[str, "its media type with charset"]


Site = Mapping[str, File]
"""Files by path: index.html, hosters/KEY.html, assets/style.css, ..."""


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
    assets = {"style.css", *(name for page in pages for name in page.assets)}
    return made | {f"assets/{name}": asset(name) for name in sorted(assets)}


@cache
def asset(name: str) -> File:
    """Read a stylesheet or script, the drawing library included."""
    if name == LIBRARY:
        text = get_plotlyjs()
    else:
        text = files("waterbed.publish.site").joinpath("assets", name).read_text(encoding="utf-8")
    return File(content=text.encode(), media=_MEDIA[name.rpartition(".")[2]])
