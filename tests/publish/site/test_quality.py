"""The Data quality page's words about checks that are due and checks that were made."""

import pytest

from waterbed.publish.site.quality import Lag


@pytest.mark.parametrize(
    ("oldest", "taken", "now", "made"),
    [
        (None, 4380.0, "nothing", "late"),
        (60.0, 4380.0, "in time", "late"),
        (901.0, 60.0, "late", "in time"),
        (900.0, None, "in time", "none"),
        (0.0, 900.0, "in time", "in time"),
    ],
)
def test_what_is_due_and_what_was_made_are_late_by_themselves(
    oldest: float | None, taken: float | None, now: str, made: str
) -> None:
    """Nothing that is due is late where nothing is, even if the last hour's checks were."""
    lag = Lag(due=0, overdue=0, oldest_s=oldest, promised_s=900.0, taken=10, taken_p50_s=taken, taken_p95_s=taken)
    assert (lag.now, lag.last_hour) == (now, made)
