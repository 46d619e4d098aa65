"""The `lab` and `demo` commands: simulations and their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.cli.options import Format, Formatted, Given, Seed, Workers
from waterbed.cli.output import console, for_tools, new_table, percent, points, print_table, progress, say, written
from waterbed.model.conclusions import HopKind

if TYPE_CHECKING:
    from waterbed.lab.run import LabRun, LabRuns
    from waterbed.lab.score.attribution import AttributionScore
    from waterbed.lab.score.compare import RunComparison, Scorecard, ShareComparison
    from waterbed.lab.score.hops import KindTally
    from waterbed.lab.servers.counts import Counts
    from waterbed.lab.simulate.coverage import Campaign
    from waterbed.lab.simulate.power import Plan, PowerRow
    from waterbed.model.table import TableInfo
    from waterbed.study.conclusions import Conclusions

lab_app = typer.Typer(help="A simulated Internet on loopback, with known truth.", no_args_is_help=True)


class ProfileName(StrEnum):
    """Profile of requests that a check may make."""

    strict = "strict"
    headers = "headers"
    text = "text"


@lab_app.command("run")
def lab_run(
    scenario: Annotated[str, typer.Argument(help="A scenario, as quiet or waterbed, or a world file.")],
    out: Annotated[Path, typer.Option(help="The study folder to make.")],
    profile: Annotated[
        ProfileName | None, typer.Option(help="Check all categories with this profile.", show_default=False)
    ] = None,
) -> None:
    """Simulate a world, measure it, and compare with the truth.

    The real crawler measures it.

    For example: waterbed lab run quiet --out lab
    """
    _rehearse(scenario, out, profile)


@lab_app.command("replay")
def lab_replay(
    feed: Annotated[Path, typer.Argument(help="A CSV feed with columns URL and IP.")],
    day: Given,
    out: Annotated[Path, typer.Option(help="The study folder to make or continue.")],
    routes: Annotated[list[Path] | None, typer.Option(help="Routing tables of that day.")] = None,
) -> None:
    """Serve a feed's hosts on loopback, and check each URL.

    For example: waterbed lab replay feed.csv --date 2025-04-11 --out replayed
    """
    from waterbed.cli.commands.crawl import print_pass
    from waterbed.cli.commands.import_ import print_import
    from waterbed.lab.run import replay

    with progress() as advance:
        replayed = replay(feed, routes or [], day.date(), out, advance)
    print_import(feed, replayed.imported)
    print_pass(replayed.passed)
    _bytes_seen(replayed.counts)
    raise typer.Exit(1 if replayed.imported.rejected or replayed.passed.stopped else 0)


@lab_app.command("simulate")
def lab_simulate(
    scenario: Annotated[str, typer.Argument(help="A scenario or world file from which hosters are sampled.")],
    studies: Annotated[int, typer.Option(min=1, help="Number of studies.")] = 200,
    seed: Seed = 1,
    workers: Workers = 1,
) -> None:
    """Simulate hard worlds and count how often intervals are right.

    Worlds are measured without a network.

    For example: waterbed lab simulate waterbed --studies 20 --seed 1
    """
    from waterbed.lab.simulate.coverage import summarise
    from waterbed.lab.simulate.studies import simulate_studies
    from waterbed.lab.world.file import read_world, scenario_path

    world = read_world(scenario_path(scenario))
    with progress() as advance:
        results = simulate_studies(
            world, studies, seed=seed, workers=workers, progress=lambda done: advance("studies", done, studies)
        )
    print_campaign(summarise(results))


@lab_app.command("power")
def lab_power(
    scenario: Annotated[str, typer.Argument(help="A scenario or world file from which disturbances are sampled.")],
    sites: Annotated[int, typer.Option(min=10, help="Sites at each of two hosters.")] = 40,
    share: Annotated[float, typer.Option(help="Share removed within 24 hours by the first hoster.")] = 0.5,
    effect: Annotated[
        list[float] | None,
        typer.Option(
            help="Difference of the second hoster; may be given several times.", show_default="0, 0.1, 0.2, 0.3"
        ),
    ] = None,
    level: Annotated[float, typer.Option(min=0.001, max=0.5, help="Significance level of the test.")] = 0.05,
    big: Annotated[bool, typer.Option("--big", help="One site holds most URLs.")] = False,
    studies: Annotated[int, typer.Option(min=20, help="Studies at each effect.")] = 200,
    seed: Seed = 1,
    workers: Workers = 1,
    form: Formatted = Format.table,
) -> None:
    """Estimate the power of a study of two hosters.

    Also the smallest difference that it can detect.

    For example: waterbed lab power waterbed --sites 40 --effect 0.15 --studies 100
    """
    from waterbed.lab.simulate.power import Plan, power_curve
    from waterbed.lab.world.file import read_world, scenario_path

    world, effects = read_world(scenario_path(scenario)), effect or [0.0, 0.1, 0.2, 0.3]
    plan = Plan(sites=sites, share=share, level=level, big=big)
    with progress() as advance:
        rows = power_curve(
            world,
            plan,
            effects,
            studies,
            seed=seed,
            workers=workers,
            progress=lambda done: advance("studies", done, studies * len(effects)),
        )
    _power(rows, plan, f"{scenario}, seed {seed}", form)


def demo(
    out: Annotated[Path, typer.Option(help="The study folder to make.")] = Path("demo"),
    scenario: Annotated[str, typer.Option(help="The world to measure.")] = "waterbed",
) -> None:
    """Run the main job on the lab: ranking and hops.

    Measured values stand beside the true ones.

    For example: waterbed demo --out demo
    """
    _rehearse(scenario, out, None)


def _rehearse(scenario: str, out: Path, profile: ProfileName | None) -> LabRuns:
    from waterbed.analysis.rankings.tables import ranking_of
    from waterbed.cli.commands.rank import print_ranking
    from waterbed.lab.run import run_lab
    from waterbed.lab.servers.pages import marked_files
    from waterbed.publish.release import publish_all
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    with progress() as advance:
        done = run_lab(scenario, out, advance, profile=profile.value if profile else None)
    with open_study(out) as study:
        conclusions = study.conclude()
        files = publish_all(study, out / "published", conclusions)
        print_ranking(ranking_of(conclusions), table_info(study, "ranking", by="hoster"), "table")
        _flows(conclusions)
    _score(done.first)
    _hop_tallies(done.first.hop_tallies)
    _look_scores(done)
    _attribution_score(done.first.attribution_score)
    if done.comparison:
        _comparison(done.comparison)
    _bytes_by_class(done.first.counts)
    _bytes_seen(done.first.counts)
    _marked(out, marked_files(out, done.first.marker))
    written(files)
    return done


def _look_scores(done: LabRuns) -> None:
    """Print the accuracy of single checks.

    The control run without control checks stands beside it, if there is one.
    """
    runs = [("on", done.first)]
    if done.control_run and done.comparison is None:
        runs.append(("off", done.control_run))
    table = new_table("Single looks called down, against the truth at their time")
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


def _attribution_score(found: AttributionScore) -> None:
    """Print the accuracy of hoster sets and of false changes.

    False changes move no site.
    """
    table = new_table("Hoster sets of single looks, against the truth of their day")
    for name in ("what is particular", "looks", "right"):
        table.add_column(name, justify="left" if name == "what is particular" else "right")
    for kind, (looks, right) in (*found.by_kind.items(), ("all", (found.looks, found.right))):
        table.add_row(kind, f"{looks:,}", percent(right / looks if looks else None))
    print_table(table)
    if not (found.handed_over or found.fronted or found.false_hops):
        return
    say(
        f"handed over with its network or renamed: {found.handed_over} true ends, {found.as_lineage} measured as "
        f"lineage, {found.as_hop} as a hop; behind a proxy: {found.fronted} true ends, "
        f"{found.as_masked} measured as masked; hops of sites that never moved: {sum(found.false_hops.values())}"
    )


def _hop_tallies(found: Mapping[HopKind, KindTally]) -> None:
    """Print precision and recall of hops, by kind."""
    table = new_table("Hops by kind, against the truth")
    for name in ("kind", "measured", "right", "precision", "detectable", "found", "recall"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind, tally in found.items():
        counts = (tally.measured, tally.right, tally.detectable, tally.found)
        measured, right, detectable, hit = (f"{count:,}" for count in counts)
        table.add_row(kind, measured, right, percent(tally.precision), detectable, hit, percent(tally.recall))
    print_table(table)


def _comparison(found: RunComparison) -> None:
    """Print the effect of the disturbance."""
    table = new_table("Removed in 24 h: undisturbed and disturbed run of one truth")
    for name in ("hoster", "undisturbed", "disturbed", "difference", "clocks"):
        table.add_column(name, justify="left" if name == "hoster" else "right")
    for share in (*found.shares, found.overall):
        table.add_row(*_comparison_row(share))
    print_table(table)
    say(
        f"false removals: {found.false_removals} of {found.ends:,} measured ends "
        f"(undisturbed: {found.false_removals_undisturbed}); difference of shares: "
        f"mean {points(found.mean_off, 2)}, largest {points(found.most_off, 2)}, "
        f"overall {points(found.overall.difference, 2)}"
    )
    if found.missing:
        say(f"no share in the disturbed run: {', '.join(found.missing)}")


def _comparison_row(share: ShareComparison) -> tuple[str, ...]:
    shares = (percent(share.undisturbed), percent(share.disturbed))
    return share.hoster, *shares, points(share.difference, 2), f"{share.clocks:,}"


def _bytes_by_class(counts: Counts) -> None:
    """Print the servers' counts of requests and body bytes.

    By class of server behaviour.
    """
    table = new_table("Body bytes acknowledged past the head, as the lab's servers saw them")
    for name in ("request", "plain", "most", "total", "TLS", "most", "total"):
        table.add_column(name, justify="left" if name == "request" else "right")
    for name, found in counts.by_class.items():
        plain = (found.requests_plain, found.plain_most, found.plain_total)
        tls = (found.requests_tls, found.tls_most, found.tls_total)
        table.add_row(name, *(f"{number:,}" for number in (*plain, *tls)))
    print_table(table)
    most_plain, most_tls = counts.beside_pages
    console.print(f"pages asked for by GET left out: most in one connection {most_plain:,} plain, {most_tls:,} TLS")
    if counts.tunnels or counts.tunnels_refused:
        console.print(f"tunnels through the proxy: {counts.tunnels:,}, refused: {counts.tunnels_refused:,}")


def _marked(folder: Path, files: Sequence[Path]) -> None:
    """Print files that hold body bytes; there should be none."""
    where = "no file" if not files else f"{len(files)} files"
    say(f"bytes of bodies found in {where} of {folder}")
    for path in files:
        say(f"  {path}")


def print_campaign(found: Campaign) -> None:
    """Print coverage by kind of world, and wrong conclusions.

    Wrong conclusions are hosters ranked or credited wrongly.
    """
    for what in dict.fromkeys(row.what for row in found.coverage):
        _coverage(f"{what}: 95% intervals against the truth, {found.studies:,} studies", found, what)
    say(f"{found.looks:,} looks; {found.estimable:.0%} of the hosters got a share")
    if found.blind:
        ends = ", ".join(f"{end} {studies:,}" for end, studies in sorted(found.blind.items()))
        say(f"the hoster that lets us hang, among the fastest: {ends}")
    if found.credited:
        measured, true, naive = found.credited
        say(
            f"the hoster of whose sites 67% lose their name: measured {measured:.3f}, true {true:.3f}, "
            f"if every end were a removal {naive:.3f}"
        )
    if found.size_speed:
        mean, error, studies = found.size_speed
        say(
            f"size and speed among equal hosters: mean rank correlation {mean:+.3f} ± {2 * error:.3f}, "
            f"{studies:,} studies"
        )


def _power(rows: Sequence[PowerRow], plan: Plan, of: str, form: str) -> None:
    """Print the power per effect and the smallest detectable effect.

    Detectable means seen in four of five studies.
    """
    from waterbed.lab.simulate.power import PowerRow, least_effect

    what = f"two hosters of {plan.sites} sites, one removes {plan.share:.0%} within 24 h; level {plan.level:g}"
    if form != "table":
        for_tools(PowerRow, rows, _power_heading(what, of), form)
        return
    table = new_table(f"Power: {what}")
    for name in ("difference", "studies", "sees it", "95% interval", "clocks"):
        table.add_column(name, justify="right")
    for row in rows:
        interval = f"{row.low:.0%} to {row.high:.0%}"
        table.add_row(f"{row.effect:+.2f}", f"{row.studies:,}", f"{row.power:.0%}", interval, f"{row.clocks:.0f}")
    print_table(table)
    least = least_effect(rows)
    smallest = "none of these" if least is None else f"{least:.2f}"
    console.print(f"least difference that four of five studies see: {smallest}")


def _power_heading(what: str, of: str) -> TableInfo:
    from waterbed.model.table import TableInfo

    return TableInfo(
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
    table = new_table(title, look="wide")
    table.pad_edge = True
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
    print_table(table)


def _flows(conclusions: Conclusions) -> None:
    """Print the main flows of the hop graph."""
    from graphs.network.graph import displacement_graph, main_flows

    names = {key: conclusions.attributor.name_of(key) for key in conclusions.hosters}
    graph = displacement_graph(conclusions.hops, names=names, seats=conclusions.seats, home="")
    table = new_table(f"Hop graph: {graph.number_of_edges()} hops between hosters, main flows")
    for name in ("hops", "from", "to"):
        table.add_column(name)
    for left, right, hops in main_flows(graph)[:10]:
        table.add_row(str(hops), _seated(left, names, conclusions), _seated(right, names, conclusions))
    print_table(table)


def _seated(key: str, names: dict[str, str], conclusions: Conclusions) -> str:
    seat = conclusions.seats.get(key)
    return f"{names.get(key, key)} ({seat})" if seat else names.get(key, key)


def _score(done: LabRun) -> None:
    """Print measured beside true values."""
    card: Scorecard = done.score
    table = new_table(f"Measured against true: {done.truth.world.name}")
    for name in ("what", "measured", "true"):
        table.add_column(name)
    table.add_row("hops", f"{card.hops_measured}", f"{card.hops_true} ({card.hops_detectable} detectable)")
    table.add_row("hop precision", percent(card.hop_precision), "")
    table.add_row("hop recall, detectable", percent(card.hop_recall), "")
    table.add_row("hop recall, all", percent(card.hop_recall_all), "")
    for kind, found in card.by_kind.items():
        table.add_row(f"  {kind}", f"{found.found}", f"{found.true} ({found.detectable} detectable)")
    for share in card.removal:
        table.add_row(f"removed in 24 h: {share.hoster}", percent(share.measured), f"{share.true:.1%} of {share.urls}")
    table.add_row("removal share, largest difference", points(card.removal_most_off), "")
    table.add_row("removal share, mean difference", points(card.removal_mean_off), "")
    print_table(table)
    rate = done.looks / done.seconds if done.seconds else 0.0
    console.print(f"{done.looks:,} looks in {done.passes} passes, {done.seconds:.0f} s ({rate:,.0f} looks/s)")


def _bytes_seen(counts: Counts) -> None:
    """Print the servers' counts of body bytes that we read."""
    asked = ", ".join(f"{n:,} {method}" for method, n in sorted(counts.requests.items()))
    console.print(f"requests seen by the servers: {asked}; {counts.connections:,} connections")
    console.print(
        f"body bytes acknowledged past the head: plain {counts.excess_plain_total:,} (most in one connection "
        f"{counts.excess_plain_most:,}), TLS {counts.excess_tls_total:,} (most {counts.excess_tls_most:,}); "
        "body bytes kept or written: 0",
        soft_wrap=True,
    )
