"""Steps of conclusions: worked out once, and nothing of the work stays in memory."""

from pathlib import Path

from waterbed.study.steps import Step

PIECE = 100_000
"""Bytes, few enough for the heap that a library keeps."""


def held() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Working:
    """Has a step that needs 200 MB meanwhile and leaves 100 kB, which lie above all that."""

    varies = None

    @Step
    def found(self) -> bytearray:
        """What the step found."""
        pieces = [bytearray(PIECE) for _ in range(2_000)]
        return pieces[-1]


def test_what_a_step_needed_meanwhile_goes_back_to_the_system():
    """Of 200 MB that a step freed fewer than 50 are held afterwards, and its value is made once."""
    working, before = Working(), held()
    assert len(working.found) == PIECE
    assert working.found is working.found
    assert held() - before < 50_000_000
