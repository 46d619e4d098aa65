"""What a campaign of simulated studies prints."""

from collections.abc import Sequence
from importlib.metadata import version

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from waterbed.formats import for_tools, plain_table
from waterbed.lab.coverage import Campaign
from waterbed.lab.power import Plan, PowerRow, least_effect
from waterbed.model.table import Envelope

_out = Console(highlight=False, markup=False, emoji=False)


def campaign(found: Campaign) -> None:
    """Print coverage by kind of world, then who was ranked or credited wrongly."""
    for what in dict.fromkeys(row.what for row in found.coverage):
        _coverage(f"{what}: 95% intervals against the truth, {found.studies:,} studies", found, what)
    _out.print(f"{found.looks:,} looks; {found.told:.0%} of the hosters got a share", soft_wrap=True)
    if found.blind:
        ends = ", ".join(f"{end} {studies:,}" for end, studies in sorted(found.blind.items()))
        _out.print(f"the hoster that lets us hang, among the fastest: {ends}", soft_wrap=True)
    if found.credited:
        measured, true, naive = found.credited
        _out.print(
            f"the hoster of whose sites 67% lose their name: measured {measured:.3f}, true {true:.3f}, "
            f"if every end were a removal {naive:.3f}",
            soft_wrap=True,
        )
    if found.size_speed:
        mean, error, studies = found.size_speed
        _out.print(
            f"size and speed among equal hosters: mean rank correlation {mean:+.3f} ± {2 * error:.3f}, "
            f"{studies:,} studies",
            soft_wrap=True,
        )


def power(rows: Sequence[PowerRow], plan: Plan, of: str, form: str) -> None:
    """Print the power at each effect, and the least effect that is seen in four of five studies."""
    what = f"two hosters of {plan.sites} sites, one removes {plan.share:.0%} within 24 h; level {plan.level:g}"
    if form != "table":
        for_tools(PowerRow, rows, _power_heading(what, of), form)
        return
    table = plain_table(f"Power: {what}")
    for name in ("difference", "studies", "sees it", "95% interval", "clocks"):
        table.add_column(name, justify="right")
    for row in rows:
        interval = f"{row.low:.0%} to {row.high:.0%}"
        table.add_row(f"{row.effect:+.2f}", f"{row.studies:,}", f"{row.power:.0%}", interval, f"{row.clocks:.0f}")
    _out.print(table)
    least = least_effect(rows)
    told = "none of these" if least is None else f"{least:.2f}"
    _out.print(f"least difference that four of five studies see: {told}")


def _power_heading(what: str, of: str) -> Envelope:
    return Envelope(
        what=f"power, {what}",
        by="effect",
        clock="reported",
        window="simulated",
        method="log-rank of removals, sites permuted, on simulated studies: docs/protocol.md, Power",
        data_dates={},
        run=of,
        version=version("waterbed"),
    )


def _coverage(title: str, found: Campaign, what: str) -> None:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for name in ("among", "number", "hold it", "above", "below", "bias", "width"):
        table.add_column(name, justify="left" if name == "among" else "right", no_wrap=True)
    for row in found.coverage:
        if row.what == what:
            table.add_row(
                row.among,
                f"{row.trials:,}",
                f"{100 * row.covered:.1f} ± {200 * row.error:.1f}%",
                f"{row.too_high:.1%}",
                f"{row.too_low:.1%}",
                "" if row.bias is None else f"{row.bias:+.3f}",
                "" if row.width_ratio is None else f"{row.width_ratio:.2f}",
            )
    _out.print(table)
