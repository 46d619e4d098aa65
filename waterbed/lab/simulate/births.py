"""Births of names, and feeds, of a simulated world."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from waterbed.lab.world.records import Truth
from waterbed.model.facts import Birth, BirthKind

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BirthFiles:
    """The births that files know, and those that mislead.

    Shares of names, 0 to 1. Without a share of its own, a name is registered up to `lead_hours` before its content.
    """

    known: float = 0.7
    """Names in the files."""
    known_if_moved: float = 1.0
    """The same for names to which content came after a takedown: a factor."""
    lead_hours: float = 24.0
    old: float = 0.0
    """Registered for months or years: compromised, or bought long ago."""
    again: float = 0.0
    """Registered before by another owner, in an earlier file."""
    backdated: float = 0.0
    """Creation given up to a month too early."""
    certified: float = 0.0
    """With certificates, of which the files may know only a renewal."""
    wildcard: float = 0.0
    """Of these, under a wildcard: they give nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """Two feeds by which arrivals are reported.

    `odds` is the odds ratio of being in both: 1 if they find independently of each other, more if they copy.
    """

    odds: float = 1.0

    def of_one(self, detected: float, rng: random.Random) -> frozenset[str]:
        """Draw the feeds of a reported arrival.

        `detected` is the probability that any feed reports it; both feeds report equally many.
        """
        one, both = self._shares(detected)
        place = rng.random() * detected
        if place < both:
            return frozenset(("first", "second"))
        return frozenset(("first",) if place < both + one else ("second",))

    def _shares(self, detected: float) -> tuple[float, float]:
        """Return the probabilities of the first feed alone and of both: odds = both * none / alone^2."""
        none, low, high = 1.0 - detected, 0.0, detected
        for _ in range(60):
            both = (low + high) / 2
            alone = (detected - both) / 2
            low, high = (low, both) if both * none > self.odds * alone * alone else (both, high)
        return (detected - both) / 2, both


def draw_births(truth: Truth, files: BirthFiles, rng: random.Random) -> Iterator[Birth]:
    """Yield the births of a world's names from files."""
    moved = {truth.shown[hop.to_url].host for hop in truth.hops if not hop.parallel}
    began: dict[str, datetime] = {}
    for episode in truth.episodes:
        host = truth.shown[episode.url].host
        began[host] = min(began.get(host, episode.start), episode.start)
    for host, start in sorted(began.items()):
        yield from _of_name(host, start, files, host in moved, rng)


def _of_name(host: str, start: datetime, files: BirthFiles, moved: bool, rng: random.Random) -> Iterator[Birth]:
    created = start - rng.random() * files.lead_hours * _HOUR
    if rng.random() < files.old:
        created = start - rng.uniform(60, 3_000) * _DAY
    said = created - rng.random() * 30 * _DAY if rng.random() < files.backdated else created
    if rng.random() < files.known * (files.known_if_moved if moved else 1.0):
        yield birth(host, "creation", said)
        if rng.random() < files.again:
            yield birth(host, "creation", said - rng.uniform(400, 2_000) * _DAY)
    if rng.random() < files.certified and rng.random() >= files.wildcard:
        # a file may know the first one only by a renewal, which comes when the content is long there
        yield birth(host, "certificate", rng.choice((created, start + rng.uniform(0, 60) * _DAY)))


def birth(name: str, kind: BirthKind, when: datetime) -> Birth:
    """A birth as an import keeps it, to the hour."""
    hour = when.replace(minute=0, second=0, microsecond=0)
    return Birth(
        birth_id=f"{name} {kind} {hour}",
        name_id=name,
        kind=kind,
        born_at=hour,
        data_date=hour,
        source="simulated",
        licence=None,
        received_at=hour,
    )


def feeds_of(
    truth: Truth, feeds: Feeds, detected: Mapping[str, float], rng: random.Random
) -> Mapping[str, frozenset[str]]:
    """Draw the feeds of each reported URL.

    `detected` gives the probability that an arrival at a hoster is reported.
    """
    at = {episode.url: episode.hoster for episode in reversed(truth.episodes)}
    reported = dict.fromkeys(report.url for report in truth.reports)
    return {url: feeds.of_one(detected[at[url]], rng) for url in reported}
