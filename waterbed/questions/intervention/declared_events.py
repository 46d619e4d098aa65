"""Event files that a publication may name."""

import re
from collections.abc import Sequence
from pathlib import Path

from waterbed.governance.reply import PUBLIC
from waterbed.graphs.displacement.event import Event, event_files, read_event
from waterbed.model.redaction import names_something
from waterbed.study.study import Study


def event_stems(files: Sequence[Path]) -> list[str]:
    """Unique stems of lower-case letters, digits and dashes.

    One for each event file. A file named like a host contributes nothing to its stem.
    """
    stems: list[str] = []
    for file in files:
        stem = "" if names_something(file.name) else file.stem.lower()
        name = re.sub("[^a-z0-9]+", "-", stem).strip("-")[:60] or "event"
        number, unique = 1, name
        while unique in stems:
            number += 1
            unique = f"{name}-{number}"
        stems.append(unique)
    return stems


def public_events(study: Study) -> dict[Path, Event]:
    """The events that everybody may know of, by their files.

    A file says so itself, `public = true`; what is published under TLP:CLEAR needs its `public_source` too. Any other
    file leaves no page, no sentence and no name behind. InputError for a file that cannot be read: its page would
    vanish.
    """
    clear = study.config.publish.tlp == PUBLIC
    events = {}
    for file in event_files(study.path):
        event = read_event(file)
        if event.public and (event.public_source or not clear):
            events[file] = event
    return events
