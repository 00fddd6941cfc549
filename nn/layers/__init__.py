"""The layers of networks, under Keras' names."""

from nn.layers.activation import Activation
from nn.layers.dense import Dense
from nn.layers.layer import Layer
from nn.layers.shaping import Flatten, Reshape
from nn.layers.symbol import Input

__all__ = ["Activation", "Dense", "Flatten", "Input", "Layer", "Reshape"]
