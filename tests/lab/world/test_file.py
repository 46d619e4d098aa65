"""World files: what is accepted, and what is said about mistakes."""

from pathlib import Path

import pytest

from waterbed.lab.world.reading import parse_world, read_world, scenario_path
from waterbed.model.errors import InputError


@pytest.mark.parametrize("name", ["quiet", "waterbed", "hostile", "outage", "soft404", "cloaks"])
def test_shipped_scenarios_are_valid(name: str) -> None:
    """Each shipped scenario is found by its name and read without complaint."""
    world = read_world(scenario_path(name))
    assert world.name == name
    assert any(hoster.country == world.home for hoster in world.hoster)


def test_scenario_path_takes_a_file(tmp_path: Path, small_text: str) -> None:
    """A path that exists is taken as it is."""
    path = tmp_path / "mine.toml"
    path.write_text(small_text)
    assert read_world(scenario_path(str(path))).name == "small"


def test_unknown_scenario_names_the_shipped_ones() -> None:
    """A name that is nothing is refused with the list of those that exist."""
    with pytest.raises(
        InputError, match="hostile, hotline, lineage, outage, quiet, renumbering, shared, soft404, waterbed"
    ):
        scenario_path("nowhere")


def test_unreadable_world(tmp_path: Path) -> None:
    """A folder in place of a world file gives one sentence, not a traceback."""
    with pytest.raises(InputError, match="cannot be read"):
        read_world(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 7", "seed = 7\ncolour = 1", "colour"),
        ("seed = 7", 'seed = "x"', "seed"),
        ("seed = 7", "seed = ", "line"),
        ("00:00:00Z", "00:00:00", "time zone"),
        ('home = "NL"', 'home = "nl"', "home"),
        ("parallel = 0.3", "parallel = 1.3", "parallel"),
        ("28.2.0.0/20", "28.1.8.0/24", "overlaps a prefix of hoster polder"),
        ("28.2.0.0/20", "33.255.255.0/24", "canary"),
        ("28.2.0.0/20", "10.0.0.0/20", "not a public IPv4 prefix"),
        ("28.2.0.0/20", "28.2.0.1/20", "not a network prefix"),
        ("2d00:1000::/32", "28.9.0.0/20", "not a public IPv6 prefix"),
        ('key = "fjord"', 'key = "polder"', "given twice"),
        ("asn = 64497", "asn = 64496", "another hoster's"),
        ('suffixes = ["square7.ch"]', "", "have suffixes"),
        ('kind = "proxy"', "", "kind proxy"),
        ("delay_hours = [1.0, 10.0]", "delay_hours = [10.0, 1.0]", "smaller first"),
        ("urls_per_site = [1, 4]", "urls_per_site = [0, 4]", "begin at 1"),
        ("parallel = 0.3", "parallel = 0.3\nrelocation = 0\ncopy = 0", "all be 0"),
        ("to_hour = 56.0", "to_hour = 40.0", "end after"),
        ('kind = "platform"', 'kind = "platform"\nlink_check = "yes"', "link_check"),
        ("weight = 3.0", "weight = 3.0\nlink_check = true", "link checks"),
        ("weight = 3.0", 'weight = 3.0\nblind_to = ["nobody"]', "blind_to"),
        ("weight = 3.0", 'weight = 3.0\nblind_how = "500"', "blind_how"),
        ("weight = 3.0", "weight = 3.0\nfalse_reports = 1.5", "false_reports"),
        ('"name_gone"', '"parked"', "cannot be parked"),
        ('key = "fjord"', 'key = "parking"', "the lab's own"),
        ("28.2.0.0/20", "33.255.254.0/24", "parking"),
        ("to_hour = 56.0", 'to_hour = 56.0\nsource = "moon"', "source"),
        ("[movement]", '[[intervention]]\nhoster = "nobody"\nday = 1\n[movement]', "nobody"),
    ],
)
def test_mistakes_are_named(small_text: str, old: str, new: str, said: str) -> None:
    """Each mistake is refused in one sentence that names it and says where to look."""
    assert old in small_text
    with pytest.raises(InputError, match=said) as refused:
        parse_world(small_text.replace(old, new, 1), "my.toml")
    message = str(refused.value)
    assert message.startswith("my.toml: ")
    assert message.endswith("(docs/lab.md, World files)")
    assert "\n" not in message
