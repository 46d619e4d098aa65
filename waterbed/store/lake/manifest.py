"""The manifest of a lake: files, rows, bytes and SHA-256."""

import hashlib
from collections.abc import Callable
from datetime import date
from hmac import compare_digest

import msgspec

from waterbed.model.errors import InputError, StoreFailure

PATH = "manifest.json"


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file of one day and kind of fact."""

    path: str
    rows: int
    bytes: int
    sha256: str
    first: int
    """Microseconds since 1970 of the earliest fact."""
    last: int


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed day of one kind of fact."""

    files: tuple[File, ...]
    pruned: bool = False
    """True if its facts may have left the store."""

    @property
    def rows(self) -> int:
        """The number of facts in its files."""
        return sum(file.rows for file in self.files)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All of a lake: by kind of fact, by day."""

    study: str
    generation: int = 0
    """Grows with each change."""
    facts: dict[str, dict[date, Day]] = msgspec.field(default_factory=dict)

    def day(self, kind: str, day: date) -> Day:
        """Return a day of a kind, empty if unsealed."""
        return self.facts.get(kind, {}).get(day, Day(files=()))

    def days(self, kind: str) -> dict[date, Day]:
        """The sealed days of a kind."""
        return self.facts.get(kind, {})

    def files(self) -> dict[str, tuple[str, date, File]]:
        """Every file by its path, with its kind and day."""
        return {
            file.path: (kind, day, file)
            for kind, days in self.facts.items()
            for day, its in days.items()
            for file in its.files
        }

    def changed(self, days: dict[tuple[str, date], Day]) -> "Manifest":
        """Return the manifest with some days changed.

        A day without files is removed.
        """
        facts = {kind: dict(its) for kind, its in self.facts.items()}
        for (kind, day), its in days.items():
            facts.setdefault(kind, {})[day] = its
        kept = {kind: {day: its for day, its in sorted(days.items()) if its.files} for kind, days in facts.items()}
        return Manifest(study=self.study, generation=self.generation + 1, facts=kept)


class _Written(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    manifest: msgspec.Raw
    tag: str = ""
    sha256: str = ""
    """In place of the tag, until version 0.2.0."""


def to_json(manifest: Manifest, tag: Callable[[str], str]) -> bytes:
    """Return a manifest as JSON, with the tag of its SHA-256."""
    text = msgspec.json.encode(manifest)
    return _json(_Written(manifest=msgspec.Raw(text), tag=tag(hashlib.sha256(text).hexdigest())))


def read(content: bytes, study: str, tag: Callable[[str], str], since: int) -> Manifest:
    """Read a manifest from bytes; StoreFailure if it is not as the study wrote it, InputError if it is another's.

    `since` is the generation that is on record, 0 if none is: then one of version 0.2.0 is believed, which has no tag.
    """
    try:
        written = msgspec.json.decode(content, type=_Written)
        text = bytes(written.manifest)
        found, digest = msgspec.json.decode(text, type=Manifest), hashlib.sha256(text).hexdigest()
        if content == (_older(written) if written.sha256 else _json(written)):
            if found.study != study:
                raise InputError(
                    "the lake in [lake] location is another study's; each study needs a place of its own (docs/lake.md)"
                )
            if compare_digest(written.tag, tag(digest)) or (not since and written.sha256 == digest):
                return found
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        pass
    raise StoreFailure(
        f"{PATH} of the lake is not as this study wrote it; put it back from a backup, or make it anew with waterbed "
        "lake rebuild (docs/lake.md)"
    )


LOST = (
    f"{PATH} of the lake is missing, and its files are there: put it back from a backup, or make it anew with waterbed "
    "lake rebuild (docs/lake.md)"
)


def _json(written: _Written) -> bytes:
    return msgspec.json.encode(written) + b"\n"


def _older(written: _Written) -> bytes:
    """As version 0.2.0 wrote it, the checksum first."""
    return b'{"sha256":"%s","manifest":%s}\n' % (written.sha256.encode(), bytes(written.manifest))
