"""Settings that would stop a study, or mislead it, are refused where they are read."""

from pathlib import Path

import pytest

from tests.study.rig import Run
from waterbed.model.errors import InputError
from waterbed.questions.sensitivity.variants import confirming
from waterbed.store.config import Config, read_config
from waterbed.store.settings import Judge


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[names]\ntries = 0", ("names.tries 0 ", "a whole number from 1 to 10 was expected")),
        ("[names]\ntries = 11", ("names.tries 11 ", "a whole number from 1 to 10 was expected")),
        ("[registry]\ntries = 21", ("registry.tries 21 ", "a whole number from 1 to 20 was")),
        ("[probe]\nbatch = 0", ("probe.batch 0 ", "a whole number from 1 to 1e+09 was")),
        ("[publish]\ntlp = 'white'", ("publish.tlp", "'white'", "one of clear, green, amber, amber+strict, red was")),
        ("[probe.profiles]\nx = 'all'", ("probe.profiles", "'all'")),
        ("[linking]\noff = ['nonsense']", ("linking.off", "'nonsense'", "one of content_id, same_url, ")),
        ("[linking]\ncaps = {nonsense = 3}", ("linking.caps", "'nonsense'", "one of content_id, same_url, ")),
        ("[norm]\nrate = 0.5", ("norm.rate 0.5: a number up to 0.2",)),
        ("[guard]\nports = [80, 0]", ("guard.ports[1] 0: a whole number from 1",)),
        ("[schedule]\ninterval_s = nan", ("schedule.interval_s nan", "1 to 3.16224e+07 seconds")),
        ("[schedule]\nconfirm_s = [600.0, 0.5]", ("schedule.confirm_s 0.5", "1 to 3.16224e+07 seconds")),
        ("[schedule]\njitter = nan", ("schedule.jitter nan", "0 or more and below 1")),
        ("[schedule]\nlooks_a_day = 0", ("schedule.looks_a_day 0", "a whole number from 1")),
        ("network = 'https://x.example/'", ("the network [not shown] is not a name like",)),
        ("vantage = 'a b'", ("the vantage 'a b' is not a name like",)),
        ("vantage = ''", ("the vantage '' is not a name like",)),
        ("[[vantages]]\nname = 'https://x.example/'\nnetwork = 'AS1'", ("the vantage [not shown] is not a name",)),
        ("[[vantages]]\nname = 'b'\nnetwork = 'a b'", ("the network 'a b' is not a name like",)),
        ("[guard]\ndeny = ['https://x.example/']", ("guard.deny [not shown] is not a network",)),
        ("[service]\nlisten = 'nonsense'", ("service.listen 'nonsense'", "127.0.0.1:9477")),
        ("[canary]\ntargets = ['https://a.org', 'https://A.org/']", ("number 2: address is the same as number 1",)),
        ("[canary]\ntargets = ['https://me:secret@a.org/']", ("number 1: address has a user or a password",)),
        ("[names]\ntimeout_s = nan", ("names.timeout_s nan",)),
        ("[names]\nresolver = 'dns.example:53'", ("names.resolver 'dns.example:53'", "address:port")),
        ("[names]\nresolver = '127.0.0.1:99999'", ("names.resolver", "address:port")),
        ("[names]\nresolver = '127.0.0.1:\u0663'", ("names.resolver", "address:port")),
        ("[probe]\nper_address = 0", ("probe.per_address 0",)),
        ("[probe]\ndelay_s = -1.0", ("probe.delay_s -1", "0 to 1e+09")),
        (
            "[probe.profiles]\nabuse-material = 'text'",
            ("probe.profiles gives abuse-material", "'text'", "docs/ethics.md"),
        ),
        ("[probe]\ndefault_profile = 'headers'\n[probe.profiles]", ("the profile 'headers'; 'strict' was expected",)),
        ("[probe]\ndefault_profile = 'text'", ("probe.default_profile is 'text'", "'strict' or 'headers'")),
        ("[schedule]\nyoung_hours = inf", ("schedule.young_hours inf",)),
        ("[judge]\nconfirm_looks = 0", ("judge.confirm_looks 0",)),
        ("[canary]\nevery_s = 601.0", ("canary.every_s 601", "twice judge.canary_within_s, 600")),
        ("[canary]\nneed = 1.5", ("canary.need 1.5", "0.001 to 1 was")),
        ("[canary]\nneed = 0.0", ("canary.need 0 ", "0.001 to 1 was")),
        ("[judge]\nfreeze_s = 7199.0", ("judge.freeze_s 7199 is shorter than judge.confirm_s 7200", "docs/method.md")),
        ("[judge]\nconfirm_s = 20000.0", ("judge.freeze_s 14400", "judge.confirm_s 20000")),
        ("[canary]\ntargets = ['https://a.org/', 'ftp://a.org/']", ("canary.targets, number 2: address has a scheme",)),
        ("[canary]\ntargets = ['']", ("canary.targets, number 1: address is empty",)),
        ("[cycle_guard]\nshare = nan", ("cycle_guard.share nan",)),
        ("[registry.a_minute]\nripe = 0.0", ("registry.a_minute.ripe 0",)),
        ("[linking]\nweak = -1.0", ("linking.weak -1",)),
        ("routes_max_age_days = nan", ("routes_max_age_days nan",)),
        ("routes_max_age_days = 1e9", ("routes_max_age_days 1e+09", "0 to 36525")),
        ("[judge]\nrotation_hours = 1e9", ("judge.rotation_hours 1e+09", "0 to 876600")),
        ("[cycle_guard]\ncycle_s = 1e-300", ("cycle_guard.cycle_s 1e-300", "0.001 to")),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(tmp_path: Path, text: str, parts: tuple[str, ...]) -> None:
    """The setting, its value, what was expected, and where to look."""
    path = tmp_path / "waterbed.toml"
    path.write_text(f'study = "x"\n{text}\n', encoding="utf-8")
    with pytest.raises(InputError) as problem:
        read_config(path)
    said = str(problem.value)
    assert all(part in said for part in (*parts, "docs/operations.md, Settings")), said
    assert "\n" not in said


def test_weights_and_seeds_may_be_negative(tmp_path: Path) -> None:
    """Evidence may speak against a link."""
    path = tmp_path / "waterbed.toml"
    path.write_text('study = "x"\n[linking]\nname_odds = -2.0\nweights = {"path" = -3.0}\n[coding]\nseed = -7\n')
    read = read_config(path)[0]
    assert (read.linking.name_odds, read.linking.weights, read.coding.seed) == (-2.0, {"path": -3.0}, -7)
    assert Config(study="x") == Config(study="x")


@pytest.mark.parametrize("level", ["1 look", "3 looks over 2 h", "5 looks over 12 h"])
@pytest.mark.parametrize("freeze_s", [7200.0, 14400.0])
def test_other_confirmations_freeze_no_shorter(level: str, freeze_s: float) -> None:
    """The sensitivity of conclusions can be asked for with every confirmation, and a freeze as short as allowed."""
    judge = confirming(Config(study="x", judge=Judge(freeze_s=freeze_s)), level).judge
    assert judge.freeze_s >= max(freeze_s, judge.confirm_s)


@pytest.mark.parametrize(
    "words",
    [
        ("--resolver", "dns.example:53"),
        ("--resolver", ""),
        ("--canary", "ftp://a.org/"),
        ("--canary", "http://127.0.0.1/"),
    ],
)
def test_init_with_such_a_setting_makes_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
) -> None:
    """Neither a study nor keys are left behind."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    code, out, err = run("init", tmp_path / "study", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []
