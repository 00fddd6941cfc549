"""The most memory that a fresh process takes, beyond what it holds when the work is prepared."""

from __future__ import annotations

from benchmarks.work import Goal, Work
from benchmarks.works.eager import CONSTANTS
from benchmarks.works.training import BATCHES

WORKS = (
    Work(
        "graph-memory",
        "memory of an eager scalar chain h*0.99, h+0.01, operations",
        sizes=(100_000, 1_000_000),
        quick=(100_000,),
        quantity="bytes",
        goals=[Goal("micrograd", 1.0), Goal("PyTorch", 1.0)],
        parties=CONSTANTS.parties,
    ),
    Work(
        "step-memory",
        "memory of steps of 784-64-32-10, Adam, batch",
        sizes=(100, 5_000),
        quantity="bytes",
        checks=3,
        goals=[Goal("PyTorch", 1.0), Goal("JAX", 1.0)],
        parties={p: f for p, f in BATCHES.parties.items() if "products" not in p},
    ),
)
