"""A model as a figure of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import autograd as ag
from autograd.errors import ArgumentError, message


def drawn(model: Any, x: Any, level: Any, style: Mapping[str, Any]) -> Any:
    """Apply a model and draw what it computed.

    Args:
        model: a model; built, if `x` is None.
        x: what it is applied to; None for one example of zeros.
        level: "modules", "operations" or "scalars".
        style: the other arguments of `autograd.draw`.

    Returns:
        The figure, whose result has the name of the model.

    Raises:
        ArgumentError: if neither `x` nor the shape of an example is known.
    """
    y = model(_zeros(model) if x is None else x)
    if y.name is None:
        y.name = model.name
    return ag.draw(y, level=level, **style)


def _zeros(model: Any) -> Any:
    """Return one example of zeros, a list where the model takes several inputs."""
    shape = model.build_shape
    if model.example_shape is not None:
        shape = (None, *model.example_shape)
    if shape is None:
        raise ArgumentError(
            message(
                f"model {model.name!r} to be built, or x to draw it for",
                "neither",
                "model.build((None, width)), or model.draw(x)",
            )
        )
    several = shape if isinstance(shape, list) else [shape]
    zeros = [np.zeros([1 if n is None else n for n in s], model.compute_dtype) for s in several]
    return zeros if isinstance(shape, list) else zeros[0]
