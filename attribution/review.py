"""Double coding: two people judge each change, blind to each other; a third settles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Annotated, Literal, get_args

from waterbed.model.decisions import Coding, HosterChange
from waterbed.model.errors import InputError

Code = Literal["accept", "reject", "unsure"]
Status = Literal["unreviewed", "accepted", "rejected", "disputed"]
QUEUE = "hosters"
"""The queue of codings that this module is about."""
CODED = ("merge", "split", "succession")
"""The kinds of change that two people code."""

_SEE = "see docs/hosters.md, Review"
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two coders agree, over all changes that two have coded."""

    items: Annotated[int, "changes that two people have coded"]
    agreed: Annotated[int, "of these, both gave the same code"]
    share: Annotated[float | None, "share agreed, 0..1"]
    kappa: Annotated[float | None, "Cohen's kappa; null where chance alone would explain all agreement"]
    kappa_low: Annotated[float | None, "lower end of its 95% interval"]
    kappa_high: Annotated[float | None, "upper end of its 95% interval"]


def by_item(codings: Iterable[Coding]) -> dict[str, list[Coding]]:
    """The codings of each change, oldest first."""
    found: dict[str, list[Coding]] = {}
    for coding in sorted(codings, key=lambda one: (one.coded_at, one.coding_id)):
        if coding.queue == QUEUE:
            found.setdefault(coding.item_id, []).append(coding)
    return found


def statuses(changes: Iterable[HosterChange], codings: Iterable[Coding]) -> dict[str, Status]:
    """What has become of each change that people code."""
    coded = by_item(codings)
    return {
        change.change_id: status_of(change, coded.get(change.change_id, ()))
        for change in changes
        if change.kind in CODED
    }


def status_of(change: HosterChange, codings: Sequence[Coding]) -> Status:
    """What has become of one change; `codings` are its own, oldest first.

    Two who agree settle it. Two who do not, or of whom one is unsure, leave it disputed until a third settles it.
    """
    pair = _pair(change, codings)
    if len(pair) < 2:
        return "unreviewed"
    codes = {coding.code for coding in pair}
    if len(codes) == 1 and "unsure" not in codes:
        return _settled(codes.pop())
    coders = {change.who, *(coding.coder for coding in pair)}
    for coding in codings:
        if coding.adjudicates and coding.coder not in coders and coding.code != "unsure":
            return _settled(coding.code)
    return "disputed"


def waiting_for(
    coder: str, changes: Iterable[HosterChange], codings: Iterable[Coding]
) -> list[tuple[HosterChange, bool]]:
    """The changes that a person may still code, each with whether it is to settle a dispute.

    Never one that the person proposed or has coded, and nothing of what others think.
    """
    coded = by_item(codings)
    found = []
    for change in changes:
        mine = coded.get(change.change_id, ())
        if change.kind not in CODED or coder == change.who or any(one.coder == coder for one in mine):
            continue
        disputed = status_of(change, mine) == "disputed"
        if disputed or len(_pair(change, mine)) < 2:
            found.append((change, disputed))
    return found


def check_coding(change: HosterChange, coder: str, code: str, *, adjudicates: bool, codings: Iterable[Coding]) -> None:
    """Raise InputError unless a person may give this code to a change now."""
    mine = by_item(codings).get(change.change_id, ())
    if code not in get_args(Code):
        raise InputError(f"{code!r} is no code; accept, reject or unsure was expected; {_SEE}")
    if change.kind not in CODED:
        raise InputError(f"change {change.change_id} is a {change.kind}; only {', '.join(CODED)} are coded; {_SEE}")
    if coder == change.who:
        raise InputError(f"{coder} proposed change {change.change_id}; two others code it; {_SEE}")
    if any(one.coder == coder for one in mine):
        raise InputError(f"{coder} has coded change {change.change_id} already; a code is not changed; {_SEE}")
    status = status_of(change, mine)
    if adjudicates and status != "disputed":
        raise InputError(f"change {change.change_id} is not disputed: there is nothing to settle; {_SEE}")
    if adjudicates and code == "unsure":
        raise InputError(f"a third person settles: accept or reject was expected, not unsure; {_SEE}")
    if not adjudicates and len(_pair(change, mine)) >= 2:
        last = "say --adjudicate to settle it" if status == "disputed" else "it is settled"
        raise InputError(f"two people have coded change {change.change_id} already; {last}; {_SEE}")


def agreement(changes: Iterable[HosterChange], codings: Iterable[Coding]) -> Agreement:
    """How far the two coders of each change agree; settling votes are left out.

    The two are told apart by their account names in order, so with two coders in all it is their own table.
    """
    coded, table = by_item(codings), dict[tuple[str, str], int]()
    for change in changes:
        pair = _pair(change, coded.get(change.change_id, ())) if change.kind in CODED else []
        if len(pair) == 2:
            first, second = sorted(pair, key=lambda one: one.coder)
            table[first.code, second.code] = table.get((first.code, second.code), 0) + 1
    items, agreed = sum(table.values()), sum(n for (a, b), n in table.items() if a == b)
    kappa, low, high = cohen_kappa(table)
    return Agreement(
        items=items,
        agreed=agreed,
        share=agreed / items if items else None,
        kappa=kappa,
        kappa_low=low,
        kappa_high=high,
    )


def cohen_kappa(table: Mapping[tuple[str, str], int]) -> tuple[float | None, float | None, float | None]:
    r"""Cohen's kappa of a table of counts, with its large-sample 95% interval.

    $\kappa = (p_o - p_e) / (1 - p_e)$ with $p_o = \sum_i p_{ii}$ and $p_e = \sum_i p_{i.} p_{.i}$ (Cohen, A coefficient
    of agreement for nominal scales, Educational and Psychological Measurement 20, 1960). Its standard error is
    $\sqrt{A + B - C} / ((1 - p_e) \sqrt{n})$ with $A = \sum_i p_{ii} (1 - (p_{i.} + p_{.i})(1 - \kappa))^2$,
    $B = (1 - \kappa)^2 \sum_{i \ne j} p_{ij} (p_{.i} + p_{j.})^2$ and $C = (\kappa - p_e (1 - \kappa))^2$ (Fleiss,
    Cohen and Everitt, Psychological Bulletin 72, 1969). None where both give everything one and the same code. With few
    items, or when all agree, the interval is too narrow.
    """
    n = sum(table.values())
    if not n:
        return None, None, None
    codes = sorted({code for pair in table for code in pair})
    share = {pair: count / n for pair, count in table.items()}
    row = {i: sum(share.get((i, j), 0.0) for j in codes) for i in codes}
    column = {j: sum(share.get((i, j), 0.0) for i in codes) for j in codes}
    expected = sum(row[i] * column[i] for i in codes)
    if expected >= 1.0 - 1e-12:
        return None, None, None
    kappa = (sum(share.get((i, i), 0.0) for i in codes) - expected) / (1 - expected)
    a = sum(share.get((i, i), 0.0) * (1 - (row[i] + column[i]) * (1 - kappa)) ** 2 for i in codes)
    b = (1 - kappa) ** 2 * sum(p * (column[i] + row[j]) ** 2 for (i, j), p in share.items() if i != j)
    c = (kappa - expected * (1 - kappa)) ** 2
    error = sqrt(max(0.0, a + b - c) / n) / (1 - expected)
    return kappa, max(-1.0, kappa - _NORMAL_95 * error), min(1.0, kappa + _NORMAL_95 * error)


def _pair(change: HosterChange, codings: Sequence[Coding]) -> list[Coding]:
    """The first two codings by two people, neither of them the one who proposed."""
    pair: list[Coding] = []
    for coding in codings:
        if coding.adjudicates or coding.coder == change.who or any(coding.coder == one.coder for one in pair):
            continue
        pair.append(coding)
        if len(pair) == 2:
            break
    return pair


def _settled(code: str) -> Status:
    return "accepted" if code == "accept" else "rejected"
