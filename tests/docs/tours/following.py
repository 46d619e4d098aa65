"""A page's commands, run as a reader types them, and its outputs held against what they print."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.docs.markdown import ROOT, blocks

HOME = "~"
"""Where the page's reader is at home."""
PROGRESS = re.compile(r"^(?!waterbed:).*(?:/s|/min|/h|left|so far)\n", re.MULTILINE)
"""A line on standard error while work lasts, which a slow machine prints."""
ANOTHER = Path(__file__).parent / "another"
"""Holds another program called waterbed."""
LEFT_OUT = "…"
"""Stands for whatever is printed there: within a line for part of it, alone for any number of lines."""


_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command, and what the page says that it prints."""

    command: str
    shown: str


def steps(text: str) -> list[Step]:
    """The commands that have a prompt, in order."""
    prompted = [block for block in blocks(text) if block.startswith("$ ")]
    found = [part.partition("\n") for block in prompted for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [Step(command=command, shown=shown) for command, _, shown in found]


def normal(text: str, *homes: Path) -> str:
    """A text without what must differ: speed, keyed ids, ids of studies, where the reader is; no space at line ends."""
    for home in homes:
        text = text.replace(str(home), HOME)
    text = re.sub(r"in [\d.]+ s \([\d,]+ URLs/s\)", "in N s (N URLs/s)", text)
    text = re.sub(r"\b(?:[0-9a-f]{32}|[0-9a-f]{12})\b", "ID", text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def fits(shown: str, printed: str) -> bool:
    """Whether a text is what the page shows, with anything where that leaves something out, in columns of any width."""
    shown, printed = _unaligned(shown), _unaligned(printed)
    pattern = re.escape(shown)
    pattern = re.sub(rf"(^|\n){LEFT_OUT}(?=\n|$)", r"\1(?:.*(?:\n.*)*?)", pattern.replace("\\\n", "\n"))
    return re.fullmatch(pattern.replace(LEFT_OUT, ".*"), printed) is not None


def near(shown: str, printed: str) -> bool:
    """Whether a text is what the page shows, with numbers that another run of the same lab could give.

    Keys of a study differ, and so do the times of its checks: a number may lie 12 or 30% beside the one shown.
    """
    shown, printed = _unaligned(shown), _unaligned(printed)
    pattern = re.escape(_NUMBER.sub("\0", shown))
    pattern = re.sub(rf"(^|\n){LEFT_OUT}(?=\n|$)", r"\1(?:.*(?:\n.*)*?)", pattern.replace("\\\n", "\n"))
    found = re.fullmatch(pattern.replace(LEFT_OUT, ".*").replace("\0", f"({_NUMBER.pattern})"), printed)
    if found is None:
        return False
    pairs = zip(_NUMBER.findall(shown), found.groups(), strict=True)
    values = [[float(number.replace(",", "")) for number in pair] for pair in pairs]
    return all(abs(one - other) <= max(12.0, 0.3 * max(one, other)) for one, other in values)


def _unaligned(text: str) -> str:
    """A text whose columns are one space apart: what stands in one row moves the others."""
    return re.sub(r"[ \u2500]{2,}", " ", text)


@cache
def developers_modules() -> frozenset[str]:
    """Modules that the development tools bring, and an installation with every extra does not have."""
    users = re.findall(r"^([a-z][\w.-]*)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    kept = {"waterbed", *map(_normal_name, users)}
    return frozenset(
        module for module, its in packages_distributions().items() if kept.isdisjoint(map(_normal_name, its))
    )


def _normal_name(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def environment(home: Path) -> dict[str, str]:
    """That of a reader who is at home in a folder, with a terminal of 80 columns, and has not activated .venv.

    A program of another kind is called waterbed there.
    """
    kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")}
    path = [str(ANOTHER), *(one for one in kept["PATH"].split(os.pathsep) if one != f"{sys.prefix}/bin")]
    kept["PATH"] = os.pathsep.join(path)
    return kept | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "COLUMNS": "80"}


def follow(text: str, home: Path, *, fit: Callable[[str, str], bool] = fits) -> Path:
    """Run the commands of a page in a fresh copy, in order, as typed; each prints what stands below it.

    They have what is installed for users, and none of the development tools. `fit` takes what is shown and printed.
    """
    here = home / "waterbed"
    (here / "docs").mkdir(parents=True)
    (here / "docs/examples").symlink_to(ROOT / "docs/examples")
    (here / ".venv").symlink_to(sys.prefix)
    found = steps(text)
    assert len(found) > 4
    users = environment(home) | {"WATERBED_TESTS_WITHOUT": " ".join(sorted(developers_modules()))}
    for step in found:
        done = subprocess.run(
            step.command, shell=True, cwd=here, env=users, capture_output=True, text=True, check=False
        )
        printed = normal(done.stdout + PROGRESS.sub("", done.stderr), home.resolve(), home)
        shown = normal(step.shown)
        assert fit(shown, printed), f"$ {step.command}\n--- the page\n{shown}\n--- printed\n{printed}"
    return here
