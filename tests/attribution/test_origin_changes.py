"""Two days' origin sets of the same rows, compared."""

from waterbed.attribution.space import OriginChange, origin_changes


def test_changes_are_counted_by_both_sets() -> None:
    """Rows are grouped by the sets before and after; what has origins on one day only is lost or gained."""
    before = [(1,), (1,), (1, 2), (3,), (), (4,), ()]
    after = [(2,), (2,), (1,), (3,), (5,), (), ()]
    found = origin_changes(before, after)
    assert (found.rows, found.both, found.changed, found.lost, found.gained) == (7, 4, 3, 1, 1)
    assert found.share == 3 / 4
    assert found.changes == (
        OriginChange(before=(1,), after=(2,), rows=2),
        OriginChange(before=(), after=(5,), rows=1),
        OriginChange(before=(1, 2), after=(1,), rows=1),
        OriginChange(before=(4,), after=(), rows=1),
    )


def test_nothing_in_common_has_no_share() -> None:
    """Without a row that has origins on both days there is no share."""
    assert origin_changes([(), (1,)], [(2,), ()]).share is None
    assert origin_changes([], []).changes == ()
