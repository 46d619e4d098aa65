"""A world's papers as the registries' records on a day."""

from datetime import datetime

from waterbed.lab.servers.rdap_data import Registries, TrueNetwork
from waterbed.lab.world.allocations import Paper, Papers, handle_of
from waterbed.lab.world.file import World


def registries_of(world: World, moment: datetime) -> Registries:
    """What the registries know of a world's networks at an instant."""
    return Registries(_record(paper) for paper in Papers(world).of_day(moment))


def _record(paper: Paper) -> TrueNetwork:
    holder = paper.holder
    return TrueNetwork(
        registry=paper.registry,
        prefix=str(paper.network),
        handle=_handle(paper),
        parent=_handle(paper.parent) if paper.parent else None,
        name=f"{holder.key.upper()}-NET",
        allocation="ASSIGNED PA" if paper.parent else "ALLOCATED PA",
        country=holder.country,
        holder=handle_of(holder).partition(":")[2],
        holder_name=holder.name,
        abuse=f"abuse@{holder.domain}",
        abuse_depth=1 if paper.parent else 0,
    )


def _handle(paper: Paper) -> str:
    return f"NET-{str(paper.network).replace('/', '-')}"
