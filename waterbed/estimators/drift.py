"""Drifts of a series that would explain a change away."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from waterbed.estimators.refusal import Refusal
from waterbed.model.message import Message, Number

LEVEL: Final = 0.95
LEAST_STRETCHES: Final = 3
"""Fewest stretches before an event: two changes between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A change at an event beside the changes before it.

    `change` is that from the last stretch before the event to the one after it, `largest` the largest change between
    neighbouring stretches before, both in units of the series. `chance` is how far the first may be off by chance,
    `most` how large the second may be with chance. `stretches` are those before the event.
    """

    change: float
    chance: float
    largest: float
    most: float
    stretches: int

    @property
    def estimate(self) -> float:
        """The drift that explains the change, in largest earlier changes.

        0 where chance alone explains it.
        """
        return max(0.0, abs(self.change) - self.chance) / self.most

    def interval(self, times: float) -> tuple[float, float]:
        """Interval of the effect if drifts grow by this factor."""
        reach = self.chance + times * self.most
        return self.change - reach, self.change + reach


def explaining_drift(means: npt.ArrayLike, errors: npt.ArrayLike, *, level: float = LEVEL) -> Drift | Refusal:
    """Compare a change at an event with earlier changes.

    `means` are those of a series over stretches of equal length, the last one after the event, `errors` their standard
    errors by counting alone. Without the event the series might have drifted by up to M times as much, from the last
    stretch before it, as it ever did between neighbouring stretches: relative magnitudes (Rambachan and Roth, Review of
    Economic Studies 90, 2023, 2555-2591). Their set is change +- M max |change before|. The interval adds chance at two
    errors, of the change itself and of the one change before that is truly the largest, each at half of 1 - level: it
    holds the effect with `level` at least, however the errors depend on each other. Theirs is shorter. Refuses below
    three stretches before.
    """
    value, error = np.asarray(means, dtype=float), np.asarray(errors, dtype=float)
    if value.ndim != 1 or value.shape != error.shape or not (error > 0).all():
        raise ValueError("each stretch has a mean and a standard error above 0")
    if value.size - 1 < LEAST_STRETCHES:
        return Refusal(
            Message.of(
                "{stretches} before the event where at least {least} are needed",
                stretches=Number(value.size - 1, "stretch"),
                least=Number(LEAST_STRETCHES),
            )
        )
    changes, spread = np.diff(value), np.hypot(error[1:], error[:-1])
    one_sided, two_sided = scipy.special.ndtri([1 - (1 - level) / 2, 1 - (1 - level) / 4])
    return Drift(
        change=float(changes[-1]),
        chance=float(two_sided * spread[-1]),
        largest=float(np.abs(changes[:-1]).max()),
        most=float((np.abs(changes[:-1]) + one_sided * spread[:-1]).max()),
        stretches=value.size - 1,
    )
