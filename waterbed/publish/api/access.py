"""Who may ask for what, and how often: keys of which only checksums are kept."""

import hmac
import re
import secrets
import stat
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import msgspec

from waterbed.model.errors import InputError
from waterbed.store.config import write_toml

KeyScope = Literal["aggregates", "cases"]
"""Aggregates: numbers of groups. Cases: episodes and hops one by one, under keyed ids."""
SEE: Final = "docs/api.md, Keys"
_NAME: Final = re.compile(r"[\w.-]{1,60}")


class Key(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A key that was given to somebody: what it opens, not what it is."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[\w.-]{1,60}$")]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    scopes: tuple[KeyScope, ...] = ("aggregates",)
    a_minute: Annotated[int, msgspec.Meta(ge=1)] = 600


class Access(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All of a keys file."""

    open: bool = False
    """Whether aggregates need no key."""
    a_minute: Annotated[int, msgspec.Meta(ge=1)] = 60
    """Requests a minute of one address without a key."""
    keys: tuple[Key, ...] = ()

    def holder(self, presented: str) -> Key | None:
        """Whose key that is; takes as long for each key and for none."""
        digest, found = checksum(presented), None
        for key in self.keys:
            if hmac.compare_digest(digest, key.sha256):
                found = key
        return found


def checksum(key: str) -> str:
    """SHA-256 of a key; enough for one of 256 random bits, which nobody can guess from it."""
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def read_access(path: Path, study: Path) -> Access:
    """The keys file; InputError if it is unreadable, lies in the study's folder, or others may write to it."""
    outside(path, study)
    try:
        data = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); a keys file was expected ({SEE})") from None
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InputError(f"others may write to {path}, and so give themselves keys; chmod go-w it ({SEE})")
    try:
        access = msgspec.toml.decode(data, type=Access)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"{path} is no keys file: {problem} ({SEE})") from None
    for what in ("name", "sha256"):
        values = [getattr(key, what) for key in access.keys]
        if len(set(values)) < len(values):
            raise InputError(f"{path} holds two keys of one {what}; each needs its own ({SEE})")
    return access


def add_key(path: Path, study: Path, name: str, scopes: tuple[str, ...]) -> str:
    """Make a key, keep its checksum in the file, made if missing, and return the key: nothing can tell it again."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name of a key: letters, digits, dot, dash and underscore, 60 at most ({SEE})")
    for scope in scopes:
        if scope not in get_args(KeyScope):
            raise InputError(f"{scope!r} is no scope: aggregates or cases was expected ({SEE})")
    outside(path, study)
    access = read_access(path, study) if path.exists() else Access()
    if name in {key.name for key in access.keys}:
        raise InputError(f"{path} holds a key named {name} already; take it out first, or choose another name ({SEE})")
    key = secrets.token_urlsafe(32)
    entry = Key(name=name, sha256=checksum(key), scopes=scopes)  # type: ignore[arg-type]  # checked above
    try:
        write_toml(path, msgspec.structs.replace(access, keys=(*access.keys, entry)))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    except OSError as problem:
        raise InputError(f"{path} cannot be written ({problem.strerror}); name another place ({SEE})") from None
    return key


def outside(path: Path, study: Path) -> None:
    """InputError if a keys file lies in the study's folder, which is copied and given to others."""
    if path.resolve().is_relative_to(study.resolve()):
        raise InputError(f"the keys file {path} lies inside the study folder; keep it elsewhere ({SEE})")
