"""What real Keras does with files, run by an interpreter that has it.

python keras_peer.py write FOLDER: saves a trained model, its weights, inputs and predictions.
python keras_peer.py read FOLDER: opens ours.keras, and ours.weights.h5 in a model like it, and
saves the predictions of both.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import keras
import numpy as np

folder = Path(sys.argv[2])
if sys.argv[1] == "write":
    model = keras.Sequential(
        [
            keras.Input((4, 2)),
            keras.layers.Flatten(),
            keras.layers.Dense(6, activation="relu", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.LayerNormalization(),
            keras.layers.Activation("tanh"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x = np.random.default_rng(0).normal(size=(20, 4, 2)).astype("float32")
    model.fit(x, np.arange(20) % 3, epochs=2, verbose=0)
    model.save(folder / "theirs.keras")
    model.save_weights(folder / "theirs.weights.h5")
    slots = [np.asarray(v) for v in model.optimizer.variables]
    np.savez(folder / "theirs.npz", x=x, p=model.predict(x, verbose=0), slot=slots[2])
else:
    x = np.load(folder / "x.npy")
    model = keras.models.load_model(folder / "ours.keras")
    whole = model.predict(x, verbose=0)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    model.load_weights(folder / "ours.weights.h5")
    np.savez(
        folder / "read.npz",
        whole=whole,
        weights=model.predict(x, verbose=0),
        iterations=np.asarray(model.optimizer.iterations),
        slot=np.asarray(model.optimizer.variables[2]),
        loss=model.evaluate(x, np.arange(len(x)) % 3, verbose=0),
    )
