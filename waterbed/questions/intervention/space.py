"""Address space of an event's target that changed hands."""

from collections.abc import Iterator
from typing import Final

from waterbed.attribution.hosters.day import first_day
from waterbed.attribution.hosters.members import as_of_key
from waterbed.attribution.successions import moved_from
from waterbed.governance.reply import public_successions
from waterbed.graphs.displacement.event import Event
from waterbed.model.decisions import HosterChange
from waterbed.model.formatter import EVERYTHING, Disclosure
from waterbed.model.message import Code, Date, Message, Name, Number, Term
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

SEE: Final = "docs/attribution.md, Networks that change hands"
LEAST_SHARE: Final = 0.05
"""Share of the target's addresses below which nothing is said."""


def space_notes(study: Study, conclusions: Conclusions, event: Event, disclosure: Disclosure) -> Iterator[Message]:
    """Say if the target's network changed hands meanwhile.

    By the routes of both ends, for the study's own people alone, and by the book of hosters; readers outside learn only
    of successions that two people confirmed and both companies were told of. Nothing of a country.
    """
    if event.kind == "country":
        return
    start, end = (moment.date() for moment in event.window)
    book, own = conclusions.attributor.book, disclosure == EVERYTHING
    target = book.on(start).company(event.target)
    if own:
        yield from _routed(conclusions, event, target)
    known = book.in_force if own else public_successions(study.folder, book)
    for change in known:
        since = first_day(change)
        if change.is_takeover and since and start <= since <= end and target in _sides(conclusions, change):
            status = book.statuses.get(change.change_id)
            when = Message.of("{day}", day=Date(since))
            if status and status != "accepted":
                when = Message.of("{day} ({status})", day=Date(since), status=Term(status))
            yield Message.of(
                "{into} took over the network of {key} by {when}: the hoster moved, its customers did not, and no hop "
                "is counted for it ({see}).",
                into=Name(change.into or "", public=True),
                key=Name(change.key, public=True),
                when=when,
                see=Code(SEE),
            )


def _sides(conclusions: Conclusions, change: HosterChange) -> set[str]:
    since = first_day(change)
    return {change.key, change.into or "", *([conclusions.attributor.book.resolve(change.key, since)] if since else [])}


def _routed(conclusions: Conclusions, event: Event, target: str) -> Iterator[Message]:
    start, end = (moment.date() for moment in event.window)
    attributor = conclusions.attributor
    ases = frozenset(asn for what in attributor.book.on(start).members(target) if (asn := as_of_key(what)) is not None)
    for family, units in ((4, Term("IPv4 addresses")), (6, Term("IPv6 /48s"))):
        before, after = attributor.routes.on(start, family), attributor.routes.on(end, family)
        if before is None or after is None or before.data_date >= after.data_date:
            continue
        had, gone = moved_from(before.table.table, after.table.table, ases, family)
        moved = sum(gone.values())
        if not had or moved < LEAST_SHARE * had:
            continue
        most = max(gone, key=lambda asn: (gone[asn], -asn))
        yield Message.of(
            "{moved} of the {had} {units} of {place} on {before} had another origin on {after}, {most} of them "
            "{origin}: its network changed hands, in part or whole. Content that stayed on them did not hop ({see}).",
            moved=Number(moved),
            had=Number(had),
            units=units,
            place=Name(event.target),
            before=Date(before.data_date),
            after=Date(after.data_date),
            most=Number(gone[most]),
            origin=Name(f"AS{most}"),
            see=Code(SEE),
        )
