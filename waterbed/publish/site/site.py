"""The site: every page and asset by its path, the same bytes whether written as files or served."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

from plotly.offline import get_plotlyjs

from waterbed.publish.site.layout import LIBRARY, Frame, Page, render

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


def make_site(frame: Frame, pages: Sequence[Page]) -> Site:
    """Spell all pages, and the assets that they ask for; the navigation names those that have a `menu`."""
    menu = tuple((page.path, page.menu) for page in pages if page.menu)
    made = {page.path: File(content=render(frame, page, menu).encode(), media=HTML) for page in pages}
    if len(made) < len(pages):
        raise ValueError("two pages have one path")
    assets = {"style.css", *(name for page in pages for name in page.assets)}
    return made | {f"assets/{name}": asset(name) for name in sorted(assets)}


@cache
def asset(name: str) -> File:
    """A stylesheet or script by its name; the drawing library is one of them."""
    if name == LIBRARY:
        text = get_plotlyjs()
    else:
        text = files("waterbed.pages").joinpath("assets", name).read_text(encoding="utf-8")
    return File(content=text.encode(), media=_MEDIA[name.rpartition(".")[2]])
