"""The `docs` command: pages of the documentation, without a network."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Annotated, Final

import typer

from waterbed.model.errors import InputError
from waterbed.model.redaction import meant, shown
from waterbed.shown.output import say

_HEADING: Final = re.compile(r"^(#{1,6}) (.+?)\s*$")
_LISTED: Final = re.compile(r"^```\{eval-rst\}\n\.\. automodule:: ([\w.]+)\n.*?^```$", re.MULTILINE | re.DOTALL)
"""Where the site of the documentation lists the functions of a module."""
_MENU: Final = re.compile(r"^```\{toctree\}\n.*?^```\n?", re.MULTILINE | re.DOTALL)
"""The menu of that site."""


def docs(
    page: Annotated[
        str | None, typer.Argument(metavar="PAGE", help="As messages name it: docs/intake.md, or intake.")
    ] = None,
    section: Annotated[list[str] | None, typer.Argument(metavar="SECTION", help="One section alone.")] = None,
) -> None:
    """Print a page of the documentation, or list all pages.

    The pages come with the program: no network is needed.

    For example: waterbed docs intake CSV
    """
    pages = _pages()
    if page is None:
        for path in pages.values():
            say(f"{path.stem:20} {_title(path)}")
        return
    name = page.rstrip(",").removeprefix("docs/").removesuffix(".md")
    if name not in pages:
        near = meant(name, pages) or _section_like(name, pages)
        raise InputError(f"{shown(page)} is not a page{near}; waterbed docs lists the pages")
    text = _MENU.sub("", pages[name].read_text(encoding="utf-8"))
    text = _LISTED.sub(r"`python -m pydoc \1` lists them.", text)
    say((_section(text, " ".join(section), name) if section else text).rstrip("\n"))


def _pages() -> dict[str, Path]:
    """The pages by name: those of a clone, else those that the installation laid down."""
    folder = Path(__file__).parents[3] / "docs"
    if (folder / "cli.md").is_file():
        paths = list(folder.glob("*.md"))
    else:
        try:
            laid = files("waterbed") or []
        except PackageNotFoundError:
            laid = []
        paths = [Path(str(entry.locate())) for entry in laid if entry.parts[-3:-1] == ("waterbed", "docs")]
    return {path.stem: path for path in sorted(paths) if path.stem != "README"}


def _section_like(name: str, pages: dict[str, Path]) -> str:
    """The question whether a section was meant that begins so."""
    for page, path in pages.items():
        for line in path.read_text(encoding="utf-8").splitlines():
            heading_match = _HEADING.match(line)
            if (
                heading_match
                and len(heading_match[1]) > 1
                and name
                and heading_match[2].lower().startswith(name.lower())
            ):
                return f" (did you mean {page} {heading_match[2]}?)"
    return ""


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        return next(lines, "").lstrip("# ").rstrip()


def _section(text: str, heading: str, page: str) -> str:
    """A heading with what stands below it, up to the next of its level."""
    section: list[str] = []
    level, fenced, headings = 0, False, list[str]()
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        heading_match = None if fenced else _HEADING.match(line)
        if heading_match:
            headings.append(heading_match[2].replace("`", ""))  # which a shell would take for a command
            if headings[-1].lower() == heading.replace("`", "").lower() and not section:
                level = len(heading_match[1])
            elif len(heading_match[1]) <= level:
                level = 0
        if level:
            section.append(line)
    if not section and not headings[1:]:
        raise InputError(f"{page} has no sections; waterbed docs {page} prints it whole")
    if not section:
        raise InputError(
            f"{shown(heading)} is not a section of {page}{meant(heading, headings[1:])}; its sections are "
            f"{', '.join(headings[1:])}"
        )
    return "\n".join(section)
