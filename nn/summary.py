"""The table that `summary()` prints."""

from __future__ import annotations

from typing import Any

from autograd import html_table


def summary(model: Any, plan: bool = False) -> str:
    """Return a table of layers with output shapes and numbers of parameters.

    Args:
        model: a model; shapes and numbers are unknown until it is built.
        plan: whether to say what plans of steps there are, and the size of their buffers.

    Example:
        >>> from nn.models import MLP
        >>> print(summary(MLP([4, 2], name="tiny")))
        Model: "tiny"
        Layer (type)   Output Shape  Param #
        ====================================
        dense (Dense)  (None, 2)          10
        ====================================
        Total params: 10
        Trainable params: 10
        Non-trainable params: 0
    """
    rows = _rows(model)
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
    rule = "=" * len(lines[0])
    plans = ["Plans:", *(f"  {line}" for line in model.planner.described())] if plan else []
    head = [f'Model: "{model.name}"', lines[0], rule]
    return "\n".join([*head, *lines[1:], rule, *_totals(model), *plans])


def summary_html(model: Any) -> str:
    """Return the same as HTML, for a notebook.

    Args:
        model: a model.

    Example:
        >>> from nn.models import MLP
        >>> "<td>dense (Dense)</td>" in summary_html(MLP([4, 2]))
        True
    """
    head, *rows = _rows(model)
    totals = "<br>".join(_totals(model))
    return f"{html_table(head, rows, f'Model: {model.name}')}<p>{totals}</p>"


def _rows(model: Any) -> list[tuple[str, str, str]]:
    rows = [("Layer (type)", "Output Shape", "Param #")]
    for layer in model.layers:
        rows.append(
            (
                f"{layer.name} ({type(layer).__name__})",
                "?" if layer.output_shape is None else str(layer.output_shape),
                f"{layer.count_params():,}" if layer.built or layer.weights else "? (unbuilt)",
            )
        )
    return rows


def _totals(model: Any) -> list[str]:
    trained = sum(t.size for t in model.trainable_weights)
    fixed = sum(t.size for t in model.non_trainable_weights)
    return [
        f"Total params: {trained + fixed:,}",
        f"Trainable params: {trained:,}",
        f"Non-trainable params: {fixed:,}",
    ]
