"""The failures that are ours, never the network's.

What the network did is a value (`Observation.failure`); these are raised.

    WaterbedError
    ├── InputError        what the user gave cannot be used: exit code 2
    │   ├── BadUrl        one reported address that no spelling rule accepts
    │   ├── StudyMissing  no study folder where one was expected
    │   └── KeyProblem    keys are missing, wrong or in a forbidden place
    └── OwnFailure        we broke, and nothing may be concluded: exit code 3
        └── StoreFailure  the database could not do its part: damaged, full, read-only, gone
"""


class WaterbedError(Exception):
    """Any failure that Waterbed itself reports."""


class InputError(WaterbedError):
    """What the user gave cannot be used.

    The message is one sentence: the value, what was expected, where to look.
    """


class BadUrl(InputError):
    """A reported address that cannot be spelled canonically.

    The message never repeats the address: it ends up in terminals and logs.
    """


class StudyMissing(InputError):
    """No study folder stands where one was expected."""


class KeyProblem(InputError):
    """The study's keys are missing, wrong or in a forbidden place."""


class OwnFailure(WaterbedError):
    """Waterbed failed, so nothing may be concluded."""


class StoreFailure(OwnFailure):
    """The study's database could not do its part."""
