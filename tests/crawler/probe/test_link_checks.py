"""Link checks: which question is asked in place of a URL, and how its answer is read."""

from pathlib import Path

import pytest

from crawler.probe.link_checks import LINK_CHECKS, link_check_for, read_link_checks
from waterbed.model.errors import InputError
from waterbed.model.urls import canonicalize

TEXT = """
[[link_check]]
name = "pictures"
suffix = "pictures.example"
path = "^/i/([a-z0-9]+)"
ask = "/api/exists/{1}"
"""


def written(folder: Path, text: str) -> Path:
    (folder / LINK_CHECKS).write_text(text)
    return folder


def test_a_file_of_the_hoster_is_asked_for_by_its_own_endpoint(tmp_path: Path) -> None:
    """The path's part is put into the endpoint, on the same host and scheme."""
    checks = read_link_checks(written(tmp_path, TEXT))
    found = link_check_for(checks, canonicalize("http://a.pictures.example/i/k7q.jpg"))
    assert found is not None
    assert (found[0].name, found[1].host, found[1].target) == ("pictures", "a.pictures.example", "/api/exists/k7q")


@pytest.mark.parametrize("url", ["http://a.pictures.example/about", "http://notpictures.example/i/k7q.jpg"])
def test_other_urls_are_not_asked_for(url: str, tmp_path: Path) -> None:
    """Another path, or a name that only ends alike, is looked at as usual."""
    assert link_check_for(read_link_checks(written(tmp_path, TEXT)), canonicalize(url)) is None


def test_another_host_must_belong_to_the_same_registrable_domain(tmp_path: Path) -> None:
    """An endpoint elsewhere would learn what is reported: it is not asked."""
    there = read_link_checks(written(tmp_path, TEXT + 'host = "api.pictures.example"\n'))
    found = link_check_for(there, canonicalize("http://a.pictures.example/i/k7q.jpg"))
    assert found is not None
    assert found[1].authority == "api.pictures.example"
    elsewhere = read_link_checks(written(tmp_path, TEXT + 'host = "api.other.example"\n'))
    assert link_check_for(elsewhere, canonicalize("http://a.pictures.example/i/k7q.jpg")) is None


def test_only_the_listed_statuses_say_something(tmp_path: Path) -> None:
    """There, missing, or unclear."""
    check = read_link_checks(written(tmp_path, TEXT))[0]
    assert [check.file_exists(status) for status in (200, 204, 404, 410, 403, 500, None)] == [
        True, True, False, False, None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TEXT.replace("([a-z0-9]+)", "([a-z"), "path"),
        (TEXT.replace("{1}", "{2}"), "groups of path"),
        (TEXT + "exists = [404]\n", "both there and missing"),
        (TEXT + "colour = 1\n", "colour"),
        ("not toml", LINK_CHECKS),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    """The sentence names the file, the mistake and where to look."""
    with pytest.raises(InputError, match=r"docs/link-checks\.md") as caught:
        read_link_checks(written(tmp_path, text))
    assert says in str(caught.value)


def test_a_study_without_the_file_has_none(tmp_path: Path) -> None:
    """No file, no link check."""
    assert read_link_checks(tmp_path) == ()
