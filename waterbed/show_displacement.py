"""What the command line prints of displacement: each answer with its interval, or the reason why there is none."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from waterbed.displacement.claims import ALWAYS
from waterbed.displacement.findings import Findings
from waterbed.model.displacement import Answer
from waterbed.pages.frame import number
from waterbed.pages.interventions import interval

_out = Console(highlight=False, markup=False, emoji=False)
_PAIRS = 10


def displacement(found: Findings) -> None:
    """Print all answers, refusals below them, and the pairs with most moves."""
    table = Table(title=_title(found), title_justify="left", box=SIMPLE_HEAD, title_style="bold")
    for name in ("number", "arrivals", "estimate", "95% interval", "p (least)", "n", "unit"):
        table.add_column(name, justify="right" if name in ("estimate", "p (least)", "n") else "left")
    for answer in found.answers:
        if answer.refusal is None:
            table.add_row(*_cells(answer))
    _out.print(table)
    refused: dict[str, list[str]] = {}
    for answer in found.answers:
        if answer.refusal is not None:
            refused.setdefault(answer.refusal, []).append(f"{answer.name} ({answer.reading})")
    for reason, names in refused.items():
        _out.print(f"no number: {reason}: {', '.join(dict.fromkeys(names))}", soft_wrap=True)
    _pairs(found)
    for line in (*found.notes, *ALWAYS):
        _out.print(line, soft_wrap=True)


def _title(found: Findings) -> str:
    event = found.event
    if event is None:
        return "Displacement, the study as a whole"
    return f"Displacement: {event.target} at {event.at:%Y-%m-%d %H:%M}, {event.outcome}"


def _cells(answer: Answer) -> list[str]:
    p = "-" if answer.p is None else f"{number(answer.p)} ({number(answer.smallest_p)})"
    estimate = "-" if answer.estimate is None else number(answer.estimate)
    return [answer.name, answer.reading, estimate, interval(answer), p, f"{answer.n:,}", answer.unit]


def _pairs(found: Findings) -> None:
    rows = [row for row in found.pairs if row.reading == "not parallel"][:_PAIRS]
    if not rows:
        return
    table = Table(
        title="From where to where (not parallel); p for all pairs at once",
        title_justify="left",
        box=SIMPLE_HEAD,
        title_style="bold",
    )
    for name in ("from", "to", "moves", "foretold", "lift", "p, where", "p, when"):
        table.add_column(name, justify="left" if name in ("from", "to") else "right")
    for row in rows:
        tests = [number(p) for p in (row.lift, row.destination_p, row.timing_p)]
        table.add_row(row.from_key, row.to_key, f"{row.moves:,}", f"{row.foretold:.1f}", *tests)
    _out.print(table)
