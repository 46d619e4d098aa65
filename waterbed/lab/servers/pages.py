"""The servers' pages and images, each full of a marker.

The marker would betray their bytes anywhere else.
"""

import gzip
import secrets
import zlib
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from random import Random

from waterbed.lab.servers.state import BODY_BYTES, Behaviour, page
from waterbed.lab.world.file import SEIZED
from waterbed.lab.world.names import word
from waterbed.lab.world.records import Shown, SiteTraits

_IMAGE_HEAD = b"\xff\xd8\xff\xe0"
_WORDS = 12
_LINES = 20


class Pages:
    """Builds the answers of one world's servers."""

    def __init__(self, marker: str | None = None) -> None:
        """Mark all bodies with `marker`, else with a random one."""
        self.marker = marker or secrets.token_hex(8)
        self._asked = 0

    def content(self, traits: SiteTraits, shown: Shown) -> Behaviour:
        """Return the content of a URL while it is up."""
        body = self._image() if shown.image else self._text(shown.content_id, traits)
        return self._answer(
            traits, body, media_type=shown.media_type, tag=shown.content_id, image=shown.image, changes=not shown.image
        )

    def front(self, traits: SiteTraits, host: str) -> Behaviour:
        """The page of a site itself, which nobody reported."""
        return self._answer(traits, self._text(f"front of {host}", traits), tag=f"front of {host}")

    def default(self, traits: SiteTraits, owner: str, target: str, *, echo: bool = False) -> Behaviour:
        """Return a page with status 200 for missing content.

        `owner` is the name on the page.
        """
        return self._answer(traits, self._default(owner, target if echo else ""), tag=owner)

    def missing(self, traits: SiteTraits | None, status: int) -> Behaviour:
        """Return a page whose status says that nothing is there."""
        body = f"<!doctype html><title>{status}</title><p>No such page. {self.marker}</p>\n".encode()
        if traits is None:
            return page(body, status=status)
        return page(body, status=status, head=traits.head, head_status=traits.head_lie, length=traits.length)

    def beyond(self, key: str, host: str) -> Behaviour:
        """Return a banner of a seizure, or a parking page.

        Half of the latter have its header.
        """
        if key == SEIZED:
            return page(f"<!doctype html><title>This domain has been seized</title><p>{self.marker}</p>\n".encode())
        offer = f"<!doctype html><title>{host}</title><p>This domain is for sale. {self.marker}</p>\n" * _LINES
        marked = sha256(host.encode()).digest()[0] % 2 == 0
        return page(offer.encode(), extra=(("X-Adblock-Key", "lab"),) if marked else ())

    def _answer(
        self,
        traits: SiteTraits,
        body: bytes,
        *,
        tag: str,
        media_type: str = "text/html",
        image: bool = False,
        changes: bool = True,
    ) -> Behaviour:
        if changes and traits.dynamic != "no":
            body = body + self._fresh(traits)
        if traits.echo or (changes and traits.dynamic != "no"):
            tag = sha256(body).hexdigest()
        return page(
            body,
            media_type=media_type,
            tag="" if traits.no_etag else tag,
            head=traits.head,
            head_status=traits.head_lie,
            length=traits.length,
            image=image,
        )

    def _fresh(self, traits: SiteTraits) -> bytes:
        # never twice the same, and not always of the same length
        self._asked += 1
        rng = Random(f"{self.marker} {self._asked}")  # noqa: S311 - nothing secret
        text = f"<p>Visitor {rng.randrange(10 ** rng.randint(1, 9))} of request {self._asked}</p>"
        if traits.dynamic == "words":
            text += f"<p>{' '.join(word(rng) for _ in range(rng.randint(3, 9)))}</p>"
        return text.encode()

    def _image(self) -> bytes:
        return _IMAGE_HEAD + self._filled(self.marker.encode() + bytes(range(256)), BODY_BYTES - len(_IMAGE_HEAD))

    def _text(self, what: str, traits: SiteTraits) -> bytes:
        """Return invented words, always the same for the same content."""
        rng = Random(f"text of {what}")  # noqa: S311 - nothing secret
        title = " ".join(word(rng) for _ in range(2))
        line = f"<p>{' '.join(word(rng) for _ in range(_WORDS))} {self.marker}</p>\n".encode()
        top = f"<!doctype html><title>{title}</title>\n".encode()
        return top + self._filled(line, BODY_BYTES - len(top))

    def _default(self, owner: str, echoed: str) -> bytes:
        question = f"<p>You asked for {echoed}</p>" if echoed else ""
        rng = Random(f"default page of {owner}")  # noqa: S311 - nothing secret
        text = f"<!doctype html><title>Welcome</title>{question}"
        text += f"<p>This server says {word(rng)} to everything. {self.marker}</p>\n" * _LINES
        return text.encode()

    @staticmethod
    def _filled(piece: bytes, size: int) -> bytes:
        return (piece * (size // len(piece) + 1))[:size]


def marked_files(folder: Path, marker: str) -> list[Path]:
    """Return files that hold a scene's marker.

    It is searched in the clear, in UTF-16 and in base64, after undoing gzip.

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
    """The context-free part of each of the three base64 forms."""
    return [b64encode(b"\x00" * shift + data)[4 if shift else 0 : -4] for shift in range(3)]
