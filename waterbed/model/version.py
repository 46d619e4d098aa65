"""The version of Waterbed."""

from typing import Final

__version__: Final = "0.2.0"
