"""Windows on the command line; rows by week or month."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from waterbed.model.spelling import percent, percents
from waterbed.model.window import Every, Window, every_of, window_of
from waterbed.shown.output import for_tools, more, new_table, print_table, say, short

if TYPE_CHECKING:
    from waterbed.model.table import TableInfo
    from waterbed.study.conclusions import Conclusions
    from waterbed.study.study import Study

SHOWN = 120
"""Rows by week or month shown to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A window, and whether rows are by week or month."""

    window: Window
    every: Every | None

    def each(self, study: Study, *, grows: bool = False) -> Iterator[Conclusions]:
        """The conclusions about each week or month of the window.

        `grows` as `Study.conclude` has it, where nothing is cut.
        """
        from waterbed.study.windowed import by_window  # noqa: PLC0415 (help needs none of it)

        if self.every is None:
            yield study.conclude(window=self.window, grows=grows and not self.window)
        else:
            yield from by_window(study.conclude(), self.window, self.every)

    def info(self, info: TableInfo) -> TableInfo:
        """The metadata of rows by week or month."""
        return replace(info, what=f"{info.what} by {self.every}", reports=f"{self.window.words}, by {self.every}")

    def empty(self) -> None:
        """Say that nothing was reported in the window."""
        words = f"was first reported in this window ({self.window.words})" if self.window else "was reported yet"
        say(f"No URL {words}.")


def asked(since: str | None, until: str | None, follow: str | None, every: str | None = None) -> Asked:
    """Read the options; InputError for words that are no window."""
    chosen = every_of(every) if every is not None else None
    return Asked(window=window_of(since, until, follow, every=chosen), every=chosen)


Cell = str | Callable[[Any], str]
"""A field, or what is shown of a row."""


def print_by_window(
    cls: type,
    parts: Sequence[tuple[Window, Sequence[Any]]],
    info: TableInfo,
    form: str,
    *,
    columns: Mapping[str, Cell],
    wanted: Asked,
) -> None:
    """Print rows by week or month as one table.

    People see the window and `columns`, by their headings. Tools get every column, and the window's bounds.
    """
    from waterbed.study.formats import by_window_class, rows_by_window  # noqa: PLC0415 (help needs none of it)

    if form != "table":
        for_tools(by_window_class(cls), rows_by_window(cls, parts), wanted.info(info), form)
        return
    rows = [(window, row) for window, own in parts for row in own]
    if not rows:
        say(f"There is nothing to show ({wanted.window.words}).")
        return
    cells = [[window.label, *(_cell(row, cell) for cell in columns.values())] for window, row in rows[:SHOWN]]
    table = new_table(f"{info.what.capitalize()} by {wanted.every}")
    for name, *column in zip(("window", *columns), *cells, strict=True):
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=min(24, max(map(len, (name, *column)))))
    for own in cells:
        table.add_row(*own)
    print_table(table)
    more(len(rows), SHOWN)


def _cell(row: Any, cell: Cell) -> str:
    value = cell(row) if callable(cell) else getattr(row, cell)
    return "-" if value is None else f"{value:.3g}" if isinstance(value, float) else short(value)


def share(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """A share in percent, and its interval if any."""
    if value is None:
        return "-"
    ends = "" if low is None or high is None else f" {percents(low, high, sign='')}"
    return f"{percent(value)}{ends}"


def between(low: float | None, high: float | None) -> str:
    """Two ends of a share in percent."""
    if low is None or high is None:
        return "-"
    return percent(high) if percent(low) == percent(high) else percents(low, high)
