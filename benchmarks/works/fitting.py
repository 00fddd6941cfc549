"""An epoch of `fit`, as users call it: 784-64-32-10, Adam, batch 100, accuracy and progress bar.

All start from the same weights. For the comparison of results the rows are taken in order; the
epochs that are timed shuffle them.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.work import Goal, Run, Work
from benchmarks.works.training import ADAM, hidden

BATCH = 100
NET = hidden()

FIT = Work(
    "fit",
    "an epoch of fit 784-64-32-10, Adam, batch 100, accuracy, progress bar, rows",
    sizes=(10_000, 60_000),
    quick=(10_000,),
    # float32 over hundreds of steps, in which rounding errors are passed on
    rtol=2e-2,
    goals=[
        Goal("Keras on TensorFlow", 0.3, "Chainrule, llvm"),
        Goal("Keras on JAX", 0.5, "Chainrule, llvm"),
        Goal("scikit-learn", 0.5, "Chainrule, llvm"),
    ],
)


class Screen(io.StringIO):
    """A place for bars that says it is a terminal, so that they are drawn."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


@contextlib.contextmanager
def on_screen() -> Iterator[None]:
    """Send what is printed to a screen that nobody sees."""
    with contextlib.redirect_stdout(Screen()):
        yield


def images(n: int) -> tuple[Any, Any]:
    """Return n pictures of ten kinds that can be told apart, with noise, and their kinds."""
    draw = np.random.default_rng(3)
    labels = draw.integers(0, 10, n)
    kinds = draw.random((10, 784), np.float32)
    return 0.5 * (kinds[labels] + draw.random((n, 784), np.float32)), labels


def keras_like(k: Any, n: int, adam: Any, **compiled: Any) -> Run:
    """Prepare an epoch in a library with Keras' names: Keras itself, or ours.

    Args:
        k: the library.
        n: how many images.
        adam: makes the optimizer.
        compiled: what else its `compile` is told.
    """
    x, y = images(n)

    def model() -> Any:
        made = k.Sequential(
            [
                k.Input((784,)),
                k.layers.Dense(64, activation="relu"),
                k.layers.Dense(32, activation="relu"),
                k.layers.Dense(10, activation="softmax"),
            ]
        )
        made.compile(adam(), "sparse_categorical_crossentropy", metrics=["accuracy"], **compiled)
        made.set_weights(NET.weights())
        return made

    def epoch(model: Any, shuffle: bool) -> Any:
        with on_screen():
            return model.fit(x, y, batch_size=BATCH, epochs=1, shuffle=shuffle, verbose=1)

    timed = model()

    def result() -> list[float]:
        history = epoch(model(), shuffle=False).history
        return [history["loss"][0], history["accuracy"][0]]

    return Run(lambda: epoch(timed, shuffle=True), result)


def chainrule(n: int, **compiled: bool) -> Run:
    """Prepare the epoch, planned or as machine code."""
    import nn

    return keras_like(nn, n, lambda: nn.optimizers.Adam(epsilon=ADAM["epsilon"]), **compiled)


FIT.party("Chainrule, llvm")(lambda n: chainrule(n, jit_compile=True))
FIT.party("Chainrule")(chainrule)


def keras(backend: str) -> Callable[[int], Run]:
    """Return how Keras prepares the epoch on one of its backends."""

    def prepare(n: int) -> Run:
        os.environ["KERAS_BACKEND"] = backend
        import keras

        return keras_like(keras, n, lambda: keras.optimizers.Adam(epsilon=ADAM["epsilon"]))

    return prepare


FIT.party("Keras on TensorFlow")(keras("tensorflow"))
FIT.party("Keras on JAX")(keras("jax"))


@FIT.party("scikit-learn")
def _(n: int) -> Run:
    from sklearn.neural_network import MLPClassifier

    x, y = images(n)

    def model(shuffle: bool) -> Any:
        made = MLPClassifier(
            (64, 32),
            alpha=0,
            batch_size=BATCH,
            learning_rate_init=ADAM["rate"],
            epsilon=ADAM["epsilon"],
            shuffle=shuffle,
        )
        # a first step makes the arrays; then it is undone
        made.partial_fit(x[:BATCH], y[:BATCH], classes=np.arange(10))
        weights = NET.weights()
        for kept, given in zip(made.coefs_, weights[::2], strict=True):
            kept[...] = given
        for kept, given in zip(made.intercepts_, weights[1::2], strict=True):
            kept[...] = given
        made._optimizer.t = 0
        for moment in (*made._optimizer.ms, *made._optimizer.vs):
            moment[...] = 0
        return made

    timed = model(shuffle=True)

    def result() -> list[float | None]:
        made = model(shuffle=False).partial_fit(x, y)
        return [made.loss_, None]  # it has no accuracy of the epoch

    return Run(lambda: timed.partial_fit(x, y), result)


WORKS = (FIT,)
