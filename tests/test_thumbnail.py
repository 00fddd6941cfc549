"""Thumbnails: what is an image, and that its pixels are the image's."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import autograd as ag
from autograd import Tensor
from autograd.draw.thumbnail import thumbnail


@pytest.mark.parametrize(
    ("shape", "is_data", "expected"),
    [
        ((8, 8), False, (8, 8)),
        ((28, 28, 1), False, (28, 28)),
        ((32, 20, 3), False, (16, 10)),
        ((5, 28, 28), False, (28, 28)),
        ((5, 28, 28, 3), False, (28, 28)),
        ((100, 100), False, (25, 25)),
        ((2, 784), True, (28, 28)),
        ((1, 64), True, (8, 8)),
        ((2, 784), False, None),
        ((784, 50), False, None),
        ((3, 2), True, None),
        ((0, 28, 28), True, None),
        ((8, 200), True, None),
        ((), True, None),
        ((64,), True, None),
    ],
)
def test_what_is_an_image(shape: tuple[int, ...], is_data: bool, expected: Any) -> None:
    pixels = thumbnail(np.random.default_rng(0).normal(size=shape), is_data=is_data)
    assert (len(pixels), len(pixels[0])) == expected if expected else pixels == ()


def test_the_darkest_entry_is_black_and_the_lightest_white() -> None:
    image = load_digits().images[0]
    pixels = np.array(thumbnail(image, is_data=True))
    assert set(pixels[image == 0]) == {"#000000"}
    assert set(pixels[image == image.max()]) == {"#ffffff"}
    shades = np.array([[int(c[1:3], 16) for c in row] for row in pixels])
    assert np.abs(shades / 255 - image / image.max()).max() <= 0.5 / 15 + 0.005  # sixteen shades


def test_of_several_images_the_box_says_that_it_shows_the_first(tmp_path: Any) -> None:
    x = Tensor(load_digits().images[:16], name="x", requires_grad=False)
    w = Tensor(np.ones((16, 8, 8)), name="w")
    one = Tensor(np.ones((1, 8, 8)), name="one", requires_grad=False)
    y = x * w + one
    y.name = "y"
    figure = ag.draw(y)
    said = {v.title: v.details for v in figure.vertices if v.pixels}
    first = ("the first of 16 images",)
    assert said == {"x": first, "w": first, "one": (), "y": first}
    svg = figure.save(tmp_path / "batch.svg").read_text(encoding="utf-8")
    assert svg.count("the first of 16 images") == 3
    assert svg.count('fill="#000000" stroke="none"') >= 4


def test_nan_is_red_and_colours_are_kept() -> None:
    image = np.zeros((8, 8, 3))
    image[0, 0] = [1, 0, 0]
    image[0, 1] = np.nan
    pixels = thumbnail(image, is_data=True)
    assert pixels[0][:3] == ("#ff0000", "#c00020", "#000000")


def test_boxes_that_hold_images_show_them(tmp_path: Any) -> None:
    x = Tensor(load_digits().images[0] / 16, name="x", requires_grad=False)
    w = Tensor(np.full((8, 8), 0.1), name="W")
    y = x * w
    y.name = "y"
    figure = ag.draw(y)
    assert {v.name or v.title for v in figure.vertices if v.pixels} == {"x", "W", "y"}
    assert figure.source.count('BGCOLOR="#ffffff"') >= 1
    for suffix in (".svg", ".png", ".pdf", ".html"):
        figure.save(tmp_path / f"image{suffix}")
    page = (tmp_path / "image.html").read_text(encoding="utf-8")
    assert 'style="fill:#ffffff;stroke:none"' in page
