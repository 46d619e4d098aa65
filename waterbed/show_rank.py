"""What the command line prints of standings: volume, places, sources side by side and their cards."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from waterbed.estimators.rank_sets import Agreement
from waterbed.model.standings import FeedCard, FeedRow, PlaceRow, VolumeRow
from waterbed.model.table import Envelope
from waterbed.rankings.places import Weighing
from waterbed.rankings.volume import SIZE_FLOOR

_out = Console(highlight=False, markup=False, emoji=False)
_SHOWN = 40


def weighing(found: Weighing | None) -> None:
    """Say how hosters weigh beside content."""
    if found is None:
        return
    content = "-" if found.by_content is None else f"{found.by_content:.0%}"
    _out.print(
        f"Removed within 24 h: {found.by_hoster:.0%} by hoster (mean of {found.hosters}, median {found.middle:.0%}; "
        f"{found.slow} removed less than half), {content} by content ({found.clocks:,} clocks of these hosters).",
        soft_wrap=True,
    )


def nothing() -> None:
    """Say that there is nothing to rank yet."""
    _out.print(
        "Nothing to rank: no reported URL was looked at yet (waterbed import, waterbed recheck).", soft_wrap=True
    )


def unattributed(kind: str) -> None:
    """Say why a ranking of a kind is one row without a key."""
    _out.print(f"Nothing in the study tells the {kind} of any URL: see docs/ranking.md#what-is-ranked.", soft_wrap=True)


def standings(rows: Sequence[VolumeRow] | Sequence[PlaceRow], heading: Envelope, worst: int) -> None:
    """Print volume against size, or places by speed."""
    by_volume = heading.what.startswith("volume")
    columns = [f"worst {worst}" if name == "worst" else name for name in (_VOLUME if by_volume else _PLACES)]
    cells = [_volume_cells(row) if isinstance(row, VolumeRow) else _place_cells(row) for row in rows[:_SHOWN]]
    _print(f"{'Volume against size' if by_volume else 'Places by speed'}, by {heading.by}", columns, cells)
    if by_volume:
        _out.print(
            f"score: incidents per 10,000 routed IPv4 addresses, from {SIZE_FLOOR:,} addresses on. O/E: sites for one "
            "expected of that size; shrunk: drawn to what all have in common, 95% interval.",
            soft_wrap=True,
        )
    else:
        _out.print(
            "place: 1 is the slowest; all sets hold at once at 95%; own: that row alone. without one: the share if any "
            "one site is left out.",
            soft_wrap=True,
        )
    _more(len(rows))


_VOLUME = ("key", "name", "sites", "incidents", "score", "expected", "O/E", "shrunk", "place", "worst")
_PLACES = ("key", "name", "removed", "place", "own", "worst", "without one", "sites", "class")


def _volume_cells(row: VolumeRow) -> list[str]:
    shrunk = "-"
    if row.shrunk is not None and row.shrunk_low is not None and row.shrunk_high is not None:
        shrunk = f"{row.shrunk:.2g} {row.shrunk_low:.2g}-{row.shrunk_high:.2g}"
    return [
        row.key,
        row.name,
        f"{row.sites:,}",
        f"{row.incidents:,}",
        _number(row.score, ".1f"),
        _number(row.expected, ".3g"),
        _number(row.ratio, ".3g"),
        shrunk,
        _range(row.place_low, row.place_high),
        _number(row.among_worst, ".0%"),
    ]


def _place_cells(row: PlaceRow) -> list[str]:
    without = "-"
    if row.without_one_low is not None and row.without_one_high is not None:
        without = f"{row.without_one_low * 100:.0f}-{row.without_one_high:.0%}"
    return [
        row.key,
        row.name,
        _number(row.removed_24h, ".0%"),
        _range(row.place_low, row.place_high),
        _range(row.own_low, row.own_high),
        _number(row.among_worst, ".0%"),
        without,
        f"{row.sites:,}",
        row.rank_class,
    ]


def feeds(rows: Sequence[FeedRow], agreements: Sequence[tuple[str, str, Agreement]], heading: Envelope) -> None:
    """Print the ranking by each source side by side, and how far they agree."""
    named = list(dict.fromkeys(row.source for row in rows))
    by_key: dict[str, list[FeedRow]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    cells = [[key, own[0].name, *map(_feed_cell, own)] for key, own in list(by_key.items())[:_SHOWN]]
    _print(f"Ranking by {heading.by}, each source on its own: place (hosts) removed", ("key", "name", *named), cells)
    for one, other, found in agreements:
        tau = "not estimable" if found.tau is None else f"{found.tau:.2f} ({found.low:.2f} to {found.high:.2f})"
        _out.print(f"Kendall's tau-b of {one} and {other}: {tau}, {found.n} keys", soft_wrap=True)
    _more(len(by_key))


def _feed_cell(row: FeedRow) -> str:
    if not row.hosts:
        return "-"
    return f"{row.place or ''} ({row.hosts:,}) {_number(row.removed_24h, '.0%')}".strip()


def cards(found: Sequence[FeedCard]) -> None:
    """Print the card of each source."""
    names = ("source", "reports", "URLs", "hosts", "sites", "days", "delay h", "p90", "shared", "first", "deliveries")
    _print("Sources of reports", names, [_card_cells(card) for card in found[:_SHOWN]])
    _out.print(
        "delay: hours from report to import here. shared: URLs that others reported too; first: of these, here first "
        "from it. held: deliveries without reports or with far fewer than usual (waterbed quarantine list).",
        soft_wrap=True,
    )
    _more(len(found))


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
        _number(card.delay_median_h, ".3g"),
        _number(card.delay_p90_h, ".3g"),
        f"{card.shared:.0%}",
        _number(card.first_here, ".0%"),
        came,
    ]


def _print(title: str, names: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Print a table in which names of organisations give way to numbers where it is narrow."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    room = _out.width - sum(w + 1 for name, w in zip(names, widths, strict=True) if name != "name")
    for name, width in zip(names, widths, strict=True):
        table.add_column(
            name,
            justify="left" if name in _LEFT else "right",
            no_wrap=True,
            overflow="ellipsis",
            min_width=None if name == "name" else width,
            max_width=max(8, min(width, room - 1)) if name == "name" else None,
        )
    for row in cells:
        table.add_row(*row)
    _out.print(table)


_LEFT = ("key", "name", "class", "source", "deliveries")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _range(low: int | None, high: int | None) -> str:
    if low is None or high is None:
        return "-"
    return str(low) if low == high else f"{low}-{high}"


def _more(rows: int) -> None:
    if rows > _SHOWN:
        _out.print(f"... {rows - _SHOWN:,} more; all of them with --format csv, json or parquet")
