"""Conclusions under other choices, which take from the reference's all that these do not change."""

from collections.abc import Mapping
from functools import cached_property

import msgspec

from attribution.attribute import Attributor
from attribution.hoster_files import Definition
from attribution.hosters import HosterBook
from attribution.members import SUFFIX
from graphs.clusters import Clusters
from graphs.episodes import Known, Sighting
from waterbed.attributing import attributor_of
from waterbed.conclude import Conclusions
from waterbed.model.conclusions import Attribution, Quarantine, Verdict
from waterbed.sensitivity.dimensions import Spec, confirmation
from waterbed.sensitivity.restated import taken_for
from waterbed.store.config import Config
from waterbed.study import Study


class Varied(Conclusions):
    """Conclusions beside others: the same facts and rules, with another book, confirmation or word for the unknown."""

    def __init__(self, base: Conclusions, attributor: Attributor, config: Config, unknown: str) -> None:
        """Take from `base` what the attributor, the confirmation and `unknown` do not bear on."""
        super().__init__(base.facts, attributor, base.rules, config, base._opened, base._by_text)
        self._base, self._unknown = base, unknown
        self._same_book = attributor is base.attributor

    @cached_property
    def _heard(self) -> list[Verdict]:
        return self._base._heard

    @cached_property
    def _believed(self) -> tuple[list[Verdict], list[Quarantine]]:
        # the cycle guard goes by hoster
        return self._base._believed if self._same_book else super()._believed

    @cached_property
    def settled(self) -> dict[str, str]:
        """The doubtful cases that people settled."""
        return self._base.settled

    @cached_property
    def _coded(self) -> list[Verdict]:
        return self._base._coded if self._same_book else super()._coded

    @cached_property
    def attributions(self) -> list[Attribution | None]:
        """Who answered for the URL at each look."""
        return self._base.attributions if self._same_book else super().attributions

    @cached_property
    def sightings(self) -> dict[str, list[Sighting]]:
        """The judged and attributed looks of each URL, undecided ones as they are taken here."""
        seen = super().sightings
        if self._unknown == "censored":
            return seen
        taken = taken_for(seen, "up" if self._unknown == "up" else "removed")
        return {url_id: list(one) for url_id, one in taken.items()}

    @cached_property
    def links(self) -> Clusters:
        """Which URLs carry one content."""
        return self._base.links

    @cached_property
    def known(self) -> dict[str, Known]:
        """What reports say of each URL."""
        return self._base.known


class Variants:
    """The conclusions of each specification; those that share confirmation, book and unknown are one object.

    Only the reference's, those without merges and the last ones asked for are kept: all at once would not fit into
    memory for a large study.
    """

    def __init__(self, study: Study, base: Conclusions, reference: Spec) -> None:
        """Begin with the reference's own conclusions."""
        self._study, self._reference = study, reference
        self.base = base
        self._kept: dict[tuple[str, str, str], Conclusions] = {facts_key(reference): base}
        self._last: tuple[tuple[str, str, str], Conclusions] = (facts_key(reference), base)

    def of(self, spec: Spec) -> Conclusions:
        """The conclusions under a specification."""
        key = facts_key(spec)
        if key in self._kept:
            return self._kept[key]
        if key != self._last[0]:
            sibling = self._sibling(spec)
            if key in self._kept:
                return self._kept[key]
            config = confirming(self._study.folder.config, spec.confirmation)
            self._last = (key, Varied(sibling, sibling.attributor, config, spec.unknown))
        return self._last[1]

    def _sibling(self, spec: Spec) -> Conclusions:
        """Conclusions by the specification's book, as the reference has everything else."""
        return self.base if spec.merges == "on" else self.unmerged

    @cached_property
    def unmerged(self) -> Conclusions:
        """The reference's conclusions by a book in which every AS and registrant stands for itself."""
        attributor = attributor_of(self._study.folder, unmerged(self._study.book()))
        made = Varied(self.base, attributor, self._study.folder.config, self._reference.unknown)
        self._kept[(self._reference.confirmation, self._reference.unknown, "off")] = made
        return made


def facts_key(spec: Spec) -> tuple[str, str, str]:
    """What of a specification bears on episodes: those that share it share all conclusions up to them."""
    return spec.confirmation, spec.unknown, spec.merges


def confirming(config: Config, level: str) -> Config:
    """Settings that confirm an absence as a level says; what confirms longer is censored as much earlier."""
    looks, over_s = confirmation(level)
    judge = config.judge
    freeze_s = judge.freeze_s + max(0.0, over_s - judge.confirm_s)
    asked = msgspec.structs.replace(judge, confirm_looks=looks, confirm_s=over_s, freeze_s=freeze_s)
    return msgspec.structs.replace(config, judge=asked)


def unmerged(book: HosterBook) -> HosterBook:
    """A book in which every AS and registrant stands for itself.

    Proxies stay what they are, and so do the suffixes of platforms: neither is a merge. Decided changes are left out.
    """

    def alone(definitions: tuple[Definition, ...]) -> list[Definition]:
        return [one if one.kind == "proxy" else _suffixes_of(one) for one in definitions]

    return HosterBook(known=alone(book.known), file=alone(book.file), checksum="unmerged")


def _suffixes_of(one: Definition) -> Definition:
    kept = tuple(member for member in one.members if member.what.startswith(SUFFIX))
    return Definition(key=one.key, name=one.name, country=one.country, kind=one.kind, members=kept)


def same_groups(pairs: Mapping[tuple[str, ...], set[tuple[str, ...]]]) -> bool:
    """Whether two groupings differ in names alone: `pairs` gives for each group of one those of the other."""
    ones = [one for others in pairs.values() for one in others]
    return all(len(others) == 1 for others in pairs.values()) and len(set(ones)) == len(pairs)
