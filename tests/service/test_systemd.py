"""systemd's unit files: checked by systemd itself."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.study.rig import Run
from waterbed.model.errors import InputError
from waterbed.service.systemd import units
from waterbed.store.config import Config
from waterbed.study.study import create_study

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "systemd"


@dataclass(frozen=True)
class Unit:
    """A unit file's keys, in order."""

    pairs: tuple[tuple[str, str], ...]

    def of(self, key: str) -> list[str]:
        return [value for name, value in self.pairs if name == key]


def parsed(text: str) -> Unit:
    lines = [line for line in text.splitlines() if line and not line.startswith("[")]
    return Unit(tuple((name, value) for name, _, value in (line.partition("=") for line in lines)))


def example() -> dict[str, str]:
    return units(
        study=Path("/srv/waterbed/study"),
        program=Path("/opt/waterbed/bin/waterbed"),
        keys=Path("/etc/waterbed/study.keys"),
        user="waterbed",
        config=Config(study="5" * 32),
    )


def test_the_examples_are_what_the_command_writes() -> None:
    """docs/examples/systemd holds exactly the files that `waterbed run --systemd` would write for a study in /srv."""
    assert {path.name: path.read_text() for path in EXAMPLES.iterdir()} == example()


def test_written_units_name_this_study(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command writes a service, and a pass with its timer, with absolute paths, the key file and time to stop."""
    with create_study(tmp_path / "study", Config(study="5" * 32)):
        pass
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("-C", "study", "run", "--systemd", "units")
    assert code == 0
    assert out.count("wrote") == 3
    service = parsed((tmp_path / "units" / "waterbed.service").read_text())
    (start,) = service.of("ExecStart")
    assert start.endswith(f"-C {tmp_path / 'study'} run")
    assert Path(start.split()[0]).is_absolute()
    (keys,) = [value for value in service.of("Environment") if value.startswith("WATERBED_KEY_FILE=")]
    assert Path(keys.partition("=")[2]).is_file()
    assert int(service.of("TimeoutStopSec")[0]) >= 30 + 60
    assert service.of("ReadWritePaths") == [str(tmp_path / "study")]


@pytest.mark.parametrize("name", ["my study", 'a"b', "a;b", "a\\b"])
def test_a_path_that_no_unit_can_name_is_refused(name: str) -> None:
    """Spaces, quotes and the like are refused with the path, rather than written wrongly."""
    with pytest.raises(InputError, match="no unit file can name it"):
        units(study=Path("/srv") / name, program=Path("/x"), keys=Path("/k"), user="w", config=Config(study="5" * 32))


def test_a_percent_sign_stays_one() -> None:
    """Systemd replaces %x in unit files; a folder's own % is written twice."""
    made = units(study=Path("/srv/a%n"), program=Path("/x"), keys=Path("/k"), user="w", config=Config(study="5" * 32))
    assert "-C /srv/a%%n run" in made["waterbed.service"]


KNOWN = {
    "Unit": "Description Wants After StartLimitIntervalSec",
    "Service": "Type NotifyAccess User ExecStart Restart RestartSec RestartPreventExitStatus WatchdogSec KillMode "
    "TimeoutStopSec TimeoutStartSec SuccessExitStatus Environment UMask LimitCORE NoNewPrivileges PrivateTmp "
    "PrivateDevices ProtectSystem ProtectHome ProtectKernelTunables ProtectKernelModules ProtectControlGroups "
    "RestrictAddressFamilies RestrictRealtime LockPersonality ReadWritePaths",
    "Timer": "OnCalendar AccuracySec RandomizedDelaySec Persistent",
    "Install": "WantedBy",
}
"""Directives of systemd.unit(5), systemd.service(5), systemd.exec(5) and systemd.timer(5) that are used, by section."""


def complaints(folder: Path) -> list[str]:
    """What `systemd-analyze verify` says of unit files; on a machine without systemd, what the lists above say."""
    verify = shutil.which("systemd-analyze")
    if verify:
        done = subprocess.run(
            [verify, "verify", "--man=no", *sorted(str(path) for path in folder.glob("waterbed*"))],
            capture_output=True,
            text=True,
            check=False,
        )
        return [line for line in (done.stdout + done.stderr).splitlines() if "waterbed" in line]
    found, section = [], ""
    for line in (line for path in folder.glob("waterbed*") for line in path.read_text().splitlines() if line):
        section = line.strip("[]") if line.startswith("[") else section
        if not line.startswith("[") and line.partition("=")[0] not in KNOWN[section].split():
            found.append(line)
    return found


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """No complaint of any file, and a misspelt directive is found."""
    made = units(
        study=tmp_path, program=Path("/bin/true"), keys=tmp_path / "k", user="root", config=Config(study="5" * 32)
    )
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    assert complaints(tmp_path) == []
    (tmp_path / "waterbed.service").write_text(made["waterbed.service"].replace("KillMode=", "KilMode="))
    assert len(complaints(tmp_path)) == 1
