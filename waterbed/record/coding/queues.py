"""Items that wait for a coder.

Each coder gets them in an order of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated

from waterbed.attribution.hosters.evidence import queue_for
from waterbed.estimators.refusal import Refusal
from waterbed.governance.agreement import Agreement, agreement, of_changes
from waterbed.governance.hosters import read_book
from waterbed.model import decisions as double
from waterbed.model.decisions import Coding
from waterbed.model.registrations import Registration
from waterbed.record.coding.cases import outcome_items, role_items
from waterbed.record.coding.items import CODES, HOSTERS, ROLES, Item, shuffled
from waterbed.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One item that waits for a coder, with its evidence."""

    queue: Annotated[str, "hosters, roles or outcomes"]
    item_id: Annotated[str, "the item: a change_id, a hoster's key, or the first check of a case"]
    task: Annotated[str, "code: say what you think; settle: two others disagree, or one of them is unsure"]
    evidence: Annotated[tuple[str, ...], "what is known of it, each as name=value; never what others think"]


def waiting(study: Study, queue: str, coder: str) -> list[tuple[Item, str]]:
    """The items that a person may code or settle.

    Each with its task. The order hangs on the coder's name and the ids alone: coders meet the items in orders of their
    own, and neither order nor content shows what one other person has coded.
    """
    if queue == HOSTERS:
        found = _changes(study, coder)
    else:
        coded = double.by_item(study.store.all(Coding), queue)
        tasks = ((item, double.task_of(coder, coded.get(item.item_id, ()))) for item in items(study, queue))
        found = [(item, task) for item, task in tasks if task]
    return sorted(found, key=lambda one: (one[1], shuffled(coder, one[0].item_id)))


def items(study: Study, queue: str) -> list[Item]:
    """All items of a queue: doubtful cases and checks.

    Whoever has coded them.
    """
    conclusions, settings = study.conclude(), study.config.coding
    if queue != ROLES:
        return outcome_items(conclusions, settings)
    book = conclusions.attributor.book.without_kinds()
    return role_items(conclusions, book.on((conclusions.until or study.clock()).date()), settings)


def row_of(item: Item, task: str) -> Waiting:
    """An item as people and tools are given it.

    Unknown evidence is left out.
    """
    evidence = tuple(f"{name}={value}" for name, value in item.evidence.items() if value)
    return Waiting(queue=item.queue, item_id=item.item_id, task=task, evidence=evidence)


def agreements(study: Study) -> list[Agreement[Refusal]]:
    """Agreement of the coders, for each queue.

    Also for checks, beside doubtful cases.
    """
    book, codings = read_book(study.folder), study.store.all(Coding)
    rows = [of_changes(book.changes, codings)]
    for queue in CODES:
        coded = {} if queue == HOSTERS else double.by_item(codings, queue)
        if queue == HOSTERS:
            continue
        said = {one.item_id: one.said or "" for one in items(study, queue) if not one.doubtful} if coded else {}
        rows.append(agreement(queue, _only(coded, said, inside=False)))
        if said:
            rows.append(agreement(queue, _only(coded, said, inside=True), cases="checks", said=said))
    return rows


def _only(
    coded: Mapping[str, Sequence[Coding]], named: Mapping[str, str], *, inside: bool
) -> dict[str, Sequence[Coding]]:
    return {item: its for item, its in coded.items() if (item in named) == inside}


def _changes(study: Study, coder: str) -> list[tuple[Item, str]]:
    book = read_book(study.folder)
    names = study.attributor().name_of if book.standing else str
    found = []
    for one in queue_for(coder, book, study.store.all(Registration), names):
        values = {field.name: getattr(one, field.name) for field in fields(one)}
        item_id, task = values.pop("change_id"), values.pop("task")
        evidence = {
            name: "; ".join(value) if isinstance(value, tuple) else value or "" for name, value in values.items()
        }
        found.append((Item(queue=HOSTERS, item_id=item_id, evidence=evidence), task))
    return found
