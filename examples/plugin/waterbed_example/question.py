"""The command of the example's question: how much content is at a hoster that is known."""

import typer

from waterbed.graphs.runs import UNATTRIBUTED
from waterbed.shown.output import say
from waterbed.study.study import open_study


def attributed(context: typer.Context) -> None:
    """Count the episodes at hosters that are known."""
    with open_study(context.obj) as study:
        episodes = study.conclude().episodes
    known = sum(episode.hoster != UNATTRIBUTED for episode in episodes)
    say(f"{known:,} of {len(episodes):,} episodes are at a hoster that is known.")
