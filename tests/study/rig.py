"""A lab study for tests: a small invented feed whose hosts answer on loopback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from waterbed.lab.servers.process import LabServers
from waterbed.lab.world.replay import replay
from waterbed.store.config import Config
from waterbed.store.machine_settings import Lab, StoreAt
from waterbed.store.settings import Canary, Names, Probe
from waterbed.study.study import Study, create_study

Run = Callable[..., tuple[int, str, str]]
"""The command line: words in; exit code, standard output and standard error out."""

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def feed(hosts: int, urls_each: int = 1, scheme: str = "http") -> list[tuple[str, str]]:
    """Invented URLs and the addresses that their hosts have."""
    return [
        (f"{scheme}://shop{n}.lab{n % 7}-example.com/p{k}/login", f"28.10.{n % 200}.{1 + n % 250}")
        for n in range(hosts)
        for k in range(urls_each)
    ]


def reports_csv(pairs: list[tuple[str, str]], folder: Path, name: str = "reports.csv") -> Path:
    """The feed as a reports file."""
    path = folder / name
    rows = [f'"{url}",2026-01-05T0{n % 10}:00:00Z' for n, (url, _) in enumerate(pairs)]
    path.write_text("\n".join(["url,reported_at", *rows]) + "\n")
    return path


def config(servers: LabServers, *, store: str = "sqlite", canaries: tuple[str, ...] = (), **probe: object) -> Config:
    """Settings for loopback."""
    return Config(
        study=f"{id(servers):032x}",
        vantage="lab",
        contact="lab@localhost",
        store=StoreAt(url=store),
        names=Names(timeout_s=3.0),
        probe=Probe(**{"delay_s": 0.0, "per_address": 64, "timeout_s": 5.0, **probe}),  # type: ignore[arg-type]
        canary=Canary(targets=canaries or servers.canary_urls),
    )


@contextmanager
def lab_study(
    pairs: list[tuple[str, str]], folder: Path, *, store: str = "sqlite", **probe: object
) -> Iterator[tuple[Study, LabServers]]:
    """A new study whose reported hosts answer."""
    with LabServers(replay(pairs), NOON) as servers:
        lab = Lab(resolver=servers.resolver, clock=NOON, connect_to=servers.connect_to)
        with create_study(folder / "study", config(servers, store=store, **probe), lab) as study:
            yield study, servers
