"""Bounds of settings that would stop or mislead a study."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Final

import msgspec

from waterbed.model.addresses import address_and_port, refusal
from waterbed.model.errors import BadUrl
from waterbed.model.redaction import shown
from waterbed.model.urls import canonicalize

_MOST: Final = 1e9
"""Largest number of a setting: 32 years in seconds."""
_MOST_OF: Final = {"_days": 36_525, "_hours": 876_600}
"""The same of days and hours: a century."""
_LEAST: Final = 0.001
"""Smallest number of a setting that must be above 0."""
_SIGNED: Final = frozenset(("coding.seed", "linking.name_odds"))
"""Settings that may be negative; so may everything in `linking.weights`."""
_ABOVE_ZERO: Final = frozenset(
    (
        *("names.timeout_s", "names.tries", "names.in_flight"),
        *(
            "schedule.looks_a_day",
            "probe.timeout_s",
            "probe.hosts_at_once",
            "probe.per_address",
            "probe.per_network",
            "probe.batch",
        ),
        *("judge.confirm_looks", "judge.leave_looks", "judge.networks", "canary.every_s", "canary.need"),
        *("cycle_guard.cycle_s", "cycle_guard.least_sites", "cycle_guard.times_usual", "cycle_guard.usual_days"),
        *("registry.timeout_s", "registry.tries", "registry.default_a_minute"),
    )
)
"""Settings that stop all work, divide by nothing or take outages of ours for removals, where they are 0; so does each
of `registry.a_minute`."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""All but tabs and line breaks, which a description may have."""
_MOST_BY: Final = {
    **dict.fromkeys(("canary.need", "cycle_guard.share", "cycle_guard.feed_share", "linking.common_share"), 1),
    **{"names.tries": 10, "registry.tries": 20, "registry.most_levels": 32},
}
"""Largest number of a setting by its name: shares, and what would wait or ask for too long."""
_PLACE: Final = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_LONGEST_AGENT: Final = 200
_MAILBOX: Final = re.compile(r"[^\s@:/<>()]+@[^\s@:/<>()]+")
_USER: Final = re.compile(r"[^/]*//[^/?#\\]*@")


def misplaced(what: str, name: str) -> str | None:
    """The fault of a vantage's or network's name, if any."""
    if _PLACE.fullmatch(name):
        return None
    return f"the {what} {shown(name)} is not a name like ams-1 or AS1103 (letters, digits, - and _, 40 at most)"


def not_an_agent(agent: str, contact: str) -> str | None:
    """The fault of a vantage's own user agent, or None."""
    told = bool(contact.strip()) and contact in agent
    if told and agent.isascii() and agent.isprintable() and len(agent) <= _LONGEST_AGENT:
        return None
    expected = f"printable ASCII with the contact in it, {_LONGEST_AGENT} characters at most"
    return f"vantages.agent {shown(agent)} does not say who asks; {expected} was expected"


def not_a_contact(contact: str) -> str | None:
    """The fault of a contact, or None.

    Empty is none, too.
    """
    if not contact.strip():
        return "is empty"
    if _MAILBOX.fullmatch(contact):
        return None
    with suppress(BadUrl):
        if canonicalize(contact):
            return None
    return (
        f"{shown(contact)} is neither a mail address nor a page, such as research@example.org or https://example.org/"
    )


def canary_fault(targets: Sequence[str], *, lab: bool) -> str | None:
    """The fault of canary targets, or None.

    A lab has one, where it likes.
    """
    if not targets:
        return "no canary is configured: nothing can be called down"
    if lab:
        return None
    if why := not_public(targets):
        return why
    return "only one canary is configured: an outage of its own passes for one of ours" if len(targets) == 1 else None


def not_public(targets: Iterable[str]) -> str | None:
    """The first canary target at a useless address, or None."""
    for number, target in enumerate(targets, 1):
        page = canonicalize(target)
        if page.literal and (why := refusal(page.host)):
            return f"canary.targets, number {number}: {why}, where no check goes"
    return None


def listen_address(listen: str) -> tuple[str, int]:
    """Read `service.listen`; ValueError unless it is address and port."""
    found = address_and_port(listen, least=0)
    if found is None:
        raise ValueError(
            f"service.listen {shown(listen)} is not address:port, as in 127.0.0.1:9477, or '' for none "
            "(docs/service.md, Health)"
        )
    return found


def refuse_unusable(config: msgspec.Struct, *, resolver: str, listen: str, targets: Iterable[str]) -> None:
    """ValueError for a setting of no use."""
    for name, value in _values(config, ""):
        if isinstance(value, str):
            if _CONTROL.search(value):
                raise ValueError(f"{name} may hold no control characters")  # it may hold a password, so it is not shown
        elif expected := _mistake(name, value):
            raise ValueError(f"{name} {value if isinstance(value, int) else f'{value:g}'} is out of range; {expected}")
    if address_and_port(resolver) is None:
        raise ValueError(f"names.resolver {shown(resolver)} is not address:port, as in 127.0.0.1:53 or [::1]:53")
    if listen:
        listen_address(listen)
    first: dict[str, int] = {}
    for number, target in enumerate(targets, 1):
        try:
            page = canonicalize(target).url
            if _USER.match(target):
                raise BadUrl("address has a user or a password")
            if first.setdefault(page, number) != number:
                raise BadUrl(f"address is the same as number {first[page]}")
        except BadUrl as problem:
            raise ValueError(
                f"canary.targets, number {number}: {problem}; a page like https://example.org/ was expected"
            ) from None


def _mistake(name: str, value: float) -> str | None:
    """What was expected in place of a number, None if it serves."""
    whole = isinstance(value, int)
    unit = next((most for ending, most in _MOST_OF.items() if name.endswith(ending)), _MOST)
    most = _MOST_BY.get(name, unit)
    least = -_MOST if name in _SIGNED or name.startswith("linking.weights.") else 0
    above = name in _ABOVE_ZERO or name.startswith("registry.a_minute.")
    least = (1 if whole else _LEAST) if above else least
    if math.isfinite(value) and least <= value <= most:
        return None
    return f"a {'whole ' if whole else ''}number from {least:g} to {most:g} was expected"


_fields = cache(msgspec.structs.fields)


def _values(value: Any, name: str) -> Iterator[tuple[str, float | str]]:
    """All numbers and texts among settings, by their whole names."""
    if isinstance(value, msgspec.Struct):
        value = {field.encode_name: getattr(value, field.name) for field in _fields(type(value))}
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _values(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _values(inner, name)
    elif isinstance(value, int | float | str) and not isinstance(value, bool):
        yield name, value
