"""What the tests read out of Markdown: headings, tables, code."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder."""

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
"""Every page: README, changelog and all of docs/."""

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    """The text of a page in docs/."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """The text without fenced code."""
    return _FENCE.sub("", text)


def blocks(text: str) -> list[str]:
    """The insides of fenced code."""
    return [found.partition("\n")[2].rpartition("\n")[0] for found in _FENCE.findall(text)]


def spans(text: str) -> list[str]:
    """The insides of inline code."""
    return re.findall(r"`([^`\n]+)`", prose(text))


def headings(text: str) -> list[str]:
    """All headings, as they are written."""
    return re.findall(r"^#{1,6} (.+?)\s*$", prose(text), re.MULTILINE)


def anchor(heading: str) -> str:
    """What a link calls a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def section(text: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no section {heading}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows, heads and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cut = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    rules = {number for number, cells in enumerate(cut) if all(re.fullmatch(":?-{3,}:?", cell) for cell in cells)}
    return [cells for number, cells in enumerate(cut) if number not in rules and number + 1 not in rules]
