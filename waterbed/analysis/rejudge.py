"""Judges all looks by other rules and compares the results."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from waterbed.analysis.rankings.tables import ranking_of
from waterbed.judging.rules import read_rules
from waterbed.model.conclusions import Episode, Verdict
from waterbed.model.progress import stage
from waterbed.store.whole.files import write_whole
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import read_facts
from waterbed.study.formats import as_parquet
from waterbed.study.linking import opened
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

VERDICTS = "verdicts"
"""Folder of the verdict sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Looks to which the two rule sets give different outcomes."""

    old: Annotated[str, "outcome by the study's rules"]
    new: Annotated[str, "outcome by the other rules"]
    looks: Annotated[int, "looks"]
    urls: Annotated[int, "distinct URLs of these"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejudged:
    """Differences between two rule sets."""

    old: str
    new: str
    changes: tuple[Change, ...]
    ends: int
    """Episodes that end otherwise, or that only one of the two rule sets gives."""
    hosters: int
    """Hosters whose share removed within 24 hours is another."""
    files: tuple[Path, ...]

    @property
    def changed(self) -> bool:
        """True if anything differs."""
        return bool(self.changes or self.ends or self.hosters)


@stage("judging by two sets of rules")
def rejudge(study: Study, rules: Path, out: Path | None = None) -> Rejudged:
    """Judge all looks by two rule sets.

    The study's rules and those in a file. Both verdict sets are written as Parquet. They lie in `out`/verdicts (by
    default in the study's folder), named by their rule set. InputError says what is wrong with the rule file; nothing
    is written then.
    """
    other = read_rules(rules)
    facts, attributor, config = read_facts(study.folder), study.attributor(), study.config
    names = opened(study.folder)
    measured = study.folder.measures_removal
    before = Conclusions(facts, attributor, read_rules(), config, names, removal_measured=measured)
    after = Conclusions(facts, attributor, other, config, names, removal_measured=measured)
    folder = (out or study.path) / VERDICTS
    folder.mkdir(parents=True, exist_ok=True)
    return Rejudged(
        old=before.rules.name,
        new=after.rules.name,
        changes=tuple(_changes(before.verdicts, after.verdicts)),
        ends=_differing(_ends(before.episodes), _ends(after.episodes)),
        hosters=_differing(_shares(before), _shares(after)),
        files=tuple(_write(study, folder, conclusions) for conclusions in (before, after)),
    )


def _write(study: Study, folder: Path, conclusions: Conclusions) -> Path:
    content = as_parquet(Verdict, conclusions.verdicts, table_info(study, VERDICTS))
    return write_whole(folder / f"{conclusions.rules.name.replace(':', '-')}.parquet", content)


def _changes(before: Sequence[Verdict], after: Sequence[Verdict]) -> list[Change]:
    looks: dict[tuple[str, str], int] = defaultdict(int)
    urls: dict[tuple[str, str], set[str]] = defaultdict(set)
    for old, new in zip(before, after, strict=True):
        if (old.outcome, old.state, old.cause) != (new.outcome, new.state, new.cause):
            # an outcome that keeps its name may still stand for another state
            pair = (old.outcome, new.outcome) if old.outcome != new.outcome else (_full(old), _full(new))
            looks[pair] += 1
            urls[pair].add(old.url_id)
    ordered = sorted(looks, key=lambda pair: (-looks[pair], pair))
    return [Change(old=pair[0], new=pair[1], looks=looks[pair], urls=len(urls[pair])) for pair in ordered]


def _full(verdict: Verdict) -> str:
    return f"{verdict.outcome} ({verdict.state}{f', {verdict.cause}' if verdict.cause else ''})"


def _ends(episodes: Sequence[Episode]) -> dict[tuple[str, str, datetime], tuple[datetime | None, str | None]]:
    return {(e.url_id, e.hoster, e.known_up_at): (e.first_down, e.cause) for e in episodes}


def _shares(conclusions: Conclusions) -> dict[str, float | None]:
    return {row.key: row.removed_24h for row in ranking_of(conclusions)}


def _differing(before: Mapping[Any, object], after: Mapping[Any, object]) -> int:
    missing = object()
    return sum(before.get(key, missing) != after.get(key, missing) for key in before.keys() | after.keys())
