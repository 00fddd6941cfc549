"""Pictures of what a network learnt: each function returns its Figure of matplotlib, shows nothing.

Save one with `figure.savefig("name.png")`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import Tensor, no_grad
from autograd.errors import ArgumentError, ShapeError, message, require
from nn import data
from nn.layers import Layer
from nn.layers.calling import calling
from nn.models import Model

MARKERS = "osD^vPX*<>"
GRID = 200


def decision_boundary(model: Model, x: Any, y: Any) -> Any:
    """Draw which class a model of two inputs gives each point of the plane, under the examples.

    Args:
        model: takes rows of two numbers; gives a score for each class, or one number that is
            parted halfway between the two labels.
        x: the examples, shape (n, 2).
        y: their labels, shape (n,); or one row a class is 1 in, shape (n, classes).

    Returns:
        The Figure.

    Raises:
        ShapeError: if `x` has not two columns, or `y` another length.
        ArgumentError: if one output is to part more or fewer than two labels.
        MissingExtraError: if matplotlib is not installed.

    Example:
        >>> import nn
        >>> x = [[0, 0], [0, 1], [1, 0], [1, 1]]
        >>> figure = decision_boundary(nn.MLP([2, 4, 1], "tanh", seed=0), x, [0, 1, 1, 0])
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['0', '1']
    """
    x = _array(x, "x")
    if x.ndim != 2 or x.shape[1] != 2:
        raise ShapeError(
            message("x of two columns", f"shape {x.shape}", "x[:, :2] and a model of two inputs")
        )
    labels = _labels(y, len(x))
    low, high = x.min(axis=0), x.max(axis=0)
    margin = 0.15 * np.where(high > low, high - low, 1.0)
    across, up = (np.linspace(a, b, GRID) for a, b in zip(low - margin, high + margin, strict=True))
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    classes, found = _decide(model.predict(plane, batch_size=GRID, verbose=0), np.unique(labels))
    colours = require("matplotlib", "nn", "draw the boundary").colormaps["tab10"]

    figure = _figure((5.0, 4.4), "draw the boundary")
    axes = figure.subplots()
    numbers = np.searchsorted(classes, found).reshape(GRID, GRID)
    axes.contourf(
        across,
        up,
        numbers,
        levels=np.arange(len(classes) + 1) - 0.5,
        colors=[colours(k % 10) for k in range(len(classes))],
        alpha=0.3,
    )
    for k, label in enumerate(classes):
        points = x[labels == label]
        axes.scatter(
            points[:, 0],
            points[:, 1],
            color=colours(k % 10),
            marker=MARKERS[k % len(MARKERS)],
            edgecolors="black",
            linewidths=0.5,
            label=f"{label:g}",
        )
    axes.set(xlabel="x0", ylabel="x1")
    axes.legend(title="label")
    return figure


def weight_images(model: Model, shape: tuple[int, int] | None = None, count: int = 64) -> Any:
    """Draw what each unit of the first layer with a kernel looks for: its weights as an image.

    Args:
        model: a built model.
        shape: rows and columns of the images it takes; square if None.
        count: draw no more units than that, the first ones.

    Returns:
        The Figure: red for positive weights, blue for negative ones, one scale for all.

    Raises:
        ArgumentError: if no layer has a kernel yet, or `count` is not positive.
        ShapeError: if the weights of a unit do not make an image of that shape.
        MissingExtraError: if matplotlib is not installed.

    Example:
        >>> import nn
        >>> len(weight_images(nn.MLP([9, 4, 2])).axes[:-1])  # the last is the scale
        4
    """
    layer = next((m for m in model.modules() if hasattr(m, "kernel")), None)
    if layer is None:
        raise ArgumentError(
            message("a built model with a Dense layer", "no kernel", "fit or build(shape) first")
        )
    kernel = layer.kernel.numpy()
    units = min(kernel.shape[1], _positive(count))
    images = _images(kernel.T[:units], shape)
    limit = float(np.abs(images).max()) or 1.0
    figure, panels = _panels(units, "draw the weights")
    for k, (axes, image) in enumerate(zip(panels, images, strict=True)):
        shown = axes.imshow(image, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(f"{k}", fontsize=8)
    figure.colorbar(shown, ax=panels, label="weight")
    figure.suptitle(f"{getattr(layer, 'name', 'kernel')}: {units} of {kernel.shape[1]} units")
    return figure


def mistakes(
    model: Model, x: Any, y: Any, shape: tuple[int, int] | None = None, count: int = 25
) -> Any:
    """Draw the images that a model takes for something else, with what it says and what is true.

    Args:
        model: gives each image a score for each class.
        x: images, shape (n, rows, columns), (n, rows, columns, 1) or (n, pixels).
        y: labels, shape (n,); or one row a class is 1 in, shape (n, classes).
        shape: rows and columns of flat images; square if None.
        count: draw no more mistakes than that, the first ones.

    Returns:
        The Figure; its title says how many mistakes there are in all.

    Raises:
        ShapeError: if the rows of `x` are no images, or `y` has another length.
        ArgumentError: if `count` is not positive.
        MissingExtraError: if matplotlib is not installed.

    Example:
        >>> import numpy as np
        >>> import nn
        >>> model = nn.Sequential([nn.Dense(2, kernel_initializer="zeros")])  # always says 0
        >>> figure = mistakes(model, np.eye(4), [0, 1, 0, 0])
        >>> [axes.get_title() for axes in figure.axes]
        ['0, is 1']
    """
    x = _array(x, "x")
    labels = _labels(y, len(x))
    images = _images(x, shape)
    most = _positive(count)
    found = _decide(model.predict(x, verbose=0), np.unique(labels))[1]
    wrong = np.flatnonzero(found != labels)
    figure, panels = _panels(min(len(wrong), most), "draw the mistakes")
    for axes, i in zip(panels, wrong[:most], strict=True):
        axes.imshow(images[i], cmap="gray_r")
        axes.set_title(f"{found[i]:g}, is {labels[i]:g}", fontsize=8)
    more = f", the first {most} of them" if len(wrong) > most else ""
    figure.suptitle(f"{len(wrong)} mistakes in {len(x)}{more}: predicted, true")
    return figure


def descent_path(f: Callable[[Any, Any], Any], path: Any) -> Any:
    """Draw the path of an optimizer over contour lines of the function that it descends.

    Args:
        f: a function of x0 and x1 that works element by element; it is called once, on arrays.
        path: the points in order, shape (steps + 1, 2).

    Returns:
        The Figure; about a tenth of the drawn area lies between two contour lines.

    Raises:
        ShapeError: if `path` has not two columns, or `f` does not keep the shape of its arguments.
        ArgumentError: if a point of `path` is not finite.
        MissingExtraError: if matplotlib is not installed.

    Example:
        >>> figure = descent_path(lambda x0, x1: x0**2 + x1**2, [[-3, 4], [-1.5, 2], [0, 0]])
        >>> figure.axes[0].lines[0].get_xdata().tolist()
        [-3.0, -1.5, 0.0]
    """
    points = _array(path, "path").astype(float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ShapeError(
            message("path of shape (points, 2)", f"shape {points.shape}", "np.array of [x0, x1]")
        )
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    half = 0.65 * float(np.ptp(points, axis=0).max()) or 1.0
    across, up = (np.linspace(c - half, c + half, GRID) for c in centre)
    x0, x1 = np.meshgrid(across, up)
    with no_grad():
        out = f(x0, x1)
    heights = np.asarray(out.data if isinstance(out, Tensor) else out)
    if heights.shape != x0.shape:
        raise ShapeError(
            message(
                f"f to keep the shape {x0.shape} of its arguments",
                f"shape {heights.shape}",
                "element-wise operations of x0 and x1",
            )
        )
    figure = _figure((5.0, 4.8), "draw the path")
    axes = figure.subplots()
    known = heights[np.isfinite(heights)]
    levels = np.unique(np.quantile(known, np.linspace(0.02, 0.98, 11))) if known.size else known
    if len(levels) > 1:
        drawn = axes.contour(across, up, heights, levels=levels, cmap="cividis", linewidths=0.8)
        figure.colorbar(drawn, label="f", format="%.3g", shrink=0.85)
    axes.plot(points[:, 0], points[:, 1], "o-", color="black", markersize=4, label="path")
    axes.plot(*points[0], "s", color="white", markeredgecolor="black", label="start")
    axes.plot(*points[-1], "*", color="red", markeredgecolor="black", markersize=13, label="end")
    axes.set(xlabel="x0", ylabel="x1", aspect="equal")
    axes.legend()
    return figure


def activation_histograms(model: Model, x: Any, bins: int = 40) -> Any:
    """Draw how the outputs of each layer are distributed over examples and units.

    Args:
        model: a built model.
        x: examples, as the model takes them; a list where it takes several inputs.
        bins: bars a histogram.

    Returns:
        The Figure; each title says how many of the layer's outputs are exactly zero. A layer that
        is called several times is drawn once a call.

    Raises:
        ArgumentError: if the model is not built, if an output is not finite, or if `bins` is not
            positive.
        ShapeError: if `x` does not fit the model.
        MissingExtraError: if matplotlib is not installed.

    Example:
        >>> import numpy as np
        >>> import nn
        >>> figure = activation_histograms(nn.MLP([2, 8, 1], "relu", seed=0), np.eye(2))
        >>> len(figure.axes)
        2
    """
    if not isinstance(model, Model) or not model.built:
        raise ArgumentError(
            message(
                "a built model",
                f"{'an unbuilt' if isinstance(model, Model) else 'a'} {type(model).__name__}",
                "fit or build(shape) first",
            )
        )
    width = _positive(bins, "bins")
    outputs: list[tuple[str, Any]] = []

    def watch(layer: Layer, out: Any) -> None:
        if not any(isinstance(m, Layer) for m in layer.modules() if m is not layer):
            array = np.asarray(out.data if isinstance(out, Tensor) else out)
            data.refuse_nan(array, f"outputs of {layer.name}")
            outputs.append((layer.name, array))

    examples = [_array(each, "x") for each in x] if isinstance(x, list) else _array(x, "x")
    with no_grad(), calling(watch):
        model.forward(examples)
    columns = min(len(outputs), 4)
    rows = math.ceil(len(outputs) / columns)
    figure = _figure((3.4 * columns, 3.2 * rows), "draw the activations")
    for k, (name, array) in enumerate(outputs, 1):
        axes = figure.add_subplot(rows, columns, k)
        axes.hist(array.ravel(), bins=width)
        axes.set(title=f"{name}: {np.mean(array == 0):.0%} zero", xlabel="output", ylabel="count")
    return figure


def _figure(size: tuple[float, float], purpose: str) -> Any:
    figures = require("matplotlib.figure", "nn", purpose)
    return figures.Figure(figsize=size, layout="constrained")


def _panels(count: int, purpose: str) -> tuple[Any, list[Any]]:
    columns = min(max(math.ceil(math.sqrt(count)), 1), 8)
    rows = math.ceil(count / columns)
    figure = _figure((max(columns, 4) * 1.1 + 0.8, max(rows, 1) * 1.2 + 0.6), purpose)
    panels = [figure.add_subplot(rows, columns, k + 1) for k in range(count)]
    for axes in panels:
        axes.set_axis_off()
    return figure, panels


def _array(value: Any, name: str) -> Any:
    array = data.as_array(value, name)
    data.refuse_nan(array, name)
    return array


def _labels(y: Any, count: int) -> Any:
    labels = _array(y, "y")
    if labels.ndim == 2:
        labels = labels[:, 0] if labels.shape[1] == 1 else labels.argmax(axis=1)
    if labels.shape != (count,):
        raise ShapeError(
            message(f"y to hold {count} labels, one a row of x", f"shape {labels.shape}", "y[:, 0]")
        )
    return labels


def _decide(outputs: Any, labels: Any) -> tuple[Any, Any]:
    """Return the classes that there are, in order, and the one that each row of outputs says."""
    outputs = outputs.reshape(len(outputs), -1)
    if outputs.shape[1] > 1:
        return np.union1d(labels, np.arange(outputs.shape[1])), outputs.argmax(axis=1)
    if len(labels) != 2:
        raise ArgumentError(
            message(
                "y of two labels for a model of one output",
                f"{len(labels)}: {', '.join(f'{v:g}' for v in labels[:5])}",
                "a model with one output for each label",
            )
        )
    return labels, np.where(outputs[:, 0] > labels.mean(), labels[1], labels[0])


def _images(flat: Any, shape: tuple[int, int] | None) -> Any:
    if shape is None and flat.ndim == 4 and flat.shape[3] == 1:
        return flat[..., 0]
    if shape is None and flat.ndim == 3:
        return flat
    size = math.prod(flat.shape[1:])
    rows, columns = (math.isqrt(size),) * 2 if shape is None else shape
    if rows * columns != size:
        raise ShapeError(
            message(
                "one image a row" if shape is None else f"images of shape {shape}",
                f"{size} numbers, which make no {rows} by {columns} image",
                "shape=(rows, columns)",
            )
        )
    return flat.reshape(len(flat), rows, columns)


def _positive(value: int, name: str = "count") -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ArgumentError(message(f"{name} to be a whole number from 1", repr(value), "25"))
    return value
