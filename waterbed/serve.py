"""A study as the source of what is served: read anew when its facts have changed."""

import json
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from waterbed.model.bookkeeping import STORED, Due, KeyCheck, Sealed
from waterbed.publication import publication_of
from waterbed.publish.publication import Publication, publishable
from waterbed.serving.current import Source
from waterbed.store.config import read_config
from waterbed.store.folder import SETTINGS, open_store
from waterbed.study import open_study

_COUNTED: Final = tuple(cls for cls in STORED if cls not in (Due, Sealed, KeyCheck))
"""Facts: they are only added, or shredded, so that another number means other facts."""


def source_of(path: Path) -> Source:
    """What may be published of the study in a folder, as it is whenever it is asked for."""
    return Source(read=partial(read, path), mark=partial(mark, path))


def read(path: Path) -> Publication:
    """Draw all conclusions and keep what may be published."""
    with open_study(path) as study:
        return publishable(publication_of(study, study.conclude()))


def mark(path: Path) -> str:
    """How many facts of each kind there are, and the checksums of the settings files, as one text."""
    store = open_store(path, read_config(path / SETTINGS)[0])
    try:
        counts = {cls.__name__: store.count(cls) for cls in _COUNTED}
    finally:
        store.close()
    files = {file.name: sha256(file.read_bytes()).hexdigest() for file in sorted(path.glob("*.toml"))}
    return json.dumps([counts, files])
