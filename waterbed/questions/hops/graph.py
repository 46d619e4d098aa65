"""The hop graph of a study, with names for people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from waterbed.graphs.network.moves import Level, OriginsOf, origins_index
from waterbed.model.conclusions import Hop
from waterbed.study.conclusions import Conclusions


def key_names(conclusions: Conclusions, by: Level) -> dict[str, str]:
    """Names for people of all hosters or ASes.

    Countries have none.
    """
    if by == "country":
        return {}
    episodes = conclusions.whole.episodes if by == "as" else ()
    systems = {f"AS{origin}" for episode in episodes for origin in episode.origins}
    keys = systems if by == "as" else conclusions.whole.hosters
    return {key: conclusions.attributor.name_of(key) for key in keys}


def key_origins(conclusions: Conclusions, by: Level) -> OriginsOf | None:
    """A look-up of origin ASes for hops between ASes.

    A hop of a window may have left an episode outside of it.
    """
    return origins_index(conclusions.whole.episodes) if by == "as" else None


def hop_graph(
    conclusions: Conclusions,
    by: Level,
    hops: Sequence[Hop],
    *,
    window: tuple[datetime | None, datetime] | None = None,
) -> Any:
    """Return hops as a NetworkX MultiDiGraph, with names.

    By hoster with networks that changed hands, as the book of hosters has them. `hops` are of these conclusions;
    `window` as `displacement_graph` has it.
    """
    from waterbed.graphs.network.graph import add_takeovers, displacement_graph  # noqa: PLC0415 (NetworkX is loaded when needed)

    home, seats = conclusions.config.home, conclusions.whole.seats
    network = displacement_graph(
        hops,
        names=key_names(conclusions, by),
        seats={} if by == "as" else seats,
        home=home,
        by=by,
        origins=key_origins(conclusions, by),
        window=window,
    )
    if by == "hoster":
        book = conclusions.attributor.book
        takeovers = [(*takeover, not book.on(takeover.since).unreviewed(takeover.new)) for takeover in book.lineage()]
        names = {key: conclusions.attributor.name_of(key) for takeover in takeovers for key in takeover[:2]}
        add_takeovers(network, takeovers, names=names, seats=seats, home=home)
    return network
