"""What people decide about hosters: changes of the book, and codings of what is doubtful. Only ever added."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

HosterChangeKind = Literal["define", "merge", "split", "succession", "undo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HosterChange:
    """One change of the book of hosters, as a person decided it.

    The book in force is the fold of all changes in the order of their decision, those undone left out.
    """

    KEY: ClassVar = ("change_id",)
    INDEX: ClassVar = ()

    change_id: Annotated[str, "id of the change"]
    kind: Annotated[
        HosterChangeKind,
        "define: an entity as it is from now on; merge: `key` is the same company as `into`; split: `members` leave "
        "`into` for `key`; succession: `into` took over from `key` on a day; undo: another change does not hold",
    ]
    key: Annotated[str, "the hoster it is about; for undo, the change"]
    into: Annotated[str | None, "the other hoster, where there is one"]
    members: Annotated[tuple[str, ...], "AS64500, registry:HANDLE, 192.0.2.0/24 or suffix:pages.example"]
    name: Annotated[str | None, "name for people (define)"]
    country: Annotated[str | None, "ISO code of the legal seat (define)"]
    entity: Annotated[str | None, "hoster, proxy or platform (define)"]
    since: Annotated[datetime | None, "first day on which it holds; null: always"]
    who: Annotated[str, "the person, by account name"]
    reason: Annotated[str, "why, in that person's words"]
    decided_at: Annotated[datetime, "when it was decided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """What one coder thinks of one doubtful thing, without knowing what others think."""

    KEY: ClassVar = ("coding_id",)
    INDEX: ClassVar = (("queue", "item_id"),)

    coding_id: Annotated[str, "id of the coding"]
    queue: Annotated[str, "what is coded: hosters (changes of the book), roles or outcomes"]
    item_id: Annotated[str, "the thing: a change_id; a hoster's key (roles); the first look of a case (outcomes)"]
    coder: Annotated[str, "the person, by account name, or as named in a sheet"]
    code: Annotated[str, "what the person thinks: unsure, or one of the codes of the queue (docs/coding.md)"]
    adjudicates: Annotated[bool, "whether it settles what two coders disagree on"]
    note: Annotated[str, "in that person's words; may be empty"]
    coded_at: Annotated[datetime, "when it was coded"]
