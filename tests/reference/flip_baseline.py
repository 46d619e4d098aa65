"""Flip rates of one group, cycle by cycle."""

from waterbed.judging import flip_baseline
from waterbed.judging.flip_baseline import Count


class FlipBaseline:
    """Earlier cycles of one group; what the product says of them is asked anew each time."""

    def __init__(self) -> None:
        self._cycles: list[tuple[int, Count]] = []

    def forget(self, before: int) -> None:
        """Drop cycles before this one."""
        self._cycles = [entry for entry in self._cycles if entry[0] >= before]

    def learn(self, cycle: int, count: Count) -> None:
        """Add a cycle that is not suspect."""
        self._cycles.append((cycle, count))

    def _of_all(self) -> flip_baseline.FlipBaseline:
        made = flip_baseline.FlipBaseline()
        for cycle, count in self._cycles:
            looked, flipped = len(count.looked), len(count.flipped)
            made.learn(cycle, looked=looked, flipped=flipped, looks=count.looks, waited_us=count.waited_us)
        return made

    @property
    def share(self) -> float | None:
        """The share that flipped; None without a repeated look."""
        return self._of_all().share

    def expected(self, wait_us: float) -> float:
        """The expected share of flips after so long a wait."""
        return self._of_all().expected(wait_us)


__all__ = ["Count", "FlipBaseline"]
