"""Lists of IANA and of CDNs: renewed by files, aged by days, and only ever added to."""

import asyncio
import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.publish.study import small_study
from waterbed.attribution.lookups.dns.resolver import Resolver
from waterbed.attribution.lookups.lists import keep_list, list_rows, lists_of, newer_list
from waterbed.crawler.net.guard import connector
from waterbed.model.errors import InputError
from waterbed.service.doctor import examine
from waterbed.store.audit import audits
from waterbed.store.settings import Guard

Run = Callable[..., tuple[int, str, str]]
DAY = date(2027, 1, 5)
FILES = {
    "special-names": "Name,Reference\nonion.,[RFC7686]\nnewname.,[RFC9999]\nexample.,[RFC6761]\n",
    "special-addresses": (
        'Address Block,Name,Globally Reachable\n10.0.0.0/8,Private,False\n"28.9.0.0/30, 28.9.1.0/30",New,False [1]\n'
        "192.31.196.0/24,AS112,True\nAddress Block,Name,Globally Reachable\n2a00:9::/32,New,False\n"
    ),
    "cdn-ranges": "# a CDN\n28.7.0.0/16\n2a00:7::/32 # and one more\n",
}


def write(folder: Path, list_id: str, text: str | None = None) -> Path:
    path = folder / f"{list_id}.txt"
    path.write_text(FILES[list_id] if text is None else text)
    return path


def renew(folder: Path, list_id: str, path: Path, day: date, today: date) -> None:
    keep_list(folder, list_id, day, newer_list(folder, list_id, path, day, today))


def test_a_renewed_list_adds_to_the_shipped_one(tmp_path: Path) -> None:
    """Names are not asked for, addresses not connected to, ranges get the tag; what was known stays known."""
    for list_id in FILES:
        renew(tmp_path, list_id, write(tmp_path, list_id), DAY, DAY)
    lists = lists_of(tmp_path)
    assert {"onion", "local", "newname"} <= lists.special_names
    assert "example" not in lists.special_names
    to = connector(None, Guard(), lists.denied)
    assert [to(address, 80) for address in ("28.9.1.1", "2a00:9::1", "28.9.2.1", "192.31.196.1")] == [
        "denied_network", "denied_network", ("28.9.2.1", 80), ("192.31.196.1", 80),
    ]  # fmt: skip
    assert lists.infrastructure.tags(["28.7.1.1"], (), None) == ("cdn",)
    assert lists.infrastructure.tags(["28.7.1.1", "28.8.1.1"], (), None) == ()
    assert lists.infrastructure.tags((), ["a.cdn.cloudflare.net"], None) == ("cdn",)

    async def status() -> str:
        resolver = Resolver("127.0.0.1:1", timeout_s=0.1, tries=1, in_flight=1, special=lists.special_names)
        try:
            return (await resolver.resolve("a.b.newname")).status
        finally:
            await resolver.close()

    assert asyncio.run(status()) == "special_use"


def test_the_newest_list_counts_and_has_its_day(tmp_path: Path) -> None:
    """Without a study's own the shipped one's day is told."""
    shipped = {row.id: row.day for row in list_rows(None)}
    for days in (0, 2):
        path = write(tmp_path, "cdn-ranges", f"28.{days}.0.0/16")
        renew(tmp_path, "cdn-ranges", path, DAY + timedelta(days), date.max)
    rows = {row.id: (row.day, row.renewed) for row in list_rows(tmp_path)}
    assert rows["cdn-ranges"] == (DAY + timedelta(2), True)
    assert rows["special-names"] == (shipped["special-names"], False)
    assert lists_of(tmp_path).infrastructure.tags(["28.0.1.1"], (), None) == ()


@pytest.mark.parametrize(
    ("list_id", "text", "says"),
    [
        ("special-names", "<html>no registry</html>", "0 entries"),
        ("special-names", "Heading\nno registry\n", "column Name"),
        ("special-names", "Name,Reference\nother.,x\n", "onion"),
        ("special-names", "Name\nno name at all!\n", "line 2"),
        ("special-addresses", "Address Block,Globally Reachable\nhttp://victim/,False\n", "line 2: a prefix such as"),
        ("special-addresses", "Address Block,Globally Reachable\n28.0.0.0/8,False\n", "10.0.0.0/8"),
        ("special-addresses", "Prefix\n10.0.0.0/8\n", "Globally Reachable"),
        ("cdn-ranges", "0.0.0.0/0", "line 1"),
        ("cdn-ranges", "10.0.0.0/8", "line 1"),
        ("cdn-ranges", "\n", "0 entries"),
        ("cdn-ranges", "28.0.0.0/16\nhttp://victim.example/", "line 2: a prefix such as"),
        ("others", "", "'others' is not known"),
    ],
)
def test_another_file_is_refused_in_one_sentence(list_id: str, text: str, says: str, tmp_path: Path) -> None:
    """Nothing is changed, and the sentence says what was expected and where to look."""
    path = tmp_path / "file.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=r"docs/tables\.md") as caught:
        renew(tmp_path, list_id, path, DAY, DAY)
    assert says in str(caught.value)
    assert "victim" not in str(caught.value)
    assert not (tmp_path / "lists").exists()


def test_a_damaged_list_of_a_study_is_named_without_its_text(tmp_path: Path) -> None:
    """The sentence names the file and says to renew it."""
    keep_list(tmp_path, "cdn-ranges", DAY, ["victim.example"])
    with pytest.raises(InputError, match=r"prefixes such as .* were expected; renew it") as caught:
        lists_of(tmp_path)
    assert "victim" not in str(caught.value)


@pytest.mark.parametrize("day", [date(2020, 1, 1), DAY + timedelta(1)])
def test_a_list_is_of_a_day_since_the_last_one(day: date, tmp_path: Path) -> None:
    """Neither of the future nor older than the one in use."""
    with pytest.raises(InputError, match="the day of the list was expected"):
        renew(tmp_path, "cdn-ranges", write(tmp_path, "cdn-ranges"), day, DAY)


def test_the_command_renews_and_the_doctor_ages(tmp_path: Path, run: Run) -> None:
    """A list is old after a year; a renewal is on record, and the command lists the day."""
    with small_study(tmp_path) as study:
        assert not any("is old" in found.what for found in examine(study))
        now = study.clock()
        study.folder.clock = lambda: now + timedelta(days=800)
        old = [found for found in examine(study) if "is old" in found.what]
        assert sorted(found.what.split()[2] for found in old) == sorted(FILES)
        assert all("waterbed data renew" in found.advice for found in old)
        today = list_rows(None)[-1].day + timedelta(days=1)
        words = ("data", "renew", "cdn-ranges", write(tmp_path, "cdn-ranges"), "--date", today.isoformat())
        code, out, err = run("-C", study.path, *words)
        assert (code, out) == (0, "2 entries of cdn-ranges.\n"), err
        code, out, _ = run("-C", study.path, "data", "lists", "--format", "csv")
        rows = {row["id"]: (row["day"], row["renewed"]) for row in csv.DictReader(io.StringIO(out))}
        assert rows["cdn-ranges"] == (today.isoformat(), "yes")
        assert audits(study.folder)[-1].action == "renew"
