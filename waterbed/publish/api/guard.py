"""Checks each request: key and rate limit."""

import base64
import hmac
import ipaddress
import math
import re
import secrets
import stat
import time
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import msgspec
from fastapi import HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.utils import get_authorization_scheme_param
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from waterbed.model.errors import InputError
from waterbed.model.redaction import shown
from waterbed.store.bounded.toml import decode, toml_bytes
from waterbed.store.machine_settings import HostName
from waterbed.store.own_files import holds_study
from waterbed.store.whole.files import DISK, alone_in, write_whole

KeyScope = Literal["aggregates", "cases", "metrics"]
"""Aggregates: counts of groups. Cases: single episodes and hops, under keyed ids. Metrics: how the study runs."""
SEE: Final = "docs/api.md, Keys"
_NAME: Final = re.compile(r"[\w.-]{1,60}")


class Key(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A key given to a client: its rights and checksum."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[\w.-]{1,60}$")]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    scopes: tuple[KeyScope, ...] = ("aggregates",)
    a_minute: Annotated[int, msgspec.Meta(ge=1)] = 600


class Access(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The content of a keys file."""

    open: bool = False
    """True if aggregates need no key."""
    a_minute: Annotated[int, msgspec.Meta(ge=1)] = 60
    """Requests a minute of one address without a key."""
    names: tuple[HostName, ...] = ()
    """Hosts by which clients may ask, besides loopback and the address at which they ask."""
    keys: tuple[Key, ...] = ()

    def holder(self, presented: str) -> Key | None:
        """The holder of a key, in constant time."""
        digest, found = checksum(presented), None
        for key in self.keys:
            if hmac.compare_digest(digest, key.sha256):
                found = key
        return found


def checksum(key: str) -> str:
    """SHA-256 of a key.

    A key has 256 random bits, so nobody can guess it from its checksum.
    """
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def read_access(path: Path) -> Access:
    """Read the keys file.

    InputError if it is unreadable, lies in a study's folder, or is writable by others.
    """
    outside(path)
    try:
        data = toml_bytes(path, "a keys file", SEE)
        mode = path.stat().st_mode
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); expected a keys file ({SEE})") from None
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InputError(
            f"others may write to {path}, which would let them grant themselves keys; chmod go-w it ({SEE})"
        )
    try:
        access = decode(data, type=Access)
    except msgspec.DecodeError as problem:
        raise InputError(f"{path} is not a keys file: {problem} ({SEE})") from None
    for what in ("name", "sha256"):
        values = [getattr(key, what) for key in access.keys]
        if len(set(values)) < len(values):
            raise InputError(f"{path} holds two keys of one {what}; each needs its own ({SEE})")
    return access


def add_key(path: Path, name: str, scopes: tuple[str, ...]) -> str:
    """Create a key, store its checksum, and return the key.

    The file is created if it is missing, and keeps its comments. The key cannot be recovered from it.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{shown(name)} cannot name a key: use at most 60 letters, digits, dots, dashes and underscores ({SEE})"
        )
    for scope in scopes:
        if scope not in get_args(KeyScope):
            raise InputError(f"{shown(scope)} is not a scope; use aggregates, cases or metrics ({SEE})")
    outside(path)
    key = secrets.token_urlsafe(32)
    entry = Key(name=name, sha256=checksum(key), scopes=scopes)  # type: ignore[arg-type]  # checked above
    try:
        with alone_in(path.parent):
            write_whole(path, _with_key(path, entry))
            path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    except OSError as problem:
        if problem.errno in DISK:
            raise
        raise InputError(f"{path} cannot be written ({problem.strerror}); name another place ({SEE})") from None
    return key


def _with_key(path: Path, entry: Key) -> bytes:
    """The text of a keys file with one key more; its own words stay."""
    if not path.exists():
        return msgspec.toml.encode(Access(keys=(entry,)))
    access = read_access(path)
    if entry.name in {key.name for key in access.keys}:
        raise InputError(
            f"{path} holds a key named {entry.name} already; remove that key first, or choose another name ({SEE})"
        )
    wanted = msgspec.structs.replace(access, keys=(*access.keys, entry))
    text = toml_bytes(path, "a keys file", SEE).rstrip() + b"\n\n" + msgspec.toml.encode({"keys": [entry]})
    try:
        appended = decode(text, type=Access) == wanted
    except msgspec.DecodeError:  # its keys stand in one array, to which no table can be added
        appended = False
    return text if appended else msgspec.toml.encode(wanted)


def outside(path: Path) -> None:
    """InputError if a keys file lies in a study's folder.

    Such a folder is copied and given to others.
    """
    if any(map(holds_study, path.resolve().parents)):
        raise InputError(f"the keys file {path} lies inside the folder of a study; keep it elsewhere ({SEE})")


BEARER: Final = HTTPBearer(scheme_name="key", description="A key that the publisher gave you.", auto_error=False)


class Rates:
    """Counts requests per minute by key or address."""

    def __init__(self, given: Access) -> None:
        """Start with all counters at zero."""
        self._counted = FixedWindowRateLimiter(MemoryStorage())
        self._without_key = RateLimitItemPerMinute(given.a_minute)

    async def count(self, request: Request, holder: Key | None) -> None:
        """Count one request; HTTP 429 beyond the limit.

        The answer has Retry-After (RFC 9110, 10.2.3).
        """
        rate, who = self._without_key, network(request.client.host if request.client else "")
        if holder:
            rate, who = RateLimitItemPerMinute(holder.a_minute), f"key {holder.name}"
        if not await self._counted.hit(rate, who):
            window = await self._counted.get_window_stats(rate, who)
            wait = max(1, math.ceil(window.reset_time - time.time()))
            raise HTTPException(429, headers={"Retry-After": str(wait)})


class Gate:
    """Admits requests with a valid key within the rate limit."""

    challenge = "Bearer"
    """The challenge to a client without a key."""

    def __init__(self, given: Access, rates: Rates, scope: KeyScope, *, own: bool = False) -> None:
        """Guard one scope; `own`: only this machine can ask, so that it needs no key."""
        self._access, self._rates, self._scope = given, rates, scope
        self._free = own or (given.open and scope == "aggregates")

    async def __call__(
        self, request: Request, presented: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]
    ) -> Key | None:
        """The client's name, None without a key.

        HTTP 401, 403 or 429.
        """
        return await self.admit(request, presented.credentials if presented else None)

    async def admit(self, request: Request, presented: str | None) -> Key | None:
        """The same for a key that the caller has extracted."""
        holder = self._access.holder(presented) if presented is not None else None
        await self._rates.count(request, holder)
        if self._scope != "aggregates" and not self._free and not self._access.keys:
            raise HTTPException(403)  # no key can exist, so asking for one would lead nowhere
        if holder is None and (presented is not None or not self._free):
            raise HTTPException(401, headers={"WWW-Authenticate": self.challenge})
        if holder and not self._free and self._scope not in holder.scopes:
            raise HTTPException(403)
        return holder


class DoorGate(Gate):
    """Admits browsers by HTTP Basic (RFC 7617).

    The password is the key; the user name is ignored.
    """

    challenge = 'Basic realm="Waterbed", charset="UTF-8"'

    async def __call__(self, request: Request) -> Key | None:  # type: ignore[override]  # no Security: not in the document
        """The client's name, None without a key.

        HTTP 401, 403 or 429.
        """
        scheme, rest = get_authorization_scheme_param(request.headers.get("authorization"))
        if not scheme:
            return await self.admit(request, None)
        return await self.admit(request, rest if scheme.lower() == "bearer" else password(scheme, rest))


def password(scheme: str, credentials: str) -> str:
    """The password of HTTP Basic, empty if it is missing.

    No key is empty.
    """
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def network(address: str) -> str:
    """The network that counts as one client.

    An IPv4 address, or the /64 of an IPv6 address, which belongs to one customer.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    if mapped or parsed.version == 4:
        return str(mapped or parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
