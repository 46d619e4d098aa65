"""Ordered rules that choose the hosters from the roles."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from waterbed.model.conclusions import Confidence
from waterbed.model.errors import InputError
from waterbed.store.bounded.toml import decode

Role = Literal["platform", "known_origin", "proxy", "outside", "operator", "as_holder"]
Roles = Mapping[Role, tuple[str, ...]]
"""Sorted hoster keys by role; roles can be missing."""


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """If the needed roles are filled, one gives the hosters."""

    id: str
    needs: tuple[Role, ...] = ()
    chooses: Role | None = None
    proxy: bool = False
    confidence: Confidence = "medium"


class RuleSet(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Rules in order, under a name.

    The last one needs nothing, so that one always applies.
    """

    name: str
    rule: tuple[Rule, ...]

    def choose(self, roles: Roles) -> tuple[Rule, tuple[str, ...]]:
        """The first rule that applies and the hosters it chooses."""
        rule = next(r for r in self.rule if all(roles.get(role) for role in r.needs))
        return rule, roles.get(rule.chooses, ()) if rule.chooses else ()


def rules_from(data: bytes, where: str) -> RuleSet:
    """A rule set from TOML text.

    Raises InputError if it is malformed or may leave a case undecided.
    """
    try:
        rules = decode(data, type=RuleSet)
    except msgspec.DecodeError as problem:
        raise InputError(f"{where}: {problem} (docs/attribution.md, Rules)") from None
    ids = [rule.id for rule in rules.rule]
    if len(set(ids)) < len(ids):
        raise InputError(f"{where}: a rule id is used twice (docs/attribution.md, Rules)")
    if not rules.rule or rules.rule[-1].needs:
        raise InputError(f"{where}: the last rule must need nothing, so that one applies (docs/attribution.md, Rules)")
    for rule in rules.rule:
        if rule.chooses is not None and rule.chooses not in rule.needs:
            raise InputError(f"{where}: rule {rule.id!r} must need the role it chooses (docs/attribution.md, Rules)")
    return rules


def standard_rules() -> RuleSet:
    """The rules that come with Waterbed."""
    return rules_from((Path(__file__).parent / "rules.toml").read_bytes(), "attribution/rules.toml")
