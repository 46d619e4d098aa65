"""A study's displacement and intervention pages: as far as its policy lets them, and refused events with reasons."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.graphs.hop_makers import hop
from tests.publish.site.parsed import Parsed
from tests.publish.site.views import frame
from tests.questions.intervention.test_estimate import EVENT
from tests.study.facts import config, numbered, written
from waterbed.graphs.displacement.event import read_event
from waterbed.graphs.network.moves import moves_of
from waterbed.lab.simulate.facts import LookPlan
from waterbed.lab.simulate.study import virtual_study
from waterbed.lab.world.reading import read_world, scenario_path
from waterbed.lab.world.truth import simulate
from waterbed.model.results import Answer
from waterbed.publish.api.source import mark
from waterbed.publish.build_publication import policy_of, publication_of
from waterbed.publish.policy import Publication, publishable
from waterbed.publish.release import publish_all
from waterbed.publish.site.displacement import chain_rows, displacement_pages, named_keys
from waterbed.publish.site.hops_shown import ChainRow
from waterbed.questions.intervention.estimate import findings_of
from waterbed.questions.intervention.page import intervention_pages
from waterbed.shown.layout import Page, make_site
from waterbed.store.settings import Tlp
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study, create_study

WORLD_EVENT = """
target = "moerashost"
date = 2025-04-10
chosen_until = 2025-04-09
public = true
controls = ["birkenwald", "fjordnett", "dolmen", "terpdata", "karstcloud", "reefnet"]
period_h = 6.0
before = 8
after = 4
most_contaminated = 1.0
"""


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """Five hosters with twelve URLs each, the first one's all gone within hours; nothing moved."""
    seen = {f"a{n:02}": ("u" * (3 + n)).ljust(40, "d") for n in range(12)}
    for letter in "bcde":
        seen |= numbered(letter, 12, "u" * 40)
    with written(tmp_path, seen) as made:
        (made.folder.path / "events").mkdir()
        yield made


@pytest.fixture(scope="module")
def moved() -> Conclusions:
    """What a study of a small world in which content moves concludes."""
    plain = read_world(scenario_path("waterbed"))
    small = msgspec.structs.replace(plain, sites=msgspec.structs.replace(plain.sites, count=80, big_site=8))
    return virtual_study(simulate(small), LookPlan(every_hours=3.0), random.Random(1)).conclusions


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory, moved: Conclusions) -> Iterator[tuple[Study, Publication]]:
    """A study that declares the event of that world, and all that it has to publish: tests only read them."""
    folder = tmp_path_factory.mktemp("declared")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        with create_study(folder / "study", config()) as study:
            (study.folder.path / "events").mkdir()
            (study.folder.path / "events" / "e.toml").write_text(WORLD_EVENT)
            yield study, publication_of(study, moved)


def publication(study: Study, conclusions: Conclusions, least: int, whole: Publication | None = None) -> Publication:
    """What may be published, with another least number of sites; `whole` is all that there is, if it is made."""
    whole = whole or publication_of(study, conclusions)
    return publishable(replace(whole, policy=replace(policy_of(study), least=least)))


def pages(study: Study, conclusions: Conclusions, least: int = 3, whole: Publication | None = None) -> dict[str, Page]:
    told = publication(study, conclusions, least, whole)
    made = intervention_pages(study, conclusions.whole, named=named_keys(told), least=least, under="displacement.html")
    return {page.path: page for page in displacement_pages(conclusions, told, {}, made, home=study.config.home)}


def spelled(page: Page) -> Parsed:
    return Parsed(make_site(frame(), [page])[page.path].content.decode())


def test_each_event_file_has_a_page(study: Study) -> None:
    """Good or refused: one page each, listed with a sentence; what looks like a host is redacted."""
    events = study.folder.path / "events"
    (events / "First (pressed).toml").write_text(EVENT)
    (events / "first-pressed.toml").write_text(EVENT.replace('"AS64500"', '"secret.example.com"'))
    (events / "notes.txt").write_text("no event")
    found = pages(study, study.conclude())
    assert set(found) == {
        "displacement.html",
        "interventions/first-pressed.html",
        "interventions/first-pressed-2.html",
    }
    index = spelled(found["displacement.html"])
    assert {f"{path}" for path in found if "/" in path} <= set(index.links)
    assert "removed within 24 hours cannot be estimated" in index.shown
    assert "Refused: target: this study does not know the hoster [redacted]" in index.shown
    reason = spelled(found["interventions/first-pressed-2.html"]).shown
    assert "No result can be given for this event" in reason
    assert str(study.folder.path) not in reason
    assert all("secret" not in spelled(page).shown for page in found.values())
    assert found["interventions/first-pressed.html"].under == "displacement.html"


@pytest.mark.long
@pytest.mark.parametrize(
    ("lines", "tlp", "shown"),
    [
        ("public = true", "green", True),
        ("public = true\npublic_source = 'the ministry, 8 April 2025'", "clear", True),
        ("public = true", "clear", False),
        ("public = false", "green", False),
        ("", "amber", False),
    ],
)
def test_an_event_that_is_not_public_leaves_no_trace(
    study: Study, tmp_path: Path, lines: str, tlp: Tlp, shown: bool
) -> None:
    """No page, sentence, name or byte of a prosecution that nobody may know of yet is in anything that is published."""
    text = EVENT.replace("public = true", lines)
    (study.folder.path / "events" / "quiet raid.toml").write_text(text)
    policy = msgspec.structs.replace(study.folder.config.publish, tlp=tlp)
    study.folder.config = msgspec.structs.replace(study.folder.config, publish=policy)
    files = publish_all(study, tmp_path / "out", override="a test of what is left out" if tlp == "clear" else "")
    whole = b"".join(file.read_bytes() for file in files)
    assert {trace in whole for trace in (b"quiet-raid", b"interventions/", b"removed or moved?")} == {shown}
    assert bool(publication(study, study.conclude(), 3).declared) == shown


def test_no_page_tells_which_place_a_wrong_key_is_like(study: Study) -> None:
    """The study's own people are told of a like place; a published refusal would name one that may be held back."""
    (study.folder.path / "events" / "e.toml").write_text(EVENT.replace('"AS64503"', '"AS64503x"'))
    shown = spelled(pages(study, study.conclude(), least=3)["interventions/e.html"]).shown
    assert "buffer: this study does not know the hoster AS64503x; waterbed rank lists them" in shown


def test_an_event_about_a_place_without_a_name_is_refused(study: Study) -> None:
    """Where the target has fewer sites than may be told, its page says that alone, and names it nowhere."""
    (study.folder.path / "events" / "e.toml").write_text(EVENT)
    made = spelled(pages(study, study.conclude(), least=13)["interventions/e.html"])
    assert "fewer than 13 sites are known there, so it is not named" in made.shown
    assert "AS64500" not in made.shown


def test_a_study_without_events_or_hops_has_its_page(study: Study) -> None:
    """Nothing moved and nothing was declared: one page that says both."""
    (page,) = pages(study, study.conclude()).values()
    shown = spelled(page).shown
    assert "No hop was seen" in shown
    assert "declares no event" in shown


def test_an_event_file_is_served_anew(study: Study) -> None:
    """A new or changed event file changes what a server holds its pages to be made of."""
    path = study.folder.path
    marks = [mark(path)]
    for text in (EVENT, EVENT + "\n"):
        (path / "events" / "e.toml").write_text(text)
        marks.append(mark(path))
    assert len(set(marks)) == 3


@pytest.mark.parametrize("least", [1, 3, 8])
def test_pages_hold_back_what_the_policy_holds_back(
    declared: tuple[Study, Publication], moved: Conclusions, least: int
) -> None:
    """Every cell has as many hops as sites must be, every key is one of the published rankings, and nothing is lost."""
    study, whole = declared
    found = pages(study, moved, least, whole)
    named = named_keys(publication(study, moved, least, whole))
    (text,) = [
        data for attributes, data in spelled(found["displacement.html"]).scripts if attributes.get("id") == "hops"
    ]
    data = json.loads(text)
    assert all(hops >= least for hops in data["cells"]["hops"])
    assert sum(data["cells"]["hops"]) == sum(one.order != "parallel" for one in moved.hops)
    for level, told in data["levels"].items():
        assert {key["key"] for key in told["keys"]} <= named[level]
    view = found["interventions/e.html"].values["view"]
    counts = [getattr(row, name) for row in view.periods for name in ("target", "control", "buffer", "reports")]
    counts += [getattr(row, name) for row in view.destinations for name in ("before", "after", "control_after")]
    assert all(count is None or count == 0 or count >= least for count in counts)
    assert any(count is None for count in counts) == (least > 1)


def test_site_has_all_that_the_command_has_where_all_may_be_told(
    declared: tuple[Study, Publication], moved: Conclusions
) -> None:
    """With a least number of one, the page of an event holds the findings that the command prints."""
    study, whole = declared
    own = findings_of(study, read_event(study.folder.path / "events" / "e.toml"), conclusions=moved)
    view = pages(study, moved, 1, whole)["interventions/e.html"].values["view"]
    assert (view.answers, view.periods, view.destinations, view.pairs) == (
        [own.formatter.row(Answer, one) for one in own.answers],
        own.periods,
        own.destinations,
        own.pairs,
    )


def test_lengths_of_chains_are_told_together_where_few_have_them() -> None:
    """Six contents hop once, one twice and two three times: with three at least, two and more are one length."""
    lengths = {f"c{n}": 1 for n in range(6)} | {"x": 2, "y": 3, "z": 3}
    hops = [
        hop("abcd"[at], "abcd"[at + 1], (24 * at + 1, 24 * at + 2), (24 * at + 3, 24 * at + 4), content=content)
        for content, length in lengths.items()
        for at in range(length)
    ]
    moves = moves_of(hops)
    assert chain_rows(moves, 1) == [
        ChainRow(hops=str(length), surely=count, possibly=count) for length, count in ((1, 6), (2, 1), (3, 2))
    ]
    assert chain_rows(moves, 3) == [
        ChainRow(hops="1", surely=6, possibly=6),
        ChainRow(hops="2 and more", surely=3, possibly=3),
    ]
    assert chain_rows(moves, 4) == [ChainRow(hops="1 and more", surely=9, possibly=9)]
    assert chain_rows(moves, 10) == []
    assert chain_rows(moves_of([]), 1) == []
