"""A hoster's list against ours, row by row."""

from datetime import date

from waterbed.model.takedown import Reconciled
from waterbed.record.reconcile import Ours, Theirs, reconcile

FIRST, SECOND, THIRD = date(2026, 1, 5), date(2026, 1, 8), date(2026, 1, 20)


def their(line: int, url_id: str | None, day: date | None = FIRST, channel: str | None = None) -> Theirs:
    """One row of theirs."""
    return Theirs(line=line, url_id=url_id, day=day, channel=channel, reason=None if url_id else "why")


def found(theirs: list[Theirs], ours: dict[str, Ours]) -> list[Reconciled]:
    """All rows; the study knows u9 besides."""
    return list(reconcile(theirs, ours, {*ours, "u9"}))


def test_a_row_is_held_against_the_nearest_notice() -> None:
    """Days apart are theirs less ours; on the day it is matched, and reports count only without a notice."""
    ours = {
        "u1": Ours(notices=[(FIRST, None), (THIRD, None)], reports=[SECOND]),
        "u2": Ours(notices=[], reports=[SECOND]),
    }
    rows = found([their(2, "u1", SECOND), their(3, "u1", THIRD), their(4, "u2", FIRST)], ours)
    assert [(r.result, r.days, r.our_date, r.told) for r in rows] == [
        ("date differs", 3, "2026-01-05", True),
        ("matched", 0, "2026-01-20", True),
        ("date differs", -3, "2026-01-08", False),
    ]


def test_a_row_without_a_date_matches_by_its_address() -> None:
    """And one that only the book of notices has no day for, too."""
    rows = found([their(2, "u1", None)], {"u1": Ours(notices=[(FIRST, None)], reports=[])})
    assert [(r.result, r.days) for r in rows] == [("matched", None)]


def test_what_one_side_lacks_is_named() -> None:
    """Only theirs, known elsewhere or not at all; only ours, by id; unreadable, with its reason."""
    rows = found([their(2, "u9"), their(3, "u8"), their(4, None)], {"u2": Ours(notices=[], reports=[SECOND, FIRST])})
    assert [(r.line, r.url_id, r.result, r.known, r.reason, r.our_date) for r in rows] == [
        (2, "u9", "only theirs", True, None, None),
        (3, "u8", "only theirs", False, None, None),
        (4, None, "unreadable", False, "why", None),
        (None, "u2", "only ours", True, None, "2026-01-05"),
    ]


def test_the_same_row_again_is_a_duplicate() -> None:
    """Same URL and day; another day is another row, as with reminders."""
    ours = {"u1": Ours(notices=[(FIRST, None)], reports=[])}
    rows = found(
        [their(2, "u1"), their(3, "u1", SECOND), their(4, "u1"), their(5, "u1", None), their(6, "u1", None)], ours
    )
    assert [(r.result, r.first_line) for r in rows] == [
        ("matched", None),
        ("date differs", None),
        ("duplicate", 2),
        ("matched", None),
        ("duplicate", 5),
    ]


def test_channels_are_compared_where_both_are_known() -> None:
    """In any case of letters; unknown on one side is null."""
    ours = {"u1": Ours(notices=[(FIRST, "Mail")], reports=[]), "u2": Ours(notices=[(FIRST, None)], reports=[])}
    rows = found(
        [
            their(2, "u1", FIRST, "mail"),
            their(3, "u1", SECOND, "api"),
            their(4, "u1", THIRD),
            their(5, "u2", FIRST, "x"),
        ],
        ours,
    )
    assert [r.channel_agrees for r in rows] == [True, False, None, None]
