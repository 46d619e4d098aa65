"""The page on method: terms, methods, files, licences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from waterbed.model.takedown import NoticeEffect
from waterbed.shown.layout import UNLICENSED, Page
from waterbed.shown.rankings import CLASSES
from waterbed.store.settings import Tlp

TLP: Final[Mapping[Tlp, str]] = {
    "clear": "it may be passed on to everybody",
    "green": "it may be passed on within the recipient's community, not to the public",
    "amber": "it may be passed on within the recipient's organisation and to its clients who need it",
    "amber+strict": "it may be passed on within the recipient's organisation only",
    "red": "it is for the recipients in person only",
}
"""What each label of TLP 2.0 allows (FIRST)."""


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
        values={"view": view, "start": start, "classes": CLASSES, "tlp": TLP, "unlicensed": UNLICENSED},
    )
