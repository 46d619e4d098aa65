"""A CDN's origin service for trusted reporters, over HTTPS.

It is told a host name and an opaque case number, and nothing else. Redirects are not followed, certificates are
verified, and proxies of the environment are not used.
"""

import os
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from socket import SHUT_RDWR, socket
from threading import Timer
from typing import Any, Final
from urllib.parse import quote, urlsplit

from waterbed.model.addresses import canonical_address, refusal
from waterbed.model.errors import InputError
from waterbed.model.facts import OriginOutcome
from waterbed.model.redaction import names_something
from waterbed.store.bounded.json_text import BadJson, json_in

SEE: Final = "docs/origins.md"
ID, SECRET = "WATERBED_ORIGIN_ID", "WATERBED_ORIGIN_SECRET"
"""Environment variables of the credentials; they are nowhere else."""

_MOST: Final = 65_536
_LONGEST: Final = 200
_PLAIN = re.compile(r"[!-~]{1,512}")
_MOST_AS: Final = 4_294_967_295
_MOST_WAIT: Final = 86_400.0


class ServiceRefused(InputError):
    """The service refused us: more requests would be refused, too."""


class ServiceBusy(Exception):
    """The service asks for patience."""

    def __init__(self, wait_s: float | None) -> None:
        """Take the seconds that it asks for, None if it names none."""
        super().__init__("the service asks for patience")
        self.wait_s = wait_s


class ServiceFailed(Exception):
    """No usable answer; the message is a class, never content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Credentials of a trusted reporter.

    Secret: its repr shows nothing.
    """

    id: str
    secret: str

    def __repr__(self) -> str:
        """Show nothing."""
        return "<Credentials>"


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginAnswer:
    """One answer about one host."""

    outcome: OriginOutcome
    addresses: tuple[str, ...] = ()
    asn: int | None = None
    hoster: str | None = None


def credentials_of(environment: Mapping[str, str] = os.environ) -> Credentials:
    """Return the credentials in the environment.

    InputError if one is missing or cannot be a header's value; it is not repeated.
    """
    for name in (ID, SECRET):
        if not _PLAIN.fullmatch(environment.get(name, "")):
            raise InputError(
                f"${name} is {'not plain' if environment.get(name) else 'not set'}; the credentials of a trusted "
                f"reporter were expected, as text without spaces ({SEE})"
            )
    return Credentials(id=environment[ID], secret=environment[SECRET])


class OriginService:
    """One service, asked about one host at a time."""

    def __init__(self, url: str, credentials: Credentials, *, timeout_s: float, loopback_alone: bool = False) -> None:
        """Take its address, with `{case}` in the path.

        InputError for an address that cannot be asked: https was expected, or http of loopback, which alone is allowed
        in a lab.
        """
        try:
            parts = urlsplit(url)
            readable = parts.port != 0
        except ValueError:
            parts, readable = urlsplit(""), False
        literal = canonical_address(parts.hostname or "")
        local = literal is not None and ip_address(literal).is_loopback
        if (
            not readable
            or "{case}" not in parts.path
            or parts.query
            or parts.fragment
            or parts.username
            or not parts.hostname
            or not (parts.scheme == "https" or (parts.scheme == "http" and local))
            or (loopback_alone and not local)
        ):
            raise InputError(
                f"origins.url {url!r}: an https address with {{case}} in its path was expected; http is for loopback, "
                f"which is all that a lab may ask ({SEE})"
            )
        self._parts, self._credentials, self._timeout = parts, credentials, timeout_s

    def ask(self, host: str, case: str) -> OriginAnswer:
        """Ask about a host under a case number.

        ServiceRefused, ServiceBusy or ServiceFailed; no message holds the host or what the service said.
        """
        target = self._parts.path.replace("{case}", quote(case, safe="")) + f"?hostname={quote(host, safe='')}"
        headers = {
            "Accept": "application/json",
            "CF-Access-Client-ID": self._credentials.id,
            "CF-Access-Client-Secret": self._credentials.secret,
        }
        connection = self._connection()
        ended = Timer(self._timeout, _hang_up, (connection,))  # the time-out of a socket begins again with each byte
        ended.start()
        try:
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            status, wait = response.status, response.headers.get("Retry-After", "")
            body = response.read(_MOST + 1) if status == 200 else b""
            missing = status == 200 and bool(response.length)
        except (OSError, HTTPException, ValueError) as problem:
            raise ServiceFailed(type(problem).__name__) from None
        finally:
            ended.cancel()
            connection.close()
        if status in (401, 403):
            raise ServiceRefused(f"the origin service refused the credentials ({status}) ({SEE})")
        if status in (429, 503):
            raise ServiceBusy(min(float(wait), _MOST_WAIT) if wait.isascii() and wait.isdigit() else None)
        if status != 200 or missing:
            raise ServiceFailed(f"status {status}" if status != 200 else "answer too long, or cut off")
        return _read(body)

    def _connection(self) -> HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return HTTPConnection(host, port, timeout=self._timeout)
        return HTTPSConnection(host, port, timeout=self._timeout, context=ssl.create_default_context())


def _hang_up(connection: HTTPConnection) -> None:
    """End a connection that another thread reads from."""
    with suppress(OSError):
        if connection.sock is not None:
            socket.shutdown(connection.sock, SHUT_RDWR)  # that of TLS would take the session from its reader


def _read(body: bytes) -> OriginAnswer:
    """Read an answer: `success`, and one result."""
    try:
        answer = json_in(body)
    except BadJson:
        raise ServiceFailed("broken JSON") from None
    results = answer.get("result") if isinstance(answer, dict) and answer.get("success") is True else None
    if not isinstance(results, list) or len(results) > 1:
        raise ServiceFailed("no success")
    if not results:
        return OriginAnswer(outcome="not_known")
    result = results[0]
    if not isinstance(result, dict) or not isinstance(result.get("isUsingCloudflare"), bool):
        raise ServiceFailed("another form")
    if not result["isUsingCloudflare"]:
        return OriginAnswer(outcome="not_behind")
    texts = [text for name in ("originIPv4", "originIPv6") for text in _texts(result.get(name))]
    public = {address for text in texts if (address := canonical_address(text)) and refusal(address) is None}
    asn, hoster = result.get("originASN"), result.get("originHoster")
    asn = asn if isinstance(asn, int) and not isinstance(asn, bool) and 0 < asn <= _MOST_AS else None
    named = (
        isinstance(hoster, str) and 0 < len(hoster) <= _LONGEST and hoster.isprintable() and not names_something(hoster)
    )
    if not public and asn is None and not named:
        return OriginAnswer(outcome="not_known")
    return OriginAnswer(outcome="told", addresses=tuple(sorted(public)), asn=asn, hoster=hoster if named else None)


def _texts(value: Any) -> list[str]:
    return [text for text in value[:_LONGEST] if isinstance(text, str)] if isinstance(value, list) else []
