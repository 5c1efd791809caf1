"""Memory that a process keeps for itself between training steps."""

from __future__ import annotations

import ctypes
import platform
from typing import Final

# From <malloc.h> of the GNU C library.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_MAX: Final = -4
_M_ARENA_MAX: Final = -8
_NEVER: Final = 2**31 - 1


def keep_freed_memory() -> bool:
    """Lets this process keep what it frees, for the next step. Returns whether that was possible.

    Each training step allocates the same large tensors. By default glibc gives them back to the
    system when they are freed, and the system hands out zeroed pages anew, a fault for each 4 KiB:
    a fifth of the time of a step on the CPU (docs/training.md has the measurement). Call it in a
    process that trains and does nothing else; memory is then held at its highest.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(
        [
            mallopt(_M_MMAP_MAX, 0),  # large blocks from the heap, not each from the system
            mallopt(_M_TRIM_THRESHOLD, _NEVER),  # the heap's top is not given back
            mallopt(_M_ARENA_MAX, 1),  # autograd's threads use the same heap
        ]
    )
