"""The pytest plugin: the fixture `assert_gradients`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .check import Report, gradcheck
from .errors import GradientError


def assert_gradients(f: Callable[..., Any], *args: Any, **options: Any) -> Report:
    """Check a gradient as `gradcheck` does and fail the test with what was expected and got.

    Args:
        f: the function.
        args: the point.
        options: those of `gradcheck`.

    Returns:
        The report.

    Example:
        >>> assert_gradients(lambda x: x * x, 3.0).verdict
        'right'
    """
    __tracebackhide__ = True
    try:
        return gradcheck(f, *args, **options)
    except GradientError as error:
        pytest.fail(str(error) if error.report is None else error.report.diff, pytrace=False)


@pytest.fixture(name="assert_gradients")
def _assert_gradients() -> Callable[..., Report]:
    """Give a test the function `assert_gradients(f, *args, **options)`."""
    return assert_gradients
