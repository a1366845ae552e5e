"""NumPy's settings while a stack trains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

# When an operand is broadcast or has gaps, NumPy copies into buffers of this many values to make
# its inner loops longer. Rows longer than the buffer are not copied: with the default of 8,192 an
# optimizer's pass costs up to four times as much. A smaller buffer slows short rows down.
_BUFFER = 2048


@contextmanager
def engine_arithmetic() -> Iterator[None]:
    """Short ufunc buffers, and no warnings: a trial that diverges overflows, its loss tells.

    Neither changes a bit: no sum of the engine runs through a buffer.
    """
    with np.errstate(all="ignore"):  # restores the buffer size as well
        np.setbufsize(_BUFFER)
        yield
