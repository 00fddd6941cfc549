"""What a work is: something that several libraries do, from which every table and curve follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

# which environment a library lives in; those at None run in the project's own
LIBRARIES: dict[str, str | None] = {
    "Chainrule": None,
    "NumPy": None,
    "C": None,
    "micrograd": "micrograd",
    "HIPS autograd": "hips",
    "MyGrad": "mygrad",
    "PyTorch": "torch",
    "JAX": "jax",
    "CasADi": "casadi",
    "scikit-learn": "sklearn",
    "Keras on JAX": "keras",
    "Keras on TensorFlow": "tensorflow",
}


@dataclass(frozen=True)
class Run:
    """One party's work at one size, prepared.

    Args:
        call: does it once; waits until it is done.
        result: returns what it came to, arrays or numbers in tuples and lists, in an order that
            is the same for all parties; None where there is nothing to compare, also inside.
    """

    call: Callable[[], Any]
    result: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Goal:
    """A ratio to reach.

    Args:
        peer: the party to compare with; empty for a limit that stands by itself.
        at_most: the largest ratio of ours to the peer's, or the largest figure of ours in
            seconds or bytes.
        ours: which of our parties.
        size: at which size; at all sizes if None.
    """

    peer: str
    at_most: float
    ours: str = "Chainrule"
    size: int | None = None


Prepare = Callable[[int], Run]


@dataclass
class Work:
    """Something that several parties do.

    A party is named after its library, with a comma and a variant where a library takes part
    twice: "PyTorch", "PyTorch, fused". The first party gives the results that others must meet.

    Args:
        name: what the command line calls it.
        title: what tables call it.
        sizes: what it is done at.
        quick: the sizes with `--quick`; the same if None.
        axis: what a size counts; such works are drawn as curves. Empty for a work at one size.
        rtol: how far results may differ, relative to the largest entry of an array; the reason
            stands beside the declaration.
        checks: how many calls are made before results are compared.
        quantity: "seconds" of a call, or "bytes" by which a fresh process grows at its peak.
        goals: the ratios to reach.
        parties: how each prepares the work; mostly given by `party`.
        up_to: the largest size for parties that do not take part at every size.
        quick_up_to: the same with `--quick`, for parties that take minutes.
    """

    name: str
    title: str
    sizes: Sequence[int] = (0,)
    quick: Sequence[int] | None = None
    axis: str = ""
    rtol: float = 1e-9
    checks: int = 1
    quantity: str = "seconds"
    goals: Sequence[Goal] = ()
    up_to: dict[str, int] = field(default_factory=dict)
    quick_up_to: dict[str, int] = field(default_factory=dict)
    parties: dict[str, Prepare] = field(default_factory=dict)

    def party(self, name: str) -> Callable[[Prepare], Prepare]:
        """Return a decorator that makes a function this party's way to prepare the work.

        Raises:
            ValueError: if the library is not known, or the party takes part already.
        """
        if library(name) not in LIBRARIES:
            raise ValueError(f"{name!r} is of none of the libraries {', '.join(LIBRARIES)}")
        if name in self.parties:
            raise ValueError(f"{name!r} takes part in {self.name!r} already")

        def register(prepare: Prepare) -> Prepare:
            self.parties[name] = prepare
            return prepare

        return register

    def quickly(self) -> Work:
        """Return the work as it is done with `--quick`."""
        sizes = self.sizes if self.quick is None else self.quick
        return replace(self, sizes=sizes, up_to=self.up_to | self.quick_up_to)

    def takes_part(self, party: str, size: int) -> bool:
        """Return whether a party does the work at this size."""
        return size <= self.up_to.get(party, size)


def library(party: str) -> str:
    """Return the library of a party.

    Example:
        >>> library("PyTorch, fused")
        'PyTorch'
    """
    return party.split(",")[0]
