"""Frozen graphs: computations as values that are called, read, derived, shipped and compiled."""

from .compiler import Compiled, compile
from .equations import Equation, Spec
from .ir import Graph, trace

__all__ = ["Compiled", "Equation", "Graph", "Spec", "compile", "trace"]
