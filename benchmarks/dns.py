"""Starts the benchmark of resolving.py: our resolver against dnspython's.

This folder is on the path of every script in it, where this file's name would hide the library's: imported as `dns`, it
puts the library in its own place.
"""

import runpy
import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    runpy.run_path(str(HERE / "resolving.py"), run_name="__main__")
else:
    kept = sys.path[:]
    sys.path[:] = [entry for entry in kept if Path(entry).resolve() != HERE]
    del sys.modules[__name__]
    import_module(__name__)
    sys.path[:] = kept
