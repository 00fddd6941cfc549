"""Pictures of a computation: the value above and the gradient below every edge."""

from .build import draw
from .explain import Explanation, Lesson, explain
from .figure import Figure
from .parts import Edge, Vertex

__all__ = ["Edge", "Explanation", "Figure", "Lesson", "Vertex", "draw", "explain"]
