"""TCP behaviours: hosts that cannot be connected, or hang up."""

from tests.zoo.behaviour import OK, Behaviour, Listening, Visit


async def _reset_at_once(visit: Visit) -> None:
    await visit.spoken_to()  # sooner, and chance decides whether connecting itself is seen to fail
    visit.reset()


async def _reset_after_request(visit: Visit) -> None:
    await visit.request()
    visit.reset()


async def _reset_within_head(visit: Visit) -> None:
    await visit.request()
    await visit.send(OK)
    visit.reset()


async def _half_open(visit: Visit) -> None:
    await visit.until_left()


async def _close_at_once(visit: Visit) -> None:
    """Hang up without a word."""


async def _close_after_request(visit: Visit) -> None:
    await visit.request()


async def _close_within_head(visit: Visit) -> None:
    await visit.request()
    await visit.send(OK)


async def _second_time_lucky(visit: Visit) -> None:
    """Close what was kept open as soon as it is used again."""
    request = await visit.request()
    await visit.send(OK + b"Content-Length: 5120\r\n\r\n")
    if request.method == "HEAD":
        await visit.request()


def _tcp(name: str, does: str, http: Listening) -> Behaviour:
    return Behaviour(name=name, does=does, http=http, kind="TCP")


def behaviours() -> list[Behaviour]:
    """All of them."""
    return [
        _tcp("refused", "Nothing listens.", "refused"),
        _tcp("black-hole", "The first packet is never answered.", "black hole"),
        _tcp("reset-after-accept", "Accepts, reads nothing and resets.", _reset_at_once),
        _tcp("reset-after-request", "Reads the request and resets.", _reset_after_request),
        _tcp("reset-within-head", "Resets within the head.", _reset_within_head),
        _tcp("half-open", "Accepts and never says a word.", _half_open),
        _tcp("close-at-once", "Accepts and hangs up.", _close_at_once),
        _tcp("close-after-request", "Reads the request and hangs up.", _close_after_request),
        _tcp("close-within-head", "Hangs up within the head.", _close_within_head),
        _tcp("close-when-kept", "Hangs up when a kept connection is used again.", _second_time_lucky),
    ]
