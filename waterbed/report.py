"""Puts a study's conclusions together for publishing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import get_args

from graphs.network import displacement_graph, gexf
from waterbed.conclude import Conclusions
from waterbed.model.conclusions import ClockKind, Episode, Hop, RankingRow
from waterbed.publish.exports import Envelope, export, write_whole
from waterbed.publish.flows import Flow, flows
from waterbed.publish.page import Number, PageView, render_page
from waterbed.rankings.takedowns import By, removal_curves
from waterbed.study import Study

CURVES = 6
"""Most removal curves drawn on the page."""

METHOD = (
    "removed within 24 h: interval-censored cumulative incidence (discrete-time NPMLE, hour grid) of the cause "
    "'removed'; 95% interval with site clusters as the effective number; unknown looks are never down"
)


def envelope(study: Study, what: str, *, by: str = "url", clock: ClockKind | None = None) -> Envelope:
    """What a table is, what clocks run from (else as the settings say), where numbers come from, and of which run."""
    runs = study.folder.store.newest_runs("recheck", 1)
    first, last = study.folder.store.observed_span()
    window = f"{first.isoformat()}/{last.isoformat()}" if first and last else "no look yet"
    return Envelope(
        what=what,
        by=by,
        clock=clock or study.folder.config.clock,
        window=window,
        method=METHOD,
        data_dates={
            f"{one.kind} IPv{one.family}" if one.family else one.kind: one.data_date.date().isoformat()
            for one in study.snapshots()
        },
        run=runs[0].run_id if runs else "none",
        version=version("waterbed"),
    )


def publish_study(study: Study, out: Path, conclusions: Conclusions | None = None) -> list[Path]:
    """Write rankings, episodes, hops, graph and page into a folder; returns the files, the page last."""
    done = conclusions or study.conclude()
    written: list[Path] = []
    rankings: dict[str, list[RankingRow]] = {}
    for by in get_args(By):
        rankings[by] = done.rank(by)
        written += export(out, f"ranking-{by}", RankingRow, rankings[by], envelope(study, "ranking", by=by))
    written += export(out, "episodes", Episode, done.episodes, envelope(study, "episodes"))
    written += export(out, "hops", Hop, done.hops, envelope(study, "hops"))
    names = {row.key: row.name for row in rankings["hoster"]}
    graph = displacement_graph(done.hops, names=names, seats=done.seats, home=study.folder.config.home)
    written.append(write_whole(out / "hops.gexf", gexf(graph)))
    page = render_page(_view(study, done, rankings["hoster"], names))
    written.append(write_whole(out / "index.html", page.encode()))
    return written


def hop_flows(done: Conclusions, names: dict[str, str], home: str) -> list[Flow]:
    """Flows between hosters, largest first."""
    return flows(done.hops, names=names, home=home)


def _view(study: Study, done: Conclusions, rows: Sequence[RankingRow], names: dict[str, str]) -> PageView:
    heading = envelope(study, "ranking", by="hoster")
    config = study.folder.config
    biggest = [row.key for row in rows if row.rank_class == "ranked"][:CURVES]
    curves = removal_curves(done.episodes, by="hoster", keys=biggest, names=names, started=done.started("hoster"))
    return PageView(
        title=config.name,
        made_at=datetime.now(UTC),
        home=config.home,
        rows=rows,
        curves=curves,
        flows=hop_flows(done, names, config.home),
        notes=_notes(done),
        data_dates=heading.data_dates,
        run_id=heading.run,
        version=heading.version,
        numbers=_numbers(done, rows),
    )


def _numbers(done: Conclusions, rows: Sequence[RankingRow]) -> list[Number]:
    looked = len(done.facts.looks)
    undecided = sum(verdict.state == "unknown" for verdict in done.verdicts)
    hosters = sum(row.place is not None for row in rows)
    return [
        Number(
            label="URLs reported", value=f"{len(done.facts.targets):,}", note=f"{len(done.facts.reports):,} reports"
        ),
        Number(label="looks taken", value=f"{looked:,}", note=f"{undecided:,} undecided"),
        Number(label="hosters", value=f"{hosters:,}", note="with at least one reported URL"),
        Number(label="hops seen", value=f"{len(done.hops):,}", note="unreported arrivals are not seen"),
    ]


def _notes(done: Conclusions) -> list[str]:
    notes = []
    if not done.facts.canaries:
        notes.append("No canary was configured: nothing can be called down, so no removal is shown.")
    held = [one for one in done.quarantines if one.status == "open" and one.kind not in ("canary", "feed")]
    if held:
        looks = sum(verdict.outcome == "quarantined" for verdict in done.verdicts)
        where = ", ".join(sorted({f"{one.kind} {one.scope}".strip() for one in held}))
        notes.append(
            f"{looks:,} looks that saw much go down at once ({where}) are held back until a person decides: "
            "they count as undecided."
        )
    hidden = sum(verdict.outcome == "unobserved" for verdict in done.verdicts)
    if hidden:
        notes.append(
            f"{hidden:,} looks reached no server from one network alone: they count as undecided, never as removed."
        )
    stale = sum(attribution.stale for attribution in done.attributions if attribution)
    if stale:
        notes.append(
            f"{stale:,} looks were attributed with a routing table that is too old or too young for their day."
        )
    return notes
