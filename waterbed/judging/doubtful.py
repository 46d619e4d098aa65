"""Doubtful verdicts, and the codes that people give them. Pure."""

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
"""The coding queue for these cases."""
CODES: Final = ("up", "gone", "moved", "no_name", "unreachable", UNSURE)
"""Codes of a case: unsure, or an outcome.

The outcome replaces the one that the rules gave.
"""
Doubt = Literal["undecided", "catch-all", "soft-gone", "redirect", "quarantined", "disputed", "unconfirmed"]

_CATCH_ALL: Final = ("indistinct", "changed")
_SOFT: Final[Mapping[str, Doubt]] = {"soft_gone": "soft-gone", "moved": "redirect"}
_UNDECIDED: Final[Mapping[str, Doubt]] = {
    **dict.fromkeys(_CATCH_ALL, "catch-all"),
    "redirected": "redirect",
    "unconfirmed": "unconfirmed",
    "quarantined": "quarantined",
    "disputed": "disputed",
}
OURS: Final = ("our_fault", "refused_by_us", "unwatched", "unobserved")
"""Outcomes of looks that saw nothing of the URL. They cannot be coded: else our outage could end an episode."""
ANSWER: Final = ("status", "failure", "marks", "redirect", "redirect_site_id")
"""What looks of one case saw alike, beside the deciding rule."""
ANSWERED: Final = ("up", "gone", "moved")
"""Codes about a server's answer; unanswered looks cannot get them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Looks of one URL with the same answer, coded together.

    `first` and `last` are indexes into the list of looks. `doubt` is None where the rules decided and nothing speaks
    against them. `before` and `after` are the indexes of the nearest decided looks of the URL on either side.
    """

    item_id: str
    first: int
    last: int
    doubt: Doubt | None
    before: int | None
    after: int | None


def cases(looks: Sequence[Observation], verdicts: Sequence[Verdict]) -> Iterator[Case]:
    """Yield the cases of looks sorted by URL and time.

    Looks that saw nothing of the URL are left out. A case is doubtful if the rules call it gone or moved though a
    server answers, or if they left it undecided where that matters: after the URL was up or before any decision, and
    not before it was up again.
    """
    indexes = range(len(looks))
    for _, group in groupby(indexes, key=lambda n: looks[n].url_id):
        own = list(group)
        befores, afters = _decided(own, verdicts), list(reversed(_decided(own[::-1], verdicts)))
        answers = groupby(zip(own, befores, afters, strict=True), key=lambda entry: _answer(looks, verdicts, entry[0]))
        for _, alike in answers:
            run = list(alike)
            (first, before, _), (last, _, after) = run[0], run[-1]
            if verdicts[first].outcome not in OURS:
                yield Case(
                    item_id=looks[first].observation_id,
                    first=first,
                    last=last,
                    doubt=doubt_of(verdicts[first], _state(verdicts, before), _state(verdicts, after)),
                    before=before,
                    after=after,
                )


def recoded(
    looks: Sequence[Observation],
    verdicts: Sequence[Verdict],
    codes: Mapping[str, str],
    rules: RuleSet,
) -> list[Verdict]:
    """Return the verdicts with doubtful cases restated as coded.

    `codes` are by the id of the look that a case begins with. A code applies to the looks of the same case from that
    look on: they had the same answer. A code about a server's answer changes no look without one. InputError if the
    rule set does not define an outcome of that name.
    """
    restated_verdicts = list(verdicts)
    wanted = {look: code for look, code in codes.items() if code != UNSURE}
    if not wanted:
        return restated_verdicts
    if missing := sorted(set(wanted.values()) - set(rules.outcomes)):
        raise InputError(
            f"checks are coded as {', '.join(missing)}, which the rule set {rules.name} does not define "
            "(docs/coding.md, Outcomes)"
        )
    for case in cases(looks, verdicts):
        code = None
        for n in range(case.first, case.last + 1) if case.doubt else ():
            code = wanted.get(looks[n].observation_id, code)
            if code and (looks[n].status is not None or code not in ANSWERED):
                restated_verdicts[n] = restated(verdicts[n], code, rules, "coded")
    return restated_verdicts


def _decided(indexes: Sequence[int], verdicts: Sequence[Verdict]) -> list[int | None]:
    """For each look of one URL, the last decided one before it in this order."""
    decided: list[int | None] = []
    last: int | None = None
    for n in indexes:
        decided.append(last)
        if verdicts[n].state != "unknown":
            last = n
    return decided


def _answer(looks: Sequence[Observation], verdicts: Sequence[Verdict], n: int) -> tuple[object, ...]:
    """The key that looks of one case share: the deciding rule and the answer."""
    look, verdict = looks[n], verdicts[n]
    return verdict.rule, *(getattr(look, name) for name in ANSWER)


def _state(verdicts: Sequence[Verdict], n: int | None) -> State | None:
    return None if n is None else verdicts[n].state


def doubt_of(verdict: Verdict, before: State | None, after: State | None) -> Doubt | None:
    """Return the doubt about a verdict between two decided ones.

    None where there is none.
    """
    if verdict.state != "unknown":
        return _SOFT.get(verdict.outcome)
    return _UNDECIDED.get(verdict.outcome, "undecided") if before != "down" and after != "up" else None
