"""A page taken apart: elements, texts of scripts and styles, and what a reader sees."""

import re
from html.parser import HTMLParser


class Parsed(HTMLParser):
    """Elements, script texts and readable text of a page."""

    def __init__(self, text: str) -> None:
        """Take a page apart."""
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._shown: list[str] = []
        self._inside: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, dict(attrs)))
        self._shown.append(" ")
        self._inside = tag if tag in ("script", "style") else self._inside

    def handle_endtag(self, tag: str) -> None:
        """Leave a script."""
        self._inside = None if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        """Keep a text where it belongs."""
        if self._inside == "script":
            self.scripts.append((self.elements[-1][1], data))
        elif self._inside is None:
            self._shown.append(data)

    @property
    def shown(self) -> str:
        """What a reader sees, white space as one space."""
        return re.sub(r"\s+", " ", "".join(self._shown))

    @property
    def figures(self) -> list[str]:
        """Names of its figures."""
        places = (str(attributes.get("id", "")) for tag, attributes in self.elements if tag == "figure")
        return [place.removeprefix("figure-") for place in places]

    def having(self, **wanted: str) -> list[dict[str, str | None]]:
        """The attributes of elements that have these."""
        sought = {name.rstrip("_"): value for name, value in wanted.items()}
        return [a for _, a in self.elements if all(a.get(name) == value for name, value in sought.items())]

    @property
    def links(self) -> list[str]:
        """Every reference to another file or place."""
        return [
            value
            for _, attributes in self.elements
            for name, value in attributes.items()
            if name in ("href", "src", "srcset", "action", "data", "poster", "ping", "xlink:href") and value
        ]
