"""A page for each event file of a study: what it did, or why nothing is said of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from graphs.displacement.disclosure import Told
from graphs.displacement.event import read_event
from graphs.displacement.findings import Findings
from graphs.network.moves import Level
from waterbed.analysis.displacement import findings_of
from waterbed.model.errors import InputError
from waterbed.model.redaction import names_something, redact
from waterbed.publish.site.interventions import intervention_page, refused_page
from waterbed.publish.site.layout import Page
from waterbed.publish.site.written import view_of
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

EVENTS: Final = "events"
"""Folder of a study that holds its event files."""
FOLDER: Final = "interventions"
"""Folder of the site that holds their pages."""
_POINTER: Final = re.compile(r"(?:[;,] see | \()docs/[^;]*$")
"""Where a refusal says where to look: readers of the site have no such file."""


def intervention_pages(
    study: Study, done: Conclusions, *, named: Mapping[Level, frozenset[str]], least: int, under: str
) -> list[tuple[Page, str]]:
    """The page of each event file, by its name, with one sentence about it; a file that is refused has its reason."""
    files = event_files(study.path)
    return [
        _page(study, done, file, path, named=named, least=least, under=under)
        for file, path in zip(files, _paths(files), strict=True)
    ]


def event_files(folder: Path) -> list[Path]:
    """The event files of a study folder, by name."""
    return sorted((folder / EVENTS).glob("*.toml"))


def _paths(files: Sequence[Path]) -> Iterator[str]:
    """A path for each page: small letters, digits and dashes, none twice, and nothing of a file called like a host."""
    given: set[str] = set()
    for file in files:
        stem = "" if names_something(file.name) else file.stem.lower()
        name = re.sub("[^a-z0-9]+", "-", stem).strip("-")[:60] or "event"
        number, path = 1, name
        while path in given:
            number += 1
            path = f"{name}-{number}"
        given.add(path)
        yield f"{FOLDER}/{path}.html"


def _page(
    study: Study,
    done: Conclusions,
    file: Path,
    path: str,
    *,
    named: Mapping[Level, frozenset[str]],
    least: int,
    under: str,
) -> tuple[Page, str]:
    try:
        found = _found(study, done, file, named, least)
    except InputError as refusal:
        reason = redact(_POINTER.sub("", str(refusal).replace(str(file), file.name)))
        return refused_page(redact(file.name), reason, path, under=under), f"Refused: {reason}"
    view = view_of(found, study.config, made_at=study.clock())
    given = sum(answer.refusal is None for answer in found.answers)
    return intervention_page(view, path, under=under), f"{given} of {len(found.answers)} numbers could be given."


def _found(study: Study, done: Conclusions, file: Path, named: Mapping[Level, frozenset[str]], least: int) -> Findings:
    event = read_event(file)
    told = Told(least=least, named=named[event.kind])
    found = findings_of(study, event, done=done, told=told)
    if not told.names(event.target):
        raise InputError(f"target: fewer than {least} sites are known there, so it is not named (publish.least)")
    return found
