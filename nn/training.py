"""One step of training, and what prepares it: the checked data of `fit`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

import autograd as ag
from autograd import Tensor, no_grad
from autograd.errors import ArgumentError, GraphError, ShapeError, message
from nn import data, planning
from nn.layers.calling import calling
from nn.layers.layer import Layer
from nn.recipe import Recipe
from nn.tracing import Effects, gathering, plain


class NotFiniteError(ArgumentError, ArithmeticError):
    """The loss has become infinite or nan."""


def train_step(model: Any, recipe: Recipe, x: Any, y: Any, weight: Any) -> float:
    """Do one step: forward, loss, gradients, metrics, update.

    Args:
        model: a built model.
        recipe: optimizer, loss and metrics; the optimizer knows the parameters.
        x: the inputs of a batch.
        y: its targets.
        weight: one weight an example, or None.

    Returns:
        The loss before the update.

    Raises:
        NotFiniteError: if the loss or a gradient is infinite or nan; then nothing is updated.
    """
    batch = planning.flat(x, y, weight)
    planner = model.planner
    plan = planner.find(
        model,
        "train",
        batch,
        lambda n: planning.TrainingPlan(model, *_first(n, x, y, weight)),
    )
    if plan is None:
        recipe.keep_up(model)
        value = _eager_step(model, recipe, x, y, weight, Effects())
        planner.notify(model)
        return value
    drawn: list[Any] = []
    loss, prediction, terms, commit = plan(batch, drawn)
    if commit is None:
        # the eager step finds what is not finite, if anything is
        return _eager_step(model, recipe, x, y, weight, Effects(drawn))
    recipe.measure(y, prediction, weight, plan.means, terms)
    commit()
    return float(loss)


def _eager_step(model: Any, recipe: Recipe, x: Any, y: Any, weight: Any, effects: Effects) -> float:
    with gathering(effects):
        loss, prediction = recipe.outcome(model, x, y, weight, training=True)
    value = float(loss.item())
    if not math.isfinite(value):
        raise NotFiniteError(_why_not_finite(model, x, value))
    optimizer = recipe.optimizer
    gradients = ag.gradients(loss, optimizer.parameters)
    _refuse_infinite(gradients, optimizer.parameters, value)
    recipe.measure(y, prediction, weight)
    optimizer.apply(gradients)
    effects.commit()
    return value


def test_step(model: Any, recipe: Recipe, x: Any, y: Any, weight: Any) -> float:
    """Measure one batch and change nothing.

    Returns:
        The loss.
    """
    batch = planning.flat(x, y, weight)
    planner = model.planner
    plan = planner.find(
        model,
        "test",
        batch,
        lambda n: planning.Measurement(model, *_first(n, x, y, weight)),
    )
    if plan is None:
        loss, prediction = recipe.outcome(model, x, y, weight)
        value = float(loss.item())
        planner.notify(model)
        recipe.measure(y, prediction, weight)
    else:
        value, prediction, terms = plan(batch)
        recipe.measure(y, prediction, weight, plan.means, terms)
    return value


def predict_step(model: Any, x: Any) -> Any:
    """Return the outputs for a batch."""
    batch = planning.flat(x)
    plan = model.planner.find(
        model, "predict", batch, lambda n: planning.Prediction(model, *_first(n, x))
    )
    if plan is not None:
        return plan(batch)
    with no_grad(), np.errstate(all="ignore"):
        outputs = np.array(plain(model.forward(x)))
    model.planner.notify(model)
    return outputs


def _first(n: int | None, *parts: Any) -> list[Any]:
    """Return the first rows of each part of a batch."""
    return [
        None if part is None else tuple(a[:n] for a in part) if type(part) is tuple else part[:n]
        for part in parts
    ]


test_step.__test__ = False  # type: ignore[attr-defined] # pytest takes its name for a test's


def _refuse_infinite(gradients: Any, parameters: Any, loss: float) -> None:
    for g, t in zip(gradients, parameters, strict=True):
        # a sum is finite if every entry is, unless it overflows: only then look closer
        if g is None or math.isfinite(np.sum(g)) or np.all(np.isfinite(g)):
            continue
        raise NotFiniteError(
            message(
                "finite gradients",
                f"one for {t.label} that is not, at the finite loss {loss}",
                "a smaller learning rate, or inputs of size about 1",
            )
        )


def _why_not_finite(model: Any, x: Any, value: float) -> str:
    found: list[str] = []

    def watch(layer: Any, out: Any) -> None:
        values = out.data if isinstance(out, Tensor) else out
        if not found and not np.all(np.isfinite(values)):
            broken = [t.label for t in layer.weights if not np.all(np.isfinite(t.data))]
            why = f" with {broken[0]} not finite" if broken else ""
            found.append(f"layer {layer.name!r} being the first with such outputs{why}")

    with no_grad(), calling(watch):
        model.forward(x)
    return message(
        "a finite loss",
        f"{value}, {found[0] if found else 'every layer having finite outputs'}",
        "a smaller learning rate, clipnorm=1.0, or inputs of size about 1; "
        "nn.callbacks.TerminateOnNaN() to stop instead of raising",
    )


# ---- data ----------------------------------------------------------------------------------------


def positive(name: str, value: Any) -> int:
    """Return `value` if it is a positive integer.

    Raises:
        ArgumentError: if it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ArgumentError(message(f"{name} to be a positive integer", repr(value), f"{name}=1"))
    return int(value)


def inputs_of(model: Any, x: Any) -> Any:
    """Return `x` as an array, or as a tuple of arrays for a model with several inputs."""
    several = model.input_count
    if isinstance(x, Mapping):
        names = [symbol.name for symbol in model.inputs]
        if set(names) != set(x):
            raise ArgumentError(
                message(
                    f"x to hold arrays for the inputs {', '.join(names) or '(without names)'}",
                    ", ".join(map(str, x)),
                    "Input(shape, name=...) for each key, or a list of arrays",
                )
            )
        x = [x[name] for name in names] if several != 1 else x[names[0]]
    if isinstance(x, (list, tuple)) and several != 1 and all(hasattr(a, "shape") for a in x):
        arrays = tuple(data.as_array(a, f"x[{i}]") for i, a in enumerate(x))
        if several is not None and len(arrays) != several:
            raise ShapeError(
                message(f"x to hold {several} arrays", f"{len(arrays)}", "one for each input")
            )
        data.same_length(**{f"x[{i}]": a for i, a in enumerate(arrays)})
        return arrays
    array = data.as_array(x, "x")
    expected = model.build_shape
    if array.ndim == 1 and isinstance(expected, tuple) and len(expected) > 1:
        raise ShapeError(
            message(
                f"x of shape (n, {', '.join(map(str, expected[1:]))}), one row an example",
                f"shape {array.shape}",
                "x[None] for a single example, x[:, None] for examples of one number",
            )
        )
    return array


def examples(
    model: Any,
    x: Any,
    y: Any,
    weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
) -> tuple[Any, Any, Any]:
    """Check a data set, or one batch, against the model, so that training cannot fail midway.

    Args:
        model: a compiled model; it is built if it is not yet.
        x: the inputs.
        y: the targets; None only where nothing is measured.
        weight: one weight an example.
        class_weight: a weight for every class.

    Returns:
        x, y and the weights, as arrays.

    Raises:
        ShapeError: if lengths or shapes do not fit.
        ArgumentError: if there is a NaN in the inputs, a label out of range, or text.
    """
    x = inputs_of(model, x)
    parts = x if isinstance(x, tuple) else (x,)
    for part in parts:
        data.refuse_nan(part, "x")
    if y is None:
        raise ArgumentError(
            message("y, the targets that belong to x", "None", "fit(x, y), or batches (x, y)")
        )
    y = data.as_array(y, "y")
    if weight is not None:
        weight = data.as_array(weight, "sample_weight")
        data.refuse_nan(weight, "sample_weight")
    data.same_length(x=parts[0], y=y, sample_weight=weight)
    data.refuse_nan(y, "y")
    first = tuple(p[:1] for p in parts) if isinstance(x, tuple) else x[:1]
    shape = model.planner.output_shape(model, first)
    model.recipe.loss.check(y, (len(y), *shape[1:]))
    if class_weight is not None:
        of_class = _weights_of_classes(y, class_weight)
        weight = of_class if weight is None else weight * of_class
    return x, y, weight


def _weights_of_classes(y: Any, class_weight: Mapping[int, float]) -> Any:
    if not isinstance(class_weight, Mapping) or not all(
        isinstance(w, Real) for w in class_weight.values()
    ):
        raise ArgumentError(
            message(
                "class_weight to be a dict from labels to numbers",
                f"{class_weight!r:.60}",
                "{0: 1.0, 1: 2.0}",
            )
        )
    labels = np.argmax(y, axis=-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y))
    weights = np.ones(len(labels))
    for label, weight in class_weight.items():
        weights[labels == label] = weight
    missing = set(np.unique(labels).tolist()) - set(class_weight)
    if missing:
        raise ArgumentError(
            message(
                "class_weight to name every class in y",
                f"no weight for {sorted(missing)}",
                "{label: 1.0 for label in np.unique(y)} as a start",
            )
        )
    return weights


def hold_out(
    model: Any, x: Any, y: Any, weight: Any, share: float
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """Divide data into the first rows to train on and the last to validate with.

    Args:
        model: a compiled model.
        x: inputs, not an iterable of batches.
        y: targets.
        weight: one weight an example, or None.
        share: what part of the rows to hold out.

    Returns:
        (x, y, weight) to train on, and to validate with.

    Raises:
        ArgumentError: if a side would be empty.
    """
    if is_stream(x):
        raise ArgumentError(
            message("arrays for validation_split", "an iterable", "validation_data=(x, y)")
        )
    x, y, weight = examples(model, x, y, weight)
    n = len(y)
    kept = math.floor(n * (1 - share)) if isinstance(share, Real) and 0 < share < 1 else 0
    if not 0 < kept < n:
        raise ArgumentError(
            message(
                "validation_split to leave examples on both sides",
                f"{share} of {n} examples",
                "0.2, or more data",
            )
        )

    def rows(part: slice) -> tuple[Any, Any, Any]:
        some = tuple(a[part] for a in x) if isinstance(x, tuple) else x[part]
        return some, y[part], None if weight is None else weight[part]

    return rows(slice(0, kept)), rows(slice(kept, None))


def batches_of(
    model: Any,
    x: Any,
    y: Any,
    weight: Any,
    batch_size: int | None,
    shuffle: bool,
    class_weight: Mapping[int, float] | None = None,
    replace: bool = False,
    passes: int = 1,
) -> data.ArraySource | data.StreamSource:
    """Return the source of (x, y, weight) batches that `fit` and `evaluate` ask for.

    Args:
        model: a compiled model.
        x: inputs, or an iterable of batches.
        y: targets; None for an iterable.
        weight: one weight an example.
        batch_size: rows a batch; 32 if None.
        shuffle: whether every epoch has an order of its own.
        class_weight: a weight for every class.
        replace: whether rows are drawn with replacement.
        passes: how often the data are gone through: more than once, and what the model would
            make of wide numbers in every batch is made of all at once.

    Raises:
        ShapeError: if lengths or shapes do not fit.
        ArgumentError: if a value does not.
    """
    if not isinstance(replace, bool):
        raise ArgumentError(message("replace to be True or False", repr(replace), "replace=True"))
    if is_stream(x):
        if replace:
            raise ArgumentError(
                message("arrays for replace=True", "an iterable", "drawing its batches yourself")
            )
        if y is not None or batch_size is not None:
            raise ArgumentError(
                message(
                    "neither y nor batch_size beside an iterable of batches",
                    "y" if y is not None else "batch_size",
                    "batches (x, y) of the size you want",
                )
            )

        def prepare(batch: Any) -> tuple[Any, Any, Any]:
            if not isinstance(batch, tuple) or len(batch) not in (2, 3):
                raise ArgumentError(
                    message("batches (x, y) or (x, y, sample_weight)", f"{batch!r:.60}", "a tuple")
                )
            x, y, *rest = batch
            return examples(model, x, y, rest[0] if rest else None, class_weight)

        return data.StreamSource(x, prepare)
    x, y, weight = examples(model, x, y, weight, class_weight)
    size = 32 if batch_size is None else positive("batch_size", batch_size)
    if passes > 1:
        x = tuple(_narrowed(model, a) for a in x) if isinstance(x, tuple) else _narrowed(model, x)
    return data.ArraySource(x, y, weight, size, shuffle, replace)


def _narrowed(model: Any, x: Any) -> Any:
    """Return inputs as the model casts them, if that takes less memory than they do.

    What a file holds stays there.
    """
    owner = x
    while owner is not None and not isinstance(owner, np.memmap):
        owner = getattr(owner, "base", None)
    wide = x.dtype.itemsize > model.compute_dtype.itemsize
    if owner is not None or not wide or type(model).cast is not Layer.cast:
        return x
    try:
        with np.errstate(all="ignore"):  # what overflows is found in its step
            return model.cast(x)
    except MemoryError:
        return x  # batch by batch, then


def inputs_to_predict(
    model: Any, x: Any, batch_size: int | None
) -> data.ArraySource | data.StreamSource:
    """Return the source of the batches that `predict` asks for.

    Args:
        model: a model.
        x: inputs, or an iterable of batches of inputs, or of tuples that begin with them.
        batch_size: rows a batch; 32 if None.

    Raises:
        ShapeError: if lengths or shapes do not fit.
        ArgumentError: if there is no data to take, or a batch size beside an iterable.
    """
    if not is_stream(x):
        size = 32 if batch_size is None else positive("batch_size", batch_size)
        return data.ArraySource(inputs_of(model, x), None, None, size, False)
    if batch_size is not None:
        raise ArgumentError(
            message(
                "no batch_size beside an iterable of batches",
                f"batch_size={batch_size!r}",
                "batches of the size you want",
            )
        )

    def prepare(batch: Any) -> tuple[Any, None, None]:
        return inputs_of(model, batch[0] if isinstance(batch, tuple) else batch), None, None

    return data.StreamSource(x, prepare)


def measured(
    batches: data.ArraySource | data.StreamSource, name: str, steps: int | None
) -> data.Source:
    """Return the batches to measure: all, or the first `steps`.

    Args:
        batches: where they come from.
        name: what the caller calls this number.
        steps: how many; all if None.

    Raises:
        ArgumentError: if `steps` is no positive integer, or there are fewer batches.
    """
    return batches if steps is None else data.FirstBatches(batches, positive(name, steps), name)


def is_stream(x: Any) -> bool:
    """Tell an iterable of batches from data: it has no shape, and is no list of numbers."""
    if hasattr(x, "shape") or hasattr(x, "__array__") or isinstance(x, (Tensor, str, Mapping)):
        return False
    if isinstance(x, (list, tuple)):
        return (
            bool(x)
            and isinstance(x, list)
            and isinstance(x[0], tuple)
            and len(x[0]) in (2, 3)
            and hasattr(x[0][0], "shape")
        )
    return isinstance(x, Iterable)


def compiled(model: Any) -> None:
    """Raise unless the model is compiled.

    Raises:
        GraphError: if it is not.
    """
    if model.recipe is None:
        raise GraphError(
            message(
                f"model {model.name!r} to be compiled",
                "a model without optimizer and loss",
                "model.compile(optimizer='adam', loss='mse')",
            )
        )
