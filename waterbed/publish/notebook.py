"""Conclusions and facts as Arrow tables, under keyed ids."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar, get_args

import pyarrow as pa

from waterbed.graphs.displacement.event import read_event
from waterbed.graphs.displacement.findings import Findings
from waterbed.graphs.network.moves import Level
from waterbed.measures.about import own_events, ranking_info, volume_method
from waterbed.measures.by_source import cards, side_by_side, sources
from waterbed.measures.keys import KINDS, Kind, RankingKind
from waterbed.measures.notices.tables import compliance_of
from waterbed.measures.ranking import WITHHELD
from waterbed.measures.ranking_tables import PLACES_METHOD, RankingTables, Side
from waterbed.measures.removal_curves import removal_curves
from waterbed.measures.sizes import ranking_sizes, ranking_structure
from waterbed.measures.takedown import By, episodes_by_key
from waterbed.measures.volume import WORST
from waterbed.model.conclusions import (
    Attribution,
    ClockKind,
    Episode,
    ExternalEpisode,
    Hop,
    Quarantine,
    RankingRow,
    Verdict,
)
from waterbed.model.errors import InputError
from waterbed.model.facts import ExternalObservation, Observation, Report, Target
from waterbed.model.message import NOTHING
from waterbed.model.plugins import added
from waterbed.model.redaction import shown
from waterbed.model.results import Answer, FeedCard, FeedRow, PlaceRow, VolumeRow
from waterbed.model.takedown import AddressedNotice, ComplianceRow, Overdue, TakedownClock
from waterbed.model.window import Every, Window, every_of, window_of
from waterbed.publish.build_publication import flow_tables
from waterbed.publish.site.overview import CurvePoint, curve_points
from waterbed.questions.hops.graph import hop_graph
from waterbed.questions.intervention.estimate import findings_of
from waterbed.questions.report.overdue import METHOD as OVERDUE_METHOD
from waterbed.questions.report.overdue import still_up
from waterbed.study.conclusions import Conclusions
from waterbed.study.external import ExternalConclusions
from waterbed.study.formats import METADATA, arrow_schema, as_arrow
from waterbed.study.look_tables import LOOK, attribution_tables, flat_lists, observation_tables, verdict_tables
from waterbed.study.metadata import table_info
from waterbed.study.study import Study, open_study
from waterbed.study.windowed import by_window, within

_AS_FOUND = "as recorded"
Word = TypeVar("Word", bound=str)


class Notebook:
    """An opened study whose methods return Arrow tables.

    Use it in a `with` block or call `close`.
    Conclusions are drawn once, from the facts at the first call. Rows have keyed ids, never a URL or host name. Lists
    are JSON text; times are UTC. A word that is not known is an InputError.
    """

    def __init__(self, study: Study) -> None:
        """Wrap an opened study; use `waterbed.open`."""
        self.study = study

    def __enter__(self) -> Self:
        """Use the study."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the database; returned tables stay valid."""
        self.study.close()

    @cached_property
    def conclusions(self) -> Conclusions:
        """The conclusions behind all tables."""
        return self.study.conclude()

    @property
    def window(self) -> Window:
        """The window of reports that its tables are about."""
        return self.conclusions.window

    def within(
        self,
        since: str | date | None = None,
        until: str | date | None = None,
        follow: str | timedelta | None = None,
    ) -> "Notebook":
        """The same study's tables about the reports of a window.

        As `--since --until --follow` of the command line, or as dates. Nothing is judged again; both close together.
        InputError for what is no window, or one that ends before the first report.
        """
        return self._about(within(self.conclusions.whole, window_of(since, until, follow)))

    def by_window(
        self,
        every: Every,
        *,
        since: str | date | None = None,
        until: str | date | None = None,
        follow: str | timedelta | None = None,
    ) -> "list[Notebook]":
        """Tables about each week or month with a report."""
        wanted = every_of(every)
        window = window_of(since, until, follow, every=wanted)
        return [self._about(one) for one in by_window(self.conclusions.whole, window, wanted)]

    def _about(self, conclusions: Conclusions) -> "Notebook":
        made = Notebook(self.study)
        made.__dict__["conclusions"] = conclusions
        return made

    # facts
    def targets(self) -> pa.Table:
        """The study's URLs by keyed id, one row each (`Target`)."""
        return self._facts(Target, list(self.conclusions.all_facts.targets.values()), "targets")

    def reports(self) -> pa.Table:
        """All reports, one row each (`Report`).

        Those that count nowhere, by their assessment, are among them.
        """
        return self._facts(Report, self.conclusions.all_facts.reports, "reports")

    def looks(self) -> pa.Table:
        """All observations, by URL and time (`Observation`).

        Whatever the window, as verdicts, attributions and quarantines: they are judged together.
        """
        info = replace(table_info(self.study, "looks"), method=_AS_FOUND)
        conclusions, names = self.conclusions.whole, arrow_schema(Observation).names
        found = observation_tables(conclusions.facts, conclusions.looks, names)
        return _whole(arrow_schema(Observation, info), map(flat_lists, found))

    def notices(self) -> pa.Table:
        """The latest state of each notice, with recipients (`AddressedNotice`)."""
        return self._facts(AddressedNotice, self.conclusions.notices, "notices")

    def testimonies(self) -> pa.Table:
        """Observations by third parties (`ExternalObservation`)."""
        return self._facts(ExternalObservation, self.conclusions.facts.external_observations, "testimonies")

    # conclusions
    def verdicts(self) -> pa.Table:
        """The verdict of each observation, in their order (`Verdict`)."""
        info = table_info(self.study, "verdicts")
        return _whole(arrow_schema(Verdict, info), verdict_tables(self.conclusions.whole.judged))

    def attributions(self) -> pa.Table:
        """Hosters that answered at each observation with an address.

        The columns of `Attribution` after `observation_id`, `url_id` and `observed_at` of the look.
        """
        schema = arrow_schema(Attribution, table_info(self.study, "attributions"))
        beside = [arrow_schema(Observation).field(name) for name in LOOK]
        return _whole(pa.schema([*beside, *schema], schema.metadata), attribution_tables(self.conclusions.whole.judged))

    def episodes(self) -> pa.Table:
        """Episodes of each URL at a hoster (`Episode`)."""
        return self._table(Episode, self.conclusions.episodes, "episodes")

    def told_episodes(self) -> pa.Table:
        """Episodes reported by third parties (`ExternalEpisode`).

        They contain none of our own episodes.
        """
        external = ExternalConclusions(self.conclusions, self.study.config.testimony).episodes
        return self._table(ExternalEpisode, external, "told episodes")

    def hops(self) -> pa.Table:
        """Moves of content from hoster to hoster (`Hop`)."""
        return self._table(Hop, self.conclusions.hops, "hops")

    def quarantines(self) -> pa.Table:
        """Quarantined cycles and deliveries, decided ones included (`Quarantine`)."""
        return as_arrow(Quarantine, self.conclusions.quarantines, table_info(self.study, "quarantines"))

    # standings
    def rankings(
        self,
        by: Kind = "hoster",
        *,
        clock: ClockKind | None = None,
        side: Side | None = None,
        source: str | None = None,
    ) -> pa.Table:
        """The ranking of one kind (`RankingRow`).

        `clock` is the settings' if None.
        `side` is home or abroad: only what lies there. `source`: only what it reported.
        """
        its = self._rankings(by, clock=clock, side=side, source=source)
        return as_arrow(RankingRow, its.rows, ranking_info(self.study, its, "ranking"))

    def volume(self, by: Kind = "hoster", *, worst: int = WORST) -> pa.Table:
        """Volume against size on the last day observed (`VolumeRow`).

        No rows before the first observation.
        """
        its, until = self._rankings(by), self.conclusions.until
        rows, remark = list[VolumeRow](), NOTHING
        if until:
            day = until.date()
            structure = ranking_structure(self.study, its, day)
            rows, remark = its.volume(ranking_sizes(self.study, its, day), _positive(worst), structure)
        return as_arrow(VolumeRow, rows, ranking_info(self.study, its, "volume", volume_method(remark)))

    def places(self, by: Kind = "hoster", *, worst: int = WORST) -> pa.Table:
        """Ranks by speed, slowest first, with their uncertainty (`PlaceRow`).

        Clocks run from the report.
        """
        its = self._rankings(by, clock="reported")
        return as_arrow(PlaceRow, its.places(_positive(worst)), ranking_info(self.study, its, "places", PLACES_METHOD))

    def feeds(self) -> pa.Table:
        """A card for each source of reports (`FeedCard`)."""
        return as_arrow(
            FeedCard, cards(self.conclusions), table_info(self.study, "feeds", by="source", window=self.window)
        )

    def feed_rankings(self, by: Kind = "hoster") -> pa.Table:
        """The ranking by each source (`FeedRow`).

        InputError with fewer than two sources.
        """
        its = self._rankings(by, clock="reported")
        return as_arrow(FeedRow, side_by_side(its)[0], ranking_info(self.study, its, "feeds"))

    def compliance(self, by: By = "hoster", *, clock: ClockKind = "notice_delivered", weeks: bool = False) -> pa.Table:
        """Shares removed within hours of the clock's origin (`ComplianceRow`).

        By ISO week too if asked.
        """
        found = self._compliance(by, clock)
        return as_arrow(ComplianceRow, found.shares(weeks=weeks), found.info)

    def clocks(self, by: By = "hoster", *, clock: ClockKind = "notice_delivered") -> pa.Table:
        """Takedown clocks from an origin, by key (`TakedownClock`)."""
        found = self._compliance(by, clock)
        rows = [one for key in sorted(found.clocks) for one in found.clocks[key]]
        return as_arrow(TakedownClock, rows, found.info_of("clocks"))

    def overdue(self, *, source: str | None = None, after_h: float = 24.0) -> pa.Table:
        """Content up after its notice's deadline (`Overdue`)."""
        rows = still_up(self.conclusions, source=source, after_h=after_h).late
        info = table_info(self.study, "overdue", by="hoster", clock="notice_delivered", window=self.window)
        return as_arrow(Overdue, rows, replace(info, method=OVERDUE_METHOD))

    # hops added up
    def flows(self) -> pa.Table:
        """Flows between hosters (`Flow`)."""
        return self._flows("flows")

    def flow_shares(self, by: By = "hoster") -> pa.Table:
        """Shares of each key's departures by destination (`FlowShare`)."""
        return self._flows(f"flow-shares-{_known(by, By, 'by')}")

    def graph(self, by: Level = "hoster") -> Any:
        """Hops as edges of a NetworkX MultiDiGraph.

        Its nodes are hosters, or ASes (`as`) or countries (`country`). docs/graph.md has its attributes.
        """
        return hop_graph(self.conclusions, _known(by, Level, "by"), self.conclusions.hops)

    # one event
    def displacement(self, event: Path | str | None = None) -> pa.Table:
        """Numbers on an event's file, or the study (`Answer`)."""
        if event is None and not self.conclusions.episodes:
            return as_arrow(Answer, [], table_info(self.study, "displacement", window=self.window))
        found = self._findings(event)
        return as_arrow(Answer, [found.formatter.row(Answer, one) for one in found.answers], found.info)

    def answer(self, event: Path | str) -> str:
        """The answer to an event's file, in sentences."""
        found = self._findings(event)
        return found.formatter.text(found.summary.text) if found.summary else ""

    def curves(self, by: By = "hoster", *, key: str | None = None) -> pa.Table:
        """Shares removed by hour, by key (`CurvePoint`); none of a key whose share is withheld."""
        kind, conclusions = _known(by, By, "by"), self.conclusions
        groups = sorted(episodes_by_key(conclusions.episodes, kind))
        if key is not None and key not in groups:
            raise InputError(f"{shown(key)} has no reported URL; rankings({kind!r}) has the keys (docs/notebook.md)")
        its = self._rankings(kind, clock="reported")
        rows = {row.key: row for row in its.rows if row.key in (groups if key is None else [key])}
        parts = {one: its.part(rows[one]) for one in sorted(rows) if rows[one].rank_class not in WITHHELD}
        names = {one: conclusions.attributor.name_of(one) if kind == "hoster" else one for one in parts}
        until = conclusions.until
        found = removal_curves(parts, names=names, until=until) if until else []
        return self._table(CurvePoint, [point for one in found for point in curve_points(one)], "share removed by hour")

    def _findings(self, event: Path | str | None) -> Findings:
        planned = None if event is None else read_event(Path(event))
        if planned and self.window:
            raise InputError("an event has periods of its own: open the whole study for it (docs/displacement.md)")
        return findings_of(self.study, planned, conclusions=self.conclusions)

    def _flows(self, name: str) -> pa.Table:
        found = next(one for one in flow_tables(self.study, self.conclusions) if one.name == name)
        return as_arrow(found.cls, found.rows, found.envelope)

    def _table(self, cls: type, rows: Sequence[Any], what: str) -> pa.Table:
        return as_arrow(cls, rows, table_info(self.study, what, window=self.window))

    def _facts(self, cls: type, rows: Sequence[Any], what: str) -> pa.Table:
        info = table_info(self.study, what, window=self.window)
        return as_arrow(cls, rows, replace(info, method=_AS_FOUND))

    def _rankings(
        self, by: Kind, *, clock: ClockKind | None = None, side: Side | None = None, source: str | None = None
    ) -> RankingTables:
        named = sources(self.conclusions)
        if source is not None and source not in named:
            raise InputError(
                f"source={shown(source)} is not a source with reports; sources are {', '.join(named)} "
                "(docs/notebook.md)"
            )
        return RankingTables(
            conclusions=self.conclusions,
            kind=_kind(by),
            side=_known(side, Side, "side") if side else None,
            source=source,
            clock=_known(clock, ClockKind, "clock") if clock else self.study.config.clock,
            events=own_events(self.study),
        )

    def _compliance(self, by: By, clock: ClockKind) -> Any:
        by, clock = _known(by, By, "by"), _known(clock, ClockKind, "clock")
        return compliance_of(
            self.study, by=by, clock=clock, conclusions=self.conclusions, events=own_events(self.study)
        )


def open_notebook(path: Path | str) -> Notebook:
    """Open a study folder for tables."""
    return Notebook(open_study(path))


def _whole(schema: pa.Schema, tables: Iterable[pa.Table]) -> pa.Table:
    """All rows as one table."""
    pieces = [batch for table in tables for batch in table.to_batches()]
    return pa.Table.from_batches([pa.RecordBatch.from_arrays(piece.columns, schema=schema) for piece in pieces], schema)


def described(table: pa.Table) -> pa.Table:
    """Columns of a table: name, type, nullability and meaning."""
    rows = [(one.name, str(one.type), one.nullable, _meaning(one)) for one in table.schema]
    names = ("column", "type", "null", "meaning")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def heading(table: pa.Table) -> dict[str, Any]:
    """Metadata of a table that a notebook returned.

    What it is, clock, window, method, data dates, run and version.
    """
    found: dict[str, Any] = json.loads(table.schema.metadata[METADATA])
    return found


def _meaning(field: Any) -> str:
    return str((field.metadata or {}).get(b"description", b"").decode())


def _kind(by: Kind) -> Kind:
    if by not in KINDS and by not in (more := added("rankings", RankingKind, KINDS)):
        raise InputError(f"by={shown(str(by))} must be one of {', '.join((*KINDS, *more))} (docs/notebook.md)")
    return by


def _known(word: Word, words: Any, what: str) -> Word:
    if word not in get_args(words):
        raise InputError(f"{what}={shown(str(word))} must be one of {', '.join(get_args(words))} (docs/notebook.md)")
    return word


def _positive(worst: int) -> int:
    if worst < 1:
        raise InputError(f"worst={worst} must be at least 1 (docs/notebook.md)")
    return worst
