"""Holds 200 requests a second for rankings against `waterbed serve` on loopback, and says how long answers took."""

import argparse
import asyncio
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from figures import Figure, tell

COMMAND = [sys.executable, "-m", "waterbed.cli"]


@contextmanager
def serving(study):
    """The port of a server of that study, a process of its own."""
    words = [*COMMAND, "-C", str(study), "serve", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            found = re.search(r":(\d+)/ ", server.stdout.readline())
            if not found:
                raise SystemExit("the server did not start: try waterbed serve on that study")
            while asyncio.run(first_answer(int(found[1]))) == 503:
                time.sleep(0.5)
            yield int(found[1])
        finally:
            server.terminate()


async def first_answer(port):
    """The status of /health: 503 while the first edition is being made."""
    connection = await asyncio.open_connection("127.0.0.1", port)
    status = (await ask(*connection, "/health"))[0]
    connection[1].close()
    return status


async def ask(reader, writer, path, tag=None):
    """Ask once over a kept connection: status, entity tag, content."""
    known = f"If-None-Match: {tag}\r\n" if tag else ""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{known}\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"content-length: (\d+)", head, re.I)
    content = await reader.readexactly(int(length[1])) if length else b""
    etag = re.search(r"etag: (\S+)", head, re.I)
    return int(head.split()[1]), etag[1] if etag else None, content


async def paths_of(port):
    """A page of each ranking, and a row of each."""
    connection = await asyncio.open_connection("127.0.0.1", port)
    overview = json.loads((await ask(*connection, "/v1"))[2])
    found = []
    for by in overview["rankings"]:
        rows = json.loads((await ask(*connection, f"/v1/rankings/{by}"))[2])["rows"]
        found += [
            f"/v1/rankings/{by}",
            *(f"/v1/rankings/{by}/{row['key']}" for row in rows[:1] if "/" not in row["key"]),
        ]
    connection[1].close()
    return found


async def worker(port, paths, queue, took, errors):
    """Ask what is due, one after the other; every fourth asker has the answer already."""
    loop, tags = asyncio.get_running_loop(), {}
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (item := await queue.get()) is not None:
        number, due = item
        path = paths[number % len(paths)]
        try:
            status, tags[path], _ = await ask(reader, writer, path, tags.get(path) if number % 4 == 0 else None)
            if status not in (200, 304):
                errors.append(f"status {status}")
        except (OSError, asyncio.IncompleteReadError) as problem:
            errors.append(type(problem).__name__)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        took.append(loop.time() - due)
    writer.close()


async def load(port, rate, seconds, connections):
    """Requests at even times, whether or not earlier ones are answered; times count from when each was due."""
    paths, queue, took, errors = await paths_of(port), asyncio.Queue(), [], []
    loop = asyncio.get_running_loop()
    workers = [asyncio.create_task(worker(port, paths, queue, took, errors)) for _ in range(connections)]
    began = loop.time() + 0.2
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - loop.time()))
        queue.put_nowait((number, due))
    for _ in workers:
        queue.put_nowait(None)
    await asyncio.gather(*workers)
    return took, errors, loop.time() - began, len(paths)


def main():
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("study", nargs="?", type=Path, help="a study folder; else the demo is made")
    reader.add_argument("--rate", type=float, default=200.0)
    reader.add_argument("--seconds", type=float, default=30.0)
    reader.add_argument("--connections", type=int, default=16)
    asked = reader.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = asked.study
        if study is None:
            study = Path(folder) / "demo"
            subprocess.run([*COMMAND, "demo", "--out", str(study)], check=True, stdout=subprocess.DEVNULL)
        with serving(study) as port:
            took, errors, wall, paths = asyncio.run(load(port, asked.rate, asked.seconds, asked.connections))
    ordered = sorted(one * 1000 for one in took)
    p50, p99 = (ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
    print(f"{platform.python_implementation()} {platform.python_version()}, {paths} paths of rankings, {wall:.1f} s")
    print(f"{len(took):,} requests, {len(took) / wall:.1f} a second, {len(errors)} errors {sorted(set(errors))}")
    print(f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, most {ordered[-1]:.2f} ms")
    held = not errors and len(took) / wall >= 0.98 * asked.rate
    rate = len(took) / wall
    tell(
        Figure(
            work="requests for rankings answered, without an error",
            ours=rate if not errors else 0.0,
            unit="requests/s",
            value=rate if not errors else 0.0,
            bound="at least",
            target=0.98 * asked.rate,
        )
    )
    print("held" if held else "not held")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
