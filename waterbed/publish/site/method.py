"""The page on method: how to read the numbers, what they cannot say, and the terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from waterbed.publish.site.layout import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable:
    """One table beside the pages."""

    name: str
    title: str
    rows: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodView:
    """Everything the page shows."""

    methods: Annotated[Mapping[str, str], "what a group of tables holds, to how it was estimated"]
    tables: Sequence[PublishedTable]
    sources: Annotated[Mapping[str, str], "each data set used, to its licence and attribution"]


def method_page(view: MethodView, start: str) -> Page:
    """The page on method; `start` is what clocks run from, in words."""
    return Page(
        path="method.html",
        template="method.html",
        title="Method and limits",
        menu="Method",
        values={"view": view, "start": start},
    )
