"""Link checks: which question is asked in place of a URL, and how its answer is read."""

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.study_folder import made
from waterbed.crawler.probe.link_asking import made_up_file
from waterbed.crawler.probe.link_checks import LINK_CHECKS, LinkCheck, link_check_for, link_checks_in, read_link_checks
from waterbed.crawler.recheck.authorised import record_authorisations
from waterbed.model.errors import InputError
from waterbed.model.urls import canonicalize
from waterbed.store.audit import audits

CASES = Path(__file__).parent / "link_check_cases"
URLS = (
    "https://pictures.example/a1b2/x.jpg",
    "http://i.pictures.example/i/k7q.jpg",
    "http://it.images.example/i/k7q0.jpg",
)
HEAD, GET, POST = (CASES / f"{name}.toml" for name in ("head", "get", "post"))


def concluded(path: Path) -> dict[str, Any]:
    """What a file of link checks comes to: its mistake, or the request about each URL."""
    try:
        checks = link_checks_in(path)
    except InputError as problem:
        return {"error": str(problem).removeprefix(f"{path}: ")}
    asked = {}
    for url in URLS:
        found = link_check_for([check for check in checks if check.enabled], canonicalize(url))
        if found:
            check, endpoint = found
            request = check.request_for(canonicalize(url))
            form = (request.form or b"").decode()
            asked[url] = f"{request.method} {endpoint.authority}{endpoint.target} {form} {request.most}"
    return {"asked": asked}


@pytest.mark.parametrize("path", sorted(CASES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_file_asks_this_or_is_refused_in_one_sentence(path: Path) -> None:
    """The sentence has the value, what was expected and where to look."""
    found = concluded(path)
    assert found == json.loads(path.with_suffix(".json").read_text())
    if "error" in found:
        assert found["error"].endswith(" (docs/link-checks.md)")
        assert "\n" not in found["error"]


def only(path: Path) -> LinkCheck:
    (check,) = link_checks_in(path)
    return check


@pytest.mark.parametrize("url", ["http://a.pictures.example/about", "http://notpictures.example/i/k7q.jpg"])
def test_other_urls_are_not_asked_for(url: str) -> None:
    """Another path, or a name that only ends alike, is looked at as usual."""
    assert link_check_for([only(HEAD)], canonicalize(url)) is None


def test_another_host_must_belong_to_the_same_registrable_domain(tmp_path: Path) -> None:
    """An endpoint elsewhere would learn what is reported: it is not asked."""
    for host, asked in (("api.pictures.example", "api.pictures.example"), ("api.other.example", None)):
        path = tmp_path / LINK_CHECKS
        path.write_text(HEAD.read_text() + f'host = "{host}"\n')
        found = link_check_for([only(path)], canonicalize("http://a.pictures.example/i/k7q.jpg"))
        assert (found and found[1].authority) == asked


def test_only_the_listed_statuses_say_something() -> None:
    """There, missing, or unclear."""
    assert [only(HEAD).file_exists(status) for status in (200, 204, 404, 410, 403, 500, None)] == [
        True, True, False, False, None, None, None,
    ]  # fmt: skip


def test_an_answer_means_what_the_file_says() -> None:
    """Empty is there, the own code is missing; another code, a picture and nothing at all are unclear."""
    file = canonicalize(URLS[0])
    bodies = (b"", b"a1b2\n", b"zzzz", b"a1b2 a1b2", b"\xff\xfe", None)
    assert [only(GET).answer_means(file, body, "text/html") for body in bodies] == [
        True, False, None, None, None, None,
    ]  # fmt: skip


def test_a_study_has_the_enabled_checks_of_its_file(tmp_path: Path) -> None:
    """No file, no link check; a disabled one is read and not used."""
    assert read_link_checks(tmp_path) == ()
    (tmp_path / LINK_CHECKS).write_text((CASES / "disabled.toml").read_text() + HEAD.read_text())
    assert [check.name for check in read_link_checks(tmp_path)] == ["pictures"]


@given(st.from_regex(re.compile("/[a-z0-9]{4}/[a-z]{1,9}", re.ASCII), fullmatch=True))
def test_a_made_up_file_has_the_same_shape(target: str) -> None:
    """Another id of letters and digits in the same places; the rest of the path stays."""
    file = canonicalize(f"https://pictures.example{target}")
    other = made_up_file(only(GET), file)
    assert other is not None
    assert other.target != file.target
    kinds = [re.sub("[0-9]", "0", re.sub("[a-z]", "a", one)) for one in (file.target, other.target)]
    assert kinds[0] == kinds[1]
    assert other.target[5:] == file.target[5:]


def test_what_goes_beyond_head_is_on_record_once(tmp_path: Path) -> None:
    """Who authorised what, before it is sent; another definition is another entry, and HEAD is none."""
    with closing(made(tmp_path / "study")) as folder:
        record_authorisations(folder, [only(HEAD)])
        assert audits(folder) == []
        for _ in range(2):
            record_authorisations(folder, [only(HEAD), only(GET)])
        (entry,) = audits(folder)
        assert (entry.action, entry.reason) == (
            "authorise",
            "link check pictures: sends GET, reads up to 1024 bytes; authorised by The board, 2026-01-05",
        )
        other = tmp_path / LINK_CHECKS
        other.write_text(GET.read_text().replace("1024", "2048"))
        record_authorisations(folder, [only(other)])
        assert len({one.subject_id for one in audits(folder)}) == 2
