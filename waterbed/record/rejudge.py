"""Judges all looks by other rules and compares the results."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from waterbed.judging.columns import NOTHING, mixed
from waterbed.judging.rules import read_rules
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.conclusions import Episode, Verdict
from waterbed.model.plugins import DataFile
from waterbed.model.plugins import added as plugins
from waterbed.model.progress import stage
from waterbed.store.whole.files import writing_whole
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import read_facts
from waterbed.study.formats import arrow_schema
from waterbed.study.judged import Judged
from waterbed.study.linking import opened
from waterbed.study.look_tables import verdict_tables
from waterbed.study.metadata import table_info
from waterbed.study.streams import write_parquet
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

    The study's rules and those in a file, or those of the plug-in of that name. Both verdict sets are written as
    Parquet. They lie in `out`/verdicts (by default in the study's folder), named by their rule set. InputError says
    what is wrong with the rule file; nothing is written then.
    """
    added = {} if rules.exists() else plugins("rules", DataFile, {})
    other = read_rules(added[rules.name].path if str(rules) in added else rules)
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
        changes=tuple(_changes(before.judged, after.judged)),
        ends=_differing(_ends(before.episodes), _ends(after.episodes)),
        hosters=_differing(_shares(before), _shares(after)),
        files=tuple(_write(study, folder, conclusions) for conclusions in (before, after)),
    )


def _write(study: Study, folder: Path, conclusions: Conclusions) -> Path:
    path = folder / f"{conclusions.rules.name.replace(':', '-')}.parquet"
    with writing_whole(path) as file:
        write_parquet(arrow_schema(Verdict, table_info(study, VERDICTS)), verdict_tables(conclusions.judged), file)
    return path


def _changes(before: Judged, after: Judged) -> list[Change]:
    olds, news = before.looks.walk.verdicts, after.looks.walk.verdicts
    numbered: dict[tuple[str, str], int] = {}
    looks, urls = Counter[int](), Counter[int]()
    for one, two in zip(before.blocks(), after.blocks(), strict=True):
        first, number = mixed([one.verdicts, two.verdicts])
        pairs = [_pair(olds[one.verdicts[at]], news[two.verdicts[at]]) for at in first.tolist()]
        of_pairs = np.array([numbered.setdefault(pair, len(numbered)) if pair else NOTHING for pair in pairs], np.int32)
        changed = np.flatnonzero(of_pairs[number] != NOTHING)
        own, of_url = of_pairs[number][changed], one.block.url[changed]
        looks.update(dict(enumerate(np.bincount(own, minlength=len(numbered)).tolist())))
        urls.update(own[mixed([own, of_url])[0]].tolist() if len(own) else ())
    ordered = sorted(numbered, key=lambda pair: (-looks[numbered[pair]], pair))
    return [
        Change(old=pair[0], new=pair[1], looks=looks[numbered[pair]], urls=urls[numbered[pair]]) for pair in ordered
    ]


def _pair(old: Verdict, new: Verdict) -> tuple[str, str] | None:
    """How a change is called; None if it is none."""
    if (old.outcome, old.state, old.cause) == (new.outcome, new.state, new.cause):
        return None
    # an outcome that keeps its name may still stand for another state
    return (old.outcome, new.outcome) if old.outcome != new.outcome else (_full(old), _full(new))


def _full(verdict: Verdict) -> str:
    return f"{verdict.outcome} ({verdict.state}{f', {verdict.cause}' if verdict.cause else ''})"


def _ends(episodes: Sequence[Episode]) -> dict[tuple[str, str, datetime], tuple[datetime | None, str | None]]:
    return {(e.url_id, e.hoster, e.known_up_at): (e.first_down, e.cause) for e in episodes}


def _shares(conclusions: Conclusions) -> dict[str, float | None]:
    return {row.key: row.removed_24h for row in ranking_of(conclusions)}


def _differing(before: Mapping[Any, object], after: Mapping[Any, object]) -> int:
    missing = object()
    return sum(before.get(key, missing) != after.get(key, missing) for key in before.keys() | after.keys())
