"""Pages that plug-ins add to a publication."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from waterbed.model.errors import InputError
from waterbed.model.plugins import INTERFACE, SEE, called, is_text
from waterbed.publish.policy import Publication
from waterbed.shown.layout import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedPage:
    """A page of a plug-in.

    `body` makes its HTML of what may be published: whole elements, without scripts and
    styles, which pages do not run or apply.
    """

    title: str
    body: Callable[[Publication], str]
    interface: int = INTERFACE


def added_pages(publication: Publication, plugins: Mapping[str, AddedPage]) -> Iterator[Page]:
    """Yield the pages of plug-ins; InputError if one fails."""
    for name, plugin in plugins.items():
        body = called(name, partial(plugin.body, publication))
        if not is_text(plugin.title) or not is_text(body):
            wrong = "a title" if is_text(body) else f"a {type(body).__name__}"
            raise InputError(f"the plug-in {name} made {wrong}, not a text of HTML that can be written ({SEE})")
        yield Page(
            path=f"plugins/{name}.html",
            template="added.html",
            title=plugin.title,
            values={"body": Markup(body)},  # noqa: S704 (the study's owner installed and named it)
            menu=plugin.title,
        )
