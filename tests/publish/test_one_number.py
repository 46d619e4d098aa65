"""A number is the same in every view, and what one view withholds every view withholds."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from tests.publish.drawn_study import drawn_study
from tests.publish.one_number import Rows, by_key
from tests.publish.own_views import WIDTH, Commands, Run, notebook_alike
from tests.publish.public_views import Published
from waterbed.measures.about import own_events
from waterbed.measures.actors import EVERYTHING
from waterbed.measures.by_source import cards, sources
from waterbed.measures.constancy import event_dates
from waterbed.measures.keys import Kind
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.conclusions import ClockKind, RankingRow
from waterbed.model.results import FeedCard
from waterbed.model.takedown import ActorShare
from waterbed.model.window import month_of
from waterbed.publish.pieces import WEEKS
from waterbed.publish.policy import Publication
from waterbed.publish.release import publish_all
from waterbed.questions.intervention.declared_events import public_events
from waterbed.study.conclusions import Conclusions
from waterbed.study.formats import records
from waterbed.study.study import Study
from waterbed.study.windowed import by_window, within

CLOCKS: Sequence[ClockKind] = ("reported", "first_seen", "notice_sent", "notice_delivered", "legal_order")
SOME = (7, 16)
"""Studies that are drawn each time: ranges, an unmeasurable row, few days, few sites, a share that changed."""
MANY = 100


class Views:
    """All views of one study, each held against its rankings."""

    def __init__(self, study: Study, number: int, run: Run, folder: Path) -> None:
        self.study, self.number, self.folder = study, number, folder
        self.conclusions, self.clock = study.conclude(), study.config.clock
        self.commands = Commands(run, study.path)
        self.own, self.public = own_events(study), event_dates(public_events(study).values())

    def ranking(
        self,
        kind: Kind,
        clock: ClockKind,
        *,
        public: bool = False,
        source: str | None = None,
        about: Conclusions | None = None,
    ) -> Rows:
        """The rows of a ranking, as files have them; those of a source are never split."""
        events: Mapping[str, Sequence[datetime]] = self.public if public else self.own
        tables = RankingTables(
            conclusions=about or self.conclusions, kind=kind, clock=clock, events=events, source=source
        )
        return by_key(records(RankingRow, tables.brief_rows if source else tables.rows))

    def differences(self) -> Iterator[str]:
        """What any view says otherwise than the rankings."""
        yield from self._tables()
        yield from self._month()
        yield from self._published()

    def _tables(self) -> Iterator[str]:
        commands, other = self.commands, CLOCKS[self.number % len(CLOCKS)]
        clocks = {clock: self.ranking("hoster", clock) for clock in dict.fromkeys((self.clock, "reported", other))}
        for clock, rows in clocks.items():
            told = by_key(commands.rows("rank", "--clock", clock))
            yield from (f"rank, {clock}: {row} is not {rows[key]}" for key, row in told.items() if row != rows[key])
            yield from commands.ranking(rows, "--clock", clock)
            yield from commands.compliance(clock, rows)
        reported = clocks["reported"]
        yield from commands.places(reported)
        kind: Kind = "asn" if self.number % 2 else "country"
        yield from commands.ranking(self.ranking(kind, self.clock), "--by", kind)
        yield from commands.places(self.ranking(kind, "reported"), kind)
        yield from commands.compliance("reported", self.ranking(kind, "reported"), kind)
        for key in reported.keys() - {"unknown"}:
            yield from commands.sheet(key, clocks[self.clock].get(key), other, clocks[other])
        each = {source: self.ranking("hoster", "reported", source=source) for source in sources(self.conclusions)}
        yield from commands.sources(each)
        yield from commands.actors(reported)
        yield from commands.returns(reported)
        yield from notebook_alike(self.study, self.clock, clocks[self.clock], reported)

    def _month(self) -> Iterator[str]:
        """The month in which most was reported."""
        months = [f"{report.reported_at or report.received_at:%Y-%m}" for report in self.conclusions.facts.reports]
        month = max(months, key=months.count)
        now = within(self.conclusions, month_of(month))
        tables = RankingTables(conclusions=now, kind="hoster", events=self.own)
        whole = [
            one
            for one in records(ActorShare, tables.actors())
            if (one["key"], one["actor"], one["within_h"]) == (EVERYTHING, "hoster", 24.0)
        ]
        rows = self.ranking("hoster", "reported", about=now)
        yield from self.commands.month(month, self.folder / "month", rows, whole[0] if whole else None)

    def _published(self) -> Iterator[str]:
        given = list[Publication]()
        publish_all(self.study, self.folder / "out", self.conclusions, written=given.append)
        told = Published(self.folder / "out")
        kinds: tuple[Kind, ...] = ("hoster", "asn", "country", "category")
        yield from told.rankings({kind: self.ranking(kind, self.clock, public=True) for kind in kinds})
        yield from told.tables()
        for kind in kinds[:3]:
            reported = self.ranking(kind, "reported", public=True)
            yield from told.beside(kind, reported, self.ranking(kind, "notice_delivered", public=True))
            yield from told.pages(kind)
        weeks = by_window(self.conclusions, WEEKS, "week")
        yield from told.weeks(
            {one.window.label: self.ranking("hoster", self.clock, public=True, about=one) for one in weeks}
        )
        yield from told.curves()
        yield from told.sheets()
        yield from told.letter()
        yield from told.cards({one["source"]: one for one in records(FeedCard, cards(self.conclusions))})
        yield from told.exports()
        yield from told.interface(given[0])


def differences(number: int, run: Run, folder: Path) -> list[str]:
    """What any view of the study of a number says otherwise than its rankings."""
    with drawn_study(folder, number) as study:
        return list(Views(study, number, run, folder).differences())


@pytest.mark.parametrize("number", SOME)
def test_every_view_of_a_number_is_equal(
    number: int, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands, sheets, reports, notebook, files, pages, exports and interface say one share, or none of them does."""
    monkeypatch.setenv("COLUMNS", WIDTH)
    assert differences(number, run, tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize("number", sorted(set(range(MANY)) - set(SOME)))
def test_every_view_of_many_studies_is_equal(
    number: int, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same of a hundred drawn studies."""
    monkeypatch.setenv("COLUMNS", WIDTH)
    assert differences(number, run, tmp_path) == []
