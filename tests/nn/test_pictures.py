"""What the pictures of `nn.pictures` show, read back from the figures' own artists."""

import subprocess
import sys

import numpy as np
import pytest

import nn
from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError
from nn import pictures


def linear(kernel, bias=0.0):
    """Return a model of one Dense layer with these weights."""
    kernel = np.asarray(kernel, float)
    model = nn.Sequential([nn.Dense(kernel.shape[1])])
    model.build((None, kernel.shape[0]))
    model.set_weights([kernel, np.full(kernel.shape[1], bias)])
    return model


def class_at(figure, point):
    """Return the number of the class whose region holds a point, by the drawn areas."""
    paths = figure.axes[0].collections[0].get_paths()
    (number,) = [k for k, path in enumerate(paths) if path.contains_point(point)]
    return number


@pytest.mark.parametrize("labels", [[0, 1, 1, 0], [-1, 1, 1, -1]])
def test_one_output_parts_the_plane_halfway_between_the_labels(labels):
    middle = (labels[0] + labels[1]) / 2
    figure = pictures.decision_boundary(
        linear([[1.0], [0.0]], middle), [[-1, 0], [1, 0], [1, 1], [-1, 1]], labels
    )
    assert class_at(figure, (-0.3, 0.5)) == 0
    assert class_at(figure, (0.3, 0.5)) == 1
    low, high = figure.axes[0].collections[1:]
    assert low.get_offsets().tolist() == [[-1, 0], [-1, 1]]
    assert high.get_offsets().tolist() == [[1, 0], [1, 1]]
    assert [low.get_label(), high.get_label()] == [str(labels[0]), "1"]


def test_several_outputs_give_each_point_to_the_largest():
    x = np.array([[-2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    model = linear([[-1, 1, 0], [0, 0, 1]])
    for y in ([0, 1, 2], np.eye(3), [[0], [1], [2]]):
        figure = pictures.decision_boundary(model, x, y)
        assert [class_at(figure, point) for point in x] == [0, 1, 2]
        markers = [c.get_paths()[0].vertices.tolist() for c in figure.axes[0].collections[1:]]
        assert len({str(marker) for marker in markers}) == 3  # told apart without colours


def test_each_unit_of_the_first_layer_is_an_image_on_one_scale():
    kernel = np.arange(12.0).reshape(6, 2) - 3
    figure = pictures.weight_images(linear(kernel), shape=(2, 3))
    for unit, axes in enumerate(figure.axes[:2]):
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), kernel[:, unit].reshape(2, 3))
        assert image.get_clim() == (-8.0, 8.0)
    assert figure.get_suptitle() == "dense: 2 of 2 units"
    few = pictures.weight_images(linear(kernel), shape=(2, 3), count=1)
    assert few.get_suptitle() == "dense: 1 of 2 units"


@pytest.mark.parametrize("form", ["flat", "images", "channel"])
def test_mistakes_show_the_image_what_is_said_and_what_is_true(form):
    images = np.eye(4).reshape(4, 2, 2)
    flat = images.reshape(4, 4)
    model = linear(np.eye(4))  # says which pixel is lit
    if form != "flat":
        model = nn.Sequential([nn.Flatten(), model])
    x = {"flat": flat, "images": images, "channel": images[..., None]}[form]
    figure = pictures.mistakes(model, x, [0, 3, 2, 0])
    assert [axes.get_title() for axes in figure.axes] == ["1, is 3", "3, is 0"]
    for axes, i in zip(figure.axes, (1, 3), strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), images[i])
    assert figure.get_suptitle() == "2 mistakes in 4: predicted, true"
    first = pictures.mistakes(model, x, [0, 3, 2, 0], count=1)
    assert len(first.axes) == 1
    assert "the first 1 of them" in first.get_suptitle()
    none = pictures.mistakes(model, x, [0, 1, 2, 3])
    assert none.axes == []
    assert none.get_suptitle().startswith("0 mistakes in 4")


def test_the_path_lies_over_the_contours_of_the_function():
    path = np.array([[-3.0, 4.0], [-1.0, 2.0], [0.5, 0.5]])
    figure = pictures.descent_path(lambda a, b: a * a + b * b, path)
    line, start, end = figure.axes[0].lines
    np.testing.assert_array_equal(line.get_xydata(), path)
    np.testing.assert_array_equal(start.get_xydata(), path[:1])
    np.testing.assert_array_equal(end.get_xydata(), path[-1:])
    contours = figure.axes[0].collections[0]
    assert len(contours.levels) == 11
    for level, drawn in zip(contours.levels, contours.get_paths(), strict=True):
        # linear interpolation in cells of 1/40 errs by at most an eighth of 2 (1/40)^2 an axis
        np.testing.assert_allclose((drawn.vertices**2).sum(axis=1), level, atol=1e-3)


def test_a_function_of_tensors_or_without_slope_is_drawn():
    steep = pictures.descent_path(lambda a, b: (Tensor(a) ** 2 + b).exp(), [[0, 0], [1, 1]])
    assert len(steep.axes[0].collections) == 1
    flat = pictures.descent_path(lambda a, b: 0 * a, [[0, 0]])
    assert len(flat.axes[0].collections) == 0


def test_histograms_count_the_outputs_of_every_layer():
    model = nn.MLP([3, 5, 2], "relu", seed=1)
    x = np.random.default_rng(0).normal(size=(50, 3))
    figure = pictures.activation_histograms(model, x, bins=7)
    hidden = model.layers[0](x).numpy()
    for axes, values in zip(figure.axes, (hidden, model.predict(x, verbose=0)), strict=True):
        counts, edges = np.histogram(values, bins=7)
        assert [bar.get_height() for bar in axes.patches] == counts.tolist()
        np.testing.assert_allclose([bar.get_x() for bar in axes.patches], edges[:-1], atol=1e-6)
    assert figure.axes[0].get_title() == f"dense: {np.mean(hidden == 0):.0%} zero"


def test_activations_of_any_model_are_drawn_layer_by_layer():
    x = nn.Input((2,))
    h = nn.Dense(3, activation="tanh", name="hidden")(x)
    both = nn.layers.Concatenate(name="both")([h, x])
    functional = nn.Model(x, nn.Dense(1, name="out")(both), seed=0)
    figure = pictures.activation_histograms(functional, np.eye(2))
    titles = [axes.get_title().split(":")[0] for axes in figure.axes]
    assert titles == ["hidden", "both", "out"]

    class Twice(nn.Model):
        def __init__(self):
            super().__init__(seed=0)
            self.inner = nn.MLP([2, 2], "relu", name="block")

        def call(self, inputs):
            return self.inner(self.inner(inputs))

    own = Twice()
    own(np.eye(2))
    figure = pictures.activation_histograms(own, np.eye(2), bins=5)
    assert [axes.get_title().split(":")[0] for axes in figure.axes] == ["dense", "dense"]
    last = own.predict(np.eye(2), verbose=0)
    assert [bar.get_height() for bar in figure.axes[1].patches] == np.histogram(last, 5)[0].tolist()


PLANE = np.zeros((4, 2))


@pytest.mark.parametrize(
    ("draw", "error", "sentence"),
    [
        (lambda m: pictures.decision_boundary(m, np.zeros((4, 3)), [0] * 4), ShapeError, "two col"),
        (lambda m: pictures.decision_boundary(m, PLANE, [0, 1]), ShapeError, "4 labels"),
        (lambda m: pictures.decision_boundary(m, PLANE, [0, 1, 2, 3]), ArgumentError, "two labels"),
        (lambda m: pictures.decision_boundary(m, PLANE * np.nan, [0] * 4), ArgumentError, "NaN"),
        (lambda m: pictures.weight_images(nn.Sequential([nn.Dense(2)])), ArgumentError, "built"),
        (lambda m: pictures.weight_images(m), ShapeError, "2 numbers, which make no 1 by 1"),
        (lambda m: pictures.weight_images(m, (3, 1)), ShapeError, r"images of shape \(3, 1\)"),
        (lambda m: pictures.weight_images(m, (2, 1), count=0), ArgumentError, "whole number"),
        (lambda m: pictures.mistakes(m, PLANE, [0] * 4), ShapeError, "shape=.rows, columns"),
        (lambda m: pictures.descent_path(np.add, [[1, 2, 3]]), ShapeError, "path of shape"),
        (lambda m: pictures.descent_path(lambda a, b: 1.0, PLANE), ShapeError, "element-wise"),
        (lambda m: pictures.activation_histograms(m, PLANE, 0), ArgumentError, "bins"),
        (
            lambda m: pictures.activation_histograms(nn.Sequential([nn.Dense(2)]), PLANE),
            ArgumentError,
            "an unbuilt Sequential",
        ),
    ],
)
def test_bad_input_is_named(draw, error, sentence):
    with pytest.raises(error, match=sentence):
        draw(linear([[1.0], [1.0]]))


def test_no_picture_touches_pyplot():
    program = (
        "import sys, nn; "
        "nn.pictures.descent_path(lambda a, b: a * b, [[0, 0], [1, 1]]); "
        "nn.pictures.weight_images(nn.MLP([4, 2])); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
