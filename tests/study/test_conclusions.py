"""Verdicts, quarantines and episodes of a whole study, from its facts."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.study.facts import hour, numbered, written
from waterbed.governance.quarantines import decide
from waterbed.measures.ranking_tables import ranking_of
from waterbed.model.facts import Observation
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study


def ends(conclusions: Conclusions, url: str) -> list[tuple[float | None, str | None]]:
    """First down (hours) and cause of a URL's episodes."""
    start = hour(0)
    own = sorted((e for e in conclusions.episodes if e.url_id == url), key=lambda e: e.known_up_at)
    return [((e.first_down - start) / timedelta(hours=1) if e.first_down else None, e.cause) for e in own]


def outcomes(study: Study) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for verdict in study.conclude().verdicts:
        told.setdefault(verdict.url_id, []).append(verdict.outcome)
    return told


def test_a_flap_is_repaired_and_a_removal_back_dated(tmp_path: Path) -> None:
    """Two losses and an up are no end; three are one, from the first of them."""
    with written(tmp_path, {"a0": "uudduuuuuuuuuu", "a1": "uuu?dddddddddd"}) as study:
        conclusions = study.conclude()
        assert ends(conclusions, "a0") == [(None, None)]
        assert [round(when or 0, 2) for when, _ in ends(conclusions, "a1")] == [4.08]
        assert conclusions.quarantines == []


def test_an_up_after_a_confirmed_absence_opens_a_new_episode(tmp_path: Path) -> None:
    """A reappearance is watched for and is an episode of its own, with the time it was last known away."""
    with written(tmp_path, {"a0": "uuuddddduuuuuuuuuu"}) as study:
        conclusions = study.conclude()
        first, second = sorted(conclusions.episodes, key=lambda e: e.known_up_at)
        assert first.cause == "removed"
        assert second.first_down is None
        assert (second.known_up_at.hour, second.absent_at and second.absent_at.hour) == (8, 7)


def test_our_own_outage_makes_no_false_removal(tmp_path: Path) -> None:
    """Six hours without network: everything is our fault, and every share is what it was."""
    seen = numbered("a", 12, "uuu" + "dddddd" + "u" * 9)
    with written(tmp_path, seen, canary="uuuddddddu") as study:
        conclusions = study.conclude()
        assert {e.first_down for e in conclusions.episodes} == {None}
        assert [(one.kind, one.scope, one.looked, one.flipped) for one in conclusions.quarantines] == [
            ("canary", "here", 12, 12)
        ]
        assert {v.outcome for v in conclusions.verdicts} == {"up", "our_fault"}


def test_a_mass_flip_of_one_hoster_is_held_until_a_person_releases_it(tmp_path: Path) -> None:
    """Quarantined looks are unknown and name their rule; released, the removals count from their first look."""
    seen = {**numbered("a", 10, "uuu" + "d" * 12), **numbered("b", 10, "u" * 15)}
    with written(tmp_path, seen) as study:
        conclusions = study.conclude()
        (found,) = conclusions.quarantines
        assert (found.kind, found.scope, found.status) == ("hoster", "AS64500", "open")
        held = [verdict for verdict in conclusions.verdicts if verdict.outcome == "quarantined"]
        assert {(v.state, v.cause, v.rule) for v in held} == {("unknown", None, "H5-gone+quarantine")}
        assert len(held) == 120
        assert {e.first_down for e in conclusions.episodes} == {None}

        decide(
            study.folder,
            conclusions.quarantines,
            found.quarantine_id,
            "release",
            "the hoster confirmed that it cleaned up",
        )
        released = study.conclude()
        assert [(one.quarantine_id, one.status) for one in released.quarantines] == [(found.quarantine_id, "released")]
        assert [e.first_down for e in released.episodes if e.hoster == "AS64500"] == [
            hour(3) + timedelta(minutes=5)
        ] * 10

        decide(study.folder, released.quarantines, found.quarantine_id, "void", "it was a broken balancer")
        voided = study.conclude()
        assert {e.first_down for e in voided.episodes} == {None}


def test_a_hoster_that_shuts_only_us_out_does_not_score_well(tmp_path: Path) -> None:
    """Unreachable from one network is unobserved; no share is given, and the worst case says that nothing went."""
    seen = {**numbered("a", 12, "uu" + "x" * 40), **numbered("b", 12, "uu" + "d" * 40)}
    spread = {url: "u" * (n % 5) + states for n, (url, states) in enumerate(seen.items()) if url[0] == "b"}
    with written(tmp_path, {**seen, **spread}, apart=16) as study:
        conclusions = study.conclude()
        assert {v.outcome for v in conclusions.verdicts if v.url_id[0] == "a"} == {"up", "unobserved"}
        rows = {row.key: row for row in ranking_of(conclusions)}
        hiding, open_ = rows["AS64500"], rows["AS64501"]
        assert (hiding.rank_class, hiding.removed_24h) == ("unmeasurable", None)
        assert (hiding.removed_24h_worst, hiding.removed_24h_best) == (0.0, 1.0)
        assert open_.removed_24h == open_.removed_24h_worst == open_.removed_24h_best == 1.0


def test_with_a_second_network_unreachable_is_down(tmp_path: Path) -> None:
    """Two networks that cannot reach it either make an end of cause network."""
    with written(tmp_path, {"a0": "uu" + "x" * 12}) as study:
        store = study.folder.store
        store.add(
            replace(seen, observation_id=f"{seen.observation_id}+", vantage="there", network="there")
            for seen in store.all(Observation)
            if seen.phase == "connect"
        )
        assert ends(study.conclude(), "a0") == [(None, None)]  # no canary vouches for the second vantage
        canaries = study.conclude().facts.canaries
        store.add(replace(one, canary_id=f"{one.canary_id}+", vantage="there") for one in canaries)
        ((when, cause),) = ends(study.conclude(), "a0")
        assert cause == "network"
        assert when is not None
        assert 2 <= when <= 3


def test_a_study_from_before_vantages_and_deliveries_is_as_it_was(tmp_path: Path) -> None:
    """Without any of it nothing is held, and unreachable stays unknown."""
    with written(tmp_path, {"a0": "uuuddddddddddd", "a1": "uuxxxxxxxxxxxx"}) as study:
        assert outcomes(study)["a1"] == ["up"] * 2 + ["unobserved"] * 12
        assert ends(study.conclude(), "a1") == [(None, None)]
        assert [cause for _, cause in ends(study.conclude(), "a0")] == ["removed"]
