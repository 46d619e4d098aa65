"""Interprets RDAP responses: found, unchanged, moved, retry, permanent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urljoin

from waterbed.attribution.lookups.rdap.answers import BadAnswer, Registered, is_managed, read_as, read_network
from waterbed.attribution.lookups.rdap.domains import RegisteredDomain, names, read_domain
from waterbed.attribution.lookups.rdap.plan import AskKind
from waterbed.crawler.registry.pace import retry_after
from waterbed.model.registrations import RegistrationStatus

Failure = Literal["timeout", "unreachable", "tls", "too_large", "cut_off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RdapResponse:
    """An HTTP response, or the kind of failure."""

    failure: Failure | None = None
    status: int = 0
    location: str = ""
    retry_after: str = ""
    etag: str = ""
    body: bytes = b""

    def __repr__(self) -> str:
        """Show status or failure alone."""
        return f"<RdapResponse {self.failure or self.status}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The registry returned a registration."""

    registered: Registered | RegisteredDomain
    etag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """The registry's last answer still holds (304)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Another registry is responsible (redirect)."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A temporary failure that may pass.

    `slow_down`: the registry demands fewer queries.
    """

    status: RegistrationStatus
    reason: str
    slow_down: bool = False
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permanent:
    """A permanent failure: asking again now is useless."""

    status: RegistrationStatus
    reason: str


Outcome = Found | Unchanged | Moved | Retry | Permanent

_FAILURES: dict[Failure, tuple[RegistrationStatus, str]] = {
    "timeout": ("timeout", "no whole answer in time"),
    "unreachable": ("unreachable", "no connection"),
    "tls": ("unreachable", "its certificate is not trusted"),
    "too_large": ("bad_answer", "larger than 1 MiB"),
    "cut_off": ("bad_answer", "the answer ended early"),
}


def interpret(response: RdapResponse, kind: AskKind, registry: str, url: str, now: datetime, name: str = "") -> Outcome:
    """Interpret a response; `name` is the domain asked for.

    The status decides first: an error's body may be HTML, JSON or empty.
    """
    if response.failure is not None:
        status, reason = _FAILURES[response.failure]
        if response.failure == "too_large":
            return Permanent(status=status, reason=reason)
        return Retry(status=status, reason=reason)
    code = response.status
    if code == 200:
        return _found(response, kind, registry, name)
    if code == 304:
        return Unchanged()
    if code in (301, 302, 303, 307, 308):
        return _moved(response.location, url)
    if code == 429:
        return Retry(status="limited", reason="HTTP 429", slow_down=True, wait=retry_after(response.retry_after, now))
    if code == 404 and kind == "domain" and response.body[:64].lstrip().startswith(b"<"):
        return Retry(status="bad_answer", reason="HTTP 404 with a page")  # of a web server: no word on the domain
    if code == 404:
        return Permanent(status="not_found", reason="HTTP 404")
    if code >= 500:
        asked_for = retry_after(response.retry_after, now)
        return Retry(status="server_error", reason=f"HTTP {code}", slow_down=asked_for is not None, wait=asked_for)
    return Permanent(status="refused" if code >= 400 else "bad_answer", reason=f"HTTP {code}")


def _found(response: RdapResponse, kind: AskKind, registry: str, name: str) -> Outcome:
    answer: Registered | RegisteredDomain | BadAnswer
    if kind == "domain":
        answer = read_domain(response.body, name)
    else:
        answer = (read_network if kind == "network" else read_as)(response.body, registry)
    if isinstance(answer, BadAnswer):
        return Retry(status="bad_answer", reason=answer.reason)
    if isinstance(answer, Registered) and not is_managed(answer):
        return Permanent(status="not_found", reason="another registry's space")
    etag = response.etag.strip()
    usable = 0 < len(etag) <= 200 and etag.isascii() and etag.isprintable() and not (name and names(etag, name))
    return Found(registered=answer, etag=etag if usable else None)


def _moved(location: str, url: str) -> Outcome:
    try:
        return (
            Moved(url=urljoin(url, location)) if location else Permanent(status="bad_answer", reason="no way to go on")
        )
    except ValueError:
        return Permanent(status="bad_answer", reason="redirect to no URL")
