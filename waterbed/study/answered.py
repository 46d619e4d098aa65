"""The distinct attributions of each URL's runs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from waterbed.graphs.runs import Run
from waterbed.model.conclusions import Attribution


class Answered(NamedTuple):
    """The distinct attributions of a URL's runs, first seen first."""

    every: tuple[Attribution, ...] = ()
    decided: tuple[Attribution, ...] = ()
    """Those of decided runs."""
    was_decided: bool = False
    """Whether any run was, also one without an address."""


def answered_in(runs: Sequence[Run], alike: dict[object, Answered]) -> Answered:
    """The distinct attributions of a URL's runs.

    `alike` has those of other URLs: many have them in common.
    """
    every: dict[int, Attribution] = {}
    decided: dict[int, Attribution] = {}
    for run in runs:
        own = {id(answer): answer for answer in run.every_answer}
        every |= own
        if run.state != "unknown":
            decided |= own
    was_decided = any(run.state != "unknown" for run in runs)
    key = (*every, None, *decided, was_decided)
    known = alike.get(key)
    if known is None:
        answers = tuple(every.values())
        of_decided = answers if list(every) == list(decided) else tuple(decided.values())
        known = alike[key] = Answered(answers, of_decided, was_decided)
    return known


class Answers(Mapping[str, Sequence[Run]]):
    """Runs of URLs; their attributions are gathered on the way.

    Many URLs have one sequence in common.
    """

    def __init__(self, runs: Mapping[str, Sequence[Run]]) -> None:
        """Take the runs."""
        self._runs = runs
        self.found: dict[str, Answered] = {}

    def __iter__(self) -> Iterator[str]:
        """All URLs, in order."""
        alike: dict[object, Answered] = {}
        for url_id, own in self._runs.items():
            self.found[url_id] = answered_in(own, alike)
            yield url_id

    def __getitem__(self, url_id: str) -> Sequence[Run]:
        """The runs of a URL."""
        return self._runs[url_id]

    def __len__(self) -> int:
        """How many URLs there are."""
        return len(self._runs)
