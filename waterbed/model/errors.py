"""The failures that are ours, never the network's.

Failures of the network are values (`Observation.failure`); these are raised.

    WaterbedError
    ├── InputError        unusable input of the user: exit code 2
    │   ├── BadUrl        one reported address that no spelling rule accepts
    │   ├── StudyMissing  no study folder where one was expected
    │   ├── KeyProblem    keys are missing, wrong or in a forbidden place
    │   ├── ReadOnly      the study's folder or store can be read, not written to
    │   └── NotNow        the study takes in nothing at this moment: try again later
    └── OwnFailure        we broke, and nothing may be concluded: exit code 3
        ├── ReaderBroke   a reader of ours broke on a file, which costs that file alone
        ├── LeaseLost     a run stood still so long that others took over what it held
        └── StoreFailure  the database could not do its part: damaged, full, read-only
            └── StoreGone   it cannot be reached, or broke off: it may come back
"""


class WaterbedError(Exception):
    """Any failure that Waterbed itself reports."""


class InputError(WaterbedError):
    """Unusable input of the user.

    The message is one sentence: the value, what was expected, where to look.
    """

    def __init__(self, said: str, *, key: str = "", see: str = "") -> None:
        """Take what is wrong, the key of the file that it is about, and the page of the documentation."""
        self.plain = f"{key}: {said}" if key else said
        """The message without the page, which readers of a publication do not have."""
        self.key, self.see = key, see
        super().__init__(f"{self.plain} ({see})" if see else self.plain)


class BadUrl(InputError):
    """A reported address that cannot be spelled canonically.

    The message never repeats the address: it ends up in terminals and logs.
    """


class StudyMissing(InputError):
    """No study folder stands where one was expected."""


class KeyProblem(InputError):
    """The study's keys are missing, wrong or misplaced."""


class ReadOnly(InputError):
    """The study can be read, and not written to."""


class NotNow(InputError):
    """The study takes in nothing at this moment."""


class OwnFailure(WaterbedError):
    """Waterbed failed, so nothing may be concluded."""


class ReaderBroke(OwnFailure):
    """A reader of ours broke on a file.

    It costs that file alone. The message never repeats the file's content.
    """


class StoreFailure(OwnFailure):
    """The study's database could not do its part."""


class StoreGone(StoreFailure):
    """The database cannot be reached, or broke off.

    It is unknown if it did the last step.
    """


class LeaseLost(OwnFailure):
    """A run stood still until others took over its leases."""

    def __init__(self) -> None:
        """Say what became of it."""
        super().__init__(
            "this run stood still for longer than schedule.lease_s, so what it held was given to others, and nothing "
            "that it saw since was recorded (docs/operations.md, Interrupted passes)"
        )
