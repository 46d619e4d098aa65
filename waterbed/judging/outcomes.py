"""Ordered rules from one look's features to an outcome."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from waterbed.model.conclusions import EndCause, State
from waterbed.model.errors import InputError
from waterbed.model.facts import ControlLook, Observation

DEFAULT_RULES = Path(__file__).parent / "rules.toml"

Relation = Literal["same", "differs", "none"]
Canary = Literal["ok", "failed", "none"]
Condition = str | int | bool | list[str | int]


class Outcome(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What an outcome stands for."""

    state: State
    layer: str
    cause: EndCause | None = None


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An outcome and the features it needs, all of them."""

    id: str
    outcome: str
    when: dict[str, Condition]


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    name: str
    outcome: dict[str, Outcome]
    rule: list[Rule]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Named, ordered rules; the last one fits everything."""

    name: str
    outcomes: Mapping[str, Outcome]
    rules: tuple[Rule, ...]
    _decided: dict[tuple[Any, ...], tuple[Rule, Outcome]] = field(default_factory=dict, repr=False, compare=False)
    """What was decided before: looks differ in few ways, so the same features come again and again."""

    def decide(self, look: Mapping[str, Any]) -> tuple[Rule, Outcome]:
        """The first rule that fits a look's features, and its outcome."""
        features = tuple(look[key] for key in FEATURES)
        known = self._decided.get(features)
        if known is None:
            known = self._decided[features] = self._first(look)
        return known

    def _first(self, look: Mapping[str, Any]) -> tuple[Rule, Outcome]:
        for rule in self.rules:
            if all(_fits(look[key], wanted) for key, wanted in rule.when.items()):
                return rule, self.outcomes[rule.outcome]
        raise AssertionError("the last rule fits everything: checked when the rules were read")


def read_rules(path: Path = DEFAULT_RULES) -> RuleSet:
    """Read a rule file; InputError says what is wrong with it."""
    try:
        data = path.read_bytes()
        read = msgspec.toml.decode(data, type=_File)
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); a rule file in TOML was expected") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"{path}: {problem}; see docs/method.md, Outcomes") from None
    missing = {rule.outcome for rule in read.rule} - set(read.outcome)
    unknown = {key for rule in read.rule for key in rule.when} - set(FEATURES)
    if missing or unknown or not read.rule or read.rule[-1].when or "unwatched" not in read.outcome:
        raise InputError(
            f"{path}: undefined outcomes {sorted(missing)}, unknown features {sorted(unknown)}; "
            "every outcome must be defined, 'unwatched' too, and the last rule must have no condition"
        )
    name = f"{read.name}:{hashlib.sha256(data).hexdigest()[:12]}"
    return RuleSet(name=name, outcomes=read.outcome, rules=tuple(read.rule))


FEATURES = (
    "phase",
    "failure",
    "status",
    "marks",
    "redirect",
    "profile",
    "canary",
    "control",
    "differed_before",
)
"""What a rule may ask about."""


def look_features(
    look: Observation, control: ControlLook | None, *, canary: Canary, differed_before: bool
) -> dict[str, Any]:
    """The features of one look that rules ask about."""
    return {
        "phase": look.phase,
        "failure": look.failure,
        "status": look.status,
        "marks": look.marks,
        "redirect": look.redirect,
        "profile": look.profile,
        "canary": canary,
        "control": compare(look, control),
        "differed_before": differed_before,
    }


def compare(look: Observation, control: ControlLook | None) -> Relation:
    """Whether a look equals its host's answer to a random path.

    Only what both sides state is compared; if nothing differs they are taken to be the same.
    """
    if control is None or control.failure is not None or look.status is None:
        return "none"
    pairs = (
        (look.status, control.status),
        (look.redirect, control.redirect),
        (look.redirect_site_id, control.redirect_site_id),
        (look.media_type, control.media_type),
    )
    stated = ((look.content_length, control.content_length), (look.etag_id, control.etag_id))
    differs = any(a != b for a, b in pairs) or any(a != b for a, b in stated if a is not None and b is not None)
    return "differs" if differs else "same"


def _fits(value: Any, wanted: Condition) -> bool:
    options = wanted if isinstance(wanted, list) else [wanted]
    if isinstance(value, tuple):
        return any(option in value for option in options)
    return any(_equals(value, option) for option in options)


def _equals(value: Any, option: str | int) -> bool:
    if option == "any":
        return value is not None
    if isinstance(option, str) and option.endswith("xx") and isinstance(value, int):
        return value // 100 == int(option[0])
    return bool(value == option)
