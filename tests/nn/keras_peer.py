"""What real Keras does with files, run by an interpreter that has it.

python keras_peer.py write FOLDER: saves trained models, weights, inputs and predictions.
python keras_peer.py read FOLDER: opens ours.keras, ours_graph.keras, and ours.weights.h5 in a model
like the first, and saves the predictions of all.
python keras_peer.py graphs FOLDER: opens every *.graph.keras, and saves its layers' names in order.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import keras
import numpy as np


@keras.saving.register_keras_serializable("mine")
def cube(x):
    return x * x * x


@keras.saving.register_keras_serializable("mine")
class Scale(keras.layers.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.shift = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="shift")

    def call(self, inputs):
        return inputs * self.factor + self.shift

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def sequential():
    return keras.Sequential(
        [
            keras.Input((4, 2)),
            keras.layers.Flatten(),
            keras.layers.Dense(6, activation="relu", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.LayerNormalization(),
            keras.layers.Activation("tanh"),
            keras.layers.Dense(3, activation="softmax", activity_regularizer="l1"),
        ]
    )


def graph():
    a, b = keras.Input((4,), name="a"), keras.Input((4,))
    shared = keras.layers.Dense(4, activation=cube)
    left = keras.layers.Add()([shared(a), a])
    right = Scale(0.5)(keras.layers.Dense(4, "relu")(b))
    joined = keras.layers.Concatenate()([left, right, shared(left)])
    tail = keras.Sequential([keras.layers.Dense(5, "relu"), keras.layers.Dense(3)], name="tail")
    return keras.Model([a, b], keras.layers.Softmax()(tail(joined)))


folder = Path(sys.argv[2])
if sys.argv[1] == "write":
    x = np.random.default_rng(0).normal(size=(20, 4, 2)).astype("float32")
    y = np.arange(20) % 3
    model = sequential()
    model.compile(
        "adam",
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=["sparse_categorical_accuracy"],
    )
    model.fit(x, y, epochs=2, verbose=0)
    model.save(folder / "theirs.keras")
    model.save_weights(folder / "theirs.weights.h5")
    other = graph()
    rate = keras.optimizers.schedules.CosineDecay(0.001, 100)
    other.compile(keras.optimizers.SGD(rate, 0.9), keras.losses.SparseCategoricalCrossentropy())
    other.fit([x[:, :, 0], x[:, :, 1]], y, epochs=2, verbose=0)
    other.save(folder / "theirs_graph.keras")
    np.savez(
        folder / "theirs.npz",
        x=x,
        p=model.predict(x, verbose=0),
        slot=np.asarray(model.optimizer.variables[2]),
        evaluated=model.evaluate(x, y, verbose=0),
        q=other.predict([x[:, :, 0], x[:, :, 1]], verbose=0),
        slots=[np.sum(np.asarray(v)) for v in other.optimizer.variables[1:]],
        names=[layer.name for layer in other.layers if "input" not in layer.name][1:],
    )
elif sys.argv[1] == "read":
    x = np.load(folder / "x.npy")
    model = keras.models.load_model(folder / "ours.keras")
    whole = model.predict(x, verbose=0)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    model.load_weights(folder / "ours.weights.h5")
    other = keras.models.load_model(folder / "ours_graph.keras")
    np.savez(
        folder / "read.npz",
        whole=whole,
        weights=model.predict(x, verbose=0),
        iterations=np.asarray(model.optimizer.iterations),
        slot=np.asarray(model.optimizer.variables[2]),
        loss=model.evaluate(x, np.arange(len(x)) % 3, verbose=0),
        graph=other.predict([x[:, :, 0], x[:, :, 1]], verbose=0),
        slots=[np.sum(np.asarray(v)) for v in other.optimizer.variables[1:]],
    )
else:
    orders = {
        path.name: [
            layer.name
            for layer in keras.models.load_model(path).layers
            if not isinstance(layer, keras.layers.InputLayer)
        ]
        for path in folder.glob("*.graph.keras")
    }
    (folder / "orders.json").write_text(json.dumps(orders))
