"""What the lab's commands print beside what any study has: looks, pairs of runs and bytes against the truth."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from waterbed.lab.counts import Counts
from waterbed.lab.paired import Paired, PairedShare
from waterbed.lab.score_attribution import AttributionScore
from waterbed.lab.score_hops import KindTally
from waterbed.model.conclusions import HopKind
from waterbed.rehearsal import Rehearsal

_out = Console(highlight=False, markup=False, emoji=False)


def look_scores(done: Rehearsal) -> None:
    """Print how right single looks were, and the same of a second run without control looks."""
    runs = [("on", done.first)]
    if done.beside and done.paired is None:
        runs.append(("off", done.beside))
    table = _table("Single looks called down, against the truth at their time")
    for name in ("controls", "profile", "looks", "decided", "precision", "recall", "unknown", "indistinct"):
        table.add_column(name, justify="left" if name in ("controls", "profile") else "right")
    for name, run in runs:
        for group, score in run.look_scores.items():
            indistinct = score.undecided_as.get("indistinct", 0) / score.looks if score.looks else None
            table.add_row(
                name,
                group,
                f"{score.looks:,}",
                f"{score.decided:,}",
                _percent(score.precision),
                _percent(score.recall),
                _percent(score.undecided),
                _percent(indistinct),
            )
    _out.print(table)
    for name, run in runs:
        for group, score in run.look_scores.items():
            if score.wrong_by:
                rules = ", ".join(f"{rule} {looks:,}" for rule, looks in score.wrong_by.items())
                _out.print(f"wrong, controls {name}, {group}: {rules}", soft_wrap=True)
            if score.undecided_as:
                outcomes = ", ".join(f"{outcome} {looks:,}" for outcome, looks in score.undecided_as.items())
                _out.print(f"unknown, controls {name}, {group}: {outcomes}", soft_wrap=True)


def attribution_score(found: AttributionScore) -> None:
    """Print how right the hoster sets were, and what became of changes that move no site."""
    table = _table("Hoster sets of single looks, against the truth of their day")
    for name in ("what is particular", "looks", "right"):
        table.add_column(name, justify="left" if name == "what is particular" else "right")
    for kind, (looks, right) in (*found.by_kind.items(), ("all", (found.looks, found.right))):
        table.add_row(kind, f"{looks:,}", _percent(right / looks if looks else None))
    _out.print(table)
    if not (found.handed_over or found.fronted or found.false_hops):
        return
    _out.print(
        f"handed over with its network or renamed: {found.handed_over} true ends, {found.as_lineage} measured as "
        f"lineage, {found.as_hop} as a hop; behind a proxy: {found.fronted} true ends, "
        f"{found.as_masked} measured as masked; hops of sites that never moved: {sum(found.false_hops.values())}",
        soft_wrap=True,
    )


def hop_tallies(found: Mapping[HopKind, KindTally]) -> None:
    """Print by kind how many measured hops are right, and how many of the detectable ones were found."""
    table = _table("Hops by kind, against the truth")
    for name in ("kind", "measured", "right", "precision", "detectable", "found", "recall"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind, tally in found.items():
        counts = (tally.measured, tally.right, tally.detectable, tally.found)
        measured, right, detectable, hit = (f"{count:,}" for count in counts)
        table.add_row(kind, measured, right, _percent(tally.precision), detectable, hit, _percent(tally.recall))
    _out.print(table)


def paired(found: Paired) -> None:
    """Print what the disturbance changed."""
    table = _table("Removed in 24 h: undisturbed and disturbed run of one truth")
    for name in ("hoster", "undisturbed", "disturbed", "difference", "clocks"):
        table.add_column(name, justify="left" if name == "hoster" else "right")
    for share in (*found.shares, found.overall):
        table.add_row(*_paired_row(share))
    _out.print(table)
    _out.print(
        f"false removals: {found.false_removals} of {found.ends:,} measured ends "
        f"(undisturbed: {found.false_removals_undisturbed}); difference of shares: "
        f"mean {_points(found.mean_off)}, largest {_points(found.most_off)}, "
        f"overall {_points(found.overall.difference)}",
        soft_wrap=True,
    )
    if found.missing:
        _out.print(f"no share in the disturbed run: {', '.join(found.missing)}", soft_wrap=True)


def _paired_row(share: PairedShare) -> tuple[str, ...]:
    shares = (_percent(share.undisturbed), _percent(share.disturbed))
    return share.hoster, *shares, _points(share.difference), f"{share.clocks:,}"


def bytes_by_class(counts: Counts) -> None:
    """Print what the lab's servers saw of requests and of bytes past the head, by what a request met."""
    table = _table("Body bytes acknowledged past the head, as the lab's servers saw them")
    for name in ("request", "plain", "most", "total", "TLS", "most", "total"):
        table.add_column(name, justify="left" if name == "request" else "right")
    for name, found in counts.by_class.items():
        plain = (found.requests_plain, found.plain_most, found.plain_total)
        tls = (found.requests_tls, found.tls_most, found.tls_total)
        table.add_row(name, *(f"{number:,}" for number in (*plain, *tls)))
    _out.print(table)
    most_plain, most_tls = counts.beside_pages
    _out.print(f"pages asked for by GET left out: most in one connection {most_plain:,} plain, {most_tls:,} TLS")
    if counts.tunnels or counts.tunnels_refused:
        _out.print(f"tunnels through the proxy: {counts.tunnels:,}, refused: {counts.tunnels_refused:,}")


def marked(folder: Path, files: Sequence[Path]) -> None:
    """Say where bytes of bodies were found, which should be nowhere."""
    where = "no file" if not files else f"{len(files)} files"
    _out.print(f"bytes of bodies found in {where} of {folder}", soft_wrap=True)
    for path in files:
        _out.print(f"  {path}", soft_wrap=True)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _points(difference: float | None) -> str:
    return "-" if difference is None else f"{100 * difference:.2f} points"
