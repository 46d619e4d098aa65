"""Conclusions kept in a study's folder, until inputs change."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from waterbed.store.authentic import tag_of
from waterbed.store.vault import Vault
from waterbed.store.whole.files import beside

FOLDER: Final = "kept"
"""The folder of what is kept, in the study's folder."""
_BYTES: Final = hashlib.sha256().digest_size
_AT_ONCE: Final = 65_536
"""Values of a list that are encoded at once."""
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """One thing that is kept."""

    name: str
    bytes: int
    made_at: datetime
    current: bool
    """Whether it is of the facts, settings and tables as they are."""


class Kept:
    """Conclusions under the digest of all their inputs.

    A file is whole, and the study's own, or it is absent: it bears the tag of its name, digest and content, and one
    that is damaged, exchanged, unreadable or of another digest is made anew. Two commands may keep the same thing
    at once. A folder that cannot be written keeps nothing, and a forked process keeps nothing: the digest wants the
    database.
    """

    def __init__(self, study: Path, digest: Callable[[], str], vault: Vault) -> None:
        """Take the study's folder, the function that digests all inputs, and the study's keys."""
        self._folder = study / FOLDER
        self._vault = vault
        self._digest = digest
        self._first: bytes | None = None
        self._process = os.getpid()

    @property
    def _now(self) -> bytes:
        if self._first is None:
            self._first = bytes.fromhex(self._digest())
        return self._first

    def of(self, name: str, form: Any, make: Callable[[], Value]) -> Value:
        """The kept value of a name; else make it.

        `form` is its type, which msgspec can encode.
        """
        found: Value | None = self.held(name, form)
        if found is None:
            found = make()
            self.keep(name, found)
        return found

    def held(self, name: str, form: Any) -> Any:
        """The kept value of a name, or None."""
        return self.former(name, form, self._now)

    def newest(self, name: str, form: Any) -> tuple[Any, bytes] | None:
        """The last value kept under a name, and its digest.

        Whatever changed since; None without a whole one.
        """
        content = self._read(name)
        with suppress(msgspec.DecodeError):
            if content is not None:
                return msgspec.msgpack.decode(content[2 * _BYTES :], type=form), bytes(content[:_BYTES])
        return None

    def former(self, name: str, form: Any, digest: bytes) -> Any:
        """The value kept under a name and digest, or None."""
        content = self._read(name)
        with suppress(msgspec.DecodeError):
            if content is not None and content[:_BYTES] == digest:
                return msgspec.msgpack.decode(content[2 * _BYTES :], type=form)
        return None

    def keep(self, name: str, value: Any) -> None:
        """Keep a value if the facts are as they were."""
        if os.getpid() != self._process:
            return
        digest = self._now
        if bytes.fromhex(self._digest()) == digest:  # else it may be of facts that came meanwhile
            self._write(name, digest, _encoded(value))

    def files(self) -> list[KeptFile]:
        """All that is kept, by name."""
        return [
            KeptFile(
                name=path.name,
                bytes=path.stat().st_size,
                made_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
                current=(self._read(path.name) or b"")[:_BYTES] == self._now,
            )
            for path in sorted(self._paths())
            if not path.name.startswith(".")
        ]

    @property
    def writable(self) -> bool:
        """True if anything can be kept."""
        return os.access(self._folder if self._folder.exists() else self._folder.parent, os.W_OK)

    def drop(self) -> None:
        """Remove all that is kept."""
        for path in self._paths():
            path.unlink(missing_ok=True)

    def _paths(self) -> Iterator[Path]:
        with suppress(FileNotFoundError):
            yield from self._folder.iterdir()

    def _read(self, name: str) -> memoryview | None:
        """Digest, tag and content of a file; None if there is no whole one of the study's own."""
        try:
            content = memoryview((self._folder / name).read_bytes())
        except OSError:
            return None
        if len(content) <= 2 * _BYTES:
            return None
        tag = self._tag(name, content[:_BYTES], hashlib.sha256(content[2 * _BYTES :]).hexdigest())
        return content if compare_digest(tag, content[_BYTES : 2 * _BYTES]) else None

    def _tag(self, name: str, digest: bytes | memoryview, content: str) -> bytes:
        return tag_of(self._vault, f"{FOLDER}/{name} {digest.hex()}", content).encode()

    def damaged(self) -> list[str]:
        """The names of files that are not as the study wrote them."""
        return [one.name for one in sorted(self._paths()) if one.name[0] != "." and self._read(one.name) is None]

    def _write(self, name: str, digest: bytes, value: Iterable[bytes]) -> None:
        """Write a file by a rename; without a sync, since what a power cut leaves is found damaged."""
        part = beside(self._folder / name)
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            try:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    whole = hashlib.sha256()
                    file.seek(file.write(digest) + _BYTES)
                    for piece in value:
                        whole.update(piece)
                        file.write(piece)
                    file.seek(_BYTES)
                    file.write(self._tag(name, digest, whole.hexdigest()))
                part.replace(self._folder / name)
            finally:
                part.unlink(missing_ok=True)


def _encoded(value: Any) -> Iterator[bytes]:
    """MessagePack, a long list in pieces: else it would be in memory twice."""
    if not isinstance(value, list) or len(value) <= _AT_ONCE:
        yield msgspec.msgpack.encode(value)
        return
    yield b"\xdd" + len(value).to_bytes(4, "big")
    for first in range(0, len(value), _AT_ONCE):
        yield b"".join(map(msgspec.msgpack.Encoder().encode, value[first : first + _AT_ONCE]))
