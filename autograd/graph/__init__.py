"""Frozen graphs: computations as values that are called, read, derived, shipped and compiled."""

from .compiler import Compiled, compile
from .equations import Equation, Spec
from .ir import Graph, trace
from .vectorizer import Vectorized, vectorize

__all__ = ["Compiled", "Equation", "Graph", "Spec", "Vectorized", "compile", "trace", "vectorize"]
