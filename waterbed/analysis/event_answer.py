"""The answer to one event: tests in sequence, and sentences."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Final

from graphs.displacement.disclosure import EVERYTHING, refused_answer
from graphs.displacement.event import Event
from graphs.displacement.feeds import COUNTED, ChangedFeed
from graphs.displacement.findings import Findings
from graphs.displacement.movements import Movements, place_of
from graphs.displacement.sequence import in_sequence
from graphs.displacement.summary import Known, Removed, Summary, summary
from waterbed.analysis.event_shares import EventShares
from waterbed.model.conclusions import Episode, Quarantine
from waterbed.model.results import Answer
from waterbed.study.conclusions import Conclusions

_EVERYWHERE: Final = ("all", "canary")
"""Kinds of quarantines that are of no single place."""
_SEE: Final = "docs/operations.md, Quarantine"
_UNTOLD: Final = Removed(n=0, why="a publication of a window tells it of no event")


def sources_in(movements: Movements) -> set[str]:
    """The sources that reported anything."""
    return {source for by in movements.sources_of.values() for source in by}


def left_out(feeds: Sequence[ChangedFeed], movements: Movements) -> set[str]:
    """The changed feeds without which others remain."""
    changed = {one.source for one in feeds if one.others is not None}
    return changed if sources_in(movements) - changed else set()


def answered(
    found: Findings,
    event: Event,
    shares: EventShares | None,
    feeds: Sequence[ChangedFeed],
    left: Collection[str],
    conclusions: Conclusions,
    episodes: Sequence[Episode],
) -> Findings:
    """Put findings in sequence and in sentences.

    Numbers that an open quarantine or a changed feed could change are refused.
    """
    until = conclusions.until or event.window[1]
    answers = [*(shares.answers() if shares else ()), *found.answers]
    disclosure = found.disclosure
    own = disclosure == EVERYTHING
    stopped = [held(one, own=own) for one in open_quarantines(conclusions, event, episodes)]
    stays = [disclosure.masked(one.words) for one in feeds if one.source not in left]
    notes = [f"{disclosure.masked(one.words)}; its reports are left out." for one in feeds if one.source in left]
    if stays:
        reason = f"{'; '.join(stays)}: what is counted there may be the feed's change"
        answers = [refused_answer(one, reason) if one.name in COUNTED else one for one in answers]
        notes += [f"{one}." for one in stays]
    if stopped:
        answers = [refused_answer(one, " ".join(stopped).rstrip(".")) for one in answers]
        found = replace(found, periods=(), placebos=(), destinations=(), pairs=())
    answers = in_sequence(answers, event, until)
    said = summary(_known(found, answers, event, shares, stopped, interim=bool(event.read and until < event.reads[0])))
    return replace(found, answers=answers, notes=(*notes, *found.notes), summary=_masked(said, found))


def _masked(said: Summary, found: Findings) -> Summary:
    return replace(said, sentences=tuple(found.disclosure.masked(one) for one in said.sentences))


def _known(
    found: Findings,
    answers: Sequence[Answer],
    event: Event,
    shares: EventShares | None,
    stopped: Sequence[str],
    *,
    interim: bool,
) -> Known:
    def test(name: str) -> Answer | None:
        own = [one for one in answers if one.name == name]
        return next((one for one in own if one.refusal is not None), own[-1] if own else None)

    fall, primary = test(event.fall), test(event.primary)
    if fall is None or primary is None or found.moved is None:
        raise ValueError("an event has the tests that it names")
    return Known(
        name=found.names.get(event.target, event.target) if found.disclosure.names(event.target) else "The target",
        target=shares.target.told if shares else (_UNTOLD, _UNTOLD),
        controls=shares.controls.told if shares else (_UNTOLD, _UNTOLD),
        fall=fall,
        primary=primary,
        spread=test("removal, change, buffer"),
        moved=found.moved,
        abroad=found.abroad,
        stands_out=test("mean change, blocks"),
        interim=event.reads[0] if interim else None,
        stopped=stopped,
    )


def open_quarantines(conclusions: Conclusions, event: Event, episodes: Sequence[Episode]) -> Iterator[Quarantine]:
    """Yield the open quarantines that could change the numbers."""
    start, end = event.window
    for one in conclusions.quarantines:
        inside = one.began_at < end and one.ended_at > start
        if one.status == "open" and one.kind != "feed" and inside and _touches(one, event, episodes):
            yield one


def deciding(quarantine: Quarantine) -> str:
    """The command that decides a quarantine."""
    return f"waterbed quarantine release|void {quarantine.quarantine_id} --reason WHY"


def held(quarantine: Quarantine, *, own: bool = True) -> str:
    """Say which looks await a decision, in one sentence.

    The study's own people are told whose they are and how it is decided, others only when the looks were.
    """
    span = f"Looks from {quarantine.began_at:%Y-%m-%d %H:%M} to {quarantine.ended_at:%Y-%m-%d %H:%M}"
    if not own:
        return f"{span} await a decision."
    of = f" of {quarantine.scope}" if quarantine.scope else ""
    return (
        f"{span} are in quarantine {quarantine.quarantine_id} ({quarantine.kind}{of}), and target, controls or buffer "
        f"are among them: look into it, then {deciding(quarantine)} ({_SEE})."
    )


def _touches(quarantine: Quarantine, event: Event, episodes: Sequence[Episode]) -> bool:
    if quarantine.kind in _EVERYWHERE:
        return True
    declared = tuple(event.places)
    own = (episode for episode in episodes if place_of(episode, event.kind, declared) in declared)
    if quarantine.kind == "hoster":
        return any(quarantine.scope in (episode.hoster, *episode.hosters) for episode in own)
    network = ip_network(quarantine.scope, strict=False)
    return any(ip_address(address) in network for episode in own for address in episode.addresses)
