"""The answer to one event: tests in sequence, and sentences."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from waterbed.estimators.changes import Beyond
from waterbed.graphs.displacement.answers import TypedAnswer
from waterbed.graphs.displacement.disclosure import disclosed_answers, refused_answer
from waterbed.graphs.displacement.event import Event
from waterbed.graphs.displacement.feeds import COUNTED, ChangedFeed
from waterbed.graphs.displacement.findings import Findings
from waterbed.graphs.displacement.known import Known, Removed
from waterbed.graphs.displacement.movements import Movements, place_of
from waterbed.graphs.displacement.overlap import overlaps
from waterbed.graphs.displacement.sequence import BESIDE, BEYOND, EARLIER, EXCESS, FALL, in_sequence
from waterbed.graphs.displacement.summary import NOT_PUBLISHED, UNPUBLISHED, summary
from waterbed.model.conclusions import Episode, Quarantine
from waterbed.model.formatter import EVERYTHING
from waterbed.model.message import Code, Message, Moment, Name, Number, Refusal, Sentence, Term, joined
from waterbed.model.redaction import redact
from waterbed.model.results import PeriodRow
from waterbed.questions.intervention.shares import SAME_MIX, EventShares
from waterbed.study.conclusions import Conclusions

_EVERYWHERE: Final = ("all", "canary")
"""Kinds of quarantines that are of no single place."""
_SEE: Final = "docs/operations.md, Quarantine"
_UNTOLD: Final = Removed(n=0, why=Refusal(Message.of("a publication of a window tells it of no event")))
MIXED: Final = 0.02
"""Difference of a share at the mix of another time, from which on both are told."""
HELD_BACK: Final = Refusal(Message.of("held back"), "held back")
"""What others are told where an event at a place that is not named acts on the same places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A study's other events that its readers may know of: no answer depends on any other."""

    events: Sequence[Event] = ()
    unread: int = 0
    """Files that cannot be read, if the study's own people read."""

    def number(self, event: Event) -> int:
        """Return the number of events that readers know of."""
        return len({event, *self.events})


def sources_in(movements: Movements) -> set[str]:
    """The sources that reported anything."""
    return {source for by in movements.sources_of.values() for source in by}


def left_out(feeds: Sequence[ChangedFeed], movements: Movements) -> set[str]:
    """The changed feeds without which others remain."""
    changed = {feed.source for feed in feeds if feed.others is not None}
    return changed if sources_in(movements) - changed else set()


def answered(
    found: Findings,
    event: Event,
    shares: EventShares | None,
    feeds: Sequence[ChangedFeed],
    left: Collection[str],
    conclusions: Conclusions,
    episodes: Sequence[Episode],
    beside: Beside,
) -> Findings:
    """Put findings in sequence and in sentences.

    Numbers that an open quarantine, a changed feed or another event could change are refused.
    """
    until = conclusions.until or event.window[1]
    answers = [*disclosed_answers(shares.answers() if shares else (), (), found.disclosure), *found.answers]
    found = replace(found, curves=list(shares.curves()) if shares else ())
    disclosure = found.disclosure
    is_internal = disclosure == EVERYTHING
    waiting = [held(quarantine, own=is_internal) for quarantine in open_quarantines(conclusions, event, episodes)]
    stays = [feed.words() for feed in feeds if feed.source not in left]
    notes = [
        Message.of("{change}; its reports are left out.", change=feed.words()) for feed in feeds if feed.source in left
    ]
    if stays:
        reason = Message.of("{changes}: what is counted there may be the feed's change", changes=joined(*stays))
        answers = [refused_answer(answer, Refusal(reason)) if answer.name in COUNTED else answer for answer in answers]
        notes += [Message.of("{change}.", change=clause) for clause in stays]
    stopped = [Message.of("No answer can be given yet."), *map(_ended, waiting)] if waiting else []
    stop_reason = joined(*waiting)
    for overlap in overlaps(event, beside.events, episodes):
        is_named = disclosure.names(overlap.place)
        name = found.names.get(overlap.place) or redact(overlap.place)
        refusal = Refusal(overlap.words(name)) if is_named else HELD_BACK
        sentence = Message.of("{event}", event=Sentence(refusal.reason))
        answers = [refused_answer(answer, refusal) if overlap.refuses(answer.name) else answer for answer in answers]
        refused = Message.of("{event} The numbers that it could change are refused.", event=sentence)
        notes += [refused] if is_named else []
        if overlap.controls:
            bare = [_unforetold(row) for row in found.periods]
            of_target = [row for row in found.curves if row.area == "target"]
            found = replace(found, periods=bare, placebos=(), curves=of_target)
        if overlap.target and not stopped:
            stopped = [Message.of("No answer can be given."), sentence] if is_named else [UNPUBLISHED]
            stop_reason = refusal.reason if is_named else NOT_PUBLISHED
    if waiting:
        answers = [refused_answer(answer, Refusal(stop_reason, "quarantine")) for answer in answers]
    if stopped:
        found = replace(found, curves=(), periods=(), placebos=(), destinations=(), pairs=(), stopped=stop_reason)
    if beside.unread:
        files = Number(beside.unread, "event file")
        notes.append(
            Message.of("{files} cannot be read: whether those events act on these places is unknown.", files=files)
        )
    answers = in_sequence(answers, event, until)
    interim = bool(event.read and until < event.reads[0])
    answer_summary = summary(
        _known(found, answers, event, shares, stopped, interim=interim, events=beside.number(event))
    )
    return replace(found, answers=answers, notes=(*notes, *found.notes), summary=answer_summary)


def _unforetold(row: PeriodRow) -> PeriodRow:
    """A period without all that rests on the controls."""
    row = replace(row, foretold=None, gap=None, p=None, smallest_p=None)
    return replace(row, foretold_sites=None, placebo_low=None, placebo_high=None)


def _ended(clause: Message) -> Message:
    """A clause that begins with a capital as a sentence."""
    return Message.of("{clause}.", clause=clause)


def _known(
    found: Findings,
    answers: Sequence[TypedAnswer],
    event: Event,
    shares: EventShares | None,
    stopped: Sequence[Message],
    *,
    interim: bool,
    events: int,
) -> Known:
    def test(name: str) -> TypedAnswer | None:
        matches = [answer for answer in answers if answer.name == name]
        return next((answer for answer in matches if answer.refusal is not None), matches[-1] if matches else None)

    fall, primary = test(event.fall), test(event.primary)
    if fall is None or primary is None or found.moved is None:
        raise ValueError("an event has the tests that it names")
    if primary.name == EXCESS:
        # one comparison that is refused or held back leaves open what all three are to show
        lacking = [answer.refusal for answer in map(test, BESIDE) if answer is not None and answer.refusal is not None]
        if primary.refusal is None and lacking:
            primary = replace(primary, refusal=min(lacking, key=lambda refusal: not refusal.held_back), adjusted=None)
    return Known(
        name=found.names.get(event.target, event.target) if found.disclosure.names(event.target) else "the target",
        target=shares.target.told if shares else (_UNTOLD, _UNTOLD),
        controls=_told(answers, shares.controls.told) if shares else (_UNTOLD, _UNTOLD),
        fall=fall,
        beyond=test(BEYOND) if event.fall == FALL else None,
        earlier=test(EARLIER) if event.fall == FALL else None,
        primary=primary,
        same_mix=_same_mix(shares, answers),
        stretch=shares.stretch if shares else timedelta(),
        stretches=shares.earlier.changes + 1 if shares and isinstance(shares.earlier, Beyond) else 0,
        largest=shares.earlier.largest if shares and isinstance(shares.earlier, Beyond) else None,
        spread=test("removal, change, buffer"),
        moved=found.moved,
        abroad=found.abroad,
        stands_out=test("mean change, blocks"),
        outcome=event.outcome,
        bias=[answer for answer in answers if answer.name == "excess reappearance, hidden bias"],
        drift=test("mean change, drift"),
        places=test("mean change, places"),
        interim=event.reads[0] if interim else None,
        stopped=stopped,
        events=events,
    )


def _same_mix(shares: EventShares | None, answers: Sequence[TypedAnswer]) -> Removed | None:
    """What the target removed after at the mix before, where it differs and is not refused."""
    after, same = (shares.target.told[1], shares.target.same_told) if shares else (_UNTOLD, None)
    if same is None or after.share is None or same.share is None or abs(same.share - after.share) < MIXED:
        return None
    refused = any(answer.refusal for answer in answers if answer.name in ("removed after, target", SAME_MIX))
    return None if refused else same


def _told(answers: Sequence[TypedAnswer], told: tuple[Removed, Removed]) -> tuple[Removed, Removed]:
    """The controls' shares, each without its number where its row is refused, as by an event at the controls."""
    refused = {answer.name: answer.refusal for answer in answers if answer.refusal is not None}
    share_before, after = (
        Removed(n=0, why=refused[name]) if (name := f"removed {when}, controls") in refused else share
        for when, share in zip(("before", "after"), told, strict=True)
    )
    return share_before, after


def open_quarantines(conclusions: Conclusions, event: Event, episodes: Sequence[Episode]) -> Iterator[Quarantine]:
    """Yield the open quarantines that could change the numbers."""
    start, end = event.window
    end += timedelta(hours=event.horizon_h)  # what ended last is followed so long
    for quarantine in conclusions.quarantines:
        inside = quarantine.began_at < end and quarantine.ended_at > start
        if (
            quarantine.status == "open"
            and quarantine.kind != "feed"
            and inside
            and _touches(quarantine, event, episodes)
        ):
            yield quarantine


def deciding(quarantine: Quarantine) -> str:
    """The command that decides a quarantine."""
    return f"waterbed quarantine release|void {quarantine.quarantine_id} --reason WHY"


def held(quarantine: Quarantine, *, own: bool = True) -> Message:
    """Say which looks await a decision, in one clause that begins with a capital.

    The study's own people are told whose they are and how it is decided, others only when the looks were.
    """
    start, end = Moment(quarantine.began_at), Moment(quarantine.ended_at)
    if not own:
        return Message.of("Checks from {start} to {end} await a decision", start=start, end=end)
    kind = Message.of("{kind}", kind=Term(quarantine.kind))
    if quarantine.scope:
        kind = Message.of("{kind} of {scope}", kind=kind, scope=Name(quarantine.scope))
    return Message.of(
        "Checks from {start} to {end} are in quarantine {id} ({kind}), and target, controls or buffer are among them: "
        "look into it, then {command} ({see})",
        start=start,
        end=end,
        id=Code(quarantine.quarantine_id),
        kind=kind,
        command=Code(deciding(quarantine)),
        see=Code(_SEE),
    )


def _touches(quarantine: Quarantine, event: Event, episodes: Sequence[Episode]) -> bool:
    if quarantine.kind in _EVERYWHERE:
        return True
    declared = tuple(event.places)
    declared_episodes = (episode for episode in episodes if place_of(episode, event.kind, declared) in declared)
    if quarantine.kind == "hoster":
        return any(quarantine.scope in (episode.hoster, *episode.hosters) for episode in declared_episodes)
    network = ip_network(quarantine.scope, strict=False)
    return any(ip_address(address) in network for episode in declared_episodes for address in episode.addresses)
