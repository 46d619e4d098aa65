"""Conclusions under other choices.

They take from the reference's all that these choices do not change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Literal

import msgspec

from waterbed.attribution.hosters.book import HosterBook
from waterbed.attribution.hosters.files import Definition
from waterbed.attribution.hosters.members import SUFFIX
from waterbed.graphs.runs import Run
from waterbed.model.conclusions import Attribution
from waterbed.questions.sensitivity.design import Spec, confirmation
from waterbed.store.config import Config
from waterbed.study.conclusions import Conclusions
from waterbed.study.dated_tables import attributor_of
from waterbed.study.judgements import Restate
from waterbed.study.study import Study


class Variants:
    """The conclusions of each specification.

    Specifications that share confirmation, book and unknown have one object. Only the reference's, those without merges
    and the last ones asked for are kept: all at once would not fit into memory for a large study.
    """

    def __init__(self, study: Study, base: Conclusions, reference: Spec) -> None:
        """Begin with the reference's own conclusions."""
        self._study, self._reference = study, reference
        self.base = base
        self._kept: dict[_Choices, Conclusions] = {facts_key(reference): base}
        self._last: tuple[_Choices, Conclusions] = (facts_key(reference), base)

    def of(self, spec: Spec) -> Conclusions:
        """The conclusions under a specification."""
        key = facts_key(spec)
        if key in self._kept:
            return self._kept[key]
        if key != self._last[0]:
            sibling = self._sibling(spec)
            if key in self._kept:
                return self._kept[key]
            config = telling(confirming(self._study.config, spec.confirmation), spec.assessment, spec.hoster_word)
            self._last = (key, sibling.with_(config=config, runs=_taking(spec.unknown)))
        return self._last[1]

    def _sibling(self, spec: Spec) -> Conclusions:
        """Conclusions by the specification's book.

        Everything else is as the reference has it.
        """
        return self.base if spec.merges == "on" else self.unmerged

    @cached_property
    def unmerged(self) -> Conclusions:
        """The reference's conclusions by a book without merges.

        Every AS and registrant stands for itself.
        """
        attributor = attributor_of(self._study.folder, unmerged(self._study.book()))
        made = self.base.with_(attributor=attributor, runs=_taking(self._reference.unknown))
        self._kept[facts_key(replace(self._reference, merges="off"))] = made
        return made


def _taking(unknown: str) -> Restate | None:
    """The restatement of undecided looks.

    None leaves them as they are; else they are taken for up, or for removed.
    """
    if unknown == "censored":
        return None
    return partial(taken_for, what="up" if unknown == "up" else "removed")


_Choices = tuple[str, str, str, str, str]


def facts_key(spec: Spec) -> _Choices:
    """The choices of a specification that affect episodes.

    Specifications with the same ones share all conclusions up to episodes.
    """
    return spec.confirmation, spec.unknown, spec.merges, spec.assessment, spec.hoster_word


def confirming(config: Config, level: str) -> Config:
    """Settings that confirm an absence as a level says.

    A longer confirmation censors as much earlier.
    """
    looks, over_s = confirmation(level)
    judge = config.judge
    freeze_s = judge.freeze_s + max(0.0, over_s - judge.confirm_s)
    asked = msgspec.structs.replace(judge, confirm_looks=looks, confirm_s=over_s, freeze_s=freeze_s)
    return msgspec.structs.replace(config, judge=asked)


def telling(config: Config, assessment: str, hoster_word: str) -> Config:
    """Settings by which assessments and link checks tell or not."""
    judge = msgspec.structs.replace(config.judge, assessment=assessment, hoster_word=hoster_word)
    return msgspec.structs.replace(config, judge=judge)


def unmerged(book: HosterBook) -> HosterBook:
    """A book without merges.

    Every AS and registrant stands for itself. Proxies stay what they are, and so do the suffixes of platforms: neither
    is a merge. Decided changes are left out.
    """

    def alone(definitions: tuple[Definition, ...]) -> list[Definition]:
        return [one if one.kind == "proxy" else _suffixes_of(one) for one in definitions]

    return HosterBook(known=alone(book.known), file=alone(book.file), checksum="unmerged")


def _suffixes_of(one: Definition) -> Definition:
    kept = tuple(member for member in one.members if member.what.startswith(SUFFIX))
    return Definition(key=one.key, name=one.name, country=one.country, kind=one.kind, members=kept)


def same_groups(pairs: Mapping[tuple[str, ...], set[tuple[str, ...]]]) -> bool:
    """True if two groupings differ in names alone.

    `pairs` gives for each group of one those of the other.
    """
    ones = [one for others in pairs.values() for one in others]
    return all(len(others) == 1 for others in pairs.values()) and len(set(ones)) == len(pairs)


def taken_for(runs: Mapping[str, Sequence[Run]], what: Literal["up", "removed"]) -> dict[str, Sequence[Run]]:
    """The runs of each URL, with undecided ones restated.

    Those that evidence leaves open are taken for up, or for removed. Open are those after the content was last seen up
    (or before any decided look) that no later look found up again. Those taken for up are so at the hoster that had the
    content last, else at the run's own. Without either it stays undecided.
    """
    return {url_id: _restated(own, what) for url_id, own in runs.items()}


def _restated(runs: Sequence[Run], what: Literal["up", "removed"]) -> Sequence[Run]:
    before: Attribution | None = None
    gone = False
    waiting: list[int] = []
    changed: dict[int, Run] = {}

    def settle() -> None:
        for at in waiting:
            if before or runs[at].answered:
                changed[at] = _as(runs[at], what, before)
        waiting.clear()

    for at, run in enumerate(runs):
        if run.down:
            settle()
            gone = True
        elif run.state == "up" and run.answered:
            before, gone = run.answer(len(run.at) - 1), False
            waiting.clear()
        elif run.state == "unknown" and not gone:
            waiting.append(at)
    settle()
    return [changed.get(at, run) for at, run in enumerate(runs)] if changed else runs


def _as(run: Run, what: Literal["up", "removed"], before: Attribution | None) -> Run:
    its = (
        replace(run, state="up", cause=None) if what == "up" else replace(run, state="down", cause="removed", down=True)
    )
    return its if before is None else its.answered_by(before)
