"""Review status of changes, from their codings."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from waterbed.model import decisions as double
from waterbed.model.decisions import Coding, HosterChange
from waterbed.model.errors import InputError

Status = Literal["unreviewed", "accepted", "rejected", "disputed"]
QUEUE: Final = "hosters"
"""The queue of codings that this module is about."""
CODED: Final = ("merge", "split", "succession", "proposal")
"""The kinds of change that two people code."""
CODES: Final = ("accept", "reject", double.UNSURE)

_SEE = "docs/hosters.md, Review"


def statuses(changes: Iterable[HosterChange], codings: Iterable[Coding]) -> dict[str, Status]:
    """The review status of each change that is coded."""
    coded = double.by_item(codings, QUEUE)
    return {
        change.change_id: status_of(change, coded.get(change.change_id, ()))
        for change in changes
        if change.kind in CODED
    }


def in_force(change: HosterChange, status: Status | None) -> bool:
    """True if a change has its effect.

    One holds until two coders reject it, a proposal from data only once they accept it.
    """
    return status == "accepted" if change.kind == "proposal" else status != "rejected"


def status_of(change: HosterChange, codings: Sequence[Coding]) -> Status:
    """The review status of one change.

    `codings` are those of this change, oldest first.
    """
    code = double.settled(codings, change.who)
    if code is None:
        return "disputed" if double.disputed(codings, change.who) else "unreviewed"
    return "accepted" if code == "accept" else "rejected"


def waiting_for(
    coder: str, changes: Iterable[HosterChange], codings: Iterable[Coding]
) -> list[tuple[HosterChange, bool]]:
    """Changes that a person can still code.

    Each with True if the code settles a dispute.

    Never one that the person proposed or has coded, and nothing of what others think.
    """
    coded = double.by_item(codings, QUEUE)
    waiting = []
    for change in changes:
        task = double.task_of(coder, coded.get(change.change_id, ()), change.who) if change.kind in CODED else None
        if task:
            waiting.append((change, task == "settle"))
    return waiting


def check_coding(
    change: HosterChange, coder: str, code: str, *, note: str = "", adjudicates: bool, codings: Iterable[Coding]
) -> None:
    """Raise InputError if a person cannot give this code.

    A proposal from data is accepted with a public source in the note only.
    """
    if change.kind not in CODED:
        raise InputError(f"change {change.change_id} is a {change.kind}; only {', '.join(CODED)} are coded ({_SEE})")
    own_codings = double.by_item(codings, QUEUE).get(change.change_id, ())
    double.check_coding(
        f"change {change.change_id}",
        own_codings,
        coder,
        code,
        codes=CODES,
        adjudicates=adjudicates,
        see=_SEE,
        proposer=change.who,
    )
    if change.kind == "proposal" and code == "accept" and not note.strip():
        raise InputError(
            f"change {change.change_id} comes from data alone: accept it with --note, a public source that says so and "
            f"its date (no address) ({_SEE})"
        )
