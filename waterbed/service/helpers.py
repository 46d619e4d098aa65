"""Further processes of the service, which only make passes."""

from collections.abc import Callable
from time import monotonic

from waterbed.crawler.crew import Channel, Crew, Message, Work

Told = Callable[[int, Message], None]
"""Called with a helper's number and what it told."""

HelpOut = Callable[[Channel, float | None], Message]
"""A helper's work, for so many seconds; None: endless."""


class Helpers:
    """Helpers, and the keeper that begins them again.

    The keeper is forked before the service has a thread or a connection, and has none itself: so it can fork again.
    """

    def __init__(self, help_out: HelpOut, count: int, seconds: float | None, longest_wait_s: float) -> None:
        """Begin the keeper, which begins the helpers."""
        ends = None if seconds is None else monotonic() + seconds

        def work(channel: Channel) -> Message:
            return help_out(channel, None if ends is None else max(0.0, ends - monotonic()))

        self._crew = Crew()
        self._crew.begin(lambda channel: _keep(channel, work, count, longest_wait_s))

    @property
    def busy(self) -> bool:
        """True until the last helper has ended."""
        return self._crew.busy

    def fileno(self) -> int:
        """Be watched by an event loop: readable means news."""
        return self._crew.only.fileno()

    def hear(self, told: Told) -> None:
        """Pass on what helpers told, without waiting."""
        for _, message in self._crew.hear(0.0):
            told(message.pop("helper", 0), message)

    def stop(self) -> None:
        """Let all helpers end in order."""
        self._crew.stop()


def _keep(channel: Channel, work: Work, count: int, longest_wait_s: float) -> Message:
    """Keep helpers going until told to stop, or until whoever began this is gone."""
    crew = Crew()
    again: list[float] = [0.0] * count
    tries = 0
    while again or crew.busy:
        if not crew.stopping:
            now = monotonic()
            for _ in range(sum(at <= now for at in again)):
                crew.begin(work)
            again = [at for at in again if at > now]
        for number, message in crew.hear(1.0, channel):
            if not number:
                crew.stop()
                again = []
                continue
            channel.tell({"helper": number, **message})
            tries = 0 if "looks" in message else tries
            if not crew.stopping and ("died" in message or "own" in message or "input" in message):
                again.append(monotonic() + min(longest_wait_s, 2.0 ** min(tries, 16)))
                tries += 1
    return {}
