"""One library's run for origins.py: opens its table, answers all addresses, tells its rates and memory."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

ROUNDS = 3
Answers = Callable[[list[str]], np.ndarray]


def main() -> None:
    """Open, answer, and print one line of JSON."""
    who, folder = sys.argv[1], Path(sys.argv[2])
    texts = [(folder / f"{name}.txt").read_text().split("\n") for name in ("v4", "v6")]
    run = _ours if who.startswith("ours") else _peer
    print(json.dumps(run(who, folder, texts)))


def _ours(who: str, folder: Path, texts: list[list[str]]) -> dict[str, float]:
    from waterbed.attribution.lookups.tables.addresses import Packed, pack  # noqa: PLC0415 (start-up is not measured)
    from waterbed.attribution.lookups.tables.routes import RouteTables  # noqa: PLC0415

    v4, v6 = np.load(folder / "v4.npy").astype(np.uint64), np.load(folder / "v6.npy")
    packed = [
        Packed(family=np.full(len(v4), 4, np.uint8), high=np.zeros(len(v4), np.uint64), low=v4),
        Packed(
            family=np.full(len(v6), 6, np.uint8),
            high=np.ascontiguousarray(v6[:, 0]),
            low=np.ascontiguousarray(v6[:, 1]),
        ),
    ]
    before = _resident()
    began = time.perf_counter()
    routes = RouteTables.load(folder / "ours")
    opened = time.perf_counter() - began
    opened_mib = _resident() - before
    table = routes.table

    def answers(family: int) -> np.ndarray:
        sets = table.sets_of(pack(texts[family]) if who != "ours" else packed[family])
        return np.where(sets >= 0, table.members[table.offsets[np.maximum(sets, 0)]], 0)

    rates, found = [], []
    for family in (0, 1):
        seconds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            origins = answers(family)
            seconds.append(time.perf_counter() - began)
        rates.append(len(texts[family]) / median(seconds))
        found.append(origins)
    np.save(folder / "answers.npy", np.concatenate(found).astype(np.uint32))
    return _told(opened, rates, opened_mib, _resident() - before)


def _peer(who: str, folder: Path, texts: list[list[str]]) -> dict[str, float]:
    opening = {"pyasn": _pyasn, "maxminddb": _maxminddb, "geoip2": _geoip2}[who]
    opening(folder, only_import=True)
    before = _resident()
    began = time.perf_counter()
    answer = opening(folder, only_import=False)
    opened = time.perf_counter() - began
    opened_mib = _resident() - before
    rates, found = [], []
    for each in texts:
        began = time.perf_counter()
        found.append(answer(each))
        rates.append(len(each) / (time.perf_counter() - began))
    np.save(folder / "answers.npy", np.concatenate(found))
    return _told(opened, rates, opened_mib, _resident() - before)


def _pyasn(folder: Path, *, only_import: bool) -> Answers:
    import pyasn  # noqa: PLC0415 (only its own run needs it)

    if only_import:
        return np.array
    lookup = pyasn.pyasn(str(folder / "routes.dat")).lookup
    return lambda texts: np.fromiter((lookup(text)[0] or 0 for text in texts), np.uint32, len(texts))


def _maxminddb(folder: Path, *, only_import: bool) -> Answers:
    import maxminddb  # noqa: PLC0415 (only its own run needs it)

    if only_import:
        return np.array
    reader = maxminddb.open_database(folder / "routes.mmdb", maxminddb.MODE_MMAP_EXT)
    get = reader.get
    name = "autonomous_system_number"
    return lambda texts: np.fromiter(((get(text) or _NONE)[name] for text in texts), np.uint32, len(texts))


def _geoip2(folder: Path, *, only_import: bool) -> Answers:
    import geoip2.database  # noqa: PLC0415 (only its own run needs it)
    from geoip2.errors import AddressNotFoundError  # noqa: PLC0415

    if only_import:
        return np.array
    asn = geoip2.database.Reader(folder / "routes.mmdb").asn

    def answer(text: str) -> int:
        try:
            return asn(text).autonomous_system_number or 0
        except AddressNotFoundError:
            return 0

    return lambda texts: np.fromiter(map(answer, texts), np.uint32, len(texts))


_NONE = {"autonomous_system_number": 0}


def _told(opened: float, rates: list[float], opened_mib: float, answered_mib: float) -> dict[str, float]:
    return {
        "opened_s": opened,
        "v4_rate": rates[0],
        "v6_rate": rates[1],
        "opened_mib": opened_mib,
        "answered_mib": answered_mib,
    }


def _resident() -> float:
    """Resident memory now, MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
