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
    beside = Path(__file__).parents[3] / "docs"
    if (beside / "cli.md").is_file():
        found = list(beside.glob("*.md"))
    else:
        try:
            laid = files("waterbed") or []
        except PackageNotFoundError:
            laid = []
        found = [Path(str(one.locate())) for one in laid if one.parts[-3:-1] == ("waterbed", "docs")]
    return {path.stem: path for path in sorted(found) if path.stem != "README"}


def _section_like(name: str, pages: dict[str, Path]) -> str:
    """The question whether a section was meant that begins so."""
    for page, path in pages.items():
        for line in path.read_text(encoding="utf-8").splitlines():
            found = _HEADING.match(line)
            if found and len(found[1]) > 1 and name and found[2].lower().startswith(name.lower()):
                return f" (did you mean {page} {found[2]}?)"
    return ""


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        return next(lines, "").lstrip("# ").rstrip()


def _section(text: str, heading: str, page: str) -> str:
    """A heading with what stands below it, up to the next of its level."""
    kept: list[str] = []
    level, fenced, known = 0, False, list[str]()
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        found = None if fenced else _HEADING.match(line)
        if found:
            known.append(found[2].replace("`", ""))  # which a shell would take for a command
            if known[-1].lower() == heading.replace("`", "").lower() and not kept:
                level = len(found[1])
            elif len(found[1]) <= level:
                level = 0
        if level:
            kept.append(line)
    if not kept and not known[1:]:
        raise InputError(f"{page} has no sections; waterbed docs {page} prints it whole")
    if not kept:
        raise InputError(
            f"{shown(heading)} is not a section of {page}{meant(heading, known[1:])}; its sections are "
            f"{', '.join(known[1:])}"
        )
    return "\n".join(kept)
