"""The lab's part of the command line: rehearsals, their scores, the demo."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from waterbed import show, show_import, show_lab, show_ranking
from waterbed.formats import Format, Formatted
from waterbed.lab.markers import marked_files
from waterbed.lab.world import read_world, scenario_path
from waterbed.rehearsal import Rehearsal, rehearse, replay
from waterbed.report import envelope
from waterbed.standings import ranking_of
from waterbed.study import open_study

lab_app = typer.Typer(help="A simulated Internet on loopback, with known truth.", no_args_is_help=True)


class ProfileName(StrEnum):
    """How much a look may ask."""

    strict = "strict"
    headers = "headers"
    text = "text"


@lab_app.command("run")
def lab_run(
    scenario: Annotated[str, typer.Argument(help="A scenario, as quiet or waterbed, or a world file.")],
    out: Annotated[Path, typer.Option(help="The study folder to make.")],
    profile: Annotated[
        ProfileName | None, typer.Option(help="Look at all categories in this profile.", show_default=False)
    ] = None,
) -> None:
    """Simulate a world, measure it with the real crawler, compare with the truth.

    For example: waterbed lab run quiet --out lab
    """
    _rehearse(scenario, out, profile)


@lab_app.command("replay")
def lab_replay(
    feed: Annotated[Path, typer.Argument(help="A CSV feed with columns URL and IP.")],
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The day, as 2025-04-11.")],
    out: Annotated[Path, typer.Option(help="The study folder to make, or to go on with.")],
    routes: Annotated[list[Path] | None, typer.Option(help="Routing tables of that day.")] = None,
) -> None:
    """Let a real feed's hosts answer on loopback, and look at each URL.

    For example: waterbed lab replay feed.csv --date 2025-04-11 --out replayed
    """
    with show.bar() as told:
        done = replay(feed, routes or [], day.date(), out, told)
    show_import.imported(feed, done.imported)
    show.passed(done.passed)
    show.bytes_seen(done.counts)
    raise typer.Exit(1 if done.imported.rejected or done.passed.stopped else 0)


@lab_app.command("simulate")
def lab_simulate(
    scenario: Annotated[str, typer.Argument(help="A scenario or world file: its hosters are drawn from.")],
    studies: Annotated[int, typer.Option(min=1, help="How many studies.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same studies.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share them.")] = 1,
) -> None:
    """Draw hard worlds, measure them without a network, count how often intervals hold the truth.

    For example: waterbed lab simulate waterbed --studies 20 --seed 1
    """
    from waterbed import show_simulation  # noqa: PLC0415 (no other command should pay for these)
    from waterbed.lab.coverage import summarise  # noqa: PLC0415 (the same)
    from waterbed.lab.simulate import simulate_studies  # noqa: PLC0415 (the same)

    world = read_world(scenario_path(scenario))
    with show.bar() as told:
        results = simulate_studies(
            world, studies, seed=seed, workers=workers, told=lambda done: told("studies", done, studies)
        )
    show_simulation.campaign(summarise(results))


@lab_app.command("power")
def lab_power(
    scenario: Annotated[str, typer.Argument(help="A scenario or world file: what is in the way is drawn from it.")],
    sites: Annotated[int, typer.Option(min=10, help="Sites at each of two hosters.")] = 40,
    share: Annotated[float, typer.Option(help="Share that the one removes within 24 hours.")] = 0.5,
    effect: Annotated[
        list[float] | None,
        typer.Option(help="Difference of the other; several times.", show_default="0, 0.1, 0.2, 0.3"),
    ] = None,
    level: Annotated[float, typer.Option(min=0.001, max=0.5, help="Of the test.")] = 0.05,
    big: Annotated[bool, typer.Option("--big", help="One site holds most URLs.")] = False,
    studies: Annotated[int, typer.Option(min=20, help="Studies at each effect.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same studies.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share them.")] = 1,
    form: Formatted = Format.table,
) -> None:
    """Tell how likely a study of two hosters sees a difference, and the least one it can see.

    For example: waterbed lab power waterbed --sites 40 --effect 0.15 --studies 100
    """
    from waterbed import show_simulation  # noqa: PLC0415 (no other command should pay for these)
    from waterbed.lab.power import Plan, power_curve  # noqa: PLC0415 (the same)

    world, effects = read_world(scenario_path(scenario)), effect or [0.0, 0.1, 0.2, 0.3]
    plan = Plan(sites=sites, share=share, level=level, big=big)
    with show.bar() as told:
        rows = power_curve(
            world,
            plan,
            effects,
            studies,
            seed=seed,
            workers=workers,
            told=lambda done: told("studies", done, studies * len(effects)),
        )
    show_simulation.power(rows, plan, f"{scenario}, seed {seed}", form)


def demo(
    out: Annotated[Path, typer.Option(help="The study folder to make.")] = Path("demo"),
    scenario: Annotated[str, typer.Option(help="The world to measure.")] = "waterbed",
) -> None:
    """The main job end to end on the lab: ranking, hops, measured against true.

    For example: waterbed demo --out demo
    """
    _rehearse(scenario, out, None)


def _rehearse(scenario: str, out: Path, profile: ProfileName | None) -> Rehearsal:
    from waterbed.publishing import publish_all  # noqa: PLC0415 (no other command should pay for its libraries)

    with show.bar() as told:
        done = rehearse(scenario, out, told, profile=profile.value if profile else None)
    with open_study(out) as study:
        conclusions = study.conclude()
        files = publish_all(study, out / "published", conclusions)
        show_ranking.ranking(ranking_of(conclusions), envelope(study, "ranking", by="hoster"), "table")
        show.flows(conclusions)
    show.score(done.first)
    show_lab.hop_tallies(done.first.hop_tallies)
    show_lab.look_scores(done)
    show_lab.attribution_score(done.first.attribution_score)
    if done.paired:
        show_lab.paired(done.paired)
    show_lab.bytes_by_class(done.first.counts)
    show.bytes_seen(done.first.counts)
    show_lab.marked(out, marked_files(out, done.first.marker))
    show.written(files)
    return done
