"""The layers of networks, under Keras' names."""

from nn.layers.activation import ELU, GELU, Activation, LeakyReLU, ReLU, SiLU, Softmax
from nn.layers.dense import Dense
from nn.layers.layer import Layer
from nn.layers.merging import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from nn.layers.noise import Dropout, GaussianNoise, Rescaling
from nn.layers.normalization import (
    BatchNormalization,
    LayerNormalization,
    UnitNormalization,
)
from nn.layers.shaping import Flatten, Reshape
from nn.layers.symbol import Input, Symbol

Symbol.layers = {kind.__name__: kind for kind in (Add, Subtract, Multiply, Rescaling)}

__all__ = [
    "ELU",
    "GELU",
    "Activation",
    "Add",
    "Average",
    "BatchNormalization",
    "Concatenate",
    "Dense",
    "Dropout",
    "Flatten",
    "GaussianNoise",
    "Input",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Maximum",
    "Minimum",
    "Multiply",
    "ReLU",
    "Rescaling",
    "Reshape",
    "SiLU",
    "Softmax",
    "Subtract",
    "UnitNormalization",
    "add",
    "average",
    "concatenate",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]
