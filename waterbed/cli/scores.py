"""Prints what lab runs measured beside what is true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from waterbed.model.conclusions import HopKind
from waterbed.model.spelling import counted
from waterbed.questions.hops.printing import hops_counted
from waterbed.shown.output import console, new_table, percent, points, print_table, say

if TYPE_CHECKING:
    from waterbed.lab.run import LabRun, LabRuns
    from waterbed.lab.score.actors import ActorScore
    from waterbed.lab.score.attribution import AttributionScore
    from waterbed.lab.score.compare import RunComparison, Scorecard, ShareComparison
    from waterbed.lab.score.hop_score import KindTally
    from waterbed.lab.score.hotline import HotlineScore
    from waterbed.lab.servers.counts import Counts
    from waterbed.lab.simulate.coverage import Campaign
    from waterbed.study.conclusions import Conclusions


def print_look_scores(done: LabRuns) -> None:
    """Print the accuracy of single checks.

    The control run without control checks stands beside it, if there is one.
    """
    runs = [("on", done.first)]
    if done.control_run and done.comparison is None:
        runs.append(("off", done.control_run))
    table = new_table("Single checks called down, against the truth at their time")
    for name in ("controls", "profile", "checks", "decided", "precision", "recall", "unknown", "indistinct"):
        table.add_column(name, justify="left" if name in ("controls", "profile") else "right")
    for name, run in runs:
        for group, score in run.look_scores.items():
            indistinct = score.undecided_as.get("indistinct", 0) / score.looks if score.looks else None
            table.add_row(
                name,
                group,
                f"{score.looks:,}",
                f"{score.decided:,}",
                percent(score.precision),
                percent(score.recall),
                percent(score.undecided),
                percent(indistinct),
            )
    print_table(table)
    for name, run in runs:
        for group, score in run.look_scores.items():
            if score.wrong_by:
                rules = ", ".join(f"{rule} {looks:,}" for rule, looks in score.wrong_by.items())
                say(f"wrong, controls {name}, {group}: {rules}")
            if score.undecided_as:
                outcomes = ", ".join(f"{outcome} {looks:,}" for outcome, looks in score.undecided_as.items())
                say(f"unknown, controls {name}, {group}: {outcomes}")


def print_attribution_score(score: AttributionScore) -> None:
    """Print the accuracy of hoster sets and of false changes.

    False changes move no site.
    """
    table = new_table("Hoster sets of single checks, against the truth of their day")
    for name in ("what is particular", "checks", "right"):
        table.add_column(name, justify="left" if name == "what is particular" else "right")
    for kind, (looks, right) in (*score.by_kind.items(), ("all", (score.looks, score.right))):
        table.add_row(kind, f"{looks:,}", percent(right / looks if looks else None))
    print_table(table)
    if not (score.handed_over or score.fronted or score.false_hops):
        return
    say(
        f"handed over with its network or renamed: {score.handed_over} true ends, {score.as_lineage} measured as "
        f"lineage, {score.as_hop} as a hop; behind a proxy: {score.fronted} true ends, "
        f"{score.as_masked} measured as masked; hops of sites that never moved: {sum(score.false_hops.values())}"
    )


def print_actor_score(score: ActorScore) -> None:
    """Print how often the right actor ended a name."""
    if score.ends:
        say(
            f"Names ended by registrar, registry or owner: {score.ends:,} seen, {score.told:,} told by a registry, "
            f"{score.right:,} rightly, {score.near_expiry:,} more near their expiry; "
            f"{score.wrong:,} of {score.others:,} other ends were called so."
        )


def print_hotline_score(score: HotlineScore | None) -> None:
    """Print what a hotline's study got right."""
    if score is None:
        return
    say(
        f"Seized: {score.seized_right:,} of {score.seized:,} ends told so, {score.seized_removed:,} called removals, "
        f"{score.seized_hops:,} hops; pages of images: {score.parents_known:,} of {score.parents:,} on record; "
        f"deadlines: {score.orders_right:,} of {score.orders:,} as they were; Tor, chats, streams: "
        f"{score.elsewhere_counted:,} of {score.elsewhere:,} counted; {score.special_queries:,} queries for names of "
        "special use."
    )


def print_hop_tallies(tallies: Mapping[HopKind, KindTally]) -> None:
    """Print precision and recall of hops, by kind."""
    table = new_table("Hops by kind, against the truth")
    for name in ("kind", "measured", "right", "precision", "detectable", "found", "recall"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind, tally in tallies.items():
        counts = (tally.measured, tally.right, tally.detectable, tally.found)
        measured, right, detectable, hit = (f"{count:,}" for count in counts)
        table.add_row(kind, measured, right, percent(tally.precision), detectable, hit, percent(tally.recall))
    print_table(table)
    say(
        "Kinds are as measured, and a hop is right if its content took that path, also past places that nobody could "
        "see; of the true hops above only direct ones count (docs/lab.md, Scores).",
        broken=True,
    )


def print_comparison(comparison: RunComparison) -> None:
    """Print the effect of the disturbance."""
    table = new_table("Removed in 24 h: undisturbed and disturbed run of one truth")
    for name in ("hoster", "undisturbed", "disturbed", "difference", "clocks"):
        table.add_column(name, justify="left" if name == "hoster" else "right")
    for share in (*comparison.shares, comparison.overall):
        table.add_row(*_comparison_row(share))
    print_table(table)
    say(
        f"false removals: {comparison.false_removals} of {comparison.ends:,} measured ends "
        f"(undisturbed: {comparison.false_removals_undisturbed}); difference of shares: "
        f"mean {points(comparison.mean_off, 2)}, largest {points(comparison.most_off, 2)}, "
        f"overall {points(comparison.overall.difference, 2)}"
    )
    if comparison.missing:
        say(f"no share in the disturbed run: {', '.join(comparison.missing)}")


def _comparison_row(share: ShareComparison) -> tuple[str, ...]:
    shares = (percent(share.undisturbed), percent(share.disturbed))
    return share.hoster, *shares, points(share.difference, 2), f"{share.clocks:,}"


def print_bytes_by_class(counts: Counts) -> None:
    """Print the servers' counts of requests and body bytes.

    By class of server behaviour.
    """
    table = new_table("Body bytes received, as the lab's servers counted them")
    for name in ("request", "plain", "most", "total", "TLS", "most", "total"):
        table.add_column(name, justify="left" if name == "request" else "right")
    for name, class_counts in counts.by_class.items():
        plain = (class_counts.requests_plain, class_counts.plain_most, class_counts.plain_total)
        tls = (class_counts.requests_tls, class_counts.tls_most, class_counts.tls_total)
        table.add_row(name, *(f"{number:,}" for number in (*plain, *tls)))
    print_table(table)
    most_plain, most_tls = counts.beside_pages
    console.print(f"most on one connection, without pages fetched by GET: plain {most_plain:,}, TLS {most_tls:,}")
    if counts.tunnels or counts.tunnels_refused:
        console.print(f"tunnels through the proxy: {counts.tunnels:,}, refused: {counts.tunnels_refused:,}")


def print_marked(folder: Path, files: Sequence[Path]) -> None:
    """Print files that hold body bytes; there should be none."""
    subject = f"{counted(len(files), 'file') if files else 'No file'} in {folder}"
    say(f"{subject} {'hold' if len(files) > 1 else 'holds'} content of a page or an image")
    for path in files:
        say(f"  {path}")


def print_campaign(campaign: Campaign) -> None:
    """Print coverage by kind of world, and wrong conclusions.

    Wrong conclusions are hosters ranked or credited wrongly.
    """
    for measure in dict.fromkeys(row.what for row in campaign.coverage):
        _coverage(f"{measure}: 95% intervals against the truth, {campaign.studies:,} studies", campaign, measure)
    say(f"{campaign.looks:,} checks; {percent(campaign.estimable, 0)} of the hosters got a share")
    if campaign.blind:
        ends = ", ".join(f"{end} {studies:,}" for end, studies in sorted(campaign.blind.items()))
        say(f"the hoster that lets us hang, among the fastest: {ends}")
    if campaign.credited:
        measured, true, naive = campaign.credited
        say(
            f"the hoster of whose sites 67% lose their name: measured {measured:.3f}, true {true:.3f}, "
            f"if every end were a removal {naive:.3f}"
        )
    if campaign.size_speed:
        mean, error, studies = campaign.size_speed
        say(
            f"size and speed among equal hosters: mean rank correlation {mean:+.3f} ± {2 * error:.3f}, "
            f"{studies:,} studies"
        )


def _coverage(title: str, campaign: Campaign, measure: str) -> None:
    table = new_table(title, look="wide")
    table.pad_edge = True
    for name in ("among", "number", "hold it", "above", "below", "bias", "width"):
        table.add_column(name, justify="left" if name == "among" else "right", no_wrap=True)
    for row in campaign.coverage:
        if row.what == measure:
            table.add_row(
                row.among,
                f"{row.trials:,}",
                f"{100 * row.covered:.1f} ± {200 * row.error:.1f}%",
                percent(row.too_high, 1),
                percent(row.too_low, 1),
                "" if row.bias is None else f"{row.bias:+.3f}",
                "" if row.width_ratio is None else f"{row.width_ratio:.2f}",
            )
    print_table(table)


def print_flows(conclusions: Conclusions) -> None:
    """Print the main flows, parallel hops left out."""
    from waterbed.graphs.network.graph import displacement_graph, main_flows  # noqa: PLC0415 (NetworkX is loaded when it is needed)

    names = {key: conclusions.attributor.name_of(key) for key in conclusions.hosters}
    counted = [hop for hop in conclusions.hops if hop.order != "parallel"]
    graph = displacement_graph(counted, names=names, seats=conclusions.seats, home="")
    total = len(conclusions.hops)
    table = new_table(f"Main flows between hosters: {hops_counted(total, total - len(counted))}")
    for name in ("hops", "from", "to"):
        table.add_column(name)
    for origin, right, hops in main_flows(graph)[:10]:
        table.add_row(str(hops), _seated(origin, names, conclusions), _seated(right, names, conclusions))
    print_table(table)


def _seated(key: str, names: dict[str, str], conclusions: Conclusions) -> str:
    seat = conclusions.seats.get(key)
    return f"{names.get(key, key)} ({seat})" if seat else names.get(key, key)


def print_score(done: LabRun) -> None:
    """Print measured beside true values."""
    card: Scorecard = done.score
    table = new_table(f"Measured against true: {done.truth.world.name}")
    for name in ("what", "measured", "true"):
        table.add_column(name)
    table.add_row(
        "hops, also parallel ones", f"{card.hops_measured}", f"{card.hops_true} ({card.hops_detectable} detectable)"
    )
    table.add_row("hop precision", percent(card.hop_precision), "")
    table.add_row("hop recall, detectable", percent(card.hop_recall), "")
    table.add_row("hop recall, all", percent(card.hop_recall_all), "")
    for kind, tally in card.by_kind.items():
        table.add_row(f"  true {kind}, found", f"{tally.found}", f"{tally.true} ({tally.detectable} detectable)")
    for share in card.removal:
        measured = percent(share.measured) if share.measured is not None else share.rank_class
        if share.interval:
            measured += f" ({percent(share.interval[0], 0)} to {percent(share.interval[1], 0)})"
        works = "" if share.expected is None else f", expected {percent(share.expected, 1)}"
        table.add_row(f"removed in 24 h: {share.hoster}", measured, f"{percent(share.true, 1)} of {share.urls}{works}")
    table.add_row("intervals that hold the expected share", f"{card.intervals_hold}", f"{card.intervals}")
    if card.hiding:
        table.add_row("hosters that hide from us, given a share", f"{card.hiding_told}", f"0 of {card.hiding}")
    table.add_row("removal share, largest difference", points(card.removal_most_off), "")
    table.add_row("removal share, mean difference", points(card.removal_mean_off), "")
    print_table(table)
    rate = done.looks / done.seconds if done.seconds else 0.0
    console.print(f"{done.looks:,} checks in {done.passes} passes, {done.seconds:.0f} s ({rate:,.0f} checks/s)")


def print_bytes_seen(counts: Counts) -> None:
    """Print the servers' counts of body bytes that we read."""
    requests = ", ".join(f"{n:,} {method}" for method, n in sorted(counts.requests.items()))
    console.print(f"requests seen by the servers: {requests}; {counts.connections:,} connections")
    console.print(
        f"body bytes received, over plain HTTP: {counts.excess_plain_total:,}, at most {counts.excess_plain_most:,} on "
        f"one connection; over TLS: {counts.excess_tls_total:,}, at most {counts.excess_tls_most:,}",
        soft_wrap=True,
    )
