"""Losses, metrics, activations and schedules with their options, as real Keras computes them.

KERAS_BACKEND=jax python tests/nn/keras_figures.py > tests/nn/data/keras_figures.json
"""

import json

import numpy as np

RNG = np.random.default_rng(7)
N = 12
ARRAYS = {
    "labels": RNG.integers(0, 4, N),
    "bits": RNG.integers(0, 2, (N, 4)).astype(float),
    "numbers": RNG.normal(size=(N, 4)),
    "sizes": RNG.uniform(0.05, 0.95, (N, 4)).round(2),
    "rows": RNG.dirichlet(np.ones(4), N),
    "weights": RNG.uniform(0.5, 2, N),
}
ARRAYS["hot"] = np.eye(4)[ARRAYS["labels"]]
ARRAYS["positive"] = np.abs(ARRAYS["numbers"])

LOSSES = [
    ("MeanAbsolutePercentageError", {}, "numbers", "sizes"),
    ("MeanSquaredLogarithmicError", {}, "numbers", "sizes"),
    ("CosineSimilarity", {}, "numbers", "sizes"),
    ("CosineSimilarity", {"axis": 0, "reduction": "sum"}, "numbers", "sizes"),
    ("Poisson", {}, "positive", "sizes"),
    ("SquaredHinge", {}, "bits", "numbers"),
    ("CategoricalHinge", {}, "hot", "numbers"),
]
METRICS = [
    ("RootMeanSquaredError", {}, "numbers", "sizes"),
    ("MeanAbsolutePercentageError", {}, "numbers", "sizes"),
    ("MeanSquaredLogarithmicError", {}, "numbers", "sizes"),
    ("LogCoshError", {}, "numbers", "sizes"),
    ("CosineSimilarity", {}, "numbers", "sizes"),
    ("Poisson", {}, "positive", "sizes"),
    ("SquaredHinge", {}, "bits", "numbers"),
    ("CategoricalHinge", {}, "hot", "numbers"),
    ("R2Score", {}, "numbers", "sizes"),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, "numbers", "sizes"),
    ("F1Score", {}, "hot", "rows"),
    ("F1Score", {"average": "macro"}, "hot", "rows"),
    ("F1Score", {"average": "weighted", "threshold": 0.3}, "hot", "rows"),
    ("FBetaScore", {"beta": 2.0, "average": "micro"}, "hot", "rows"),
    ("Precision", {"top_k": 2}, "bits", "sizes"),
    ("Precision", {"top_k": 2, "thresholds": [0.3, 0.6]}, "bits", "sizes"),
    ("Recall", {"top_k": 3, "class_id": 1}, "bits", "sizes"),
    ("TruePositives", {"thresholds": [0.3, 0.6]}, "bits", "sizes"),
    ("AUC", {"curve": "PR"}, "bits", "sizes"),
    ("AUC", {"curve": "PR", "summation_method": "minoring"}, "bits", "sizes"),
    ("AUC", {"summation_method": "majoring", "num_thresholds": 9}, "bits", "sizes"),
    ("AUC", {"thresholds": [0.2, 0.5, 0.7]}, "bits", "sizes"),
    ("AUC", {"from_logits": True}, "bits", "numbers"),
]
ACTIVATIONS = [
    *("hard_silu", "hard_swish", "log_sigmoid", "celu", "hard_tanh", "tanh_shrink"),
    *("hard_shrink", "soft_shrink", "squareplus"),
]
SCHEDULES = [
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 3}),
    (
        "CosineDecayRestarts",
        {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 4,
            "t_mul": 1.0,
            "m_mul": 0.5,
            "alpha": 0.1,
        },
    ),
]


def figures(library):
    """Return what a library computes: losses, and metrics of two batches, without and with weights.

    Labels of several columns (multi_label) take no weights an example in Keras.
    """
    found = []
    for weights in (None, ARRAYS["weights"]):
        for name, options, y_true, y_pred in LOSSES:
            if options.get("axis") == 0 and weights is not None:
                continue
            loss = getattr(library.losses, name)(**options)
            value = loss(ARRAYS[y_true], ARRAYS[y_pred], sample_weight=weights)
            found.append((f"{name}{options}", np.asarray(value).tolist()))
        for name, options, y_true, y_pred in METRICS:
            metric = getattr(library.metrics, name)(**options)
            for rows in (slice(0, 5), slice(5, N)):
                weight = None if weights is None else weights[rows]
                metric.update_state(
                    ARRAYS[y_true][rows], ARRAYS[y_pred][rows], sample_weight=weight
                )
            found.append((f"{name}{options}", np.asarray(metric.result()).tolist()))
    several = library.metrics.AUC(multi_label=True, num_labels=4)
    several.update_state(ARRAYS["bits"], ARRAYS["sizes"])
    found.append(("AUC of four labels", float(several.result())))
    for name in ACTIVATIONS:
        value = library.activations.get(name)(ARRAYS["numbers"] * 2)
        found.append((name, np.asarray(value).tolist()))
    for name, options in SCHEDULES:
        schedule = getattr(library.optimizers.schedules, name)(**options)
        found.append((f"{name}{options}", [float(schedule(step)) for step in range(17)]))
    layer = library.layers.UnitNormalization(dtype="float64")
    found.append(("UnitNormalization", np.asarray(layer(ARRAYS["numbers"])).tolist()))
    return found


if __name__ == "__main__":
    import jax
    import keras

    jax.config.update("jax_enable_x64", True)
    keras.config.set_floatx("float64")
    print(json.dumps(figures(keras), indent=1))
