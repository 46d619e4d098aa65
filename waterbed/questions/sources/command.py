"""The `sources` command: sources of reports and their listing rules."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from waterbed.model.conclusions import Quarantine
from waterbed.model.errors import InputError
from waterbed.model.spelling import percent
from waterbed.shown.options import Format, Formatted
from waterbed.shown.output import SHOWN, for_tools, hours_text, more, note, print_columns, say

if TYPE_CHECKING:
    from waterbed.estimators.survival.npmle import Survival
    from waterbed.estimators.survival.spikes import Spike
    from waterbed.intake.csv_table import Rejected
    from waterbed.judging.quarantines import GuardRules
    from waterbed.model.results import FeedCard

METHOD = (
    "counts of reports; listed_median: days from entry to absence, interval-censored NPMLE on an hour grid given entry"
)
MIDPOINT_METHOD = "counts of reports; listed_median: product limit of the middles of the intervals"
_FINDING = 1
Line = TypeVar("Line")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    """Listing behaviour of a source, from its presence list."""

    source: str
    entries: int
    bad: Sequence[tuple[str, Rejected]]
    """File and line number."""
    held: Sequence[Quarantine]
    spike: Spike | None
    stay: Survival | None
    window: int | None
    """Entries that it always lists."""

    @property
    def finding(self) -> bool:
        return bool(self.bad or self.held or self.spike or self.window)


def sources(
    context: typer.Context,
    form: Formatted = Format.table,
    presence: Annotated[
        Path | None, typer.Option(help="CSV of a feed's entries: entered,first_listed,last_listed,first_missing.")
    ] = None,
    deliveries: Annotated[
        Path | None,
        typer.Option(help="CSV of its deliveries: received,entries; suspect ones are not evidence of absence."),
    ] = None,
    source: Annotated[str | None, typer.Option(help="The source of these files.")] = None,
    midpoint: Annotated[bool, typer.Option("--midpoint", help="Use midpoints of intervals as ends.")] = False,
    ignore_entry: Annotated[
        bool, typer.Option("--ignore-entry", help="With --midpoint: ignore late entry, which overestimates durations.")
    ] = False,
) -> None:
    """Print a card for each source of reports.

    With --presence: how long it lists entries, and if they leave by rule.

    For example: waterbed -C mystudy sources
    """
    from waterbed.measures.by_source import cards, sources
    from waterbed.model.results import FeedCard
    from waterbed.study.guarded import guard_rules
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    if presence is None and (deliveries or midpoint or ignore_entry):
        raise InputError("--deliveries, --midpoint and --ignore-entry are about a --presence list (docs/ranking.md)")
    if ignore_entry and not midpoint:
        raise InputError("--ignore-entry needs --midpoint: the interval estimate always heeds entry (docs/ranking.md)")
    with open_study(context.obj) as study:
        conclusions = study.conclude()
        listing = None
        if presence:
            named = _of(source, sources(conclusions))
            rules = guard_rules(study.config)
            listing = _listing(named, presence, deliveries, rules, midpoint=midpoint, ignore_entry=ignore_entry)
        method = MIDPOINT_METHOD if midpoint else METHOD
        info = replace(table_info(study, "survival in a feed" if presence else "feeds", by="source"), method=method)
        found = [_with(card, listing) for card in cards(conclusions)]
    if form is not Format.table:
        for_tools(FeedCard, found, info, form)
    else:
        print_cards(found)
        if listing:
            _say(listing, midpoint=midpoint, ignore_entry=ignore_entry)
    raise typer.Exit(_FINDING if listing and listing.finding else 0)


def print_cards(found: Sequence[FeedCard]) -> None:
    """Print the card of each source."""
    names = (
        "source",
        "reports",
        "URLs",
        "hosts",
        "sites",
        "days",
        "delay h",
        "p90",
        "shared",
        "first",
        "down",
        "deliveries",
    )
    print_columns("Sources of reports", names, [_card_cells(card) for card in found[:SHOWN]])
    note(
        "delay: hours from report to import here. shared: URLs that others reported too; first: of these, here first "
        "from it. down: of its URLs that a check decided, those down at the first, which only reports saw up. empty: "
        "deliveries without a report. held: deliveries far smaller than usual, or empty after others "
        "(waterbed quarantine list).",
    )
    more(len(found))


def _card_cells(card: FeedCard) -> list[str]:
    came = f"{card.deliveries:,}"
    came += f", {card.empty:,} empty" if card.empty else ""
    came += f", {card.suspect:,} held" if card.suspect else ""
    return [
        card.source,
        f"{card.reports:,}",
        f"{card.urls:,}",
        f"{card.hosts:,}",
        f"{card.sites:,}",
        f"{card.days_covered:,}/{card.days:,}",
        hours_text(card.delay_median_h),
        hours_text(card.delay_p90_h),
        percent(card.shared, 0),
        percent(card.first_here, 0),
        percent(card.first_down / card.followed, 0) if card.followed else "-",
        came,
    ]


def _listing(
    source: str, presence: Path, deliveries: Path | None, rules: GuardRules, *, midpoint: bool, ignore_entry: bool
) -> _Listing:
    from waterbed.intake.feed_presence import read_deliveries, read_presence
    from waterbed.measures.feeds import (
        retention_ages,
        retention_spike,
        staying,
        suspect_deliveries,
        window_length,
    )

    entries, bad = _parted(read_presence(presence))
    came, worse = _parted(read_deliveries(deliveries)) if deliveries else ([], [])
    came.sort(key=lambda one: one.received)
    held = suspect_deliveries(source, came, rules)
    doubted = {one.began_at for one in held}
    found = retention_ages(entries, [one.received for one in came if one.received not in doubted])
    window = window_length(entries)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        told = entries and window is None
        stay = staying(found, midpoint=midpoint, ignore_entry=ignore_entry) if told else None
    for warning in warned:
        typer.echo(f"warning: {warning.message} (docs/ranking.md)", err=True)
    return _Listing(
        source=source,
        entries=len(entries),
        bad=[*(("presence", line) for line in bad), *(("deliveries", line) for line in worse)],
        held=held,
        spike=retention_spike(found.left, found.right) if window is None else None,
        stay=stay,
        window=window,
    )


def _with(card: FeedCard, listing: _Listing | None) -> FeedCard:
    """A source's card with the results of its presence list."""
    if listing is None or card.source != listing.source:
        return card
    low, high = listing.stay.median if listing.stay else (None, None)
    known = high is not None and high != float("inf")
    return replace(
        card,
        retention_day=listing.spike.age if listing.spike else None,
        window_entries=listing.window,
        listed_median_low_d=round(low, 3) if low is not None and known else None,
        listed_median_high_d=round(high, 3) if high is not None and known else None,
    )


def _say(listing: _Listing, *, midpoint: bool, ignore_entry: bool) -> None:
    source, spike = listing.source, listing.spike
    for file, line in listing.bad:
        say(f"  {file}, line {line.line}: {line.reason}")
    for one in listing.held:
        say(
            f"{source}: the delivery of {one.began_at:%Y-%m-%d %H:%M} held {one.flipped:,} entries for about "
            f"{one.looked:,}: it tells of no absence."
        )
    if listing.window:
        say(
            f"{source}: it always lists {listing.window:,} entries, and as many leave as come. How long an entry stays "
            "is its pace and tells nothing of pages: no stay is estimated."
        )
        return
    if listing.stay:
        how = "middles of intervals" if midpoint else "intervals"
        how += ", late entry ignored" if ignore_entry else ""
        say(f"{source}: {listing.entries:,} entries; {_half(listing.stay)} ({how}).")
    if spike:
        say(
            f"{source}: {percent(spike.hazard)} of what is {spike.age - 1} days old leaves on the next day, beside "
            f"{percent(spike.baseline, 1)} before and after: a rule of the feed, not the end of pages."
        )
    else:
        say(f"{source}: {listing.entries:,} entries, no age at which they leave by rule")


def _half(stay: Survival) -> str:
    low, high = stay.median
    if high == float("inf") and low < stay.known_until:
        return f"half left after {low:.2f} days or more: at some ages nothing was listed that tells"
    if high == float("inf"):
        return f"more than half were still listed after {stay.known_until:.3g} days"
    return f"half left within {low:.2f} days" if low == high else f"half left within {low:.2f} to {high:.2f} days"


def _of(source: str | None, known: list[str]) -> str:
    """The source of a presence list."""
    if source in known:
        return source or ""
    if source is None and len(known) == 1:
        return known[0]
    raise InputError(
        f"--presence needs --source, one of those that reported: {', '.join(known[:10]) or 'none yet'} "
        "(docs/ranking.md)"
    )


def _parted(lines: Iterable[Line | Rejected]) -> tuple[list[Line], list[Rejected]]:
    """Split lines into valid and invalid ones."""
    from waterbed.intake.csv_table import Rejected

    good: list[Line] = []
    bad: list[Rejected] = []
    for line in lines:
        if isinstance(line, Rejected):
            bad.append(line)
        else:
            good.append(line)
    return good, bad
