"""One folder a question: what it computes, its command, its page, its figures.

Each registers itself by `QUESTION` in its package, as a plug-in does by the entry-point group `waterbed.questions`.
"""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from waterbed.shown.question import Question

BUILT_IN: Final[Mapping[str, Question]] = {
    module.name: import_module(f"{__name__}.{module.name}").QUESTION
    for module in iter_modules(__path__)
    if module.ispkg
}
"""The questions by the name of their folder: without it the commands of a question are gone."""
