"""Steps of training, evaluation and prediction: traced once for each batch shape, then replayed.

A plan computes into arrays of its own and new ones; the parameters take the new ones only when the
whole step has succeeded. What a trace cannot follow runs eagerly instead, with one notice.
"""

from __future__ import annotations

import itertools
import math
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import numpy as np

import autograd as ag
from autograd.errors import GraphError, message
from nn import config
from nn.layers.calling import calling
from nn.module import unchanged_on_error
from nn.reading import Reading
from nn.tracing import Effects, gathering

LIMIT = 16
"""So many plans a model keeps; the one not used for longest goes first."""

RESTLESS = 8
"""After so many changes of layers, each within so few steps, a model is left to eager steps."""

SEVERAL = 64
"""From the plans of so many rows, and twice as many, what more would take is told."""

_NO_PLAN = object()
_OF_THE_RUN = frozenset({"history", "last_call", "loop", "planner", "recipe", "stop_training"})
_OF_THE_UPDATE = frozenset({"_learning_rate", "iterations", "state"})


class Planner:
    """The plans of one model, which are made again when a layer or the optimizer has changed."""

    def __init__(self) -> None:
        self.plans: OrderedDict[Any, Any] = OrderedDict()
        self.lock = threading.RLock()
        self.shapes: dict[Any, tuple[int, ...]] = {}
        self.marks: _Marks | None = None
        self.changes = self.replays = 0
        self.reason = ""
        self.has_told = False

    def __reduce__(self) -> Any:
        return (Planner, ())  # plans belong to one model in one process

    def find(
        self, model: Any, kind: str, batch: Sequence[Any], make: Callable[[int | None], Any]
    ) -> Any:
        """Return the plan of a step, None if it has to run eagerly.

        Args:
            model: what is trained, measured or asked.
            kind: what the step does.
            batch: its arrays.
            make: traces the step on so many rows of the batch, all if None.
        """
        recipe = model.recipe
        eagerly = ag.detecting_anomaly() or (recipe is not None and recipe.run_eagerly)
        if eagerly or not model.built:
            return None
        if not self.holds():
            self.changes += 1
            if self.changes > RESTLESS and self.changes * RESTLESS > self.replays:
                self.reason = "layers that change from step to step"
                return None
            self.plans.clear()
            self.shapes.clear()
            if kind == "train":
                recipe.settle(model)
            self.marks = _Marks(model)
        self.replays += 1
        key = _key(kind, batch)
        plan = self.plans.get(key, _NO_PLAN)
        if plan is _NO_PLAN:
            with self.lock:
                plan = self.plans[key] = self._made(model, len(batch[0]), make)
                while len(self.plans) > LIMIT:
                    self.plans.popitem(last=False)
        return plan

    def holds(self) -> bool:
        """Whether all that the plans depend on is as it was when they were made."""
        return self.marks is not None and self.marks.hold()

    def replays_alone(self, kind: str, batch: Sequence[Any]) -> bool:
        """Whether the step of a batch is no more than a plan that draws nothing."""
        plan = self.plans.get(_key(kind, batch)) if self.holds() else None
        return plan is not None and not plan.makers

    def output_shape(self, model: Any, x: Any) -> tuple[int, ...]:
        """Return the shape of the outputs for inputs, found by one run as long as nothing changes.

        Args:
            model: what is asked.
            x: one example, or a tuple of an example for each input.
        """
        key = tuple([(a.shape, a.dtype) for a in flat(x)])
        lasting = self.holds() and not self.reason
        found = self.shapes.get(key) if lasting else None
        if found is None:
            with ag.no_grad(), np.errstate(all="ignore"):
                found = np.shape(model.forward(x))
            if lasting:
                self.shapes[key] = found
        return found

    def _made(self, model: Any, rows: int, make: Callable[[int | None], Any]) -> Any:
        assert self.marks is not None
        if self.marks.refused:
            self.reason = self.marks.refused
            return None
        try:
            quiet = np.errstate(all="ignore")  # a plan computes as its steps do
            with unchanged_on_error(model), _undrawn(model), quiet:
                plan = make(None)
                if not self.marks.hold():
                    raise GraphError("a layer or loss that changes something when it is called")
                return plan
        except MemoryError as error:
            self.marks.restore()
            few = max(rows // 4, 1) if rows < SEVERAL else SEVERAL
            with unchanged_on_error(model), _undrawn(model):
                one, two = (make(n).program.stats.bytes for n in (few, 2 * few))
            wanted = one + (rows - few) * (two - one) // few
            raise MemoryError(
                message(
                    f"memory for a plan of {wanted:,} bytes, for a step of "
                    f"model {model.name!r} on {rows:,} examples",
                    str(error).rstrip(".") or "less",
                    "a smaller batch_size",
                )
            ) from error
        except Exception as error:  # whatever it is, the eager step raises it again or does well
            self.marks.restore()
            self.reason = f"{type(error).__name__}: {error}"
            return None

    def described(self) -> list[str]:
        """Return a line for each plan: what it takes, and what its buffers come to."""
        found = []
        for (kind, _, *specs), plan in self.plans.items():
            taken = " ".join(f"{dtype}{list(shape)}" for shape, dtype in specs)
            stats = None if plan is None else plan.program.stats
            found.append(
                f"{kind} {taken}: "
                + (
                    f"eagerly, as {self.reason}"
                    if stats is None
                    else f"{stats.operations} operations, {stats.buffers} buffers, "
                    f"{stats.bytes:,} bytes"
                )
            )
        return found or ["none yet: fit, evaluate and predict make them"]

    def notify(self, model: Any) -> None:
        """Say once why a step that has run well ran eagerly, if that was not asked for."""
        if self.reason and not self.has_told:
            self.has_told = True
            warnings.warn(
                message(
                    f"a step of model {model.name!r} that can be planned",
                    self.reason.rstrip("."),
                    "compile(..., run_eagerly=True) for steps without a plan, as it runs now",
                ),
                stacklevel=2,
            )


def _key(kind: str, batch: Sequence[Any]) -> tuple[Any, ...]:
    return (kind, config.float_dtype(None), *[(a.shape, a.dtype) for a in batch])


class _Marks:
    """What a plan depends on besides arrays that it is given.

    Those are the attributes of layers, loss and optimizer, and what code from outside this
    package reads. Arrays among them are compared by their entries, as they change in place.
    """

    def __init__(self, model: Any) -> None:
        recipe = model.recipe
        owners = model.modules()[1:]
        parts = [(vars(model), [name for name in vars(model) if name not in _OF_THE_RUN])]
        if recipe is not None:
            attributes = vars(recipe.optimizer)
            parts.append((attributes, [k for k in attributes if k not in _OF_THE_UPDATE]))
            parts.append((vars(recipe), list(vars(recipe))))
            parts += [(vars(mean), ["function", "options"]) for mean in recipe.means]
            rules = [r for rule in model.all_rules() for r in (rule.regularizer, rule.constraint)]
            owners += [part for part in (recipe.loss, *rules) if hasattr(part, "__dict__")]
        reading = Reading((model, *owners, *([recipe.optimizer] if recipe else [])))
        self.refused = reading.refused
        parts += [part for part in reading.parts if part[0] is not vars(model)]
        self.attributes = vars(model)
        self.names = frozenset(vars(model)) | _OF_THE_RUN
        self.whole = [(vars(m), {k: _kept(v) for k, v in vars(m).items()}) for m in owners]
        self.parts = [
            (itemgetter(names[0], *names), where, _kept(itemgetter(names[0], *names)(where)))
            for where, names in parts
            if names
        ]
        self.cells = [(cell, _kept(cell.cell_contents)) for cell in reading.cells]
        held = [v for m in owners for v in vars(m).values()]
        held += [where[name] for where, names in parts for name in names]
        held += [cell.cell_contents for cell in reading.cells]
        self.arrays = [(a, a.copy()) for a in _arrays(held)]

    def hold(self) -> bool:
        """Whether everything is as it was."""
        try:
            if not self.attributes.keys() <= self.names:
                return False  # one that is gone is missed below
            for now, before in self.whole:
                if now != before:
                    lasting = [
                        {k: v for k, v in each.items() if k not in _OF_THE_RUN}
                        for each in (now, before)
                    ]
                    if lasting[0] != lasting[1]:
                        return False
                    before.update({k: v for k, v in now.items() if k in _OF_THE_RUN})
            for get, where, values in self.parts:
                if get(where) != values:
                    return False
            return all(cell.cell_contents == value for cell, value in self.cells) and all(
                np.array_equal(a, copy) for a, copy in self.arrays
            )
        except Exception:  # of a comparison of things that are not what they were
            return False

    def restore(self) -> None:
        """Bring back what functions have changed in lists and dicts around them."""
        for now, before in self.whole:
            for name, value in before.items():
                _bring_back(now.get(name), value)
        for get, where, values in self.parts:
            _bring_back(get(where), values)
        for cell, value in self.cells:
            _bring_back(cell.cell_contents, value)
        for a, copy in self.arrays:
            if not np.array_equal(a, copy):
                a[...] = copy


def _kept(value: Any) -> Any:
    """Return a copy of lists, tuples and dicts, whatever they hold as it is."""
    if type(value) in (list, tuple):
        return type(value)(map(_kept, value))
    return {k: _kept(v) for k, v in value.items()} if type(value) is dict else value


def _arrays(value: Any) -> list[Any]:
    """Return the arrays in lists, tuples and dicts."""
    if isinstance(value, np.ndarray):
        return [value]
    inside = value.values() if type(value) is dict else value
    return [a for v in inside for a in _arrays(v)] if type(value) in (list, tuple, dict) else []


def _bring_back(now: Any, before: Any) -> None:
    """Give lists and dicts, those in tuples too, what they held before."""
    if type(now) is not type(before) or now is before:
        return
    if type(now) is tuple:
        for one, other in zip(now, before, strict=True):
            _bring_back(one, other)
    elif type(now) is list and now != before:
        now[:] = _kept(before)
    elif type(now) is dict and now != before:
        now.clear()
        now.update(_kept(before))


@contextmanager
def _undrawn(model: Any) -> Iterator[None]:
    """Let a block draw without moving on any Generator of the model, or NumPy's own."""
    generators = model.named_generators().values()
    states = [g.bit_generator.state for g in generators]
    common = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(common)
        for g, state in zip(generators, states, strict=True):
            g.bit_generator.state = state


def _program(model: Any, step: Callable[..., Any], *examples: Any) -> Any:
    """Return the program of a step, after making sure that it is the same each time."""
    native = model.recipe is not None and model.recipe.jit_compile
    compiled = ag.compile(step, backend="llvm" if native else "numpy")
    again = compiled.traced(*examples)  # before there are buffers, for what a trace holds is large
    program = compiled.program(*examples)
    if program.traced != again:
        raise GraphError("a layer or loss that draws numbers without nn.tracing.draw")
    return program


def _rehearsed(model: Any, x: Any, training: bool) -> Effects:
    """Run the model once, to learn what it draws and moves."""
    with ag.no_grad(), calling(), gathering(Effects()) as effects:
        model.forward(x, training)
    return effects


def flat(x: Any, y: Any = None, weight: Any = None) -> list[Any]:
    """Return the arrays of a batch as a plan takes them."""
    return [*(x if isinstance(x, tuple) else (x,)), *(a for a in (y, weight) if a is not None)]


class Prediction:
    """The outputs of a model for one shape of inputs.

    Args:
        model: a built model.
        x: the inputs of a batch.
    """

    def __init__(self, model: Any, x: Any) -> None:
        self.makers = _rehearsed(model, x, False).makers

        def step(x: Any, drawn: Any) -> Any:
            with calling(), gathering(Effects(drawn)):
                return model.forward(x)

        self.program = _program(model, step, x, [make() for make in self.makers])

    def __call__(self, batch: Sequence[Any]) -> Any:
        """Return the outputs."""
        (prediction,) = self.program([*batch, *[make() for make in self.makers]])
        return prediction


class Measurement:
    """Loss, outputs and what metrics add up, of a model for one shape of batch.

    Args:
        model: a compiled and built model.
        x: the inputs of a batch.
        y: its targets.
        weight: one weight an example, or None.
    """

    def __init__(self, model: Any, x: Any, y: Any, weight: Any) -> None:
        recipe = model.recipe
        self.means = recipe.means
        self.tells_all = len(self.means) == len(recipe.metrics)
        self.makers = _rehearsed(model, x, False).makers

        def step(x: Any, y: Any, weight: Any, drawn: Any) -> Any:
            with gathering(Effects(drawn)):
                loss, prediction = recipe.outcome(model, x, y, weight)
            shown = [] if self.tells_all else [prediction]
            return [loss, *_terms(recipe, y, prediction, weight), *shown]

        self.program = _program(model, step, x, y, weight, [make() for make in self.makers])

    def __call__(self, batch: Sequence[Any]) -> tuple[float, Any, list[Any]]:
        """Return loss, outputs, and the terms of metrics; outputs only if a metric needs them."""
        loss, *terms = self.program([*batch, *[make() for make in self.makers]])
        prediction = None if self.tells_all else terms.pop()
        return float(loss), prediction, terms


def _terms(recipe: Any, y: Any, prediction: Any, weight: Any) -> list[Any]:
    """Return the terms of metrics as a trace takes them: no gradient is asked of them."""
    with ag.no_grad():
        return list(recipe.terms(y, prediction, weight))


class TrainingPlan:
    """A step of training on one shape of batch.

    Args:
        model: a compiled and built model.
        x: the inputs of a batch.
        y: its targets.
        weight: one weight an example, or None.
    """

    def __init__(self, model: Any, x: Any, y: Any, weight: Any) -> None:
        recipe = model.recipe
        optimizer = self.optimizer = recipe.optimizer
        self.means = recipe.means
        self.tells_all = len(self.means) == len(recipe.metrics)
        rehearsed = _rehearsed(model, x, True)
        self.makers = rehearsed.makers
        self.names = [tuple(slots) for slots in optimizer.state]
        self.given = [(i, name) for i, names in enumerate(self.names) for name in names]
        self.slots: list[tuple[int, tuple[str, ...]]] = []

        def step(
            x: Any, y: Any, weight: Any, drawn: Any, rate: Any, number: Any, state: Any
        ) -> list[Any]:
            with gathering(Effects(drawn)) as effects:
                value, prediction = recipe.outcome(model, x, y, weight, True)
            terms = _terms(recipe, y, prediction, weight)
            shown = [] if self.tells_all else [prediction]
            parameters = optimizer.parameters
            gradients = ag.gradients(value, parameters, create_graph=True)
            found = {i: g for i, g in enumerate(gradients) if g is not None}
            if len(found) < len(parameters):
                raise GraphError("a parameter without a gradient")
            with ag.no_grad():
                sizes = [ag.dot(ag.ravel(g), ag.ravel(g)) for g in found.values()]
                slots = [
                    dict(zip(*pair, strict=True)) for pair in zip(self.names, state, strict=True)
                ]
                changes = optimizer.changes(parameters, found, slots, rate, number)
            self.leaves = [*(parameters[i] for i in changes), *effects.moved]
            self.slots = [(i, tuple(slots)) for i, (_, slots) in changes.items()]
            new = [w for w, _ in changes.values()]
            kept = [slot for _, slots in changes.values() for slot in slots.values()]
            parts = [value], shown, terms, sizes, [*new, *effects.moved.values()], kept
            self.ends = list(itertools.accumulate(map(len, parts)))
            return list(itertools.chain(*parts))

        drawn = [make() for make in self.makers]
        state = [list(slots.values()) for slots in optimizer.state]
        self.program = _program(model, step, x, y, weight, drawn, 0.5, 1.0, state)

    def __call__(
        self, batch: Sequence[Any], drawn: list[Any]
    ) -> tuple[float, Any, list[Any], Callable[[], None] | None]:
        """Return loss, outputs, the terms of metrics, and what carries out the update.

        That is None if anything is not finite; so are outputs that no metric looks at.

        Args:
            batch: the arrays of the batch.
            drawn: takes the random arrays of the step.
        """
        optimizer = self.optimizer
        drawn += [make() for make in self.makers]
        state = optimizer.state
        values = [*batch, *drawn, optimizer.learning_rate, optimizer.iterations + 1.0]
        values += [state[i][name] for i, name in self.given]
        found = self.program(values)
        loss = float(found[0])
        one, shown, terms, sizes, leaves, _ = self.ends
        if not math.isfinite(loss) or not math.isfinite(sum(map(float, found[terms:sizes]))):
            return loss, None, [], None

        def commit() -> None:
            ag.adopt(self.leaves, found[sizes:leaves])
            rest = iter(found[leaves:])
            for i, names in self.slots:
                state[i] = {name: np.asarray(next(rest)) for name in names}
            optimizer.iterations += 1

        return loss, found[one] if shown > one else None, found[shown:terms], commit
