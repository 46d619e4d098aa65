"""Agreement of the two coders of each item."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from waterbed.attribution.hosters.review import CODED, QUEUE
from waterbed.estimators.cluster_shares import cohen_kappa
from waterbed.estimators.refusal import Refusal
from waterbed.model import decisions as double
from waterbed.model.decisions import Coding, HosterChange

Why = TypeVar("Why")
"""A refusal as it is worked out; text where it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Generic[Why]):
    """Agreement of two coders over one queue.

    Over all items of the queue that two have coded.
    """

    queue: Annotated[str, "hosters, roles or outcomes"]
    cases: Annotated[str, "doubtful: what waits for codes; checks: drawn at random among what the rules decided"]
    items: Annotated[int, "items that two people have coded"]
    agreed: Annotated[int, "of these, both gave the same code"]
    share: Annotated[float | None, "share agreed, 0..1"]
    kappa: Annotated[float | None, "Cohen's kappa; null where chance alone would explain all agreement"]
    kappa_low: Annotated[float | None, "lower end of its 95% interval; null where the table gives none"]
    kappa_high: Annotated[float | None, "upper end of its 95% interval"]
    prevalence: Annotated[tuple[str, ...], "each code with how often the two gave it, the commonest first"]
    disputed: Annotated[int, "items that wait for a third person"]
    codes: Annotated[int, "codes of checks that say something, unsure left out; 0 for doubtful cases"] = 0
    others: Annotated[int, "of these, other than what the rules said"] = 0
    refusal: Annotated[Why | None, "why there is no kappa, or no interval"] = None


def agreement(
    queue: str,
    coded: Mapping[str, Sequence[Coding]],
    *,
    cases: str = "doubtful",
    proposers: Mapping[str, str] | None = None,
    said: Mapping[str, str] | None = None,
) -> Agreement[Refusal]:
    """Agreement of the two coders; settling votes are left out.

    `coded` are the codings of each item, oldest first; `proposers` who brought it up, `said` what the rules said of it,
    for checks. The two are ordered by name, so with two coders in all it is their own table.
    """
    table, codes, open_, given, other = Counter[tuple[str, str]](), Counter[str](), 0, 0, 0
    for item, its in coded.items():
        proposer = (proposers or {}).get(item)
        both = sorted(double.pair(its, proposer), key=lambda one: one.coder)
        if len(both) < 2:
            continue
        table[both[0].code, both[1].code] += 1
        codes.update(one.code for one in both)
        open_ += double.disputed(its, proposer)
        if said is not None:
            sure = [one.code for one in both if one.code != double.UNSURE]
            given += len(sure)
            other += sum(code != said.get(item) for code in sure)
    items, agreed = table.total(), sum(n for (a, b), n in table.items() if a == b)
    kappa = cohen_kappa(table)
    interval = kappa if isinstance(kappa, Refusal) else kappa.interval
    low, high = (None, None) if isinstance(interval, Refusal) else interval
    return Agreement(
        queue=queue,
        cases=cases,
        items=items,
        agreed=agreed,
        share=agreed / items if items else None,
        kappa=None if isinstance(kappa, Refusal) else kappa.value,
        kappa_low=low,
        kappa_high=high,
        prevalence=tuple(f"{code} {n}" for code, n in sorted(codes.items(), key=lambda one: (-one[1], one[0]))),
        disputed=open_,
        codes=given,
        others=other,
        refusal=interval if isinstance(interval, Refusal) else None,
    )


def of_changes(changes: Iterable[HosterChange], codings: Iterable[Coding]) -> Agreement[Refusal]:
    """Agreement on the changes of the book of hosters."""
    coded, proposers = double.by_item(codings, QUEUE), {c.change_id: c.who for c in changes if c.kind in CODED}
    return agreement(QUEUE, {item: coded.get(item, []) for item in proposers}, proposers=proposers)
