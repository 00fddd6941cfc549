"""The player: one HTML file that plays the computation forwards and backwards, offline.

Graphviz lays the figure out; the page carries its SVG, the story as data, and the computation as
JavaScript. Whatever a user wrote stands in the page as text or as JSON, never as code.
"""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

from .dot import Style
from .javascript import program
from .parts import Edge, Vertex
from .story import Sentence, Step, Story
from .text import Form, Quantity, shown, written

SVG = "http://www.w3.org/2000/svg"

DEFAULTS = {
    "class": None,
    "fill": None,
    "font-family": None,
    "font-size": "13.00",
    "stroke": None,
    "text-anchor": "start",
    "width": None,
    "height": None,
    "{http://www.w3.org/XML/1998/namespace}space": None,
}
"""What the page's style sheet decides instead of Graphviz: these values, or any where None."""


def player(
    vertices: Sequence[Vertex],
    edges: Sequence[Edge],
    caption: str,
    svg: bytes,
    style: Style,
) -> str:
    """Return the page.

    Args:
        vertices: those of the figure.
        edges: those of the figure.
        caption: that of the figure.
        svg: the figure, drawn by Graphviz.
        style: how the figure looks; readers may change the theme.
    """
    story = Story(vertices, edges)
    code = program(vertices, edges)
    has_gradients = all(edge.gradient is not None for edge in edges if edge.differentiable)
    steps = story.forward()
    if has_gradients or code:
        steps += story.backward()
    end = next((e for e in edges if e.head == vertices[-1].key), None)
    seed = 1.0 if end is None or end.gradient is None else end.gradient
    back = ", and its gradients" if any(step.direction == "backward" for step in steps) else ""
    data = {
        "vertices": [_vertex(story, v) for v in vertices],
        "edges": [_edge(story, i, edge) for i, edge in enumerate(edges)],
        "forward": sum(step.direction == "forward" for step in steps),
        "steps": [_step(step) for step in steps],
        "backward": [step.edges[0] for step in story.backward()],
        "seed": _number(seed),
        "bad": _first_bad(vertices, edges),
        "recompute": bool(code) and not has_gradients,
        "caption": caption,
        "why": "" if code else _why_not_live(vertices, edges),
        "dark": style.theme == "dark",
        "down": style.direction == "down",
    }
    parts = {
        "title": escape(f"How {shown(vertices[-1].title)} is computed{back}"),
        "style": _asset("player.css"),
        "svg": slim(svg),
        "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        "program": code,
        "script": _asset("player.js"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda m: parts[m[1]], _asset("player.html"))


def slim(svg: bytes) -> str:
    """Return Graphviz's SVG without what the page's style sheet says, as part of a page.

    Args:
        svg: a drawing by Graphviz.
    """
    root = ET.fromstring(svg)
    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{{{SVG}}}title":
                parent.remove(child)
        if parent.get("id", "").startswith("v"):
            _as_rectangle(parent)
            _merge_pixels(parent)
        for name, value in DEFAULTS.items() if parent.tag != f"{{{SVG}}}rect" else ():
            if parent.get(name) == value or (value is None and parent.get(name) != "none"):
                parent.attrib.pop(name, None)
        for name in ("d", "points"):
            if name in parent.attrib:  # a tenth of a point is finer than a screen
                parent.set(name, re.sub(r"(\.\d)\d+", r"\1", parent.attrib[name]))
        parent.tag = parent.tag.removeprefix(f"{{{SVG}}}")
        if parent.text and not parent.text.strip():
            parent.text = None
        parent.tail = None
    canvas = root[0]
    canvas.remove(canvas[0])  # the background
    return ET.tostring(root, encoding="unicode")


def _as_rectangle(vertex: ET.Element) -> None:
    """Write the outline of a rounded box as what it is."""
    for path in vertex.findall(f"{{{SVG}}}path"):
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.attrib.pop("d"))]
        (left, right), (top, bottom) = (
            (min(side), max(side)) for side in (numbers[::2], numbers[1::2])
        )
        path.tag = f"{{{SVG}}}rect"
        box = {"x": left, "y": top, "width": right - left, "height": bottom - top, "rx": 12.0}
        for name, n in box.items():
            path.set(name, f"{n:.1f}")
        for name in ("fill", "stroke", "stroke-dasharray"):
            path.attrib.pop(name, None)


def _merge_pixels(vertex: ET.Element) -> None:
    """Write the cells of a thumbnail as one path a colour, which the style sheet leaves alone."""
    colours: dict[str, list[str]] = {}
    for cell in vertex.findall(f"{{{SVG}}}polygon"):
        if cell.get("stroke") == "none":
            points = [tuple(map(float, p.split(","))) for p in cell.attrib["points"].split()]
            (left, right), (top, bottom) = ((min(n), max(n)) for n in zip(*points, strict=True))
            size = f"h{right - left:.1f}v{bottom - top:.1f}h{left - right:.1f}z"
            colours.setdefault(cell.attrib["fill"], []).append(f"M{left:.1f},{top:.1f}{size}")
            vertex.remove(cell)
    for colour, cells in colours.items():
        path = ET.SubElement(vertex, f"{{{SVG}}}path", {"d": "".join(cells)})
        path.set("style", f"fill:{colour};stroke:none")


def _vertex(story: Story, v: Vertex) -> dict[str, Any]:
    formulas: list[Any] = []
    for index, e in enumerate(story.into[v.key] if v.primitive is not None else ()):
        if story.edges[e].slope is not None:
            formula = story.slope_text(v, index)
            words = f"∂{v.name}/∂{story.source(e).name} = {f'{formula} = ' if formula else ''}"
            formulas.append([words, ["slope", e]])
    if v.primitive is not None and not formulas:
        formulas.append(v.primitive.summary)
    found = {
        "key": v.key,
        "kind": v.kind,
        "name": v.name or v.title,
        "formula": "" if v.primitive is None else story.result_text(v),
        "formulas": formulas or list(v.details),
        "out": story.out[v.key],
        # the lines of a value in a box: an array has its shape and its range on two
        "back": 0
        if v.kind != "leaf" or v.gradient is None
        else len(written(v.gradient).split(": ")),
        "lines": 0 if v.value is None else 1 + (": " in written(v.value)),
    }
    return {key: value for key, value in found.items() if value or key == "out"}


def _edge(story: Story, i: int, edge: Edge) -> dict[str, Any]:
    head = story.vertices[edge.head]
    row = head.primitive
    found = {
        "head": edge.head,
        "source": story.source(i).key,
        "value": _number(edge.value),
        "gradient": _number(edge.gradient),
        "slope": _number(edge.slope),
        "differentiable": edge.differentiable,
        "sum": head.kind == "junction",
        "end": head.kind == "result",
        "form": isinstance(edge.value, Form),
        "selects": row is not None and row.selects,
    }
    return {key: value for key, value in found.items() if value is not False}


def _step(step: Step) -> dict[str, Any]:
    return {
        "edges": step.edges,
        "vertex": step.vertex,
        "sentence": _parts(step.sentence),
    }


def _parts(sentence: Sentence) -> list[Any]:
    return [part if isinstance(part, str) else [part.what, part.edge] for part in sentence]


def _number(x: Quantity | None) -> float | str | None:
    """Return a quantity as JSON has it; JSON has no nan and no infinity."""
    if isinstance(x, float) and math.isfinite(x):
        return x
    return None if x is None else written(x)


def _first_bad(vertices: Sequence[Vertex], edges: Sequence[Edge]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for v in vertices:
        if v.is_first_bad:
            found["vertex"] = v.key
    for i, edge in enumerate(edges):
        if edge.first_bad:
            found.update(edge=i, what=edge.first_bad)
    return found


def _why_not_live(vertices: Sequence[Vertex], edges: Sequence[Edge]) -> str:
    if not edges:
        return "Nothing is computed here: this is a value that was given."
    if any(v.kind in ("block", "module") for v in vertices):
        reason = "parts of it are collapsed"
    elif any(isinstance(edge.value, Form) for edge in edges):
        reason = "it is a frozen graph without values: draw what it returns for Tensors"
    elif not all(isinstance(edge.value, float) for edge in edges):
        reason = "it holds arrays"
    else:
        reason = "one of its operations has no translation to JavaScript"
    return f"This computation cannot be changed here, because {reason}."


def _asset(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text(encoding="utf-8")
