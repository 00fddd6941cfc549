"""What several tests of pictures draw, and how they read what was drawn."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from autograd import Tensor
from autograd.draw import Figure

ROOT = Path(__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"

APPLES = """
from autograd import Tensor
import autograd as ag
apple, apple_num = Tensor(100, name="apple"), Tensor(2, name="apple_num")
orange, orange_num = Tensor(150, name="orange"), Tensor(3, name="orange_num")
tax = Tensor(1.1, name="tax")
price = (apple * apple_num + orange * orange_num) * tax
price.name = "price"
price.backward()
"""


def apples() -> Tensor:
    scope: dict[str, Any] = {}
    exec(APPLES, scope)
    price = scope["price"]
    assert isinstance(price, Tensor)
    return price


def texts(svg: bytes) -> list[str]:
    """Return every text of an SVG, with Graphviz's no-break spaces as spaces."""
    return [(t.text or "").replace("\xa0", " ") for t in ET.fromstring(svg).iter(f"{SVG}text")]


def kind_of(t: Any) -> str:
    return str(t.primitive.name)


def results_used(t: Any) -> list[Any]:
    return [x for x in t.inputs if isinstance(x, Tensor) and not x.is_leaf]


def by_title(figure: Figure, title: str) -> str:
    (key,) = [v.key for v in figure.vertices if v.title == title]
    return key


def reaches_every_vertex_once(figure: Figure) -> bool:
    """Return whether the figure has no cycle."""
    waiting = {v.key: 0 for v in figure.vertices}
    for edge in figure.edges:
        waiting[edge.head] += 1
    ready = [key for key, n in waiting.items() if not n]
    for key in ready:
        for edge in figure.edges:
            if edge.tail == key:
                waiting[edge.head] -= 1
                if not waiting[edge.head]:
                    ready.append(edge.head)
    return len(ready) == len(figure.vertices)
