"""Where a lake lies: a real S3 server on loopback, folders, and places that fail."""

from pathlib import Path

import pytest

from tests.store.lake.rig import days_of, in_store, prune, virtual
from waterbed.model.errors import InputError, StoreFailure
from waterbed.store.lake.lake import lake_of
from waterbed.store.lake.sealing import compact, seal
from waterbed.store.lake.verifying import verify
from waterbed.study.facts import read_facts


@pytest.mark.long
def test_a_lake_on_s3_is_a_lake_like_any_other(tmp_path: Path, bucket: str) -> None:
    """Sealed, pruned, compacted and verified over the S3 protocol, all facts are read as before."""
    facts = virtual(sites=3).conclusions.facts
    folder = in_store(tmp_path / "study", facts, location=bucket)
    every = read_facts(folder)
    assert seal(folder).facts
    prune(folder, days_of(facts)[:3])
    assert read_facts(folder) == every
    assert compact(folder) == 0
    assert verify(folder).findings == ()
    assert not (folder.path / "lake").exists()
    place = lake_of(folder).place
    path = next(iter(lake_of(folder).manifest().files()))
    content = bytearray(place.read(path))
    content[len(content) // 2] ^= 4
    place.replace(path, bytes(content))
    assert [one.path for one in verify(folder).findings] == [path]
    folder.close()


def test_a_server_that_is_away_is_one_sentence_without_its_address(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an object store says may name accounts and hosts; only the kind of failure is told."""
    away = bucket.replace("/mine", "-that-are-not/mine")
    folder = in_store(tmp_path / "study", virtual(sites=3).conclusions.facts, location=away)
    with pytest.raises(StoreFailure, match=r"the lake's place failed at \S+ \(\w+; docs/lake.md") as told:
        seal(folder)
    assert "127.0.0.1" not in str(told.value)
    folder.close()


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("s3://key:secret@bucket/x", "holds access keys"),
        ("nowhere://bucket/x", "neither a folder nor a URI"),
        ("s3://", "neither a folder nor a URI"),
        ("s3://[bucket/x", "neither a folder nor a URI"),
    ],
)
def test_a_location_that_cannot_be_is_refused(tmp_path: Path, location: str, words: str) -> None:
    """Keys in the settings and unknown protocols are one sentence, which repeats no key."""
    folder = in_store(tmp_path / "study", virtual(sites=3).conclusions.facts, location=location)
    with pytest.raises(InputError, match=words) as told:
        seal(folder)
    assert "secret" not in str(told.value)
    folder.close()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """A file where the lake's folder should be: nothing is sealed, and the sentence says where it failed."""
    (tmp_path / "file").write_text("")
    folder = in_store(tmp_path / "study", virtual(sites=3).conclusions.facts, location=str(tmp_path / "file" / "lake"))
    with pytest.raises(StoreFailure, match="the lake's place failed"):
        seal(folder)
    folder.close()


def test_a_file_uri_is_a_folder(tmp_path: Path) -> None:
    """Folders below it are made, and a lake there is sealed and read."""
    facts = virtual(sites=3).conclusions.facts
    folder = in_store(tmp_path / "study", facts, location=f"file://{tmp_path}/a%20b/lake")
    assert seal(folder).files
    assert read_facts(folder).looks
    assert (tmp_path / "a b" / "lake" / "manifest.json").exists()
    folder.close()
