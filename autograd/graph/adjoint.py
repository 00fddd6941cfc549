"""The chain rule on the equations of a trace, for a gradient with which the trace ends.

It is the reverse sweep of `autograd.sweep` on numbers of variables. What a rule does is looked up,
not done: every rule of the table is traced once. No Tensor is made on the way, so nothing can be
computed from the gradients but the results of the trace.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..kinds import Elementwise
from ..primitive import REGISTRY, ROWS, Primitive
from ..recording import mode
from ..tensor import Tensor
from .equations import NOTHING, SCALAR, Spec, refs_of
from .recorder import Recorder, record

ADD = REGISTRY[np.add]
TRUTH = Spec.of(True)


class Rule(NamedTuple):
    """What a row gives back to one operand.

    Args:
        constants: the constants in it.
        steps: operations with what they take, their parameters and the specs of their results.
            They take 0, the cotangent, 1, the result, then the operands, the constants and the
            results of steps.
        result: which of these is the contribution.
    """

    constants: tuple[Any, ...]
    steps: tuple[tuple[Primitive, tuple[int, ...], Mapping[str, Any], Spec], ...]
    result: int


def rule_of(row: Primitive, position: int) -> Rule | None:
    """Return what a row of scalars gives back to an operand, None if a trace cannot tell.

    Args:
        row: an operation; those of the table are traced once, others may refer to what changes.
        position: which operand.
    """
    return _known_rule(row, position) if ROWS.get(row.name) is row else _traced_rule(row, position)


def _traced_rule(row: Primitive, position: int) -> Rule | None:
    if not (isinstance(row, Elementwise) or row.scalar) or row.selects:
        return None

    def pull(g: Any, y: Any, *values: Any) -> Any:
        return row.pull(position, g, y, values, {})

    try:
        parts = record(pull, [0.5] * (2 + row.arity), {}, Recorder())[0].parts()
    except Exception:  # whatever a rule of the user's raises, it will raise again where it is used
        return None
    [result] = parts["outputs"]
    equations = parts["equations"]
    specs = parts["specs"][-len(equations) or len(parts["specs"]) :]
    plain = all(
        not refs_of(e.params) and s in (SCALAR, TRUTH)
        for e, s in zip(equations, specs, strict=True)
    )
    if not plain or parts["specs"][result] != SCALAR:
        return None
    steps = [(*e[:3], spec) for e, spec in zip(equations, specs, strict=True)]
    return Rule(parts["constants"], tuple(steps), result)


_known_rule = functools.cache(_traced_rule)


class Tracer(Recorder):
    """A tape that can derive what is written on it."""

    def ending(
        self, function: Callable[..., Any], y: Tensor, variables: Sequence[Tensor]
    ) -> list[Any] | None:
        """Return the gradients of a result if they are all that the trace still has to compute."""
        if function is not self.function or self.outer is not None or mode.anomaly:
            return None
        if not variables or not all(map(self.holds, (y, *variables))) or self.stale:
            return None
        targets = [self.refer(x) for x in variables]
        found = _pulled_back(self, self.refer(y), targets)
        if found is None:
            return None
        return [self.standing_for(found[k]) if k in found else None for k in targets]


def _pulled_back(tape: Recorder, root: int, targets: Sequence[int]) -> dict[int, int] | None:
    """Write the gradients of a variable on the tape.

    Args:
        tape: what it was computed on.
        root: a scalar.
        targets: variables to differentiate with respect to.

    Returns:
        The gradients' variables under those of the targets that there is a path to; None, and
        nothing written, if there is more on the way than scalars and their plain operations.
    """
    relevant = _leading_to(tape, root, targets)
    awaited = _fan_out(tape, root, relevant)
    if awaited is None:
        return None
    columns = tape.columns
    rows = [row for row in dict.fromkeys(columns.rows[k] for k in awaited) if row is not None]
    told = {row: [rule_of(row, i) for i in range(row.arity)] for row in rows}
    if any(None in found for found in told.values()):
        return None
    rules: dict[Any, list[Any]] = {
        row: [(r.steps, [tape.refer(c) for c in r.constants], r.result) for r in found if r]
        for row, found in told.items()
    }
    # rules take whole numbers as doubles
    whole = {-1 - k: float(c) for k, c in enumerate(tape.constants) if type(c) is int}
    whole = {i: tape.refer(c) for i, c in whole.items()}
    wanted = set(targets)
    gradients: dict[int, int] = {}
    partial: dict[int, int] = {}
    nodes, cotangents = [root], [tape.refer(1.0)]
    add = columns.add
    if not relevant[root]:
        return gradients
    for k, g in zip(nodes, cotangents, strict=False):  # both grow while they are walked
        if k in wanted:
            gradients[k] = g
        row, inputs = columns.rows[k], columns.inputs[k]
        given = tuple([whole.get(i, i) for i in inputs]) if whole else inputs
        for position, i in enumerate(inputs):
            if not relevant[i]:
                continue
            steps, constants, result = rules[row][position]
            origin = (k, position)
            c = g
            if steps:
                values = [g, k, *given, *constants]
                for step, taken, params, spec in steps:
                    refs: tuple[int, ...]
                    if len(taken) == 2:  # most have
                        a, b = taken
                        refs = a, b = values[a], values[b]
                        folds = a < 0 and b < 0
                    else:
                        refs = tuple([values[j] for j in taken])
                        folds = max(refs) < 0
                    if folds:
                        values.append(tape.folded(step, refs, params))
                    else:
                        values.append(add(step, refs, spec, params, origin))
                c = values[result]
            elif result:
                c = [g, k, *given, *constants][result]
            if i in partial:
                refs = partial[i], c
                if max(refs) < 0:
                    c = tape.folded(ADD, refs, NOTHING)
                else:
                    c = add(ADD, refs, SCALAR, NOTHING, origin)
            awaited[i] -= 1
            if awaited[i]:
                partial[i] = c
            else:
                nodes.append(i)
                cotangents.append(c)
    return gradients


def _leading_to(tape: Recorder, root: int, targets: Sequence[int]) -> bytearray:
    """Mark the variables between the root and the targets, ends included."""
    columns = tape.columns
    relevant = bytearray(len(columns.rows) + len(tape.constants))  # -1 is the first constant
    for k in targets:
        relevant[k] = 1
    for k in range(min(targets) + 1, root + 1):
        for i in columns.inputs[k]:
            if relevant[i]:
                node = tape.nodes.get(k)
                relevant[k] = node is not None and node._op is not None
                break
    return relevant


def _fan_out(tape: Recorder, root: int, relevant: bytearray) -> dict[int, int] | None:
    """Return how many contributions await every relevant variable that the root depends on.

    Returns:
        The numbers, None if there is more on the way than scalars and operations without
        parameters.
    """
    awaited = {root: 0}
    found = [root]
    columns, constants = tape.columns, tape.constants
    inputs, specs, params = columns.inputs, columns.specs, columns.params
    for k in found:  # grows while it is walked
        if specs[k] is not SCALAR or k in params:
            return None
        for i in inputs[k]:
            if relevant[i]:
                if i in awaited:
                    awaited[i] += 1
                else:
                    awaited[i] = 1
                    found.append(i)
            elif i < 0 and not isinstance(c := constants[-1 - i], float) and type(c) is not int:
                return None
    return awaited
