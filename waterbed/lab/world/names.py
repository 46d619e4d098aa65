"""Invented words, host names and paths."""

from functools import lru_cache
from ipaddress import ip_address, ip_network
from random import Random
from string import ascii_lowercase, digits
from zlib import crc32

from waterbed.lab.world.file import BEYOND

_ONSETS = (*"bdfgklmnprstvz", "br", "dr", "fl", "gr", "kl", "pl", "st")
_VOWELS = ("a", "e", "i", "o", "u", "oo", "ei")
_CODAS = ("", "", "l", "m", "n", "r", "sk", "x", "nd")
_FOLDERS = ("login", "secure", "img", "files", "wp-content", "account", "gallery", "update")


def word(rng: Random, syllables: int = 3) -> str:
    """Invent a word of so many syllables."""
    return "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(syllables))


class Namer:
    """Gives host names that were never given before."""

    def __init__(self, rng: Random) -> None:
        """Draw all names from one source of randomness."""
        self._rng = rng
        self._given: set[str] = set()

    def host(self, suffix: str, *, www: float = 0.2) -> str:
        """Return a new name under a suffix, sometimes with `www.`."""
        while True:
            label = word(self._rng)
            if label not in self._given:
                break
        self._given.add(label)
        prefix = "www." if self._rng.random() < www else ""
        return f"{prefix}{label}.{suffix}"


def target(rng: Random, *, image: bool, number: int) -> str:
    """Invent a path, sometimes with a query.

    `number` keeps the paths of one site apart.
    """
    folder = rng.choice(_FOLDERS)
    if image:
        return f"/{folder}/{word(rng, 2)}-{number}.jpg"
    shape = rng.random()
    if number == 0 and shape < 0.3:
        return "/"
    if shape < 0.5:
        return f"/{folder}/{word(rng, 2)}-{number}.html"
    if shape < 0.8:
        return f"/{folder}/{word(rng, 1)}{number}/"
    return f"/{folder}/view.php?id={number}{rng.randrange(1000, 9999)}"


def image_name(rng: Random, *, image: bool) -> str:
    """Invent the path of a file at an image host.

    The host has link checks.
    """
    token = "".join(rng.choices(ascii_lowercase + digits, k=8))
    return f"/i/{token}.jpg" if image else f"/i/{token}"


@lru_cache(65_536)
def beyond_of(address: str) -> str:
    """The reserved key whose network holds an address, or nothing."""
    return next((key for key, network in BEYOND.items() if ip_address(address) in ip_network(network)), "")


def beyond_addresses(key: str, host: str) -> tuple[str, ...]:
    """The address that a parked or seized name has."""
    network = ip_network(BEYOND[key])
    return (str(network[1 + crc32(host.encode()) % (network.num_addresses - 2)]),)
