"""Ten steps of every configuration against Keras' own, and the rules of `apply`."""

import numpy as np
import pytest
from reference import DATA

import nn
from autograd import Tensor
from autograd.errors import ArgumentError, ShapeError

PARAMS = DATA["problem"]["params"]
GRADIENTS = DATA["problem"]["grads"]
KNOWN = [case for case in DATA["optimizers"] if hasattr(nn.optimizers, case["cls"])]


def fresh():
    return [Tensor(np.array(value), name=name) for name, value in PARAMS.items()]


def made(case):
    return getattr(nn.optimizers, case["cls"])(**case["config"])


def test_every_class_of_the_reference_is_here():
    assert {case["cls"] for case in DATA["optimizers"]} == {case["cls"] for case in KNOWN}


# 1e-12 relative: the same formula in the same precision may round differently at each of ten steps
@pytest.mark.parametrize("case", KNOWN, ids=[case["id"] for case in KNOWN])
def test_ten_steps_equal_keras(case):
    tensors = fresh()
    optimizer = made(case)
    for i, (gradients, expected) in enumerate(zip(GRADIENTS, case["steps"], strict=True)):
        if case["id"] == "sgd_momentum_lr_drop" and i == 5:
            optimizer.learning_rate = 0.01
        optimizer.apply([gradients[name] for name in PARAMS], tensors)
        for t in tensors:
            np.testing.assert_allclose(t.data, expected[t.name], rtol=1e-12, atol=1e-14)
    assert optimizer.iterations == 10
    slots = {
        f"{t.name}_{slot}": value
        for t, state in zip(tensors, optimizer.state, strict=True)
        for slot, value in state.items()
    }
    assert slots.keys() == case["slots_after_10"].keys()
    for name, value in case["slots_after_10"].items():
        np.testing.assert_allclose(slots[name], value, rtol=1e-12, atol=1e-14)


# the one left out changes its learning rate on the way, for the given gradients only
QUADRATIC = [case for case in KNOWN if case["id"] != "sgd_momentum_lr_drop"]


@pytest.mark.parametrize("case", QUADRATIC, ids=[case["id"] for case in QUADRATIC])
def test_descent_on_a_quadratic_by_backward_and_step_equals_keras(case):
    a, c = (np.array(DATA["problem"]["quadratic"][key]) for key in ("A", "c"))
    w = Tensor(DATA["problem"]["quadratic"]["w0"])
    optimizer = getattr(nn.optimizers, case["cls"])(**case["config"], parameters=[w])
    for expected in case["quadratic_steps"]:
        residual = a @ w - c
        (0.5 * (residual * residual).sum()).backward()
        optimizer.step()
        w.grad = None
        np.testing.assert_allclose(w.data, expected, rtol=1e-11, atol=1e-12)


def test_float32_parameters_stay_float32():
    w = Tensor(np.ones(3, np.float32))
    optimizer = nn.optimizers.Adam(0.1, parameters=[w])
    optimizer.apply([np.ones(3)])
    assert w.dtype == np.float32
    assert all(slot.dtype == np.float32 for slot in optimizer.state[0].values())


def test_a_call_that_raises_changes_nothing():
    tensors = fresh()
    optimizer = nn.optimizers.Adam(parameters=tensors)
    optimizer.apply([GRADIENTS[0][t.name] for t in tensors])
    before = [t.numpy() for t in tensors]
    state = [{k: v.copy() for k, v in s.items()} for s in optimizer.state]
    with pytest.raises(ShapeError, match=r"gradient of shape \(2,\) for Tensor 'b'"):
        optimizer.apply([GRADIENTS[1]["W"], [1.0, 2.0, 3.0], 1.0])
    with pytest.raises(ShapeError, match="one gradient for each of 3"):
        optimizer.apply([1.0])
    with pytest.raises(ArgumentError, match="at least one parameter"):
        optimizer.apply([None] * 3)
    for t, value in zip(tensors, before, strict=True):
        np.testing.assert_array_equal(t.data, value)
    for new, old in zip(optimizer.state, state, strict=True):
        for name, value in old.items():
            np.testing.assert_array_equal(new[name], value)
    assert optimizer.iterations == 1


def test_a_missing_gradient_is_left_out_with_a_warning():
    tensors = fresh()
    optimizer = nn.optimizers.SGD(1.0, parameters=tensors)
    with pytest.warns(UserWarning, match="no gradient for Tensor 'b'"):
        optimizer.apply([np.ones((3, 2)), None, 1.0])
    np.testing.assert_array_equal(tensors[1].data, PARAMS["b"])
    assert tensors[2].item() == PARAMS["s"] - 1


def test_step_without_parameters_says_how_to_give_them():
    with pytest.raises(ArgumentError, match=r"optimizer\.build\(model\)"):
        nn.optimizers.SGD().step()


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"momentum": 2}, "momentum"),
        ({"momentum": "0.9"}, "momentum"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "one way of clipping"),
        ({"clipnorm": -1.0}, "clipnorm"),
    ],
)
def test_bad_settings_are_named(settings, what):
    with pytest.raises(ArgumentError, match=what):
        nn.optimizers.SGD(**settings)


def test_names_are_found_in_any_case_and_unknown_ones_get_a_hint():
    assert nn.optimizers.get("SGD").learning_rate == 0.01
    assert nn.optimizers.get("Adam").beta_2 == 0.999
    with pytest.raises(ArgumentError, match="'adam'"):
        nn.optimizers.get("adamm")


def test_a_rule_is_pure():
    rule = nn.optimizers.Adam()
    w, g = np.ones(2), np.full(2, 0.5)
    slots = rule.slots(w)
    rule.update(w, g, slots, 0.1, 1)
    np.testing.assert_array_equal(w, 1.0)
    assert all(np.all(value == 0) for value in slots.values())
