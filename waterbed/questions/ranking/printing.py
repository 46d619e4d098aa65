"""Prints rankings, places by speed, and cards of sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from waterbed.model.conclusions import RankingRow
from waterbed.model.spelling import NOTHING, percents, share_of
from waterbed.shown.output import (
    SHOWN,
    console,
    days_of,
    for_tools,
    hours_text,
    more,
    new_table,
    note,
    number,
    percent,
    print_columns,
    print_table,
    say,
)
from waterbed.shown.windows import Cell, between, share

if TYPE_CHECKING:
    from waterbed.estimators.rank_sets import Agreement
    from waterbed.measures.ranking_tables import Side
    from waterbed.model.message import Message
    from waterbed.model.results import BorrowedRow, FeedRow, PlaceRow, VolumeRow
    from waterbed.model.table import TableInfo
    from waterbed.model.takedown import ActorShare


def print_volume(
    rows: Sequence[VolumeRow], info: TableInfo, worst: int, remark: Message, side: Side | None = None
) -> None:
    """Print volume against size, and what is to be remarked of it."""
    from waterbed.measures.volume import SIZE_FLOOR  # noqa: PLC0415 (help needs none of it)
    from waterbed.model.formatter import OWN  # noqa: PLC0415 (help needs none of it)

    columns = [f"worst {worst}" if name == "worst" else name for name in _VOLUME]
    print_columns(f"Volume against size, by {_unit(info, side)}", columns, [_volume_cells(row) for row in rows[:SHOWN]])
    note(
        f"score: incidents per 10,000 routed IPv4 addresses, from {SIZE_FLOOR:,} addresses on. O/E: sites for one "
        "expected of that size; shrunk: drawn to what all have in common, 95% interval.",
    )
    if said := OWN.text(remark):
        note(f"{said}.")
    more(len(rows))


def print_places(
    rows: Sequence[PlaceRow],
    ranked: Sequence[RankingRow],
    info: TableInfo,
    worst: int,
    side: Side | None = None,
) -> None:
    """Print ranks by speed; `ranked` are the rows of the ranking, in any order."""
    columns = [f"worst {worst}" if name == "worst" else name for name in _PLACES]
    print_columns(f"Places by speed, by {_unit(info, side)}", columns, [_place_cells(row) for row in rows[:SHOWN]])
    note(
        "place: the places by speed that a row may have, 1 the slowest. slower than: the rows that surely removed a "
        "larger share, by what checks of ours saw up (docs/ranking.md). All places and pairs together hold at 95%."
    )
    note(
        f"worst {worst}: probability, at least, to be among the {worst} slowest. without one: the share if any one "
        "site is left out. norm: below where surely less was removed than the norm asks. sites: those behind the share."
    )
    if any(row.below_norm_but_for for row in rows):
        note(
            "but for N: N reports decide. Nobody saw whether the hoster would remove their content within 24 h: no "
            "check of ours saw it up, the checks leave open when it went, or it moved away first. Had none of it been "
            "removed the row would surely be below the norm; if the reports were wrong, nothing is known of them."
        )
    by_key = {row.key: row for row in ranked}
    if unseen := _first_down([by_key[row.key] for row in rows[:SHOWN]]):
        note(unseen)
    if below := sum(row.below_norm for row in rows):
        note(
            f"{below} surely removed less than the norm (norm.share in waterbed.toml). Where the assumptions "
            "of the intervals hold, on average at most a share of norm.rate of the names so given is wrong."
        )
    more(len(rows))


_VOLUME = ("key", "name", "sites", "incidents", "score", "expected", "O/E", "shrunk", "place", "worst")
_NAMED = 2
"""Keys named in a cell, or one more if that is all."""
_PLACES = ("key", "name", "removed", "place", "slower than", "worst", "without one", "norm", "sites", "class")


def _volume_cells(row: VolumeRow) -> list[str]:
    shrunk = "-"
    if row.shrunk is not None and row.shrunk_low is not None and row.shrunk_high is not None:
        shrunk = f"{row.shrunk:.2g} {row.shrunk_low:.2g}-{row.shrunk_high:.2g}"
    return [
        row.key,
        row.name,
        f"{row.sites:,}",
        f"{row.incidents:,}",
        number(row.score, ".1f"),
        number(row.expected, ".3g"),
        number(row.ratio, ".3g"),
        shrunk,
        _range(row.place_low, row.place_high),
        percent(row.among_worst, 0),
    ]


def _place_cells(row: PlaceRow) -> list[str]:
    without = "-"
    if row.without_one_low is not None and row.without_one_high is not None:
        without = percents(row.without_one_low, row.without_one_high)
    return [
        row.key,
        row.name,
        share_of(row),
        _range(row.place_low, row.place_high),
        _some(row.slower_than),
        percent(row.among_worst, 0),
        without,
        "below" if row.below_norm else f"but for {row.below_norm_but_for:,}" if row.below_norm_but_for else "-",
        f"{row.sites:,}",
        row.rank_class,
    ]


def _some(keys: Sequence[str]) -> str:
    """The first keys of some, and the number of the others."""
    if len(keys) <= _NAMED + 1:
        return ", ".join(keys) or "-"
    return f"{', '.join(keys[:_NAMED])} and {len(keys) - _NAMED:,} more"


def print_side_by_side(
    rows: Sequence[FeedRow],
    agreements: Sequence[tuple[str, str, Agreement]],
    info: TableInfo,
    latent: Message,
    side: Side | None = None,
) -> None:
    """Print the ranking by each source, and their agreement.

    `latent` says what each tells of what all have in common.
    """
    from waterbed.model.formatter import OWN  # noqa: PLC0415 (help needs none of it)

    named = list(dict.fromkeys(row.source for row in rows))
    by_key: dict[str, list[FeedRow]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    cells = [[key, own[0].name, *map(_feed_cell, own), _latent(own[0])] for key, own in list(by_key.items())[:SHOWN]]
    print_columns(
        f"Ranking by {_unit(info, side)}, each source on its own: place (hosts) removed",
        ("key", "name", *named, "together"),
        cells,
    )
    together = OWN.text(latent)
    note(
        f"together: {together}. A model's opinion beside each source; it names nobody (docs/ranking.md).",
        broken=True,
    )
    for one, other, found in agreements:
        tau = "not estimable" if found.tau is None else f"{found.tau:.2f}"
        if found.low is not None and found.high is not None:
            tau += f" ({found.low:.2f} to {found.high:.2f})"
        say(f"Kendall's tau-b of {one} and {other}: {tau}, {found.n} keys")
    more(len(by_key))


def _latent(row: FeedRow) -> str:
    if row.latent is None or row.latent_low is None or row.latent_high is None:
        return "-"
    return f"{row.latent:+.1f} {row.latent_low:.1f} to {row.latent_high:.1f}"


def _feed_cell(row: FeedRow) -> str:
    if not row.hosts:
        return "-"
    return f"{row.place or ''} ({row.hosts:,}) {percent(row.removed_24h, 0)}".strip()


def _unit(info: TableInfo, side: Side | None) -> str:
    """What a row stands for, and the side that the rows are about."""
    return f"{info.by}, {_SIDES[side]}" if side else info.by


_SIDES: Mapping[Side, str] = {"home": "content at home", "abroad": "content abroad"}


def _range(low: int | None, high: int | None) -> str:
    if low is None or high is None:
        return "-"
    return str(low) if low == high else f"{low}-{high}"


def print_ranking(found: Sequence[RankingRow], info: TableInfo, form: str, side: Side | None = None) -> None:
    """Print a ranking."""
    from waterbed.measures.clocks import CLOCK_WORDS  # noqa: PLC0415 (help needs none of it)
    from waterbed.measures.constancy import change_message  # noqa: PLC0415 (help needs none of it)
    from waterbed.model.formatter import OWN  # noqa: PLC0415 (help needs none of it)

    if form != "table":
        for_tools(RankingRow, found, info, form)
        return
    table = new_table(f"Ranking by {_unit(info, side)}, {days_of(info.window)}")
    shown = {name: justify for name, justify, room in _RANKING_COLUMNS if console.width >= room}
    for name, justify in shown.items():
        least = 2 if name == "#" else 12 if name == "removed" else len(name)
        table.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis", min_width=least)
    for row in found[:SHOWN]:
        cells = _ranking_cells(row)
        table.add_row(*(cells[name] for name in shown))
    print_table(table)
    origin = {str(kind): words for kind, words in CLOCK_WORDS.items()}.get(info.clock, info.clock)
    start = "the report" if info.clock == "reported" else f"the time at which {origin}"
    done = _HELD.get(info.by, "removed")
    note(f"removed: share {done} within 24 h of {start}; - not estimable.")
    note("95% interval: of the share to expect if all goes on in the same way.", broken=True)
    note("half: hours until half was gone, by any cause.", broken=True)
    if "worst-best" in shown:
        note(
            "worst-best: the same share if nothing was removed that we could not follow or that none of our checks, or "
            "too few, saw up, and if all of it was.",
            broken=True,
        )
        note("?: URLs of which no check could be decided, beside the clocks.", broken=True)
    if unseen := _first_down(found[:SHOWN], in_column="first down" in shown):
        note(unseen, broken=True)
    for row in found[:SHOWN]:
        if words := OWN.text(change_message(row)):
            note(f"{row.key} {words}.", broken=True)
    spanning = [row.key for row in found[:SHOWN] if row.spans_change]
    if spanning:
        note(f"Not the same over the whole time, and given over all of it: {', '.join(spanning)}.", broken=True)
    for remark in remarks(found):
        note(remark, broken=True)
    if info.caveat and not any(row.episodes for row in found):
        note(f"{info.caveat}.", broken=True)
    more(len(found))


def _first_down(rows: Sequence[RankingRow], *, in_column: bool = False) -> str:
    """The note on URLs that were down at the first check; it names rows that have many if no column has them."""
    from waterbed.measures.takedown import seldom_seen  # noqa: PLC0415 (help needs none of it)

    meaning = "down at our first check, so that only reports saw them up; not removed in the worst case"
    if in_column:
        return f"first down: URLs {meaning}." if any(row.first_down for row in rows) else ""
    many = [row for row in rows if seldom_seen(row.first_down, row.episodes)]
    return f"URLs {meaning}: {', '.join(f'{row.key} {row.first_down:,}' for row in many)}." if many else ""


def remarks(rows: Sequence[RankingRow]) -> Iterator[str]:
    """Notes on the strongest dependence of each row, and on rows whose intervals may not hold."""
    from waterbed.estimators.calendar_time import BURSTS, FEWEST_REGIMES  # noqa: PLC0415 (help needs none of it)

    words = {BURSTS: "rare bursts"}
    counted = Counter(row.dependence for row in rows if row.dependence)
    if counted:
        each = ", ".join(f"{words.get(name, name)} ({number:,})" for name, number in counted.most_common())
        yield f"intervals allow for dependence; the strongest, by rows: {each}."
    changing = [row for row in rows if row.regimes is not None and row.regimes < FEWEST_REGIMES]
    if changing:
        each = ", ".join(row.key for row in changing)
        yield f"the way of working changed too seldom for an interval to hold: {each} (docs/method.md)."


def print_actors(rows: Sequence[ActorShare], info: TableInfo, side: Side | None = None) -> None:
    """Print who ended the stays under each key."""
    from waterbed.measures.actors import EVERYTHING  # noqa: PLC0415 (help needs none of it)
    from waterbed.model.actors import ACTORS  # noqa: PLC0415 (help needs none of it)

    table = new_table(f"Who acted, by {_unit(info, side)}, {days_of(info.window)}")
    for name in ("key", "within", "clocks", *ACTORS):
        table.add_column(name, justify="left" if name == "key" else "right", overflow="ellipsis")
    cells = {(row.key, row.within_h, row.actor): row for row in rows}
    for key, hours, clocks in dict.fromkeys((row.key, row.within_h, row.clocks) for row in rows):
        own = (cells[key, hours, actor] for actor in ACTORS)
        table.add_row(key, f"{hours:.0f} h", f"{clocks:,}", *(share(one.share, one.low, one.high) for one in own))
    print_table(table)
    if any(row.key == EVERYTHING for row in rows):
        note(
            "all: every URL whatever its key. Content that moved to another key is still up, so a move ends its clock "
            "in that row and none in all, and the rows may have more clocks than all."
        )
    note("nobody known: the name, the network or our sight ended, and nobody tells who acted; docs/ranking.md.")


def print_borrowed(rows: Sequence[BorrowedRow], info: TableInfo, side: Side | None = None) -> None:
    """Print shares that lean on other keys, and which of them are worth a look."""
    from waterbed.estimators.borrowed import FEWEST_GROUPS  # noqa: PLC0415 (help needs none of it)
    from waterbed.questions.ranking.borrowed import OWN_PEOPLE  # noqa: PLC0415 (help needs none of it)

    columns = ("key", "name", "clocks", "worth", "borrowed", "95% interval", "own p", "error", "look", "class")
    print_columns(f"Borrowed shares, by {_unit(info, side)}", columns, [_borrowed_cells(row) for row in rows[:SHOWN]])
    say(f"{OWN_PEOPLE}.", broken=True)
    if all(row.effective_clocks is None for row in rows):
        note(
            f"Shares are borrowed where {FEWEST_GROUPS} keys or more have a clock that could be followed for 24 h.",
            broken=True,
        )
    note(
        "borrowed: share to expect removed within 24 h, drawn to what all keys have in common; a range where removals "
        "were out of sight. worth: independent outcomes that the clocks are worth. own p: of its own clocks alone, "
        "against the norm. error: probability that it is not below the norm. class: of its own share.",
        broken=True,
    )
    more(len(rows))


def _borrowed_cells(row: BorrowedRow) -> list[str]:
    return [
        row.key,
        row.name,
        f"{row.clocks:,}",
        number(row.effective_clocks, ".1f"),
        between(row.borrowed_24h_worst, row.borrowed_24h_best),
        between(row.borrowed_24h_low, row.borrowed_24h_high),
        number(row.own_p, ".3f"),
        percent(row.posterior_error, 0),
        "worth a look" if row.worth_a_look else "-",
        row.rank_class,
    ]


BY_WINDOW: dict[str, Cell] = {
    "key": "key",
    "hosts": "hosts",
    "sites": "sites",
    "clocks": "episodes",
    "removed": lambda row: _share(row),  # noqa: PLW0108 (defined below)
    "worst-best": lambda row: between(row.removed_24h_worst, row.removed_24h_best),
    "first down": lambda row: f"{row.first_down:,}",
    "half": lambda row: hours_text(row.median_h),
    "class": "rank_class",
}
"""Columns of a ranking by week or month."""
PLACES_BY_WINDOW: dict[str, Cell] = {
    "key": "key",
    "sites": "sites",
    "removed": share_of,
    "place": lambda row: _range(row.place_low, row.place_high),
    "class": "rank_class",
}


_HELD = {"registrar": "put on hold by the registrar", "tld": "put on hold by the registry"}
_RANKING_COLUMNS: tuple[tuple[str, Literal["left", "right"], int], ...] = (
    ("#", "right", 0),
    ("key", "left", 0),
    ("name", "left", 120),
    ("URLs", "right", 90),
    ("hosts", "right", 0),
    ("sites", "right", 0),
    ("removed", "left", 0),
    ("worst-best", "left", 110),
    ("first down", "right", 100),
    ("half", "right", 0),
    ("?", "right", 100),
    ("class", "left", 0),
)
"""Columns, and the width of terminal from which each is shown."""


def _ranking_cells(row: RankingRow) -> dict[str, str]:
    return {
        "#": "" if row.place is None else str(row.place),
        "key": row.key,
        "name": row.name[: max(12, console.width - 94)],
        "URLs": f"{row.urls:,}",
        "hosts": f"{row.hosts:,}",
        "sites": f"{row.sites:,}",
        "removed": _share(row),
        "worst-best": _bounds(row),
        "first down": f"{row.first_down:,}" if row.first_down else "",
        "half": hours_text(row.median_h),
        "?": f"{row.unknown:,}",
        "class": row.rank_class,
    }


def _bounds(row: RankingRow) -> str:
    return between(row.removed_24h_worst, row.removed_24h_best)


def _share(row: RankingRow) -> str:
    """The share with its interval, or worst and best case with theirs where one number would say too much."""
    if share_of(row) == NOTHING:
        return "-"
    one = f"{percent(row.removed_24h, 0):>4}" if row.removed_24h is not None else _bounds(row)
    if row.removed_24h_low is None or row.removed_24h_high is None:
        return one
    return f"{one} {percents(row.removed_24h_low, row.removed_24h_high):>7}"
