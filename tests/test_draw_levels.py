"""The three levels of a figure: modules, operations, scalars."""

from typing import Any

import numpy as np
import pytest
from drawings import by_title, reaches_every_vertex_once
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
import nn
from autograd import Tensor
from autograd.draw import Figure


def of_kind(figure: Figure, kind: str) -> list[Any]:
    return [v for v in figure.vertices if v.kind == kind]


# ---- modules -------------------------------------------------------------------------------------


def network(**last: Any) -> Any:
    layers = [nn.Dense(5, activation="relu"), nn.Dropout(0.5), nn.Dense(3, **last)]
    return nn.Sequential(layers, seed=0)


def test_each_layer_is_one_box_with_its_name_and_parameter_count() -> None:
    model = network(name="scores")
    y = model(np.ones((2, 4)))
    figure = ag.draw(y, level="modules")
    assert [(v.title, v.details) for v in of_kind(figure, "module")] == [
        ("dense", ("Dense", "25 parameters")),
        ("scores", ("Dense", "18 parameters")),
    ]
    assert of_kind(figure, "operation") == []
    assert of_kind(figure, "leaf") == []
    (given,) = of_kind(figure, "constant")
    assert given.title == "2×4"
    assert [(e.tail, e.head) for e in figure.edges] == [
        (given.key, by_title(figure, "dense")),
        (by_title(figure, "dense"), by_title(figure, "scores")),
        (by_title(figure, "scores"), by_title(figure, "result")),
    ]


def test_gradients_flow_between_the_boxes() -> None:
    model = network()
    x = Tensor(np.random.default_rng(0).normal(size=(2, 4)), name="x")
    loss = (model(x) ** 2).sum()
    loss.backward()
    figure = ag.draw(loss, level="modules")
    (edge,) = [e for e in figure.edges if e.tail == by_title(figure, "x")]
    assert edge.gradient == ag.draw(loss).vertices[0].gradient
    plain = {e.gradient for e in ag.draw(loss).edges}
    assert {e.gradient for e in figure.edges if e.differentiable} <= plain


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "mse"])
def test_a_loss_is_a_box_also_where_it_looks_behind_the_softmax(loss: str) -> None:
    model = network(activation="softmax")
    target = [0, 2] if loss != "mse" else np.eye(3)[[0, 2]]
    y = nn.losses.get(loss)(target, model(np.ones((2, 4))))
    y.backward()
    figure = ag.draw(y, level="modules")
    assert [v.title for v in of_kind(figure, "module")] == [
        "dense",
        "dense_1",
        nn.losses.get(loss).name,
    ]


def test_layers_in_parallel_and_a_shared_layer_are_boxes_without_a_cycle() -> None:
    x = nn.Input((4,))
    shared = nn.Dense(4, activation="tanh")
    model = nn.Model(x, nn.layers.Add()([shared(shared(x)), nn.Dense(4)(x), x]))
    figure = model.draw(np.ones((2, 4)))
    assert [v.title for v in of_kind(figure, "module")] == ["dense", "dense", "dense_1", "add"]
    assert of_kind(figure, "leaf") == []  # the shared kernel belongs to both boxes
    assert reaches_every_vertex_once(figure)


def test_what_a_model_computes_between_its_layers_stays_visible() -> None:
    class Residual(nn.Model):
        def __init__(self) -> None:
            super().__init__(seed=0)
            self.inner = nn.Dense(3)

        def call(self, inputs: Any) -> Any:
            h = ag.tanh(self.inner(inputs) * 2.0)
            return h + self.inner(h)

    figure = ag.draw(Residual()(np.ones((2, 3))), level="modules")
    assert [v.title for v in of_kind(figure, "module")] == ["inner", "inner"] or [
        v.title for v in of_kind(figure, "module")
    ] == ["dense", "dense"]
    assert sorted(v.title for v in of_kind(figure, "operation")) == ["+", "tanh", "×"]
    assert reaches_every_vertex_once(figure)


def test_a_scope_of_plain_functions_is_a_box_and_hostile_names_are_text() -> None:
    x = Tensor([1.0, 2.0], name="x")
    w = Tensor([3.0, 4.0], name="w")
    name = "<script> \\N & </TD>"
    y = ag.scope(name, lambda x: (x * w).sum(), x) + 1.0
    y.backward()
    figure = ag.draw(y, level="modules")
    (box,) = of_kind(figure, "module")
    assert (box.title, box.details) == (name, ())
    assert [v.title for v in of_kind(figure, "operation")] == ["+"]
    assert b"&lt;script&gt;" in figure._repr_mimebundle_()["image/svg+xml"].encode()
    assert "script" not in ag.draw(y).source


def test_a_scope_that_leaks_an_inner_value_is_not_boxed() -> None:
    x = Tensor(2.0, name="x")
    kept = []

    def leaky(x: Tensor) -> Tensor:
        kept.append(x.exp())
        return kept[0].sin()

    y = ag.scope("leaky", leaky, x)
    z = ag.scope("after", lambda a, b: a * b, y, kept[0])
    figure = ag.draw(z, level="modules")
    assert [v.title for v in of_kind(figure, "module")] == ["after"]
    assert reaches_every_vertex_once(figure)


def test_scopes_change_no_value_and_hold_nothing_without_a_graph() -> None:
    x = Tensor([1.0, 2.0])
    assert ag.scope("s", lambda x: x.data, x).tolist() == [1.0, 2.0]
    assert ag.scope("s", lambda x: x, x) is x
    with ag.no_grad():
        assert not hasattr(ag.scope("s", lambda x: x * 2, x), "_scopes")


def test_many_layers_alike_are_one_box_that_says_so() -> None:
    model = nn.Sequential([nn.Dense(3, activation="tanh") for _ in range(150)], seed=0)
    y = model(np.ones((1, 3))).sum()
    y.backward()
    figure = ag.draw(y, level="modules")
    (block,) = of_kind(figure, "block")
    assert block.title == "143 modules"
    assert block.details == ("143 times", "Dense", "1,716 parameters")
    assert "143 of 151 parts are collapsed into 1 box" in figure.caption
    assert len(of_kind(figure, "module")) == 7


def test_a_model_draws_itself_and_plot_model_saves_it(tmp_path: Any) -> None:
    model = nn.MLP([784, 50, 10], "sigmoid", "softmax")
    figure = model.draw()
    assert [(v.title, v.details[1]) for v in of_kind(figure, "module")] == [
        ("dense", "39,250 parameters"),
        ("dense_1", "510 parameters"),
    ]
    assert figure.vertices[-1].title == "mlp"
    nn.utils.plot_model(model, tmp_path / "model.png")
    assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ag.ArgumentError, match="model 'sequential' to be built, or x"):
        nn.Sequential([nn.Dense(2)]).draw()
    with pytest.raises(ag.ArgumentError, match="rankdir to be 'TB' or 'LR'; got 'XX'; try"):
        nn.utils.plot_model(model, None, "XX")


def test_the_first_bad_number_inside_a_box_marks_the_box() -> None:
    model = nn.MLP([2, 3, 1], "tanh", seed=0)
    model.build((None, 2))
    kernel = model.layers[1].kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    figure = ag.draw(model(np.ones((1, 2))), level="modules")
    (mark,) = [v for v in figure.vertices if v.is_first_bad]
    assert mark.title == "dense_1"
    assert "the first nan is in here" in mark.details
    with np.errstate(all="ignore"):
        y = ag.scope("root", np.sqrt, ag.scope("log", np.log, Tensor(0.0, name="x")))
    (mark,) = [v for v in ag.draw(y, level="modules").vertices if v.is_first_bad]
    assert (mark.title, mark.details[-1]) == ("log", "the first inf is in here")


# ---- scalars -------------------------------------------------------------------------------------


def test_a_matrix_product_opens_into_multiplications_and_additions() -> None:
    a, b = Tensor([[1.0, 2.0], [3.0, 4.0]], name="A"), Tensor([5.0, 6.0], name="b")
    y = (a @ b).sum()
    y.name = "y"
    y.backward()
    figure = ag.draw(y, level="scalars")
    assert [v.title for v in of_kind(figure, "operation")] == ["×", "×", "+", "×", "×", "+", "+"]
    boxes = {v.title: (v.value, v.gradient) for v in of_kind(figure, "leaf")}
    assert boxes == {
        "A[0, 0]": (1.0, 5.0),
        "A[0, 1]": (2.0, 6.0),
        "A[1, 0]": (3.0, 5.0),
        "A[1, 1]": (4.0, 6.0),
        "b[0]": (5.0, 4.0),
        "b[1]": (6.0, 6.0),
    }
    assert figure.edges[-1].value == y.item()
    assert all(isinstance(e.value, float) for e in figure.edges)


def layer(x: Tensor, w: Tensor, kind: str) -> Tensor:
    z: Any = x @ w
    return {
        "sigmoid": lambda: z.sigmoid(),
        "bias": lambda: z + w[0],
        "transpose": lambda: z.T.reshape(-1)[:2] * w[0, :2],
        "concatenate": lambda: np.concatenate([z, -z], axis=1),
        "stack": lambda: np.stack([z, z * 2]),
        "softmax": lambda: ag.softmax(z, axis=-1),
        "max": lambda: z.max(axis=0) + z.min(),
        "mean": lambda: z.mean(axis=0, keepdims=True) * z,
        "where": lambda: np.where(z.data > 0, z, np.sin(z)),
        "cumsum": lambda: np.cumsum(z, axis=1),
        "clip": lambda: np.clip(z, -0.5, 0.5) ** 2,
        "norm": lambda: z / np.linalg.norm(z),
        "einsum": lambda: np.einsum("ij,ij->i", z, z),
        "outer": lambda: np.outer(z[0], z[:, 0]),
        "power": lambda: np.abs(z) ** 1.5,
        "diagonal": lambda: np.trace(z[:, :2] if z.shape[1] > 1 else z),
    }[kind]()


KINDS = ["sigmoid", "bias", "transpose", "concatenate", "stack", "softmax", "max", "mean"]
KINDS += ["where", "cumsum", "clip", "norm", "einsum", "outer", "power", "diagonal"]


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(1, 3), st.integers(2, 3), st.integers(2, 3), st.integers(0, 2**32))
@settings(max_examples=8, deadline=None)
def test_scalars_have_the_values_and_gradients_of_the_arrays(
    kind: str, rows: int, inner: int, columns: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = Tensor(rng.normal(size=(rows, inner)), name="x")
    w = Tensor(rng.normal(size=(inner, columns)), name="w")
    y = (layer(x, w, kind) * 0.5).sum()
    y.backward()
    figure = ag.draw(y, level="scalars")
    # sums are added one by one here and pairwise by NumPy
    assert figure.edges[-1].value == pytest.approx(y.item(), rel=1e-12, abs=1e-12)
    boxes = {v.title: v.gradient for v in of_kind(figure, "leaf")}
    for t in (x, w):
        if t.name in boxes:  # needed whole by an operation that stays closed
            continue
        for i in np.ndindex(t.shape):
            found = boxes.get(f"{t.name}[{', '.join(map(str, i))}]", 0.0)
            assert found == pytest.approx(t.grad[i], rel=1e-9, abs=1e-11)
    assert reaches_every_vertex_once(figure)


def test_what_is_too_large_or_of_another_kind_stays_whole_and_the_caption_says_so() -> None:
    rng = np.random.default_rng(0)
    x = Tensor(rng.normal(size=(1, 784)), name="x", requires_grad=False)
    w1, w2 = (
        Tensor(rng.normal(size=(784, 3)), name="W1"),
        Tensor(rng.normal(size=(3, 2)), name="W2"),
    )
    y = ag.softmax((x @ w1).sigmoid() @ w2, axis=-1)[0, 1]
    y.backward()
    figure = ag.draw(y, level="scalars")
    assert "left whole, for its size or its kind: matmul, softmax" in figure.caption
    titles = [v.title for v in of_kind(figure, "operation")]
    assert titles.count("@") == 1
    assert titles.count("×") == 6
    assert {v.title for v in of_kind(figure, "leaf")} == {"W1"} | {
        f"W2[{i}, {j}]" for i in range(3) for j in range(2)
    }


def test_scalars_before_backward_have_no_gradient_yet_and_keep_float32() -> None:
    w = Tensor(np.array([[1.0, 2.0]], np.float32), name="w")
    y = (w @ np.ones((2, 1), np.float32)).sum()
    figure = ag.draw(y, level="scalars")
    assert "no gradient yet" in figure.caption
    assert figure.edges[-1].value == 3.0


def test_a_scalar_computation_looks_the_same_at_the_level_of_scalars() -> None:
    x = Tensor(2.0, name="x")
    y = np.exp(x) * x + 1
    y.name = "y"
    y.backward()
    assert ag.draw(y, level="scalars").source == ag.draw(y).source


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ag.ArgumentError, match="'operations' or 'scalars'; got 'atoms'; try"):
        ag.draw(Tensor(1.0) * 2, level="atoms")  # type: ignore[arg-type]
