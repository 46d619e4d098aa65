"""RDAP answers on domains (RFC 9083): registrar, dates, EPP statuses."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import ada_url

from waterbed.attribution.lookups.rdap.answers import BadAnswer, Entity, entities, listed, name_of, object_in, plain

EPP_STATES: Final = (
    *("active", "inactive", "associated", "add period", "auto renew period", "renew period", "transfer period"),
    *("redemption period", "pending create", "pending delete", "pending renew", "pending restore"),
    *("pending transfer", "pending update"),
    *(
        f"{by} {action} prohibited"
        for by in ("client", "server")
        for action in ("delete", "renew", "transfer", "update")
    ),
    *("client hold", "server hold"),
)
"""Statuses of domains in RDAP's spelling (RFC 8056); no other text of a registry is kept."""

_SQUASHED: Final = {text.replace(" ", ""): text for text in EPP_STATES} | {"ok": "active", "linked": "associated"}
_IANA: Final = re.compile(r"[1-9]\d{0,6}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredDomain:
    """A registry's answer on one domain, without its name."""

    registrar: str | None
    registrar_name: str | None
    created_on: datetime | None
    expires_on: datetime | None
    states: tuple[str, ...]


def read_domain(data: bytes, name: str) -> RegisteredDomain | BadAnswer:
    """The domain in an answer about a name; never raises."""
    domain = object_in(data)
    if isinstance(domain, BadAnswer):
        return domain
    kind = domain.get("objectClassName")
    named = [text for key in ("ldhName", "unicodeName") if (text := plain(domain.get(key))) is not None]
    if not named or (isinstance(kind, str) and kind.strip().lower() != "domain"):
        return BadAnswer(reason="no domain in it")
    if not any(_spelled(text) == name for text in named):
        return BadAnswer(reason="another domain than the one that was asked for")
    registrar, registrar_name = _registrar(list(entities(domain)), name.rpartition(".")[2])
    if names(registrar, name):
        registrar = None
    if names(registrar_name, name):
        registrar_name = None
    events = list(_events(domain.get("events")))
    return RegisteredDomain(
        registrar=registrar,
        registrar_name=registrar_name,
        created_on=max((day for event, day in events if event in ("registration", "reregistration")), default=None),
        expires_on=max((day for event, day in events if event == "expiration"), default=None),
        states=epp_states(domain.get("status")),
    )


def names(text: str | None, name: str) -> bool:
    """True if a registry's text holds the domain.

    Such a text would tell the name to whoever reads it: it is not kept.
    """
    return text is not None and name in text.lower()


def epp_states(status_words: Any) -> tuple[str, ...]:
    """The known statuses among a registry's words, sorted.

    In EPP's spelling (`clientHold`), RDAP's (`client hold`), or with a link behind it.
    """
    spellings = [status_words] if isinstance(status_words, str) else listed(status_words)
    squashed = (re.sub(r"[\s_-]|\(?https?:.*", "", word.lower()) for word in spellings if isinstance(word, str))
    return tuple(sorted({_SQUASHED[word] for word in squashed if word in _SQUASHED}))


def _spelled(text: str) -> str:
    """A name as its registry is asked for it: lower case, in letters of ASCII."""
    text = text.rstrip(".").lower()
    if text.isascii():
        return text
    try:
        return str(ada_url.URL(f"https://{text}/").hostname)
    except (ValueError, UnicodeError, TypeError):
        return text


def _registrar(entity_list: Sequence[Entity], tld: str) -> tuple[str | None, str | None]:
    """The outermost registrar and its name.

    Accredited registrars are companies; of others the name of an organisation alone is kept.
    """
    for entity in entity_list:
        if "registrar" not in entity.roles:
            continue
        for kind, number in entity.public_ids:
            if kind == "iana registrar id" and _IANA.fullmatch(number):
                return f"iana:{number}", name_of(entity)
        if entity.handle:
            return f"{tld}:{entity.handle.upper()}", name_of(entity, organisations_alone=True)
    return None, None


def _events(given: Any) -> Iterator[tuple[str, datetime]]:
    """Each event's word and day; those without a readable date are left out."""
    for event in listed(given):
        if (
            isinstance(event, dict)
            and (action := plain(event.get("eventAction")))
            and (day := _day(event.get("eventDate")))
        ):
            yield action.lower(), day


def _day(timestamp: Any) -> datetime | None:
    """The UTC day of a date and time (RFC 3339); some registries leave out the zone, or the time."""
    text = (plain(timestamp) or "").replace(" ", "T", 1)
    try:
        when = datetime.fromisoformat(text)
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return when.replace(hour=0, minute=0, second=0, microsecond=0) if 1970 <= when.year <= 2200 else None
