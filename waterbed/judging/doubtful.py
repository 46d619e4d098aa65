"""Looks whose verdict is in doubt, and what people's codes make of them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from waterbed.judging.judge import restated
from waterbed.judging.rules import RuleSet
from waterbed.model.conclusions import State, Verdict
from waterbed.model.decisions import UNSURE
from waterbed.model.errors import InputError
from waterbed.model.facts import Observation

QUEUE: Final = "outcomes"
"""The queue of codings that this module is about."""
CODES: Final = ("up", "gone", "moved", "no_name", "unreachable", UNSURE)
"""What a case can be coded as: unsure, or the outcome that takes the place of the rules'."""
Doubt = Literal["undecided", "catch-all", "soft-gone", "redirect", "quarantined", "disputed"]

_CATCH_ALL: Final = ("indistinct", "changed")
_SOFT: Final[Mapping[str, Doubt]] = {"soft_gone": "soft-gone", "moved": "redirect"}
_UNDECIDED: Final[Mapping[str, Doubt]] = {
    **dict.fromkeys(_CATCH_ALL, "catch-all"),
    "redirected": "redirect",
    "quarantined": "quarantined",
    "disputed": "disputed",
}
_OURS: Final = ("our_fault", "refused_by_us", "unwatched", "unobserved")
"""Outcomes of looks that saw nothing of the URL, whoever failed: nobody can code them, or our outage could end it."""
ANSWERED: Final = ("up", "gone", "moved")
"""Codes that say what a server answered: they hold for no look that none answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Looks of one URL in a row that were answered alike, as one thing to code.

    `first` and `last` are places in the list of looks, `doubt` is None where the rules decided and nothing speaks
    against them; `before` and `after` are the places of the nearest looks of the URL beside it that could be decided.
    """

    item_id: str
    first: int
    last: int
    doubt: Doubt | None
    before: int | None
    after: int | None


def cases(looks: Sequence[Observation], verdicts: Sequence[Verdict]) -> Iterator[Case]:
    """The cases of looks sorted by URL and time, in their order; looks that saw nothing of the URL are left out.

    In doubt is what the rules call gone or moved though something answers, and what they left undecided where it
    matters: after the URL was up, or before anything was decided, and not before it was up again.
    """
    places = range(len(looks))
    for _, group in groupby(places, key=lambda n: looks[n].url_id):
        own = list(group)
        befores, afters = _decided(own, verdicts), list(reversed(_decided(own[::-1], verdicts)))
        answers = groupby(zip(own, befores, afters, strict=True), key=lambda one: _answer(looks, verdicts, one[0]))
        for _, alike in answers:
            stretch = list(alike)
            (first, before, _), (last, _, after) = stretch[0], stretch[-1]
            if verdicts[first].outcome not in _OURS:
                yield Case(
                    item_id=looks[first].observation_id,
                    first=first,
                    last=last,
                    doubt=_doubt(verdicts[first], _state(verdicts, before), _state(verdicts, after)),
                    before=before,
                    after=after,
                )


def recoded(
    looks: Sequence[Observation],
    verdicts: Sequence[Verdict],
    codes: Mapping[str, str],
    rules: RuleSet,
) -> list[Verdict]:
    """The verdicts, those of doubtful cases restated as coded; `codes` are by the look that a case begins with.

    A code holds for the looks of the same case from that look on: they were answered alike. Where no server answered, a
    code that says what it answered changes nothing. InputError if the rule set has no outcome of that name.
    """
    made = list(verdicts)
    wanted = {look: code for look, code in codes.items() if code != UNSURE}
    if not wanted:
        return made
    if missing := sorted(set(wanted.values()) - set(rules.outcomes)):
        raise InputError(
            f"looks are coded as {', '.join(missing)}, which the rule set {rules.name} does not define; "
            "see docs/coding.md, Outcomes"
        )
    for case in cases(looks, verdicts):
        code = None
        for n in range(case.first, case.last + 1) if case.doubt else ():
            code = wanted.get(looks[n].observation_id, code)
            if code and (looks[n].status is not None or code not in ANSWERED):
                made[n] = restated(verdicts[n], code, rules, "coded")
    return made


def _decided(places: Sequence[int], verdicts: Sequence[Verdict]) -> list[int | None]:
    """For each look of one URL, the last one before it in this order that was decided."""
    found: list[int | None] = []
    last: int | None = None
    for n in places:
        found.append(last)
        if verdicts[n].state != "unknown":
            last = n
    return found


def _answer(looks: Sequence[Observation], verdicts: Sequence[Verdict], n: int) -> tuple[object, ...]:
    """What looks of one case have in common: the rule that decided and what was answered."""
    look, verdict = looks[n], verdicts[n]
    return verdict.rule, look.status, look.failure, look.marks, look.redirect, look.redirect_site_id


def _state(verdicts: Sequence[Verdict], n: int | None) -> State | None:
    return None if n is None else verdicts[n].state


def _doubt(verdict: Verdict, before: State | None, after: State | None) -> Doubt | None:
    if verdict.state != "unknown":
        return _SOFT.get(verdict.outcome)
    return _UNDECIDED.get(verdict.outcome, "undecided") if before != "down" and after != "up" else None
