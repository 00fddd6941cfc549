"""Pictures of a computation: the value above and the gradient below every edge."""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .explain import Explanation, Lesson
    from .figure import Figure
    from .parts import Edge, Vertex
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "explain": ("Explanation", "Lesson"),
            "figure": ("Figure",),
            "parts": ("Edge", "Vertex"),
        },
    )

__all__ = ["Edge", "Explanation", "Figure", "Lesson", "Vertex"]
