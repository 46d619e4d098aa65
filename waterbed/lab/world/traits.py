"""How the servers of a site behave, drawn for each host apart: a new trait leaves all other draws as they were."""

from random import Random

from waterbed.lab.world.file import World
from waterbed.lab.world.records import Dynamic, Length, SiteTraits

_LIES = (404, 403, 500)


class Chances:
    """Draws of one host, each from a source of its own."""

    def __init__(self, world: World, host: str) -> None:
        """Take the world's seed and the host's name."""
        self._seed = f"waterbed lab {world.seed} {host}"

    def share(self, what: str) -> float:
        """A number in 0..1, always the same for the same thing."""
        return self.rng(what).random()

    def rng(self, what: str) -> Random:
        """A source of randomness for one thing."""
        return Random(f"{self._seed} {what}")  # noqa: S311 - a simulation must be repeatable


def further_traits(world: World, host: str, first: SiteTraits) -> SiteTraits:
    """Complete the traits of a host; `first` holds those that the world's own course draws."""
    servers, chances = world.servers, Chances(world, host)

    def chosen(what: str, share: float) -> bool:
        return share > 0 and chances.share(what) < share

    def half(what: str) -> bool:
        return chances.share(f"{what}, which") < 0.5

    length: Length = "stated"
    if chosen("no_length", servers.no_length):
        length = "chunked" if half("no_length") else "close"
    dynamic: Dynamic = "no"
    if chosen("dynamic", servers.dynamic):
        dynamic = "words" if half("dynamic") else "numbers"
    lies = chosen("head_lies", servers.head_lies) and first.head == "plain"
    return SiteTraits(
        https=first.https,
        https_redirect=first.https_redirect,
        catch_all=first.catch_all,
        indistinct=first.indistinct,
        head=first.head,
        length=length,
        no_etag=chosen("no_etag", servers.no_etag),
        echo=chosen("echo", servers.echo),
        dynamic=dynamic,
        spa=chosen("spa", servers.spa),
        head_lie=chances.rng("head_lie").choice(_LIES) if lies else 0,
        https_root=chosen("https_root", servers.https_root) and not first.https,
        root_denied=half("root"),
        alias=chosen("cname", world.sites.cname),
    )
