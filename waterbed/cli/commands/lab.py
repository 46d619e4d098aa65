"""The `lab` and `demo` commands: simulations and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from waterbed.cli.scores import (
    print_actor_score,
    print_attribution_score,
    print_bytes_by_class,
    print_bytes_seen,
    print_campaign,
    print_comparison,
    print_flows,
    print_hop_tallies,
    print_hotline_score,
    print_look_scores,
    print_marked,
    print_score,
)
from waterbed.model.spelling import percent
from waterbed.shown.options import Format, Formatted, Given, Seed, Workers, to_write
from waterbed.shown.output import console, for_tools, new_table, print_table, written

if TYPE_CHECKING:
    from waterbed.lab.simulate.power import Plan, PowerRow
    from waterbed.model.table import TableInfo

lab_app = typer.Typer(help="A simulated Internet on loopback, with known truth.", no_args_is_help=True)


class ProfileName(StrEnum):
    """Profile of requests that a check may make."""

    strict = "strict"
    headers = "headers"
    text = "text"


@lab_app.command("run")
def lab_run(
    scenario: Annotated[str, typer.Argument(help="A scenario, as quiet or waterbed, or a world file.")],
    out: Annotated[Path, typer.Option(help="The study folder to make.", callback=to_write)],
    profile: Annotated[
        ProfileName | None,
        typer.Option(help="Check all categories but abuse material with this profile.", show_default=False),
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
    out: Annotated[Path, typer.Option(help="The study folder to make or continue.", callback=to_write)],
    routes: Annotated[list[Path] | None, typer.Option(help="Routing tables of that day.")] = None,
) -> None:
    """Serve a feed's hosts on loopback, and check each URL.

    For example: waterbed lab replay feed.csv --date 2025-04-11 --out replayed
    """
    from waterbed.cli.commands.crawl import print_pass
    from waterbed.cli.commands.import_ import print_import
    from waterbed.lab.run import replay

    replayed = replay(feed, routes or [], day.date(), out)
    print_import(feed, replayed.imported)
    print_pass(replayed.passed)
    print_bytes_seen(replayed.counts)
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
    from waterbed.lab.world.reading import read_world, scenario_path

    world = read_world(scenario_path(scenario))
    print_campaign(summarise(simulate_studies(world, studies, seed=seed, workers=workers)))


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
    from waterbed.lab.world.reading import read_world, scenario_path

    world, effects = read_world(scenario_path(scenario)), effect or [0.0, 0.1, 0.2, 0.3]
    plan = Plan(sites=sites, share=share, level=level, big=big)
    rows = power_curve(world, plan, effects, studies, seed=seed, workers=workers)
    _power(rows, plan, f"{scenario}, seed {seed}", form)


@lab_app.command("hands")
def lab_hands(
    worlds: Annotated[int, typer.Option(min=1, help="Number of worlds.")] = 50,
    rate: Annotated[float, typer.Option(min=0.001, max=0.5, help="Rate of false discoveries.")] = 0.1,
    seed: Seed = 1,
    form: Formatted = Format.table,
) -> None:
    """Simulate networks that change hands, and count those found.

    Routing tables with successions, sales, transfers and renumbering; nothing is measured.

    For example: waterbed lab hands --worlds 20 --seed 1
    """
    from waterbed.lab.simulate.hands import HandsScore, hands_scores, recall_and_precision

    scores = hands_scores(worlds, seed=seed, rate=rate)
    if form is not Format.table:
        title = f"successions in simulated routing tables, rate {rate:g}"
        for_tools(HandsScore, scores, _heading(title, f"hands, seed {seed}", _HANDS), form)
        return
    recall, precision = recall_and_precision(scores)
    true, found_count = sum(score.true for score in scores), sum(score.found for score in scores)
    console.print(f"{worlds:,} worlds: {true:,} successions, {found_count:,} pairs found at a rate of {percent(rate)}")
    console.print(f"recall {recall:.3f}, precision {precision:.3f}")


_HANDS = "block null, Benjamini-Yekutieli: docs/attribution.md, Networks that change hands"


def demo(
    out: Annotated[Path, typer.Option(help="The study folder to make.", callback=to_write)] = Path("demo"),
    scenario: Annotated[str, typer.Option(help="The world to measure.")] = "waterbed",
) -> None:
    """Run the main job on the lab: ranking and hops.

    Measured values stand beside the true ones.

    For example: waterbed demo --out demo
    """
    _rehearse(scenario, out, None)


def _rehearse(scenario: str, out: Path, profile: ProfileName | None) -> None:
    from waterbed.store.own_files import SETTINGS

    begun = (out / SETTINGS).exists()
    try:
        _rehearsed(scenario, out, profile)
    except KeyboardInterrupt:
        if begun or not (out / SETTINGS).exists():
            raise
        raise KeyboardInterrupt(
            f"the study in {out} is half written: remove that folder, or name another one, before you start again"
        ) from None


def _rehearsed(scenario: str, out: Path, profile: ProfileName | None) -> None:
    from waterbed.graphs.displacement.event import EVENTS
    from waterbed.lab.run import run_lab
    from waterbed.lab.servers.pages import marked_files
    from waterbed.lab.world.reading import scenario_event
    from waterbed.measures.ranking_tables import ranking_of
    from waterbed.publish.release import publish_all
    from waterbed.questions.ranking.printing import print_ranking
    from waterbed.store.whole.files import write_whole
    from waterbed.study.metadata import table_info
    from waterbed.study.study import open_study

    done = run_lab(scenario, out, profile=profile.value if profile else None)
    event = scenario_event(scenario)
    if event is not None:
        (out / EVENTS).mkdir(exist_ok=True)
        write_whole(out / EVENTS / f"{scenario}.toml", event)
    with open_study(out) as study:
        conclusions = study.conclude()
        files = publish_all(study, out / "published", conclusions)
        print_ranking(ranking_of(conclusions), table_info(study, "ranking", by="hoster"), "table")
        print_flows(conclusions)
    print_score(done.first)
    print_hop_tallies(done.first.hop_tallies)
    print_look_scores(done)
    print_attribution_score(done.first.attribution_score)
    print_actor_score(done.first.actor_score)
    print_hotline_score(done.first.hotline_score)
    if done.comparison:
        print_comparison(done.comparison)
    print_bytes_by_class(done.first.counts)
    print_bytes_seen(done.first.counts)
    print_marked(out, marked_files(out, done.first.marker))
    written(files)


def _power(rows: Sequence[PowerRow], plan: Plan, of: str, form: str) -> None:
    """Print the power per effect and the smallest detectable effect.

    Detectable means seen in four of five studies.
    """
    from waterbed.lab.simulate.power import PowerRow, least_effect

    title = f"two hosters of {plan.sites} sites, one removes {percent(plan.share)} within 24 h; level {plan.level:g}"
    if form != "table":
        for_tools(PowerRow, rows, _heading(f"power, {title}", of, _POWER), form)
        return
    table = new_table(f"Power: {title}")
    for name in ("difference", "studies", "sees it", "95% interval", "clocks"):
        table.add_column(name, justify="right")
    for row in rows:
        interval = f"{percent(row.low)} to {percent(row.high)}"
        table.add_row(f"{row.effect:+.2f}", f"{row.studies:,}", percent(row.power), interval, f"{row.clocks:.0f}")
    print_table(table)
    least = least_effect(rows)
    smallest = "none of these" if least is None else f"{least:.2f}"
    console.print(f"least difference that four of five studies see: {smallest}")


_POWER = "log-rank of removals, sites permuted, on simulated studies: docs/protocol.md, Power"


def _heading(what: str, of: str, method: str) -> TableInfo:
    from waterbed.model.table import TableInfo

    return TableInfo(
        what=what,
        by="effect" if method == _POWER else "world",
        clock="reported" if method == _POWER else "data date",
        window="simulated",
        method=method,
        data_dates={},
        run=of,
        version=version("waterbed"),
    )
