"""The manifest of a lake: files, rows, bytes and SHA-256."""

import hashlib
from datetime import date

import msgspec

from waterbed.model.errors import StoreFailure

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


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    sha256: str
    manifest: msgspec.Raw


def to_json(manifest: Manifest) -> bytes:
    """Return a manifest as JSON, with its own SHA-256."""
    text = msgspec.json.encode(manifest)
    return msgspec.json.encode(_Written(sha256=hashlib.sha256(text).hexdigest(), manifest=msgspec.Raw(text))) + b"\n"


def read(content: bytes) -> Manifest:
    """Read a manifest from bytes; StoreFailure if it is damaged."""
    try:
        written = msgspec.json.decode(content, type=_Written)
        text = bytes(written.manifest)
        if hashlib.sha256(text).hexdigest() == written.sha256 and content == _again(written.sha256, text):
            return msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise StoreFailure(
        f"{PATH} of the lake is damaged: its bytes are not those that were written; make it anew with waterbed lake "
        "rebuild (docs/lake.md)"
    )


LOST = (
    f"{PATH} of the lake is missing, and its files are there: put it back from a backup, or make it anew with waterbed "
    "lake rebuild (docs/lake.md)"
)


def _again(checksum: str, text: bytes) -> bytes:
    return msgspec.json.encode(_Written(sha256=checksum, manifest=msgspec.Raw(text))) + b"\n"
