"""Event files that a publication may name."""

from pathlib import Path

from graphs.displacement.event import Event, event_files, read_event
from waterbed.governance.reply import PUBLIC
from waterbed.model.errors import InputError
from waterbed.study.study import Study


def public_events(study: Study) -> dict[Path, Event]:
    """The events that everybody may know of, by their files.

    A file says so itself, `public = true`; what is published under TLP:CLEAR needs its `public_source` too. Any other
    file, and one that cannot be read, leaves no page, no sentence and no name behind.
    """
    clear = study.config.publish.tlp == PUBLIC
    found = {}
    for file in event_files(study.path):
        try:
            event = read_event(file)
        except InputError:
            continue
        if event.public and (event.public_source or not clear):
            found[file] = event
    return found
