"""The program reaches the accuracy that its first line promises."""

import nn
from examples import mnist


def test_digits_are_recognised(capsys):
    accuracy = mnist.main([])
    assert accuracy > (0.97 if nn.datasets.mnist.available() else 0.95)
    assert f"test accuracy {accuracy:.4f}" in capsys.readouterr().out
