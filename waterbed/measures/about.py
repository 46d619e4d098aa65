"""The name, method and caveat of a ranking's table."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from waterbed.graphs.displacement.event import events_in
from waterbed.measures.constancy import event_dates
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.formatter import OWN
from waterbed.model.message import Code, Message, joined
from waterbed.model.table import TableInfo
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

TOLD: Final = "With what a CDN's origin service told in confidence: not for publication (docs/origins.md)"

VOLUME_METHOD: Final = (
    "expected: negative-binomial regression of sites on log sizes, and covariates, over all that exist; "
    "shrunk: Gamma-Poisson; score: "
    "10,000 incidents / routed IPv4; places by shrunk ratio, all at once at 95%, see docs/ranking.md"
)


def volume_method(remark: Message) -> str:
    """The method of volume against size, with what is to be remarked of its rows."""
    return OWN.text(joined(Message.of("{method}", method=Code(VOLUME_METHOD)), remark))


def own_events(study: Study) -> dict[str, tuple[datetime, ...]]:
    """Dates of all events declared in the study by target, private ones too: for its own people alone.

    Files that cannot be read are left out; `waterbed doctor` names them.
    """
    return event_dates(events_in(study.path)[0].values())


def ranking_info(study: Study, tables: RankingTables, what: str, method: str | None = None) -> TableInfo:
    """The metadata of a ranking table."""
    named = f"{what}, {tables.side}" if tables.side else what
    info = table_info(study, named, by=tables.kind, clock=tables.clock, window=tables.conclusions.window)
    if tables.conclusions.told:
        info = replace(info, caveat=f"{info.caveat}; {TOLD}" if info.caveat else TOLD)
    info = replace(info, method=method) if method else info
    return replace(info, method=f"{info.method}; {as_if(tables.together)}") if tables.together != 1.0 else info


def as_if(together: float) -> str:
    """The assumption that intervals are made on."""
    return f"Intervals as if decisions were made for {together:g} sites at once (docs/ranking.md)"
