"""Double coding of items.

Two people code each item, blind to each other; a third settles. Pure.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal

from waterbed.model.errors import InputError
from waterbed.model.redaction import shown

HosterChangeKind = Literal["define", "merge", "split", "succession", "proposal", "undo"]
HOSTING_TYPES: Final = ("shared", "vps", "dedicated", "reseller", "platform")
"""Kinds of hosting that a hoster can mostly offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HosterChange:
    """One decided change of the book of hosters.

    The book in force is the fold of all changes in the order of their decision, those undone left out.
    """

    KEY: ClassVar = ("change_id",)
    INDEX: ClassVar = ()

    change_id: Annotated[str, "id of the change"]
    kind: Annotated[
        HosterChangeKind,
        "define: an entity as it is from now on; merge: `key` is the same company as `into`; split: `members` leave "
        "`into` for `key`; succession: `into` took over from `key` on a day; proposal: that, or without a day a merge, "
        "or without `into` a type of hosting, from tables and without effect until two people accept it; undo: another "
        "change does not hold",
    ]
    key: Annotated[str, "the hoster it is about; for undo, the change"]
    into: Annotated[str | None, "the other hoster, where there is one"]
    members: Annotated[tuple[str, ...], "AS64500, registry:HANDLE, 192.0.2.0/24 or suffix:pages.example"]
    name: Annotated[str | None, "name for people (define)"]
    country: Annotated[str | None, "ISO code of the legal seat (define)"]
    entity: Annotated[str | None, "hoster, proxy or platform (define); type of hosting (proposal)"]
    since: Annotated[datetime | None, "first day on which it holds; null: always"]
    who: Annotated[str, "the person, by account name"]
    reason: Annotated[str, "why, in that person's words"]
    decided_at: Annotated[datetime, "when it was decided"]

    @property
    def is_takeover(self) -> bool:
        """True if one hoster takes over another on a day."""
        return self.kind in ("succession", "proposal") and bool(self.into and self.since)

    @property
    def hosting_type(self) -> str | None:
        """The type of hosting that it proposes, else None."""
        return self.entity if self.kind == "proposal" and self.into is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """One coder's code for one doubtful item.

    Given without knowing what others think.
    """

    KEY: ClassVar = ("coding_id",)
    INDEX: ClassVar = (("queue", "item_id"),)

    coding_id: Annotated[str, "id of the coding"]
    queue: Annotated[str, "what is coded: hosters (changes of the book), roles or outcomes"]
    item_id: Annotated[str, "the thing: a change_id; a hoster's key (roles); the first check of a case (outcomes)"]
    coder: Annotated[str, "the person, by account name, or as named in a sheet"]
    code: Annotated[str, "what the person thinks: unsure, or one of the codes of the queue (docs/coding.md)"]
    adjudicates: Annotated[bool, "whether it settles what two coders disagree on"]
    note: Annotated[str, "in that person's words; may be empty"]
    coded_at: Annotated[datetime, "when it was coded"]


UNSURE: Final = "unsure"
"""The code of who cannot tell: it agrees with nothing, itself included."""


def by_item(codings: Iterable[Coding], queue: str) -> dict[str, list[Coding]]:
    """The codings of each item of a queue, oldest first."""
    found: dict[str, list[Coding]] = {}
    for coding in sorted(codings, key=lambda one: (one.coded_at, one.coding_id)):
        if coding.queue == queue:
            found.setdefault(coding.item_id, []).append(coding)
    return found


def pair(codings: Sequence[Coding], proposer: str | None = None) -> list[Coding]:
    """The first two codings by two people.

    Neither of them proposed the item.
    """
    found: list[Coding] = []
    for coding in codings:
        if coding.adjudicates or coding.coder == proposer or any(coding.coder == one.coder for one in found):
            continue
        found.append(coding)
        if len(found) == 2:
            break
    return found


def settled(codings: Sequence[Coding], proposer: str | None = None) -> str | None:
    """The code that settles one item.

    None if it waits or is disputed; `codings` are its own, oldest first. Two who agree settle it. Two who do not, or of
    whom one is unsure, leave it disputed until a third settles it.
    """
    both = pair(codings, proposer)
    if len(both) < 2:
        return None
    codes = {coding.code for coding in both}
    if len(codes) == 1 and UNSURE not in codes:
        return codes.pop()
    coders = {proposer, *(coding.coder for coding in both)}
    for coding in codings:
        if coding.adjudicates and coding.coder not in coders and coding.code != UNSURE:
            return coding.code
    return None


def disputed(codings: Sequence[Coding], proposer: str | None = None) -> bool:
    """True if two coders disagree and nobody has settled it.

    An unsure coder agrees with nobody.
    """
    return len(pair(codings, proposer)) == 2 and settled(codings, proposer) is None


def settled_codes(codings: Iterable[Coding], queue: str) -> dict[str, str]:
    """The settled items of a queue, each with its code.

    Only items without a proposer.
    """
    found = {item: settled(its) for item, its in by_item(codings, queue).items()}
    return {item: code for item, code in found.items() if code is not None}


def task_of(coder: str, codings: Sequence[Coding], proposer: str | None = None) -> str | None:
    """The task that an item leaves a person.

    `code`, `settle` or None. None for an item that the person proposed or has coded. The opinion of one other person
    makes no difference.
    """
    if coder == proposer or any(one.coder == coder for one in codings):
        return None
    if len(pair(codings, proposer)) < 2:
        return "code"
    return "settle" if disputed(codings, proposer) else None


def check_coding(
    item: str,
    codings: Sequence[Coding],
    coder: str,
    code: str,
    *,
    codes: Collection[str],
    adjudicates: bool,
    see: str,
    proposer: str | None = None,
) -> None:
    """Raise InputError if a person may not give a code.

    The code is one for an item now. `item` is what a sentence calls it, `codings` are its own, `codes` those that there
    are, `see` where to read more.
    """
    if code not in codes:
        raise InputError(f"{shown(code)} is not a code; {_either(codes)} was expected ({see})")
    if coder == proposer:
        raise InputError(f"{coder} proposed {item}; two others code it ({see})")
    if any(one.coder == coder for one in codings):
        raise InputError(f"{coder} has coded {item} already; a code is not changed ({see})")
    is_disputed = disputed(codings, proposer)
    if adjudicates and not is_disputed:
        raise InputError(f"{item} is not disputed: there is nothing to settle ({see})")
    if adjudicates and code == UNSURE:
        raise InputError(f"a third person settles: {_either(set(codes) - {UNSURE})} was expected, not unsure ({see})")
    if not adjudicates and len(pair(codings, proposer)) >= 2:
        last = "say --adjudicate (waterbed code adjudicate) to settle it" if is_disputed else "it is settled"
        raise InputError(f"two people have coded {item} already; {last} ({see})")


def _either(codes: Collection[str]) -> str:
    *first, last = codes if isinstance(codes, Sequence) else sorted(codes)
    return f"{', '.join(first)} or {last}"
