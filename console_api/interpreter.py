"""Interpreter: how this process runs Python, for many threads at once and many objects at rest.

switch interval     a request that touches a database ten times waits ten times for the interpreter
garbage collection  a full collection stops every thread; a projector's pages made one every few
                    batches, of 100 ms each
"""

import gc
import sys
from typing import Final

SWITCH_SECONDS: Final = 0.0005
"""How long a thread keeps the interpreter while others wait. With the default of 5 ms, a request
that touches SQLite ten times waits up to 50 ms for a projector that is drawing."""
YOUNG_OBJECTS: Final = 50_000
YOUNG_TO_MIDDLE: Final = 20
MIDDLE_TO_OLD: Final = 100
"""New objects, and collections of the younger generation, between two of the next older one.
Nearly all objects here go when nobody refers to them; only circles are left to the collector."""


def tune() -> None:
    """Make this process answer while it works; what it has loaded so far is never looked at again.

    Doing so again is allowed.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, YOUNG_TO_MIDDLE, MIDDLE_TO_OLD)
