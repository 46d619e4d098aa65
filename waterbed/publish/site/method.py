"""The page on method: terms, methods, files, licences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from waterbed.model.takedown import NoticeEffect
from waterbed.publish.site.layout import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable:
    """A table published beside the pages."""

    name: str
    title: str
    rows: int
    left_out: int
    cases: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodView:
    """Content of the page."""

    methods: Annotated[Mapping[str, str], "what a group of tables holds, to how it was estimated"]
    tables: Sequence[PublishedTable]
    sources: Annotated[Mapping[str, str], "each data set used, to its licence and attribution"]
    effects: Annotated[Sequence[NoticeEffect], "how much sooner content is removed after notices"] = ()


def method_page(view: MethodView, start: str) -> Page:
    """Render the page on method; `start` names the clocks' origin."""
    return Page(
        path="method.html",
        template="method.html",
        title="Method and limits",
        menu="Method",
        values={"view": view, "start": start},
    )
