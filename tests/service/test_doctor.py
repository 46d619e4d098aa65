"""Doctor, decisions and rejudging, by the Python API and by the command line."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from msgspec import structs
from typer.testing import CliRunner, Result

from tests.graphs.test_name_ends import answer
from tests.study.facts import _looks, config, hour, numbered, report, resolution, run, target, written
from waterbed.cli.commands.operate.doctor import doctor, quarantine_app, rejudge
from waterbed.judging.quarantines import Decisions
from waterbed.judging.rules import DEFAULT_RULES
from waterbed.model.bookkeeping import Audit, Delivery, Due, QuarantineDecision
from waterbed.model.errors import InputError
from waterbed.service.doctor import examine
from waterbed.service.doctor_storage import Finding
from waterbed.service.status import standing
from waterbed.store.settings import Canary, Domains, Names
from waterbed.study.study import Study, create_study, open_study

MASS = {**numbered("a", 10, "uuu" + "d" * 12), **numbered("b", 10, "u" * 15)}
QUIET = {**numbered("a", 3, "u" * 15), "b00": "uuuu" + "d" * 11}


def command(*words: object) -> Result:
    """The commands as the program has them."""
    app = typer.Typer()

    @app.callback()
    def root(context: typer.Context, study: Path = typer.Option(..., "-C")) -> None:  # noqa: B008 (typer's way)
        context.obj = study

    app.command()(doctor)
    app.command()(rejudge)
    app.add_typer(quarantine_app, name="quarantine")
    return CliRunner().invoke(app, list(map(str, words)))


def whats(found: list[Finding], *severities: str) -> list[str]:
    return [finding.what for finding in found if not severities or finding.severity in severities]


def test_a_study_in_order_has_nothing_open(tmp_path: Path) -> None:
    """Canary, contact, resolver, routes, store and keys are fine: notes only, exit code 0."""
    canaries = Canary(targets=("https://example.org/", "https://example.net/"))
    with written(tmp_path, QUIET) as study:
        study.folder.config = structs.replace(study.config, canary=canaries)
        found = examine(study)
        assert whats(found, "problem", "warning") == []
        assert {"store is whole", "keys are readable"} <= set(whats(found, "note"))


def test_ids_of_an_earlier_spelling_are_counted(tmp_path: Path) -> None:
    """A parser or rules of another version may give a new report of the same address another id."""
    with written(tmp_path, QUIET) as study:
        told = "ids were made by an earlier spelling of addresses: a new report of one may get another id"
        assert told not in whats(examine(study))
        study.folder.store.add([target("old", spelling="1"), report("old")])
        assert [one.figures for one in examine(study) if one.what == told] == ["1 URL"]


@pytest.mark.parametrize(
    ("targets", "severity", "what"),
    [
        (("https://example.org/",), "note", "only one canary is configured"),
        (("https://example.org/", "http://10.0.0.1/"), "problem", "canary.targets, number 2: non-public address"),
    ],
)
def test_canaries_of_little_use_are_told(tmp_path: Path, targets: tuple[str, ...], severity: str, what: str) -> None:
    """A single one, and one at an address that no check connects to; `status` advises no mended network for that."""
    with written(tmp_path, QUIET, canary="d" * 200) as study:
        study.folder.config = structs.replace(study.config, canary=Canary(targets=targets))
        assert [one for one in whats(examine(study), severity) if one.startswith(what)]
        blocks = [one for one in standing(study).blocks if "canary" in one]
        assert blocks[0].startswith(what)
        assert any("mend this machine's network" in one for one in blocks) == (severity == "note")


def test_names_that_ended_before_their_registry_was_asked_are_told(tmp_path: Path) -> None:
    """An answer from before the end, or from weeks after it, does not tell who acted; one from soon after it does."""
    looks = [
        one if one.status == 200 else replace(one, phase="dns", failure="nxdomain", status=None)
        for one in _looks("c00", "uuuu" + "d" * 11, "28.0.0.9")
    ]
    late = "registries were not asked soon after names ended"
    with written(tmp_path, QUIET, domains=Domains(categories=("phishing",))) as study:
        seen = resolution("c00", "28.0.0.9", resolved_at=hour(0))
        study.folder.store.add([target("c00"), report("c00", reported_at=hour(1)), seen, *looks])
        for n, (when, told) in enumerate(((hour(2), True), (hour(24 * 30), True), (hour(6), False))):
            study.folder.store.add([answer(0, "active", site_id="s-c00", answer_id=f"{n}", fetched_at=when)])
            assert (late in whats(examine(study), "warning")) == told


def test_an_empty_study_is_told_what_it_lacks(tmp_path: Path) -> None:
    """No canary, no contact, a resolver elsewhere, no routes: each is a finding with what to do."""
    settings = config(contact="", canary=Canary(), names=Names(resolver="192.0.2.53:53"))
    with create_study(tmp_path / "study", settings) as study:
        found = examine(study)
        assert whats(found, "problem") == ["no canary is configured: nothing can be called down"]
        assert whats(found, "warning") == [
            "nobody can reach us",
            "names leave this machine",
            "no routing table: nothing can be attributed",
        ]
        assert all(finding.advice for finding in found if finding.open)


def test_what_went_wrong_is_found(tmp_path: Path) -> None:
    """Canary, overdue looks, looks of the dead, a due URL without an entry, killed runs, feeds, unseen hosters."""
    seen = {**numbered("a", 3, "uu" + "x" * 13), **numbered("b", 3, "u" * 15)}
    with written(tmp_path, seen, canary="u" * 14 + "d") as study:
        store = study.folder.store
        late = Due(
            url_id="late",
            host_id="h",
            due_at=hour(1),
            streak=0,
            first_report_at=hour(0),
            category="phishing",
            lease_run_id="run1",
        )
        sizes = (9, 9, 9, 0)
        deliveries = [
            Delivery(
                delivery_id=f"{n}",
                source="hotline",
                run_id="r",
                received_at=hour(n),
                reports=size,
                new=size,
                rejected=0,
            )
            for n, size in enumerate(sizes)
        ]
        store.add([late, *deliveries, *run(1, "finished"), *run(2, "killed"), *run(3, None)])
        assert set(whats(examine(study), "warning")) == {
            "canary failed at vantage here",
            "canary quarantine of here, open",
            "feed quarantine of hotline, open",
            "much of hoster AS64500 is not observed",
            "no delivery of hotline",
            "checks are overdue",
            "dead runs hold checks",
            "facts hang in the air",
        }
        assert "runs did not end well" in whats(examine(study), "note")


def test_an_event_file_that_cannot_be_read_is_found(tmp_path: Path) -> None:
    """It holds back each publication: its name, what is wrong with it, and what to do."""
    with written(tmp_path, QUIET) as study:
        (study.path / "events").mkdir()
        (study.path / "events" / "raid.toml").write_text('target = "acme\n')
        (found,) = [one for one in examine(study) if one.what == "an event file cannot be read"]
        assert found.severity == "problem"
        assert "raid.toml: " in found.figures
        assert "docs/displacement.md" in found.figures


def test_stale_routes_are_found(tmp_path: Path) -> None:
    """A routing table much older than today's looks is named, with how many checks hang on it."""
    with written(tmp_path, QUIET) as study:
        later = study.folder.clock() + timedelta(days=90)
        study.folder.clock = lambda: later
        assert "routing tables are stale" in whats(examine(study), "warning")


def test_a_damaged_store_is_the_first_finding(tmp_path: Path) -> None:
    """The integrity check is run, and nothing else is told of a store that fails it."""
    with written(tmp_path, QUIET) as study:
        file = study.folder.store.file
    assert file is not None
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8192] = b"\xff" * 8192
    file.write_bytes(content)
    said = command("-C", tmp_path / "study", "doctor", "--format", "json")
    if said.exception and not isinstance(said.exception, SystemExit):
        return  # so damaged that it cannot even be opened
    assert said.exit_code == 1
    assert json.loads(said.stdout)["rows"][0]["what"] == "store is damaged"


def test_doctor_and_quarantines_on_the_command_line(tmp_path: Path) -> None:
    """An open quarantine is exit code 1, with id, span and numbers; decided, it is a note with the reason."""
    with written(tmp_path, MASS) as study:
        (found,) = study.conclude().quarantines
    folder = tmp_path / "study"
    said = command("-C", folder, "quarantine", "list", "--format", "csv")
    assert said.exit_code == 1
    (row,) = csv.DictReader(io.StringIO(said.stdout))
    assert (row["quarantine_id"], row["looked"], row["flipped"]) == (found.quarantine_id, "10", "10")
    assert command("-C", folder, "doctor").exit_code == 1

    said = command("-C", folder, "quarantine", "void", found.quarantine_id, "--reason", "broken balancer")
    assert said.exit_code == 0, said.output
    assert "voided: hoster AS64500" in said.stdout
    said = command("-C", folder, "doctor", "--format", "json")
    rows = {row["what"]: row for row in json.loads(said.stdout)["rows"]}
    decided = rows["hoster quarantine of AS64500, voided"]
    assert decided["severity"] == "note"
    assert decided["figures"].endswith("broken balancer")


def test_a_hoster_is_released_from_now_on(tmp_path: Path) -> None:
    """The beginning of an id will do; the release stands until a quarantine of the hoster is voided."""
    with written(tmp_path, MASS) as study:
        (found,) = study.conclude().quarantines
    folder, group = tmp_path / "study", (found.kind, found.scope)

    def decided(*words: str) -> str:
        said = command("-C", folder, "quarantine", *words, "--reason", "it removes in batches")
        assert said.exit_code == 0, said.output
        return said.stdout

    assert "are released, too" in decided("release", found.quarantine_id[:8], "--from-now-on")
    with open_study(folder) as study:
        later = study.clock() + timedelta(days=9)
        stands = Decisions(study.folder.store.all(QuarantineDecision)).standing(group, later)
        assert stands is not None
        assert stands.decided_at > later
    decided("void", found.quarantine_id)
    with open_study(folder) as study:
        assert Decisions(study.folder.store.all(QuarantineDecision)).standing(group, later) is None
        assert [one.status for one in study.conclude().quarantines] == ["voided"]
    for wrong in (found.quarantine_id[:5], "0" * 32):
        said = command("-C", folder, "quarantine", "void", wrong, "--reason", "x")
        assert isinstance(said.exception, InputError)
        assert "is not a quarantine of this study; waterbed quarantine list" in str(said.exception)


def test_a_decision_is_on_record_with_person_and_reason(tmp_path: Path) -> None:
    """Both the decision and the audit entry name who and why."""
    with written(tmp_path, MASS) as study:
        (found,) = study.conclude().quarantines
        identity = found.quarantine_id
    command("-C", tmp_path / "study", "quarantine", "release", identity, "--reason", "  asked   the hoster ")
    with written_again(tmp_path) as study:
        (made,) = study.folder.store.all(QuarantineDecision)
        (entry,) = study.folder.store.all(Audit)
    assert (made.quarantine_id, made.decision, made.reason) == (identity, "release", "asked the hoster")
    assert (entry.subject_id, entry.action, entry.reason) == (identity, "release", "asked the hoster")
    assert made.who == entry.who != ""


def test_without_a_quarantine_the_list_says_so(tmp_path: Path) -> None:
    """An empty table would be no answer."""
    with written(tmp_path, QUIET):
        pass
    said = command("-C", tmp_path / "study", "quarantine", "list")
    assert (said.exit_code, said.stdout) == (0, "No check was held back.\n")


def written_again(tmp_path: Path) -> Study:
    return open_study(tmp_path / "study")


@pytest.mark.parametrize(
    ("identity", "reason", "says"),
    [
        ("0" * 32, "why", "is not a quarantine"),
        (None, "  ", "must say"),
        (None, "see http://shop.example.com/", "looks like an address"),
        (None, "a\x07b", "must say"),
    ],
)
def test_a_decision_that_cannot_stand_is_refused(identity: str | None, reason: str, says: str, tmp_path: Path) -> None:
    """Unknown ids, empty reasons and reasons that name an address: one sentence, nothing written."""
    with written(tmp_path, MASS) as study:
        known = study.conclude().quarantines[0].quarantine_id
    said = command("-C", tmp_path / "study", "quarantine", "void", identity or known, "--reason", reason)
    assert isinstance(said.exception, InputError)
    assert says in str(said.exception)
    with written_again(tmp_path) as study:
        assert study.folder.store.count(QuarantineDecision) == study.folder.store.count(Audit) == 0


def rules(folder: Path, *swaps: tuple[str, str]) -> Path:
    text = DEFAULT_RULES.read_text().replace('"default-6"', '"mine"')
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new)
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_the_same_rules_change_nothing(tmp_path: Path) -> None:
    """Exit code 0, and both sets are written beside each other."""
    with written(tmp_path, QUIET):
        pass
    said = command("-C", tmp_path / "study", "rejudge", "--rules", rules(tmp_path))
    assert said.exit_code == 0, said.output
    files = sorted(file.name for file in (tmp_path / "study" / "verdicts").iterdir())
    assert [name.rpartition("-")[0] for name in files] == ["default-6", "mine"]
    sets = [pq.read_table(tmp_path / "study" / "verdicts" / name).to_pydict() for name in files]
    assert [set(one["ruleset"]) for one in sets] == [
        {files[0][:-8].replace("-6-", "-6:")},
        {files[1][:-8].replace("-", ":")},
    ]
    assert sets[0]["outcome"] == sets[1]["outcome"]


def test_other_rules_say_what_they_change(tmp_path: Path) -> None:
    """The table has old and new outcome with looks and URLs; ends that change are counted; exit code 1."""
    with written(tmp_path, QUIET):
        pass
    mine = rules(
        tmp_path, ('outcome = "gone"\nwhen = { status = [404, 410] }', 'outcome = "challenge"\nwhen = { status = 404 }')
    )
    said = command("-C", tmp_path / "study", "rejudge", "--rules", mine, "--format", "json")
    assert said.exit_code == 1
    assert json.loads(said.stdout)["rows"] == [{"old": "gone", "new": "challenge", "looks": 11, "urls": 1}]
    shown = command("-C", tmp_path / "study", "rejudge", "--rules", mine, "--out", tmp_path / "out")
    assert "1 episodes end differently" in shown.stdout
    assert len(list((tmp_path / "out" / "verdicts").iterdir())) == 2


def test_an_outcome_that_stands_for_another_state_is_a_change(tmp_path: Path) -> None:
    """The name alone is not the outcome."""
    with written(tmp_path, QUIET):
        pass
    mine = rules(tmp_path, ('gone = { state = "down", cause = "removed",', 'gone = { state = "down", cause = "lost",'))
    text = mine.read_text().replace(
        'soft_gone = { state = "down", cause = "lost"', 'soft_gone = { state = "down", cause = "removed"'
    )
    mine.write_text(text)
    said = command("-C", tmp_path / "study", "rejudge", "--rules", mine, "--format", "csv")
    assert said.stdout.splitlines()[1] == '"gone (down, removed)","gone (down, lost)",11,1'


def test_a_bad_rule_file_is_one_sentence_and_writes_nothing(tmp_path: Path) -> None:
    """The line and the key are named."""
    with written(tmp_path, QUIET):
        pass
    mine = rules(tmp_path, ("status = 451", "statuss = 451"))
    said = command("-C", tmp_path / "study", "rejudge", "--rules", mine)
    assert isinstance(said.exception, InputError)
    line = next(n for n, text in enumerate(mine.read_text().splitlines(), 1) if text == 'id = "H8-legal"')
    assert f"line {line}, rule H8-legal: a rule cannot test 'statuss'" in str(said.exception)
    assert not (tmp_path / "study" / "verdicts").exists()


def test_an_empty_delivery_is_told(tmp_path: Path) -> None:
    """A source whose newest delivery had no report is a note, with how many were empty."""
    with written(tmp_path, QUIET) as study:
        for n, reports in enumerate((0, 9, 0)):
            came = {"received_at": hour(n), "reports": reports, "new": reports, "rejected": 0}
            study.store.add([Delivery(delivery_id=f"{n}", source="feed", run_id="r", **came)])  # type: ignore[arg-type]
            told = "the last delivery of feed was empty" in whats(examine(study), "note")
            assert told is (reports == 0)
        (found,) = [one for one in examine(study) if one.what == "the last delivery of feed was empty"]
        assert found.figures.endswith("; 2 of 3 were")


def test_a_silent_resolver_is_a_problem(tmp_path: Path) -> None:
    """The command asks it live, and names it first, as status does."""
    with written(tmp_path, QUIET, names=Names(resolver="127.0.0.1:1", timeout_s=0.2)):
        pass
    said = command("-C", tmp_path / "study", "doctor", "--format", "json")
    first = json.loads(said.stdout)["rows"][0]
    assert (said.exit_code, first["severity"], first["figures"]) == (1, "problem", "127.0.0.1:1")
    assert first["what"] == "the resolver does not answer: no name can be looked up"
