"""Ordered rules from one look's features to an outcome."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import msgspec

from waterbed.judging.features import FEATURES
from waterbed.model.conclusions import EndCause, State
from waterbed.model.errors import InputError
from waterbed.store.bounded.toml import decode, toml_bytes

UNREACHABLE: Final = "unreachable"
WITNESSES: Final = 2
"""Networks or user agents that must see the same where a rule says what it is worth `alone`; networks of a removal."""

DEFAULT_RULES = Path(__file__).parent / "rules.toml"

Condition = str | int | bool | list[str | int]

LATER = ("unwatched", "unobserved", "disputed", "quarantined")
"""Outcomes that later steps give.

They come from a missing canary, from combined vantages and from mass flips.
"""

IGNORED = "L0-hoster-word-ignored"
"""Rule by which the answer of a link check tells nothing."""

_tested = itemgetter(*FEATURES)
"""The values of all features that rules test, in one order."""

_SEE = "docs/method.md, Outcomes"


class Outcome(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An outcome's state, layer and cause."""

    state: State
    layer: str
    cause: EndCause | None = None


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An outcome and the conditions that must all hold."""

    id: str
    outcome: str
    alone: str | None = None
    """The outcome unless a second network or user agent sees the same."""
    when: dict[str, Condition]


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    name: str
    outcome: dict[str, Outcome]
    rule: list[Rule]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Named, ordered rules; the last one matches every look."""

    name: str
    outcomes: Mapping[str, Outcome]
    rules: tuple[Rule, ...]
    _decided: dict[tuple[Any, ...], tuple[Rule, Outcome]] = field(default_factory=dict, repr=False, compare=False)
    """Cache of decisions by features: many looks have the same features."""

    def decide(self, look: Mapping[str, Any]) -> tuple[Rule, Outcome]:
        """The first rule that matches a look, and its outcome."""
        features = _tested(look)
        known = self._decided.get(features)
        if known is None:
            known = self._decided[features] = self._first(look)
        return known

    @property
    def alone(self) -> Mapping[str, str]:
        """By a rule's id, the outcome unless a second network or user agent sees the same."""
        return {rule.id: rule.alone for rule in self.rules if rule.alone is not None}

    @property
    def of_link_checks(self) -> frozenset[str]:
        """The ids of rules that test a link check."""
        return frozenset(rule.id for rule in self.rules if "link_exists" in rule.when)

    def without_link_checks(self) -> "RuleSet":
        """The same rules, by which no link check tells anything."""
        at = next((n for n, rule in enumerate(self.rules) if "link_exists" in rule.when), None)
        if at is None:
            return self
        ignored = Rule(id=IGNORED, outcome="disputed", when={"link_exists": "any"})
        return replace(self, rules=(*self.rules[:at], ignored, *self.rules[at:]), _decided={})

    def _first(self, look: Mapping[str, Any]) -> tuple[Rule, Outcome]:
        for rule in self.rules:
            if all(_fits(look[key], wanted) for key, wanted in rule.when.items()):
                return rule, self.outcomes[rule.outcome]
        raise AssertionError("the last rule matches every check: checked when the rules were read")


def read_rules(path: Path = DEFAULT_RULES) -> RuleSet:
    """Read a rule file; InputError names mistake and line."""
    found = _rules(path, toml_bytes(path, "a rule file in TOML", _SEE))
    return replace(found, _decided={})  # else what a process remembers would grow with what servers answer


@lru_cache(maxsize=8)
def _rules(path: Path, data: bytes) -> RuleSet:
    """The rules in a file's bytes, read once a process."""
    try:
        read = decode(data, type=_File)
    except msgspec.DecodeError as problem:
        raise InputError(f"{path}: {problem} ({_SEE})") from None
    lines = data.decode(errors="replace").splitlines()
    for rule, mistake in _mistakes(read):
        raise InputError(f"{path}{_place(rule, lines)}: {mistake} ({_SEE})")
    name = f"{read.name}:{hashlib.sha256(data).hexdigest()[:12]}"
    return RuleSet(name=name, outcomes=read.outcome, rules=tuple(read.rule))


def _mistakes(read: _File) -> Iterator[tuple[Rule | None, str]]:
    """The mistakes in a rule file, each with its rule."""
    if not re.fullmatch(r"[\w.-]+", read.name):
        yield None, "name must be one word of letters, digits, '.', '_' or '-'"
    for name in LATER:
        if name not in read.outcome or read.outcome[name].state != "unknown":
            yield None, f"the outcome '{name}' must be defined, with state unknown"
    for name, outcome in read.outcome.items():
        if (outcome.state == "down") != (outcome.cause is not None):
            yield None, f"outcome '{name}': an outcome must have a cause if its state is down, and only then"
    twice = [rule_id for rule_id, times in Counter(rule.id for rule in read.rule).items() if times > 1]
    for rule in read.rule:
        if rule.id in twice:
            yield rule, "two rules have this id"
        if rule.outcome not in read.outcome:
            yield rule, f"outcome '{rule.outcome}' is not defined"
        if rule.alone is not None and (rule.alone not in read.outcome or read.outcome[rule.alone].state != "unknown"):
            yield rule, f"alone = '{rule.alone}' must be an outcome with state unknown"
        for key, wanted in rule.when.items():
            if mistake := _condition_mistake(key, wanted):
                yield rule, mistake
    if not read.rule or read.rule[-1].when:
        yield (
            read.rule[-1] if read.rule else None,
            "the last rule must not have a condition, so that it matches every check",
        )


def _condition_mistake(key: str, wanted: Condition) -> str | None:
    known = FEATURES.get(key)
    if known is None:
        return f"a rule cannot test '{key}'; it can test {', '.join(FEATURES)}"
    for value in wanted if isinstance(wanted, list) else [wanted]:
        if value == "any":
            continue
        if isinstance(known, tuple):
            if not any(value == option and type(value) is type(option) for option in known):
                return f"{key} cannot be {value!r}; it must be one of {', '.join(map(str, known))}"
        elif known is int:
            if type(value) is not int and not re.fullmatch("[1-9]xx", str(value)):
                return f"{key} = {value!r} must be a number or a class such as '2xx'"
        elif type(value) is not known:
            return f"{key} = {value!r} must be text"
    return None


def _place(rule: Rule | None, lines: list[str]) -> str:
    if rule is None:
        return ""
    wanted = re.compile(rf"""\s*id\s*=\s*["']{re.escape(rule.id)}["']""")
    numbers = [number for number, line in enumerate(lines, 1) if wanted.match(line)]
    return f", line {numbers[-1]}, rule {rule.id}" if numbers else f", rule {rule.id}"


def _fits(value: Any, wanted: Condition) -> bool:
    options = wanted if isinstance(wanted, list) else [wanted]
    if isinstance(value, tuple):
        return any(option in value or (option == "any" and bool(value)) for option in options)
    return any(_equals(value, option) for option in options)


def _equals(value: Any, option: str | int) -> bool:
    if option == "any":
        return value is not None
    if isinstance(option, str) and option.endswith("xx") and isinstance(value, int):
        return value // 100 == int(option[0])
    return bool(value == option)
