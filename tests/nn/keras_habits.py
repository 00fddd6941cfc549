"""Snippets in the habits of Keras' users, each giving numbers; both libraries run the same lines.

python keras_habits.py LIBRARY FILE: runs them with "keras" or "nn", and writes the numbers as JSON.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

MODE = sys.argv[1]
if MODE == "keras":
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import keras
    from keras import layers, ops

    NP = np.asarray
else:
    import autograd as ops
    import nn as keras
    from nn import layers

    def NP(t):  # noqa: N802
        return np.asarray(t.data if hasattr(t, "data") else t)


rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4)).astype("float32")
Y = rng.integers(0, 3, 60)
YB = (X.sum(1) > 0).astype("float32")


def setw(m, seed=3):
    r = np.random.default_rng(seed)
    m.set_weights([(r.normal(size=w.shape) * 0.5).astype("float32") for w in m.get_weights()])


SNIPPETS = {}


def snippet(f):
    """Enter a snippet."""
    SNIPPETS[f.__name__] = f
    return f


@snippet
def seq_list():
    m = keras.Sequential(
        [
            layers.Input(shape=(4,)),
            layers.Dense(8, activation="relu", name="h"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    setw(m)
    m.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    h = m.fit(X, Y, epochs=3, batch_size=20, shuffle=False, verbose=0)
    return h.history


@snippet
def seq_add_inputdim():
    m = keras.models.Sequential()
    m.add(layers.Dense(8, input_dim=4, activation="relu"))
    m.add(layers.Dropout(0.0))
    m.add(layers.Dense(1, activation="sigmoid"))
    setw(m)
    m.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["acc"])
    h = m.fit(X, YB, epochs=2, batch_size=10, shuffle=False, validation_split=0.25, verbose=0)
    return h.history


@snippet
def functional_two_inputs():
    a = keras.Input(shape=(2,), name="a")
    b = keras.Input(shape=(2,), name="b")
    x = layers.Dense(4, activation="relu")(a)
    y = layers.Dense(4, activation="relu")(b)
    z = layers.concatenate([x, y])
    z = layers.add([z, layers.Dense(8)(z)])
    out = layers.Dense(3, activation="softmax")(z)
    m = keras.Model(inputs=[a, b], outputs=out, name="two")
    setw(m)
    # no probability comes near 1e-7, where Keras on JAX cuts it off and we go by the logits
    m.set_weights([w * 0.4 for w in m.get_weights()])
    m.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.1, momentum=0.9, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=False),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
    )
    h = m.fit([X[:, :2], X[:, 2:]], Y, epochs=2, shuffle=False, verbose=0)
    return h.history


@snippet
def functional_dict_inputs():
    a = keras.Input(shape=(2,), name="a")
    b = keras.Input(shape=(2,), name="b")
    out = layers.Dense(3, activation="softmax")(layers.Concatenate()([a, b]))
    m = keras.Model([a, b], out)
    setw(m)
    m.compile("sgd", "sparse_categorical_crossentropy")
    h = m.fit({"a": X[:, :2], "b": X[:, 2:]}, Y, epochs=2, shuffle=False, verbose=0)
    return h.history


@snippet
def subclass():
    class M(keras.Model):
        def __init__(self):
            super().__init__()
            self.d1 = layers.Dense(8, activation="relu")
            self.d2 = layers.Dense(3)
            self.drop = layers.Dropout(0.5)

        def call(self, x, training=False):
            x = self.d1(x)
            if training:
                x = self.drop(x, training=training)
            return self.d2(x)

    m = M()
    m(X[:2])
    setw(m)
    m.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return m.evaluate(X, Y, verbose=0, return_dict=True)


@snippet
def custom_layer():
    class Linear(layers.Layer):
        def __init__(self, units=32, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight(
                shape=(input_shape[-1], self.units),
                initializer="random_normal",
                trainable=True,
                name="w",
            )
            self.b = self.add_weight(
                shape=(self.units,), initializer="zeros", trainable=True, name="b"
            )

        def call(self, inputs):
            return ops.matmul(inputs, self.w) + self.b

        def get_config(self):
            c = super().get_config()
            c.update({"units": self.units})
            return c

    m = keras.Sequential([keras.Input((4,)), Linear(5), layers.ReLU(), Linear(3)])
    setw(m)
    m.compile(
        "adam", loss=keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    layer = Linear.from_config(Linear(7, name="q").get_config())
    assert layer.units == 7
    assert layer.name == "q"
    return m.fit(X, keras.utils.to_categorical(Y, 3), epochs=2, shuffle=False, verbose=0).history


@snippet
def custom_loss_metric():
    def my_loss(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)

    def my_metric(y_true, y_pred):
        return ops.mean(ops.absolute(y_true - y_pred), axis=-1)

    m = keras.Sequential([layers.Input((4,)), layers.Dense(1)])
    setw(m)
    m.compile(optimizer="sgd", loss=my_loss, metrics=[my_metric, "mae"])
    return m.fit(X, YB.reshape(-1, 1), epochs=2, shuffle=False, verbose=0).history


@snippet
def custom_loss_class():
    class L(keras.losses.Loss):
        def __init__(self, factor=2.0, name="mine"):
            super().__init__(name=name)
            self.factor = factor

        def call(self, y_true, y_pred):
            return ops.mean(ops.square(y_true - y_pred), axis=-1) * self.factor

    m = keras.Sequential([layers.Input((4,)), layers.Dense(1)])
    setw(m)
    m.compile(optimizer="sgd", loss=L())
    return m.fit(X, YB.reshape(-1, 1), epochs=2, shuffle=False, verbose=0).history


@snippet
def custom_callback():
    log = []

    class CB(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            log.append((epoch, sorted(logs)))

        def on_train_batch_end(self, batch, logs=None):
            log.append(batch)

    m = keras.Sequential([layers.Input((4,)), layers.Dense(1)])
    setw(m)
    m.compile("sgd", "mse", metrics=["mae"])
    m.fit(
        X,
        YB,
        epochs=2,
        callbacks=[
            CB(),
            keras.callbacks.LambdaCallback(on_epoch_begin=lambda e, logs: log.append("b")),
        ],
        verbose=0,
    )
    return log


@snippet
def schedules():
    out = []
    for s in [
        keras.optimizers.schedules.ExponentialDecay(
            0.1, decay_steps=5, decay_rate=0.9, staircase=True
        ),
        keras.optimizers.schedules.CosineDecay(
            0.1, 10, alpha=0.1, warmup_target=0.2, warmup_steps=3
        ),
        keras.optimizers.schedules.PiecewiseConstantDecay([2, 4], [0.1, 0.05, 0.01]),
        keras.optimizers.schedules.PolynomialDecay(0.1, 10, 0.01, power=2.0, cycle=True),
        keras.optimizers.schedules.InverseTimeDecay(0.1, 3, 0.5),
    ]:
        out.append([float(s(i)) for i in range(12)])
        m = keras.Sequential([layers.Input((4,)), layers.Dense(1)])
        setw(m)
        m.compile(keras.optimizers.SGD(s), "mse")
        out.append(m.fit(X, YB, epochs=2, shuffle=False, verbose=0).history)
    return out


@snippet
def class_and_sample_weight():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    setw(m)
    m.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        metrics=["acc"],
        weighted_metrics=["sparse_categorical_accuracy"],
    )
    h = m.fit(
        X,
        Y,
        class_weight={0: 1.0, 1: 2.0, 2: 0.5},
        epochs=2,
        shuffle=False,
        verbose=0,
        validation_data=(X, Y, np.arange(60.0)),
    ).history
    h2 = m.fit(X, Y, sample_weight=np.arange(60) / 30, epochs=2, shuffle=False, verbose=0).history
    return h, h2


@snippet
def generator_sw():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    setw(m)
    m.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])

    def gen():
        while True:
            for i in range(0, 60, 20):
                yield X[i : i + 20], Y[i : i + 20], np.arange(20) / 10

    return m.fit(gen(), steps_per_epoch=3, epochs=2, verbose=0).history


@snippet
def on_batch():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    setw(m)
    m.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
    return [
        m.train_on_batch(X, Y),
        m.train_on_batch(X, Y),
        m.test_on_batch(X, Y),
        m.predict_on_batch(X[:2]).tolist(),
        m.train_on_batch(X, Y, return_dict=True),
    ]


@snippet
def config_roundtrip():
    m = keras.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(8, activation="relu", kernel_regularizer=keras.regularizers.l2(0.01)),
            layers.Dense(3),
        ],
        name="net",
    )
    c = m.get_config()
    m2 = keras.Sequential.from_config(c)
    m2.set_weights(m.get_weights())
    i = keras.Input((4,))
    f = keras.Model(i, layers.Dense(2)(i))
    f2 = keras.Model.from_config(f.get_config())
    layer = layers.Dense(4, activation="tanh")
    l2 = layers.Dense.from_config(layer.get_config())
    return [
        bool(np.allclose(m2.predict(X, verbose=0), m.predict(X, verbose=0))),
        m2.name,
        l2.units,
        f2.count_params(),
        len(m2.layers),
    ]


@snippet
def json_roundtrip():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(8, activation="relu")])
    s = m.to_json()
    m2 = keras.models.model_from_json(s)
    return m2.count_params()


@snippet
def clone():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(8, activation="relu")])
    m2 = keras.models.clone_model(m)
    return m2.count_params(), bool(np.allclose(m2.get_weights()[0], m.get_weights()[0]))


@snippet
def freeze():
    m = keras.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(8, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    setw(m)
    m.layers[0].trainable = False
    m.compile("adam", "sparse_categorical_crossentropy")
    w = m.layers[0].get_weights()[0].copy()
    h = m.fit(X, Y, shuffle=False, epochs=2, verbose=0).history
    same = bool((m.layers[0].get_weights()[0] == w).all())
    n = [len(m.trainable_weights), len(m.non_trainable_weights), len(m.trainable_variables)]
    m.trainable = True
    m.compile("adam", "sparse_categorical_crossentropy")
    h2 = m.fit(X, Y, shuffle=False, epochs=1, verbose=0).history
    return h, same, n, h2, bool((m.layers[0].get_weights()[0] == w).all())


@snippet
def evaluate_dict():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    setw(m)
    m.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        metrics=["acc", keras.metrics.SparseTopKCategoricalAccuracy(k=2)],
    )
    return m.evaluate(X, Y, return_dict=True, verbose=0), m.evaluate(X, Y, verbose=0)


@snippet
def compile_strings():
    out = []
    for o in [
        "sgd",
        "adam",
        "rmsprop",
        "adagrad",
        "adamw",
        "nadam",
        "adamax",
        "lion",
        "SGD",
        "Adam",
    ]:
        m = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
        setw(m)
        m.compile(o, "sparse_categorical_crossentropy")
        out.append(
            [
                o,
                float(NP(m.optimizer.learning_rate)),
                m.fit(X, Y, shuffle=False, epochs=2, verbose=0).history["loss"],
            ]
        )
    return out


@snippet
def clips():
    out = []
    for kw in [
        dict(clipnorm=0.1),
        dict(global_clipnorm=0.1),
        dict(clipvalue=0.01),
        dict(weight_decay=0.1),
    ]:
        m = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
        setw(m)
        m.compile(keras.optimizers.Adam(0.01, **kw), "sparse_categorical_crossentropy")
        out.append(
            [
                str(kw),
                m.fit(X, Y, shuffle=False, epochs=3, verbose=0).history["loss"],
                m.evaluate(X, Y, verbose=0),
            ]
        )
    return out


@snippet
def reg_init():
    m = keras.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(
                6,
                kernel_initializer="he_normal",
                bias_initializer=keras.initializers.Constant(0.1),
                kernel_regularizer=keras.regularizers.l1_l2(l1=0.01, l2=0.02),
                activity_regularizer=keras.regularizers.L2(0.01),
                kernel_constraint=keras.constraints.MaxNorm(1.0),
                activation=keras.activations.relu,
            ),
            layers.Dense(3, kernel_regularizer="l2"),
        ]
    )
    setw(m)
    m.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return m.fit(X, Y, shuffle=False, epochs=3, verbose=0).history, m.evaluate(X, Y, verbose=0)


@snippet
def bn_ln():
    m = keras.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(6),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            layers.LayerNormalization(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    w = m.get_weights()
    r = np.random.default_rng(1)
    m.set_weights([a if a.ndim == 1 else r.normal(size=a.shape) for a in w])
    m.compile("adam", "sparse_categorical_crossentropy")
    h = m.fit(X, Y, shuffle=False, epochs=3, verbose=0).history
    return h, m.evaluate(X, Y, verbose=0)


@snippet
def early_stop():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    setw(m)
    m.compile(keras.optimizers.SGD(2.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    es = keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)
    rl = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1)
    h = m.fit(X, Y, validation_split=0.3, epochs=30, shuffle=False, verbose=0, callbacks=[es, rl])
    return h.history, es.stopped_epoch, float(NP(m.optimizer.learning_rate))


@snippet
def lr_sched_cb():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(1)])
    setw(m)
    m.compile("sgd", "mse")
    return m.fit(
        X,
        YB,
        epochs=3,
        shuffle=False,
        verbose=0,
        callbacks=[keras.callbacks.LearningRateScheduler(lambda e, lr: lr * 0.5)],
    ).history


@snippet
def set_lr():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(1)])
    setw(m)
    m.compile(keras.optimizers.Adam(), "mse")
    m.optimizer.learning_rate = 0.05
    a = m.fit(X, YB, epochs=2, shuffle=False, verbose=0).history
    m.optimizer.learning_rate.assign(0.01) if MODE == "keras" else setattr(
        m.optimizer, "learning_rate", 0.01
    )
    return a, float(NP(m.optimizer.learning_rate)), int(NP(m.optimizer.iterations))


@snippet
def props():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="d")])
    m.compile("sgd", "mse", metrics=["mae"])
    return [
        m.input_shape,
        m.output_shape,
        m.count_params(),
        m.layers[0].units,
        m.built,
        m.name[:10],
        m.get_layer("d").name,
        m.get_layer(index=0).name,
        len(m.variables),
        m.layers[0].input_shape if False else None,
    ]


@snippet
def call_ops():
    i = keras.Input((4,))
    h = layers.Dense(4)(i)
    o = h + i
    o = layers.Dense(1)(o * 2.0)
    m = keras.Model(i, o)
    setw(m)
    return float(m.predict(X, verbose=0).sum())


@snippet
def train_loop():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(3)])
    setw(m)
    lf = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    keras.optimizers.SGD(0.1)
    acc = keras.metrics.SparseCategoricalAccuracy()
    acc.update_state(Y, m(X))
    r = float(acc.result())
    acc.reset_state()
    return float(NP(lf(Y, m(X)) if MODE == "keras" else lf(Y, m(X)).data)), r


@snippet
def checkpoint_cb():
    d = tempfile.mkdtemp()
    m = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
    setw(m)
    m.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    cb = [
        keras.callbacks.ModelCheckpoint(
            d + "/best.keras", save_best_only=True, monitor="val_accuracy", mode="max"
        ),
        keras.callbacks.ModelCheckpoint(
            filepath=d + "/w.{epoch:02d}-{val_loss:.2f}.weights.h5", save_weights_only=True
        ),
        keras.callbacks.CSVLogger(d + "/log.csv"),
        keras.callbacks.TerminateOnNaN(),
    ]
    m.fit(X, Y, epochs=2, validation_split=0.2, shuffle=False, verbose=0, callbacks=cb)
    files = sorted(os.listdir(d))
    m.load_weights(d + "/" + files[-1])
    return files, open(d + "/log.csv").readline().strip()


@snippet
def to_cat():
    return keras.utils.to_categorical([0, 1, 2, 1]).tolist(), str(
        keras.utils.to_categorical([0, 1], 3).dtype
    )


@snippet
def layer_alone():
    layer = layers.Dense(2, kernel_initializer="ones")
    y = layer(np.ones((3, 4), "float32"))
    return (
        NP(y).tolist(),
        [tuple(w.shape) for w in layer.weights],
        layer.get_config()["units"],
        layer.count_params(),
    )


@snippet
def sequential_call_layers_after_pop():
    m = keras.Sequential([layers.Input((4,)), layers.Dense(5), layers.Dense(3)])
    m.pop()
    m.add(layers.Dense(2))
    return m.output_shape, len(m.layers)


@snippet
def prelu_etc():
    out = []
    for layer in [
        layers.ReLU(6.0),
        layers.LeakyReLU(negative_slope=0.1),
        layers.ELU(0.5),
        layers.Softmax(),
        layers.Activation("gelu"),
        layers.Activation("silu"),
        layers.Activation("selu"),
        layers.Activation("softplus"),
        layers.Activation("softsign"),
        layers.Activation("hard_sigmoid"),
        layers.Activation("mish"),
        layers.Activation("exponential"),
        layers.Activation("relu6"),
        layers.ReLU(negative_slope=0.2, threshold=0.5),
        layers.Activation("tanh"),
        layers.Activation("log_softmax"),
        layers.Reshape((2, 2)),
        layers.Flatten(),
        layers.Rescaling(2.0, 1.0),
        layers.Subtract(),
        layers.Maximum(),
        layers.Minimum(),
        layers.Activation("leaky_relu"),
        layers.Activation("elu"),
    ]:
        x = (
            X[:5]
            if type(layer).__name__ not in ("Subtract", "Maximum", "Minimum")
            else [X[:5], X[5:10]]
        )
        out.append([type(layer).__name__, NP(layer(x)).astype("float64").sum().item()])
    return out


found = {name: run() for name, run in SNIPPETS.items()}
Path(sys.argv[2]).write_text(
    json.dumps(found, indent=0, default=lambda o: o.tolist() if hasattr(o, "tolist") else str(o))
)
