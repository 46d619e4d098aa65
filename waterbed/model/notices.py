"""Facts about one notice, joined to what it is."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from waterbed.model.facts import Notice

Company = Callable[[str, datetime], str]
"""The company that a recipient stands for on a day."""
FILLED = ("batch", "channel", "delivered_at", "acknowledged_at", "response", "withdrawn")
"""Fields of an earlier update of a notice that fill gaps in the latest."""


def same_notice(notice: Notice) -> tuple[object, ...]:
    """Return what two facts about one notice have in common."""
    return notice.url_id, notice.sender, notice.recipient, notice.kind, notice.sent_at, notice.reminder


def latest_notices(notices: Iterable[Notice]) -> list[Notice]:
    """Return each notice once, with its latest update.

    The order is that of the times of sending.

    A sender that tells more of a notice later (that it arrived, that it was answered) adds a fact. Two facts are about
    one notice if URL, sender, recipient, kind and time of sending agree and both or neither is a reminder. What the
    latest leaves empty is taken from those before; that it came back takes back that it arrived.
    """
    words: dict[tuple[object, ...], list[Notice]] = defaultdict(list)
    for notice in notices:
        words[same_notice(notice)].append(notice)
    latest = [joined_notice(own) for own in words.values()]
    return sorted(latest, key=lambda notice: (notice.sent_at, notice.notice_id))


def joined_notice(facts: Iterable[Notice]) -> Notice:
    """Return one notice, of all facts about it."""
    words: Sequence[Notice] = sorted(facts, key=lambda word: (word.received_at, word.notice_id))
    latest = words[-1]
    filled: dict[str, Any] = {
        name: next((value for word in reversed(words) if (value := getattr(word, name)) is not None), None)
        for name in FILLED
    }
    if latest.bounced:
        filled |= {"delivered_at": None, "acknowledged_at": None}
    return replace(latest, **filled, held_for_police=any(word.held_for_police for word in words))


def standing_notices(facts: Sequence[Notice]) -> tuple[Sequence[Notice], Sequence[Notice]]:
    """Return the facts about notices that are not withdrawn.

    In their order, and beside them the withdrawn notices, each once.
    """
    doubted = {same_notice(fact) for fact in facts if fact.withdrawn}
    words: dict[tuple[object, ...], list[Notice]] = defaultdict(list)
    for fact in facts if doubted else ():
        if (its := same_notice(fact)) in doubted:
            words[its].append(fact)
    withdrawn = {its: notice for its, own in words.items() if (notice := joined_notice(own)).withdrawn}
    standing = [fact for fact in facts if same_notice(fact) not in withdrawn] if withdrawn else facts
    return standing, list(withdrawn.values())
