"""Imported when a kernel is first called: declares all kernels to numba. Whoever imports meanwhile waits for it."""

from edge.pixels.jit import declare_all
from edge.pixels.light import (  # they have every kernel
    lightened,  # noqa: F401
    lime,  # noqa: F401
)

declare_all()
