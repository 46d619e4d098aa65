"""What a disk that is full or read-only means, wherever it shows."""

import errno
from typing import Final

from waterbed.model.errors import OwnFailure, ReadOnly, WaterbedError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED: Final = (errno.EROFS, errno.EACCES, errno.EPERM)


def disk_trouble(problem: OSError) -> WaterbedError | None:
    """A failure of a disk as one of ours, in one sentence; None if it is none.

    The file's name is left out, for it may tell.
    """
    if problem.errno in _FULL:
        return OwnFailure(
            f"there is no room left on a disk ({problem.strerror}): what was recorded before is safe, this step was "
            "not finished; make room and start again (docs/operations.md, Full disk)"
        )
    if problem.errno in _CLOSED:
        return ReadOnly(
            f"the study folder, or the place that was named, cannot be written to ({problem.strerror}), and nothing "
            "was changed; rankings and other conclusions can be had all the same (docs/operations.md, Read only)"
        )
    return None
