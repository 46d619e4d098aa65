"""What the tables of a study are, and what its page shows."""

from collections.abc import Sequence
from importlib.metadata import version

from waterbed.conclude import Conclusions
from waterbed.model.conclusions import ClockKind, RankingRow
from waterbed.publish.exports import Envelope
from waterbed.publish.page import Number, PageView
from waterbed.publish.publication import Publication
from waterbed.rankings.takedowns import removal_curves
from waterbed.study import Study

CURVES = 6
"""Most removal curves drawn on the page."""

METHOD = (
    "removed within 24 h: interval-censored cumulative incidence (discrete-time NPMLE, hour grid) of the cause "
    "'removed'; 95% interval of what clocks are worth given how alike those of a site are; unknown looks are never down"
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


def page_view(study: Study, done: Conclusions, publication: Publication) -> PageView:
    """The page of what is published, and no more."""
    table = publication.table("ranking-hoster")
    rows: Sequence[RankingRow] = table.rows
    heading = table.envelope
    config = study.folder.config
    names = {row.key: row.name for row in rows}
    biggest = [row.key for row in rows if row.rank_class == "ranked"][:CURVES]
    curves = removal_curves(done.episodes, by="hoster", keys=biggest, names=names, started=done.started("hoster"))
    return PageView(
        title=config.name,
        made_at=publication.made_at,
        home=config.home,
        rows=rows,
        curves=curves,
        flows=publication.table("flows").rows,
        notes=[*_notes(done), *_terms(publication)],
        data_dates=heading.data_dates,
        run_id=heading.run,
        version=heading.version,
        numbers=_numbers(done, rows, publication.policy.least),
    )


def _terms(publication: Publication) -> list[str]:
    """What was left out, and on what terms the rest is published."""
    policy = publication.policy
    rows, pairs = (publication.table(name).envelope.left_out for name in ("ranking-hoster", "flows"))
    terms = [f"TLP:{policy.tlp.upper()}. Published by {policy.publisher}. Licence: {policy.licence}."]
    if rows or pairs:
        terms.append(
            f"Left out: {rows:,} hosters with fewer than {policy.least} sites, and {pairs:,} flows of fewer than "
            f"{policy.least} hops or with one of these hosters."
        )
    if publication.sources:
        sources = "; ".join(f"{name}: {words}" for name, words in sorted(publication.sources.items()))
        terms.append(f"Licences of the data used: {sources}.")
    return terms


def _numbers(done: Conclusions, rows: Sequence[RankingRow], least: int) -> list[Number]:
    looked = len(done.facts.looks)
    undecided = sum(verdict.state == "unknown" for verdict in done.verdicts)
    hosters = sum(row.place is not None for row in rows)
    return [
        Number(
            label="URLs reported", value=f"{len(done.facts.targets):,}", note=f"{len(done.facts.reports):,} reports"
        ),
        Number(label="looks taken", value=f"{looked:,}", note=f"{undecided:,} undecided"),
        Number(label="hosters", value=f"{hosters:,}", note=f"with at least {least} reported sites"),
        Number(label="hops seen", value=_at_least(len(done.hops), least), note="unreported arrivals are not seen"),
    ]


def _at_least(count: int, least: int) -> str:
    return f"fewer than {least}" if 0 < count < least else f"{count:,}"


def _notes(done: Conclusions) -> list[str]:
    notes = []
    if not done.facts.canaries:
        notes.append("No canary was configured: nothing can be called down, so no removal is shown.")
    held = [one for one in done.quarantines if one.status == "open" and one.kind not in ("canary", "feed")]
    if held:
        looks = sum(verdict.outcome == "quarantined" for verdict in done.verdicts)
        where = ", ".join(sorted({one.kind for one in held}))
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
