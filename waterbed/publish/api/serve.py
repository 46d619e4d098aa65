"""A study as the source of what is served: read anew when its facts have changed."""

import json
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from waterbed.governance.reply import record, refuse_unheard
from waterbed.model.bookkeeping import STORED, Due, KeyCheck, Sealed
from waterbed.publish.api.source import Served, Source
from waterbed.publish.policy import named_hosters, publishable
from waterbed.publish.site.build import site_of
from waterbed.publish.site.site_interventions import event_files
from waterbed.publish.tables import publication_of
from waterbed.store.config import read_config
from waterbed.store.folder import SETTINGS, open_store
from waterbed.study.study import Study, open_study

_COUNTED: Final = tuple(cls for cls in STORED if cls not in (Due, Sealed, KeyCheck))
"""Facts: they are only added, or shredded, so that another number means other facts."""


def source_of(path: Path) -> Source:
    """What may be published of the study in a folder, as it is whenever it is asked for."""
    return Source(read=partial(read, path), mark=partial(mark, path))


def read(path: Path) -> Served:
    """Draw all conclusions, keep what may be published, and make its pages."""
    with open_study(path) as study:
        return served_of(study)


def served_of(study: Study) -> Served:
    """What may be served of an opened study; InputError if it is public and hosters could still answer."""
    done = study.conclude()
    publication = publishable(publication_of(study, done))
    editions = record(study.folder).editions
    refuse_unheard(study.folder, named_hosters(publication), editions[-1].override if editions else "")
    return Served(publication=publication, site=site_of(study, done, publication))


def mark(path: Path) -> str:
    """How many facts of each kind there are, and the checksums of settings and event files, as one text."""
    store = open_store(path, read_config(path / SETTINGS)[0])
    try:
        counts = {cls.__name__: store.count(cls) for cls in _COUNTED}
    finally:
        store.close()
    settings = [*sorted(path.glob("*.toml")), *event_files(path)]
    files = {str(file.relative_to(path)): sha256(file.read_bytes()).hexdigest() for file in settings}
    return json.dumps([counts, files])
