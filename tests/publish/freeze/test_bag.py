"""Whatever is not as it was frozen is found, and named: that file and no other."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from waterbed.model.errors import InputError
from waterbed.publish.freeze.bag import ALGORITHMS, DATA, Damage, damages, name_of, seal, sums_of
from waterbed.publish.freeze.reproduce import reproduce


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small package with files whose names and contents are alike."""
    package = tmp_path_factory.mktemp("bag") / "package"
    for name, content in (("a.csv", b"1,2\n"), ("b.csv", b"1,2\n"), ("x/a.csv", b""), ("x/b-1.npy", bytes(range(256)))):
        (package / DATA / name).parent.mkdir(parents=True, exist_ok=True)
        (package / DATA / name).write_bytes(content)
    seal(package, {"External-Description": "a\nbag"}, date(2026, 1, 5))
    return package


def files(package: Path) -> list[Path]:
    """Every file of a package."""
    return sorted(path for path in package.rglob("*") if path.is_file())


def flipped(path: Path, at: int, bit: int) -> bytes:
    """A file's bytes with one bit turned."""
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1 << bit
    return bytes(content)


def test_a_whole_package_has_no_damage(bag: Path, frozen: Path) -> None:
    """Nothing is found where nothing was done."""
    assert damages(bag) == damages(frozen) == []


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, 10_000), at=st.integers(0, 1 << 20), bit=st.integers(0, 7))
def test_one_flipped_bit_is_found_and_named(bag: Path, number: int, at: int, bit: int) -> None:
    """In any file, manifests of manifests too, one turned bit names that file and no other."""
    full = [path for path in files(bag) if path.stat().st_size]
    path = full[number % len(full)]
    whole = path.read_bytes()
    path.write_bytes(flipped(path, at, bit))
    try:
        assert [one.path for one in damages(bag)] == [path.relative_to(bag).as_posix()]
    finally:
        path.write_bytes(whole)


def test_every_file_of_a_real_package_is_held(frozen: Path, tmp_path: Path) -> None:
    """A flipped byte in each file of a frozen study is named by `reproduce`, exit 2, and nothing is made."""
    package = tmp_path / "package"
    shutil.copytree(frozen, package)
    for path in files(package):
        whole = path.read_bytes()
        path.write_bytes(flipped(path, len(whole) // 2, 3))
        name = path.relative_to(package).as_posix()
        assert [one.path for one in damages(package)] == [name]
        if path.parent.name in ("data", "package"):
            with pytest.raises(InputError, match="differs from its frozen state: ") as found:
                reproduce(package, tmp_path / "again")
            assert name in str(found.value)
        path.write_bytes(whole)
    assert not (tmp_path / "again").exists()


def test_all_damaged_files_are_named(bag: Path, tmp_path: Path) -> None:
    """What is missing, changed or added is named, each file."""
    package = tmp_path / "package"
    shutil.copytree(bag, package)
    (package / DATA / "a.csv").unlink()
    (package / DATA / "b.csv").write_bytes(b"")
    (package / DATA / "new.csv").write_text("more")
    (package / "beside.txt").write_text("more")
    assert damages(package) == [
        Damage("beside.txt", "does not belong to the package"),
        Damage("data/a.csv", "is missing"),
        Damage("data/b.csv", "differs from its checksums"),
        Damage("data/new.csv", "is in no manifest"),
    ]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kind", ["manifest", "tagmanifest"])
def test_a_lost_manifest_is_named(bag: Path, tmp_path: Path, kind: str, algorithm: str) -> None:
    """Without one manifest all files are still held by the other one."""
    package = tmp_path / "package"
    shutil.copytree(bag, package)
    (package / f"{kind}-{algorithm}.txt").unlink()
    assert [one.path for one in damages(package)] == [f"{kind}-{algorithm}.txt"]
    (package / DATA / "a.csv").write_bytes(b"9")
    assert {one.path for one in damages(package)} == {f"{kind}-{algorithm}.txt", "data/a.csv"}


@pytest.mark.parametrize("kind", ["manifest", "tagmanifest"])
def test_one_content_has_one_name(bag: Path, tmp_path: Path, kind: str) -> None:
    """The lines of manifests have one order: another one would be another name of the same package."""
    package = tmp_path / "package"
    shutil.copytree(bag, package)
    paths = [package / f"{kind}-{algorithm}.txt" for algorithm in ALGORITHMS]
    for path in paths:
        path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))
    if kind == "manifest":  # whoever put them in order may have sealed them, too
        tags = [package / name for name in ("bag-info.txt", "bagit.txt")]
        sums = sums_of(package, sorted(path.name for path in (*paths, *tags)))
        for place, algorithm in enumerate(ALGORITHMS):
            lines = [f"{sums[name][place]}  {name}\n" for name in sorted(sums)]
            (package / f"tagmanifest-{algorithm}.txt").write_text("".join(lines))
    assert damages(package) == [Damage(path.name, "has its lines in another order") for path in paths]


def test_what_is_no_package_is_said(tmp_path: Path) -> None:
    """A folder without manifests is no package, and one that is not there neither."""
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match=r"is not a package of waterbed freeze.*docs/freeze.md"):
            damages(place)


def test_the_name_stands_for_every_byte(bag: Path, tmp_path: Path) -> None:
    """The SHA-256 that names a package changes with any of its files."""
    package = tmp_path / "package"
    shutil.copytree(bag, package)
    before = name_of(package)
    (package / DATA / "a.csv").write_bytes(b"1,3\n")
    for path in package.glob("*.txt"):
        path.unlink()
    assert seal(package, {"External-Description": "a bag"}, date(2026, 1, 5)) != before
    assert damages(package) == []
