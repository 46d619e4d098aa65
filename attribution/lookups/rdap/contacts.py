"""Who stands behind an RDAP answer: the registrant, and the mailbox for abuse."""

import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_MOST_ENTITIES = 500
_MOST_TEXT = 200
_ORGANISATIONS = {"org", "group", "organization", "organisation"}
"""Kinds of vCard (RFC 6350, section 6.1.4) that stand for no natural person, and two spellings that occur."""

_MAILBOX = re.compile(r"[^\s@<>\"'(),;:\\\[\]]{1,64}@[\w.-]{1,190}\.[\w-]{2,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One entity of an answer: its handle, roles and vCard properties."""

    handle: str | None
    roles: frozenset[str]
    card: tuple[tuple[str, Any], ...]
    depth: int

    def __repr__(self) -> str:
        """Nothing: it may name a person."""
        return "<entity>"


def entities(found: dict[str, Any]) -> Iterator[Entity]:
    """All entities of an object, those nested in others too, outer ones first."""
    waiting = deque((one, 0) for one in _list(found.get("entities")))
    for _ in range(_MOST_ENTITIES):
        if not waiting:
            return
        one, depth = waiting.popleft()
        if not isinstance(one, dict):
            continue
        inner = _list(one.get("entities"))
        waiting.extend((nested, depth + 1) for nested in inner)
        roles = one.get("roles")
        words = roles if isinstance(roles, list) else [roles]
        yield Entity(
            handle=plain(one.get("handle")),
            roles=frozenset(word.strip().lower() for word in words if isinstance(word, str)),
            card=tuple(_properties(one.get("vcardArray"))),
            depth=depth,
        )


def registrant(known: Sequence[Entity], registry: str) -> tuple[str | None, str | None]:
    """The outermost registrant as `registry:HANDLE`, and its name if it is an organisation."""
    for one in known:
        if "registrant" in one.roles and one.handle:
            return f"{registry.lower()}:{one.handle}", _organisation(one)
    return None, None


def abuse_mailbox(known: Sequence[Entity]) -> str | None:
    """The mailbox of the outermost entity with the role abuse that has one, lower case."""
    for one in known:
        if "abuse" in one.roles:
            for name, value in one.card:
                found = _MAILBOX.search(value) if name == "email" and isinstance(value, str) else None
                if found:
                    return found[0].lower().removeprefix("mailto:")
    return None


def plain(value: Any) -> str | None:
    """A registry's text without control characters, shortened; None if it is no text or empty."""
    if not isinstance(value, str):
        return None
    visible = "".join(" " if unicodedata.category(mark)[0] in "CZ" else mark for mark in value[: 4 * _MOST_TEXT])
    return " ".join(visible.split())[:_MOST_TEXT].strip() or None


def _organisation(one: Entity) -> str | None:
    """The full name on the vCard of an organisation; a person's is not kept, nor that of who does not say."""
    kinds = {value.strip().lower() for name, value in one.card if name == "kind" and isinstance(value, str)}
    if not kinds or not kinds <= _ORGANISATIONS:
        return None
    for wanted in ("fn", "org"):
        for name, value in one.card:
            text = plain(value[0] if isinstance(value, list) and value else value)
            if name == wanted and text:
                return text
    return None


def _properties(cards: Any) -> Iterator[tuple[str, Any]]:
    """Name and value of each property of a jCard (RFC 7095); several cards are taken together."""
    for part in _list(cards):
        for line in _list(part):
            # a card's own properties, or one more list around each of several cards
            lines = [line] if line and isinstance(line, list) and isinstance(line[0], str) else _list(line)
            for one in lines:
                if isinstance(one, list) and len(one) >= 4 and isinstance(one[0], str):
                    yield one[0].strip().lower(), one[3]


def _list(value: Any) -> list[Any]:
    return value[:1000] if isinstance(value, list) else []
