"""Sealing, pruning, late facts, compaction and rebuilding: nothing is lost, and conclusions stay as they are."""

import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.lake.rig import concluded, days_of, figures, in_store, prune, shifted, virtual
from tests.store.test_rotation import forked
from waterbed.model.errors import InputError, StoreFailure
from waterbed.model.facts import Observation
from waterbed.model.progress import Stage, listen
from waterbed.store.folder import open_folder
from waterbed.store.lake.lake import changing, lake_of
from waterbed.store.lake.pruning import ready
from waterbed.store.lake.reading import count_of, known_resolved, observed_span
from waterbed.store.lake.rebuilding import rebuild
from waterbed.store.lake.sealing import compact, seal
from waterbed.store.lake.verifying import verify
from waterbed.study.facts import Facts, read_facts


@pytest.mark.long
def test_conclusions_are_equal_with_and_without_a_lake(tmp_path: Path, store_url: str) -> None:
    """Sealed, pruned in part and in whole: episodes, hops, rankings and all before them stay as they were."""
    like = virtual()
    folder = in_store(tmp_path / "study", like.conclusions.facts, store=store_url)
    before = figures(concluded(folder, like))
    assert before["hops"]
    span, count, addresses = observed_span(folder), count_of(folder, Observation), known_resolved(folder)
    made = seal(folder)
    assert made.facts > count
    assert figures(concluded(folder, like)) == before
    days = days_of(like.conclusions.facts)
    assert prune(folder, days[::2]) > 0
    assert figures(concluded(folder, like)) == before
    prune(folder, days)
    assert folder.store.count(Observation) == 0
    assert figures(concluded(folder, like)) == before
    assert (observed_span(folder), count_of(folder, Observation), known_resolved(folder)) == (span, count, addresses)
    assert verify(folder).findings == ()
    folder.close()


steps = st.lists(st.sampled_from(["seal", "late", "prune", "compact", "rebuild"]), min_size=1, max_size=7)


EXAMPLES = 12 if settings.get_current_profile_name() == "prove" else 6
"""Histories of a lake that are tried; `make prove` tries more."""


@pytest.mark.long
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.integers(0, 2**31))
def test_whatever_is_done_to_a_lake_the_facts_stay(tmp_path: Path, done: list[str], seed: int) -> None:
    """In any order of sealing, late facts, pruning, compaction and rebuilding, all facts are read, each once."""
    chance, like = random.Random(seed), virtual(sites=3)
    path = tmp_path / str(seed)
    folder = in_store(path, like.conclusions.facts) if not path.exists() else None
    if folder is None:
        return
    twin = in_store(tmp_path / f"{seed}-twin", like.conclusions.facts)
    days, looks = days_of(like.conclusions.facts), like.conclusions.facts.looks
    for number, step in enumerate(done):
        if step == "late":
            late = [shifted(look, number) for look in chance.sample(looks, 5)]
            folder.store.add(late)
            twin.store.add(late)
        elif step == "prune":
            prune(folder, [day for day in chance.sample(days, 2) if ready(folder, day) is None])
        else:
            {"seal": seal, "compact": compact, "rebuild": rebuild}[step](folder)
        assert read_facts(folder) == read_facts(twin)
    folder.close()
    twin.close()


def test_sealing_again_changes_nothing_and_late_facts_are_a_further_file(tmp_path: Path) -> None:
    """A second sealing finds nothing; facts of a sealed day come as one file more, and compaction merges them."""
    facts = virtual(sites=3).conclusions.facts
    folder = in_store(tmp_path / "study", facts)
    assert seal(folder).files
    manifest = lake_of(folder).manifest()
    assert seal(folder).files == 0
    assert lake_of(folder).manifest() == manifest
    prune(folder, days_of(facts)[:1])
    folder.store.add([shifted(facts.looks[0], 1)])
    again = seal(folder)
    assert (again.files, again.facts, again.late) == (1, 1, 1)
    day = facts.looks[0].observed_at.date()
    assert len(lake_of(folder).manifest().day("observation", day).files) == 2
    every = read_facts(folder)
    assert compact(folder) == 2
    assert len(lake_of(folder).manifest().day("observation", day).files) == 1
    assert read_facts(folder) == every
    assert compact(folder) == 0
    folder.close()


def test_a_day_is_closed_hours_after_its_end(tmp_path: Path) -> None:
    """Until then it stays open; a look taken just before midnight has time to be recorded."""
    facts = virtual(sites=3).conclusions.facts
    folder = in_store(tmp_path / "study", facts)
    last = max(look.observed_at for look in facts.looks)
    midnight = last.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    grace = timedelta(hours=folder.config.lake.grace_hours)
    folder.clock = lambda: midnight + grace - timedelta(seconds=1)
    seal(folder)
    assert last.date() not in lake_of(folder).manifest().days("observation")
    folder.clock = lambda: midnight + grace
    seal(folder)
    assert last.date() in lake_of(folder).manifest().days("observation")
    folder.close()


def test_a_day_with_unsealed_or_damaged_facts_may_not_be_pruned(tmp_path: Path) -> None:
    """Unsealed, late or damaged: the sentence says which, and nothing may leave the store."""
    facts = virtual(sites=3).conclusions.facts
    folder = in_store(tmp_path / "study", facts)
    day = facts.looks[0].observed_at.date()
    assert "is not sealed" in str(ready(folder, day))
    seal(folder)
    assert ready(folder, day) is None
    folder.store.add([shifted(facts.looks[0], 1)])
    assert "1 late facts of observation" in str(ready(folder, day))
    seal(folder)
    file = lake_of(folder).manifest().day("observation", day).files[0]
    flip(folder.path / "lake" / file.path, 300)
    assert str(ready(folder, day)).startswith(f"{file.path}: the file's bytes")
    folder.close()


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1
    path.write_bytes(content)


def test_any_flipped_byte_is_named_and_mended(tmp_path: Path) -> None:
    """Wherever a byte flips, verify names the file; rebuild makes it anew while the store has its facts."""
    folder = in_store(tmp_path / "study", virtual(sites=3).conclusions.facts)
    seal(folder)
    every, chance = read_facts(folder), random.Random(3)
    files = sorted((folder.path / "lake").rglob("*.parquet"))
    for path in [*chance.sample(files, 3), folder.path / "lake" / "manifest.json"]:
        assert verify(folder).findings == ()
        flip(path, chance.randrange(path.stat().st_size))
        found = verify(folder)
        assert not found.whole
        assert [one.path for one in found.findings if one.severity == "problem"] == [
            path.relative_to(folder.path / "lake").as_posix()
        ]
        rebuild(folder)
        assert read_facts(folder) == every
    folder.close()


def test_damage_of_a_pruned_day_is_refused_and_never_hidden(tmp_path: Path) -> None:
    """Facts that only the lake has are not dropped: rebuild refuses and says what to do, reading fails by name."""
    facts = virtual(sites=3).conclusions.facts
    folder = in_store(tmp_path / "study", facts)
    seal(folder)
    day = days_of(facts)[1]
    prune(folder, [day])
    file = folder.path / "lake" / lake_of(folder).manifest().day("observation", day).files[0].path
    content = file.read_bytes()
    flip(file, len(content) // 3)
    like = virtual(sites=3)
    for asked in (lambda: list(read_facts(folder).looks), lambda: concluded(folder, like).looks):
        with pytest.raises(StoreFailure, match=file.name):
            asked()
    with pytest.raises(InputError, match="put it back from a backup"):
        rebuild(folder)
    assert file.exists()
    file.write_bytes(content)
    assert verify(folder).findings == ()
    folder.close()


def test_a_lost_manifest_is_made_anew_from_the_files(tmp_path: Path) -> None:
    """Files are facts that can be read without it: even pruned days come back, and are known to be pruned."""
    facts = virtual(sites=3).conclusions.facts
    folder = in_store(tmp_path / "study", facts)
    seal(folder)
    prune(folder, days_of(facts)[:2])
    every = read_facts(folder)
    (folder.path / "lake" / "manifest.json").unlink()
    rebuild(folder)
    assert read_facts(folder) == every
    manifest = lake_of(folder).manifest()
    assert manifest.day("observation", days_of(facts)[0]).pruned
    assert not manifest.day("observation", days_of(facts)[2]).pruned
    assert verify(folder).findings == ()
    folder.close()


@pytest.mark.long
def test_a_kill_at_any_instant_leaves_the_old_or_the_new_state(tmp_path: Path) -> None:
    """Sealing and compaction are killed again and again at other instants: no fact is lost or read twice."""
    facts = virtual(sites=3).conclusions.facts
    folder = in_store(tmp_path / "study", facts)
    every, chance = read_facts(folder), random.Random(5)

    def at_work() -> None:
        own = open_folder(folder.path, folder.clock)
        seal(own)
        compact(own)

    began = time.perf_counter()
    forked(lambda: seal(open_folder(shutil.copytree(folder.path, tmp_path / "copy"), folder.clock)))
    takes, killed = time.perf_counter() - began, 0
    for number in range(30):
        folder.store.add([shifted(look, number) for look in chance.sample(facts.looks, 3)])
        every = read_facts(folder)
        killed += forked(at_work, alive_s=chance.uniform(0, takes)) > 0
        assert read_facts(folder) == every
        assert verify(folder).whole
        if killed == 5:
            break
    assert killed > 2
    seal(folder)
    compact(folder)
    assert read_facts(folder) == every
    assert verify(folder).findings == ()
    assert not (folder.path / "lake.new").exists()
    folder.close()


def test_two_do_not_change_a_lake_at_once(tmp_path: Path) -> None:
    """The second is told so in one sentence; reading goes on."""
    folder = in_store(tmp_path / "study", virtual(sites=3).conclusions.facts)
    with changing(folder), pytest.raises(InputError, match="another process is changing the lake"):
        seal(folder)
    seal(folder)
    folder.close()


def test_a_lake_of_another_study_is_refused(tmp_path: Path) -> None:
    """Two studies never write into one place."""
    facts = virtual(sites=3).conclusions.facts
    shared = str(tmp_path / "shared")
    one, two = (in_store(tmp_path / name, facts, location=shared) for name in ("one", "two"))
    seal(one)
    with pytest.raises(InputError, match="another study's"):
        seal(two)
    one.close()
    two.close()


def test_others_can_read_the_lake_as_hive_partitions(tmp_path: Path) -> None:
    """DuckDB alone reads times as times, lists as lists, and the day from the folder's name."""
    facts = virtual(sites=3).conclusions.facts
    folder = in_store(tmp_path / "study", facts)
    seal(folder)
    files = f"{folder.path}/lake/resolution/*/*.parquet"
    found = duckdb.sql(
        f"SELECT count(*), count(DISTINCT day), bool_and(resolved_at::DATE = day), max(len(addresses)) "
        f"FROM read_parquet('{files}', hive_partitioning = true)"
    ).fetchall()[0]
    days = {one.resolved_at.date() for one in facts.resolutions.values()}
    most = max(len(one.addresses) for one in facts.resolutions.values())
    assert found == (len(facts.resolutions), len(days), True, most)
    folder.close()


def test_nothing_is_left_in_a_study_without_facts(tmp_path: Path) -> None:
    """An empty store seals to nothing, verifies and reads as empty."""
    folder = in_store(
        tmp_path / "study", Facts(targets={}, reports=[], looks=[], resolutions={}, controls={}, canaries=[])
    )
    assert seal(folder).files == 0
    assert verify(folder).findings == ()
    assert read_facts(folder).looks == []
    folder.close()


def test_a_study_named_by_a_relative_path_is_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `waterbed -C study lake seal` names it."""
    folder = in_store(tmp_path / "study", virtual(sites=3).conclusions.facts)
    monkeypatch.chdir(tmp_path)
    folder.path = Path("study")
    assert seal(folder).files
    assert verify(folder).findings == ()
    folder.close()


def test_a_file_that_lies_at_another_day_or_kind_is_merged_nowhere(tmp_path: Path) -> None:
    """A copy in the wrong folder would count its facts twice: it is no file of the study there, and named if asked."""
    facts = virtual(sites=3).conclusions.facts
    folder = in_store(tmp_path / "study", facts)
    right = read_facts(folder)
    seal(folder)
    lake = tmp_path / "study" / "lake"
    day = days_of(facts)[1]
    wrong = [lake / "observation" / "day=2030-01-01", lake / "observation" / f"day={days_of(facts)[0]}"]
    for kind, place in (("observation", wrong[0]), ("observation", wrong[1]), ("resolution", wrong[1])):
        (copied,) = list((lake / kind / f"day={day}").glob("*.parquet"))
        place.mkdir(exist_ok=True)
        stray = place / f"copy-{copied.name}"
        stray.write_bytes(copied.read_bytes())
        for change in (compact, rebuild):
            change(folder)
            assert stray.exists()
        with pytest.raises(StoreFailure, match=f"{stray.name} of the lake holds other facts than its place says"):
            rebuild(folder, untagged=True)
        assert read_facts(folder) == right
        stray.unlink()
    folder.close()


def test_a_lake_is_not_made_where_its_files_are_written_first(tmp_path: Path) -> None:
    """That folder is emptied each time."""
    folder = in_store(tmp_path / "study", virtual(sites=3).conclusions.facts, location="./lake.new/mine")
    with pytest.raises(InputError, match=r"location is lake\.new in the study folder"):
        seal(folder)
    folder.close()


def test_files_that_are_merged_while_a_lake_is_verified_are_not_missing(tmp_path: Path) -> None:
    """Who verifies a large lake need not stop the chore that compacts it."""
    facts = virtual(sites=3).conclusions.facts
    folder = in_store(tmp_path / "study", facts)
    seal(folder)
    folder.store.add([shifted(facts.looks[0], 1)])
    seal(folder)
    begun: list[Stage] = []

    @contextmanager
    def merging(one: Stage) -> Iterator[None]:
        begun.append(one)
        if len(begun) == 1:
            compact(folder)
        yield

    listen(merging)
    try:
        assert verify(folder).whole
    finally:
        listen(None)
    assert len(begun) > 1
    folder.close()
