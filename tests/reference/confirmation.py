"""Confirmed absences of one URL, verdict by verdict."""

from collections.abc import Sequence
from datetime import timedelta

from waterbed.model.conclusions import Verdict


def confirmed_down(
    verdicts: Sequence[Verdict],
    *,
    looks: int,
    over_s: float,
    vantages: Sequence[str] | None = None,
    within_s: float = 0.0,
) -> list[bool]:
    """Mark the verdicts of one URL that confirm an absence.

    A run of down verdicts is confirmed if it has at least `looks` of them over at least `over_s` seconds; it is then
    back-dated to the first. Unknown verdicts neither count nor end a run; one up ends it. Unconfirmed runs are flaps.
    With `vantages`, one for each verdict, looks from several of them within `within_s` seconds count once.
    """
    confirmed = [False] * len(verdicts)
    run: list[int] = []

    def settle() -> None:
        if _counted(run, verdicts, vantages, timedelta(seconds=within_s)) >= looks:
            span = verdicts[run[-1]].observed_at - verdicts[run[0]].observed_at
            if span.total_seconds() >= over_s:
                for index in run:
                    confirmed[index] = True

    for index, verdict in enumerate(verdicts):
        if verdict.state == "down":
            run.append(index)
        elif verdict.state == "up":
            settle()
            run = []
    settle()
    return confirmed


def _counted(run: Sequence[int], verdicts: Sequence[Verdict], vantages: Sequence[str] | None, within: timedelta) -> int:
    if vantages is None or not run:
        return len(run)
    count, last = 1, run[0]
    for index in run[1:]:
        apart = verdicts[index].observed_at - verdicts[last].observed_at
        if vantages[index] == vantages[last] or apart > within:
            count, last = count + 1, index
    return count
