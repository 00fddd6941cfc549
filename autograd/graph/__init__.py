"""Frozen graphs: computations as values that are called, read, derived, shipped and compiled."""

from .equations import Equation, Spec
from .ir import Graph, trace

__all__ = ["Equation", "Graph", "Spec", "trace"]
