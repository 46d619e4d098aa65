"""Lab runs of disturbed and misleading worlds, end to end with the production crawler."""

from collections.abc import Mapping
from copy import copy
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import delete

from waterbed.crawler.recheck.session import Session
from waterbed.lab.run import CONTROL_RUN, LabRun, LabRuns, run_lab, run_scenario
from waterbed.lab.score.compare import false_removals
from waterbed.lab.servers.pages import marked_files
from waterbed.lab.world.reading import scenario_path
from waterbed.lab.world.records import Truth
from waterbed.model.bookkeeping import Delivery
from waterbed.model.facts import Observation, Profile, Report, Target
from waterbed.model.registrations import DomainRegistration
from waterbed.store.tables import TABLES
from waterbed.study.study import Study, open_study


def _smaller(name: str, folder: Path, **changes: str) -> str:
    """A shipped scenario with other values; `changes` replace whole lines by their key."""
    lines = []
    for line in scenario_path(name).read_text().splitlines():
        key = line.split(" = ")[0]
        lines.append(f"{key} = {changes[key]}" if key in changes else line)
    path = folder / f"{name}.toml"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def _run(name: str, folder: Path, **changes: str) -> LabRuns:
    return run_lab(_smaller(name, folder, **changes), folder / "s")


def _outage(folder: Path, hides: Mapping[str, str], **changes: str) -> str:
    """The scenario's small outage, with hosters that say another word to us alone than to others, from a certain hour.

    In another outage each place that we look from is cut off, and names are answered all the same: what is asked then
    cannot be reached from anywhere.
    """
    small = {"days": "1.2", "step_s": "5400.0", "reported_over_days": "[0.0, 0.6]", "to_hour": "16.0"}
    path = Path(_smaller("outage", folder, **small, **changes))
    parts = [part for part in path.read_text().split("\n\n") if "blind_to" not in part or 'key = "nevelnet"' in part]
    for number, part in enumerate(parts):
        key = next((key for key in hides if f'key = "{key}"' in part), None)
        lines = [line for line in part.splitlines() if not line.startswith("blind_")]
        told = ['blind_to = ["first"]', "blind_from_hour = 24.0", f'blind_how = "{hides[key]}"'] if key else []
        at = next((n for n, line in enumerate(lines) if line.startswith("removal")), len(lines))
        parts[number] = "\n".join([*lines[:at], *told, *lines[at:]])
    parts += [f'[[outage]]\nfrom_hour = 8.0\nto_hour = 10.0\nsource = "{one}"' for one in ("first", "second", "proxy")]
    path.write_text("\n\n".join(parts) + "\n")
    return str(path)


def _during_outages(study: Study, truth: Truth) -> list[Observation]:
    start = truth.world.start
    spans = [
        (start + timedelta(hours=one.from_hour), start + timedelta(hours=one.to_hour)) for one in truth.world.outage
    ]
    looks = study.store.all(Observation)
    return [look for look in looks if any(begin <= look.observed_at < end for begin, end in spans)]


@pytest.mark.long
def test_a_disturbed_run_removes_nothing_falsely(tmp_path: Path) -> None:
    """Our outages, an empty delivery and a hoster that lies to us alone make no removal that is not true."""
    done = run_lab(_outage(tmp_path, {"nevelnet": "404"}, count="28"), tmp_path / "s")
    assert done.comparison is not None
    assert done.control_run is not None
    assert done.comparison.false_removals == done.comparison.false_removals_undisturbed == 0
    assert done.comparison.ends > 10
    assert all(share.difference is None or share.difference < 0.02 for share in done.comparison.shares)
    assert done.control_run.truth.episodes == done.first.truth.episodes
    assert done.first.counts.tunnels_refused == 0
    for folder, empty in ((tmp_path / "s", 1), (tmp_path / "s" / CONTROL_RUN, 0)):
        with open_study(folder) as study:
            deliveries = study.folder.store.all(Delivery)
            during = _during_outages(study, done.first.truth)
        assert sum(delivery.reports == 0 for delivery in deliveries) == empty
        assert bool(during) == (not empty)  # a pass whose canary fails looks at nothing


@pytest.mark.long
def test_each_protection_holds_alone_what_none_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks of an outage, hosters that hide: canary, guard, panel or further vantage points keep removals true.

    All others switched off, each is enough; without them the same looks are false removals. The passes go on though
    the canary fails, so that there are looks to be kept apart.
    """
    stop = Session.stop
    monkeypatch.setattr(Session, "stop", lambda self, why: None if why == "canary" else stop(self, why))
    world = _outage(tmp_path, {"nevelnet": "404", "dolmen": "hang"}, count="22")
    done = run_scenario(world, tmp_path / "s")
    no_guard, no_canary = {"cycle_guard": {"least_sites": 1_000_000}}, {"canary": {"need": 0.0}}
    with open_study(tmp_path / "s") as study:
        assert _during_outages(study, done.truth)
        whole = study.config

        def false(off: Mapping[str, Mapping[str, float]]) -> set[str]:
            """Hosters with false removals, some settings being others."""
            parts = {name: msgspec.structs.replace(getattr(whole, name), **its) for name, its in off.items()}
            config = study.folder.config = copy(whole)
            for name, its in parts.items():  # no settings file may say so: a canary that needs nothing protects nothing
                msgspec.structs.force_setattr(config, name, its)
            found = false_removals(done.truth, study.conclude().episodes, done.url_ids.__getitem__)
            return {episode.hoster for episode in found}

        assert false({}) == false(no_guard) == false(no_canary) == set()
        assert false({**no_guard, **no_canary})
        with study.store.writing() as connection:  # as if there were no further vantage points
            looks = TABLES[Observation]
            connection.execute(delete(looks).where(looks.c.vantage != "lab"))
        assert false(no_guard) == {"nevelnet"}
        assert false({**no_guard, "judge": {"networks": 1}}) == {
            "nevelnet",
            "dolmen",
        }  # no panel: one network is enough


@pytest.mark.long
def test_misleading_servers_are_scored_look_by_look(tmp_path: Path) -> None:
    """Both runs of a world that never says 404 are scored, strict looks apart, and no byte of a body is kept."""
    done = _run("soft404", tmp_path, count="16", days="1.0", step_s="7200.0", reported_over_days="[0.0, 0.3]")
    assert done.control_run is not None
    assert done.comparison is None
    for run in (done.first, done.control_run):
        assert {group: score.looks > 0 for group, score in run.look_scores.items()} == {
            "not strict": True,
            "strict": True,
        }
        assert sum(score.looks for score in run.look_scores.values()) == run.looks
    kinds = done.first.counts.by_class
    assert {"HEAD plain", "HEAD answered with a body", "HEAD refused or answered falsely"} <= kinds.keys()
    assert max(found.plain_most for found in kinds.values()) <= 2048
    assert max(found.tls_most for found in kinds.values()) <= 16_384
    assert marked_files(tmp_path, done.first.marker) == marked_files(tmp_path, done.control_run.marker) == []


@pytest.mark.long
@pytest.mark.parametrize("profile", ["strict", "headers", "text"])
def test_no_profile_takes_what_is_no_page(tmp_path: Path, profile: Profile) -> None:
    """In each profile images and bodies behind HEAD stay at the servers; pages are read in profile text alone.

    Abuse material is asked by HEAD in each.
    """
    world = _smaller(
        "hostile",
        tmp_path,
        count="16",
        days="0.6",
        step_s="7200.0",
        reported_over_days="[0.0, 0.1]",
        head_refused="0.3",
        body_on_head="0.2",
        mislabelled="0.6",
    )
    done = run_scenario(world, tmp_path / "s", profile=profile)
    plain, tls = done.counts.beside_pages
    assert plain <= 2048
    assert tls <= 16_384
    assert done.counts.by_class["HEAD answered with a body"].requests_plain > 0
    gets = {name for name in done.counts.by_class if name.startswith("GET")}
    images = {name for name in gets if "image" in name}
    assert bool(images) == bool(gets) == (profile != "strict")
    assert (done.counts.excess_plain_most > 2048) == (profile == "text")
    groups = {group for group, score in done.look_scores.items() if score.looks}
    assert groups == ({"strict"} if profile == "strict" else {"strict", "not strict"}), "abuse material stays strict"
    assert marked_files(tmp_path, done.marker) == []


@pytest.mark.long
def test_who_answers_is_right_on_its_own_day_and_changes_move_nothing(tmp_path: Path) -> None:
    """Sold, renamed, fronted, shared and rotating places are attributed as of the day, and none of it is a hop."""
    world = _smaller(
        "attribution",
        tmp_path,
        count="40",
        days="4.0",
        day="2.0",
        big_site="4",
        share="0.5",
        flux="0.15",
        reported_over_days="[0.0, 1.0]",
        step_s="10800.0",
    )
    done = run_scenario(world, tmp_path / "s")
    score = done.attribution_score
    assert {"reseller", "moas", "sold", "renamed", "proxy", "platform", "split", "geo", "flux"} <= score.by_kind.keys()
    assert score.share is not None
    assert score.share >= 0.99
    assert score.handed_over == score.as_lineage > 2
    assert score.fronted == score.as_masked > 0
    assert score.as_hop == sum(score.false_hops.values()) == 0


@pytest.mark.long
def test_who_ended_a_name_is_told_by_its_registry(tmp_path: Path) -> None:
    """Registrars and registries hold, delete and let names lapse: the true actor is told, and of no other end."""
    world = _smaller(
        "domains", tmp_path, count="40", days="3.0", step_s="10800.0", reported_over_days="[0.0, 1.0]", lapses="0.0"
    )
    done = run_scenario(world, tmp_path / "s")
    score = done.actor_score
    assert score.ends > 10
    assert (score.told, score.right, score.wrong) == (score.ends, score.ends, 0)
    assert {"registrar_hold", "registry_hold"} <= {one.cause for one in done.episodes}
    with open_study(tmp_path / "s") as study:
        domains = study.store.all(DomainRegistration)
        strict = {one.url_id for one in study.store.all(Report) if one.category == "abuse-material"}
        sites = {one.site_id for one in study.store.all(Target) if one.url_id in strict}
        assert domains
        assert not sites & {one.site_id for one in domains}


@pytest.mark.long
def test_what_a_hotline_meets_is_told_as_it_was(tmp_path: Path) -> None:
    """Seizures are no removals and no hops, pages and deadlines are right; what has no address is counted alone."""
    small = {"count": "60", "days": "4.0", "step_s": "7200.0", "day": "3.0", "share": "0.3"}
    world = _smaller("hotline", tmp_path, reported_over_days="[0.0, 2.0]", **small)
    done = run_scenario(world, tmp_path / "s")
    score = done.hotline_score
    assert score is not None
    assert score.seized_right == score.seized > 2
    assert (score.seized_removed, score.seized_hops, score.special_queries) == (0, 0, 0)
    assert score.parents_known == score.parents > 5
    assert score.orders_right == score.orders > 10
    assert score.elsewhere_counted == score.elsewhere > 3
    assert done.actor_score.right == done.actor_score.told > 3
    with open_study(tmp_path / "s") as study:
        reports = study.store.all(Report)
        assert {"image host", "forum", "live stream"} <= {one.site_type for one in reports}
        assert {one.commercial for one in reports} == {True, False}


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("renumbering", {"days": "6.0", "step_s": "14400.0"}),
        ("cdn", {"days": "5.0", "step_s": "14400.0", "behind_proxy": "0.7"}),
        ("lineage", {"days": "6.5", "step_s": "14400.0"}),
        ("churn", {"days": "3.0", "step_s": "7200.0"}),
    ],
)
def test_what_only_looks_like_moving_is_no_hop(tmp_path: Path, name: str, changes: dict[str, str]) -> None:
    """The crawler sees addresses, proxies, owners and names change in small worlds, and finds no hop in them."""
    done = run_scenario(
        _smaller(name, tmp_path, count="14", reported_over_days="[0.0, 1.0]", **changes), tmp_path / "s"
    )
    assert done.truth.hops == ()
    assert done.score.hops_measured == 0
    assert sum(tally.measured + tally.detectable for tally in done.hop_tallies.values()) == 0
    assert len(done.episodes) > 15


@pytest.mark.long
def test_hosters_that_only_look_quick_are_met_as_they_are(tmp_path: Path) -> None:
    """What is hidden, never was, or leads elsewhere after one check is recorded so; the truth says what was up."""
    small = {"count": "63", "days": "1.5", "step_s": "10800.0"}
    done = run_scenario(_smaller("cloaks", tmp_path, reported_over_days="[0.0, 0.8]", **small), tmp_path / "s")
    with open_study(tmp_path / "s") as study:
        met = _met(done, study.store.all(Observation))
    truth = done.truth
    ever = {episode.url for episode in truth.episodes}
    for url, looks in met["nevelnet"] + met["duinhost"]:
        statuses = {look.status for look in looks}
        assert statuses <= {200, 404}
        assert 200 not in statuses or url in ever
    unseen = [url for url, looks in met["nevelnet"] if {look.status for look in looks} == {404}]
    assert len(unseen) / len(met["nevelnet"]) > 0.7
    assert all(truth.is_up(url, looks[0].observed_at) for url, looks in met["nevelnet"] if url in unseen)
    false = [url for url, _ in met["duinhost"] if url not in ever]
    assert len(false) / len(met["duinhost"]) > 0.6
    # of a host that leads elsewhere one check, of whichever URL, is answered truly; then each path is, for good
    for key, statuses, length in (("veenweg", {301}, 0), ("omleiding", {302}, 0), ("tundrahost", {200}, 200)):
        by_host: dict[str, list[Observation]] = {}
        for url, looks in met[key]:
            by_host.setdefault(truth.shown[url].host, []).extend(looks)
        for looks in by_host.values():
            moments = sorted({look.observed_at for look in looks})
            honest = [look for look in looks if look.observed_at == moments[0]]
            later = [look for look in looks if look.observed_at > moments[0]]
            assert all(look.status == 200 and (look.content_length or 50_000) > 1_000 for look in honest)
            assert all(look.status in statuses and (look.content_length or 0) <= length for look in later)
            assert {look.redirect for look in later} <= {None if statuses == {200} else "other"}
        assert any(truth.is_up(url, looks[-1].observed_at) for url, looks in met[key])
    for key in ("polderhost", "fjordnett", "karstcloud", "dijkserver"):
        for url, looks in met[key]:
            assert [look.status == 200 for look in looks] == [truth.is_up(url, look.observed_at) for look in looks]
    assert done.truth.removal["polderhost"].share > 0.7
    assert max(truth.removal[key].share for key in ("nevelnet", "veenweg", "omleiding", "tundrahost")) < 0.4
    assert done.score.hiding == 4


def _met(done: LabRun, looks: list[Observation]) -> dict[str, list[tuple[str, list[Observation]]]]:
    """By hoster: each of its URLs that was checked, with its checks in order."""
    by_url: dict[str, list[Observation]] = {}
    for look in sorted(looks, key=lambda look: look.observed_at):
        by_url.setdefault(look.url_id, []).append(look)
    found: dict[str, list[tuple[str, list[Observation]]]] = {}
    for url, url_id in done.url_ids.items():
        if url_id in by_url:
            place = done.truth.places[done.truth.shown[url].host].values[0]
            found.setdefault(place, []).append((url, by_url[url_id]))
    return found
