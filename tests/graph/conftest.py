"""Arrays at the ends of memory, for machine code that must not touch what lies beyond."""

import ctypes
import mmap
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

PAGE = mmap.PAGESIZE


@pytest.fixture
def fenced() -> Iterator[Callable[[Any, bool], Any]]:
    """A copy of an array that ends, or begins, where touching memory ends the process."""
    if os.name != "posix":
        pytest.skip("fences in memory are made with mprotect")
    library = ctypes.CDLL(None)
    kept = []

    def copy(x: Any, behind: bool) -> Any:
        pages = -(-x.nbytes // PAGE) * PAGE
        area = mmap.mmap(-1, pages + 2 * PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(area))
        for fence in (start, start + PAGE + pages):
            assert library.mprotect(ctypes.c_void_p(fence), ctypes.c_size_t(PAGE), 0) == 0
        kept.append((area, start, pages))
        first = PAGE + (pages - x.nbytes if behind else 0)
        found = np.frombuffer(area, x.dtype, x.size, first).reshape(x.shape)
        found[...] = x
        return found

    yield copy
    for _, start, pages in kept:
        for fence in (start, start + PAGE + pages):
            library.mprotect(ctypes.c_void_p(fence), ctypes.c_size_t(PAGE), 3)
