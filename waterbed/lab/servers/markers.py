"""Whether bytes of what the lab's servers sent lie in a folder."""

import gzip
import zlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path


def marked_files(folder: Path, marker: str) -> list[Path]:
    """Files that hold a scene's marker: in the clear, in UTF-16, or in base64, gzip undone.

    Bodies repeat their marker densely, so that any piece of some hundred bytes of one is found.
    """
    needles = [marker.encode(), marker.encode("utf-16-le"), marker.encode("utf-16-be"), *_base64_cores(marker.encode())]
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(needle in data for data in _contents(path) for needle in needles)
    ]


def _contents(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    yield data
    if data[:2] == b"\x1f\x8b":
        try:
            yield gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return


def _base64_cores(data: bytes) -> list[bytes]:
    """The part of each of the three base64 forms that does not depend on what stands around."""
    return [b64encode(b"\x00" * shift + data)[4 if shift else 0 : -4] for shift in range(3)]
