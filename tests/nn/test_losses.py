"""Every loss against Keras' values and gradients, the fused forms, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference import DATA

import autograd as ag
import nn
from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError

KNOWN = [case for case in DATA["losses"] if hasattr(nn.losses, case["loss"])]


def name(case):
    return f"{case['loss']}-{case['note'] or case['kwargs'] or case['reduction']}"


def call(case, y_pred):
    y_true = np.array(case["y_true"], case["y_true_dtype"])
    return getattr(nn.losses, case["loss"])(
        y_true,
        y_pred,
        **case["kwargs"],
        sample_weight=case["sample_weight"],
        reduction=case["reduction"],
    )


def test_every_loss_of_the_reference_is_here():
    assert {case["loss"] for case in DATA["losses"]} == {case["loss"] for case in KNOWN}


@pytest.mark.parametrize("case", KNOWN, ids=map(name, KNOWN))
def test_value_and_gradient_equal_keras(case):
    y_pred = Tensor(np.array(case["y_pred"]))
    if "raises" in case:
        with pytest.raises(ArgumentError):
            call(case, y_pred)
        return
    with np.errstate(invalid="ignore"):  # one case is 0/0 on purpose
        value = call(case, y_pred)
    # both sides round each of a handful of operations once
    np.testing.assert_allclose(value.data, case["value"], rtol=1e-12, atol=1e-15)
    gradient = ag.gradients(ag.sum(value), y_pred)
    np.testing.assert_allclose(gradient, case["grad_of_sum"], rtol=1e-12, atol=1e-15)
    with np.errstate(invalid="ignore"):
        plain = call(case, y_pred.numpy())
    np.testing.assert_allclose(plain, case["value"], rtol=1e-12, atol=1e-15)


LOGITS = arrays(float, (4, 3), elements=st.floats(-50, 50))


@given(LOGITS, st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_softmax_and_crossentropy_fuse_to_p_minus_t(z, labels):
    logits = Tensor(z)
    hot = np.eye(3)[labels]
    loss = nn.losses.sparse_categorical_crossentropy(labels, ag.softmax(logits), reduction="sum")
    same = nn.losses.categorical_crossentropy(hot, ag.softmax(logits), reduction="sum")
    exact = nn.losses.sparse_categorical_crossentropy(
        labels, logits, from_logits=True, reduction="sum"
    )
    assert loss.item() == same.item() == exact.item()
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    # probabilities are at most 1, so this is a few units in the last place of 1
    np.testing.assert_allclose(ag.gradients(loss, logits), p - hot, atol=4e-16)


@given(arrays(float, (5, 1), elements=st.floats(-700, 700)), st.lists(st.booleans(), min_size=5))
def test_sigmoid_and_crossentropy_fuse_to_p_minus_t(z, bits):
    t = np.array(bits[:5], float)[:, None]
    logits = Tensor(z)
    loss = nn.losses.binary_crossentropy(t, ag.sigmoid(logits), reduction="sum")
    p = np.array([[1 / (1 + math.exp(-v)) if v > -700 else 0.0] for v in z[:, 0]])
    pairs = zip(z[:, 0], t[:, 0], strict=True)
    expected = sum(max(v, 0) - v * s + math.log1p(math.exp(-abs(v))) for v, s in pairs)
    # terms up to 700 cancel: a few units in the last place of 700
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-14, atol=5e-13)
    np.testing.assert_allclose(ag.gradients(loss, logits), np.where(z == 0, 0.5, p) - t, atol=4e-16)


def test_a_fused_loss_is_exact_where_the_probability_underflows():
    z = Tensor([[1000.0, 0.0]])
    assert nn.losses.sparse_categorical_crossentropy([1], ag.softmax(z)).item() == 1000.0
    assert nn.losses.binary_crossentropy([[0.0]], ag.sigmoid(Tensor([[800.0]]))).item() == 800.0


def test_softmax_along_another_axis_is_not_mistaken_for_the_classes():
    z = Tensor(np.random.default_rng(0).normal(size=(3, 3)))
    p = ag.softmax(z, axis=0)
    plain = nn.losses.sparse_categorical_crossentropy([0, 1, 2], p.detach())
    assert nn.losses.sparse_categorical_crossentropy([0, 1, 2], p).item() == plain.item()


@pytest.mark.parametrize(
    "call",
    [
        lambda p: nn.losses.categorical_crossentropy([[0, 1]], p),
        lambda p: nn.losses.sparse_categorical_crossentropy([1], p),
        lambda p: nn.losses.mean_squared_error([[0, 1]], p),
        lambda p: nn.losses.binary_crossentropy([[0, 1]], p, sample_weight=[2.0]),
    ],
)
def test_float32_predictions_give_float32_losses_and_gradients(call):
    p = Tensor(np.array([[0.25, 0.75]], np.float32))
    loss = call(p)
    assert loss.dtype == np.float32
    assert ag.gradients(loss, p).dtype == np.float32


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ([0, 3], "label 3 at position 1"),
        ([-1, 0], "label -1 at position 0"),
        ([0.5, 1.0], "label 0.5 at position 0"),
        ([np.nan, 1.0], "label nan at position 0"),
        (["cat", "dog"], "dtype <U3"),
        ([[1, 0, 0], [0, 1, 0]], "categorical_crossentropy, which takes one-hot rows"),
        ([0, 1, 2], r"labels of shape \(2,\)"),
    ],
)
def test_labels_that_do_not_fit_are_named(labels, why):
    p = np.full((2, 3), 1 / 3)
    with pytest.raises(ArgumentError, match=why):
        nn.losses.sparse_categorical_crossentropy(labels, p)


def test_labels_where_one_hot_rows_belong_are_named():
    with pytest.raises(ShapeError, match="sparse_categorical_crossentropy"):
        nn.losses.categorical_crossentropy([0, 1], np.full((2, 3), 1 / 3))


def test_targets_never_broadcast():
    with pytest.raises(ShapeError, match=r"y_true of shape \(4, 1\)"):
        nn.losses.mean_squared_error(np.zeros((4, 4)), np.zeros((4, 1)))


def test_unknown_options_are_named():
    with pytest.raises(ArgumentError, match="from_logit"):
        nn.losses.CategoricalCrossentropy(from_logit=True)
    with pytest.raises(ArgumentError, match="reduction"):
        nn.losses.mean_squared_error([1.0], np.array([1.0]), reduction="median")


def test_losses_are_found_by_name_object_or_function():
    p = Tensor([[2.0], [4.0]])
    y = np.array([[1.0], [1.0]])
    for identifier in (
        "mse",
        "MeanSquaredError",
        nn.losses.mean_squared_error,
        "mean_squared_error",
    ):
        assert nn.losses.get(identifier)(y, p).item() == 5.0
    assert nn.losses.get(lambda t, q: ag.absolute(t - q))(y, p).item() == 2.0
    with pytest.raises(ArgumentError, match="known loss"):
        nn.losses.get("mean_sqared")
