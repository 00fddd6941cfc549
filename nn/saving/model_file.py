"""Whole models in files: .keras as Keras 3 writes and reads them, and .h5."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from autograd.errors import ArgumentError, message, require
from nn import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from nn.datasets.idx import DataError
from nn.layers.layer import REGISTRY as LAYERS
from nn.models.sequential import Sequential
from nn.registry import Registry
from nn.saving.atomic import write_whole
from nn.saving.weights import from_hdf5, hdf5, opened, restore_optimizer, sealed

_LARGEST_CONFIG = 1 << 24
_LARGEST_FILE = 1 << 34

_MODULES: dict[str, Registry] = {
    "keras.layers": LAYERS,
    "keras.initializers": initializers.REGISTRY,
    "keras.regularizers": regularizers.REGISTRY,
    "keras.constraints": constraints.REGISTRY,
    "keras.optimizers": optimizers.optimizer.REGISTRY,
    "keras.optimizers.schedules": optimizers.schedules.REGISTRY,
    "keras.losses": losses.REGISTRY,
    "keras.metrics": metrics.REGISTRY,
}

_WITHOUT_EFFECT: dict[str, Any] = {
    "quantization_config": None,
    "data_format": "channels_last",
    "noise_shape": None,
    "synchronized": False,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
    "rms_scaling": False,
    "input_axes": None,
    "output_axes": None,
    "activity_regularizer": None,
    "batch_input_shape": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}
"""Settings of Keras that are not here, with the values at which they change nothing."""


# ---- to plain data -------------------------------------------------------------------------------


def _with_modules(item: Any) -> Any:
    """Add to every configuration the module in which Keras finds its class."""
    if isinstance(item, list):
        return [_with_modules(each) for each in item]
    if not isinstance(item, Mapping):
        return item
    out = {key: _with_modules(value) for key, value in item.items()}
    if out.keys() == {"class_name", "config"}:
        name = str(out["class_name"]).lower()
        for module, registry in _MODULES.items():
            if name in registry.entries:
                return {"module": module, **out, "registered_name": None}
    return out


def _layer_plain(layer: Any) -> dict[str, Any]:
    config = layer.get_config()
    activation = getattr(layer, "activation", None)
    if callable(activation):
        known = activations.REGISTRY.entries.get(getattr(activation, "__name__", ""))
        if known is not activation:
            raise ArgumentError(
                message(
                    f"an activation of nn.activations in layer {layer.name!r}, to save the model",
                    f"{activation!r:.60}",
                    "model.save_weights, and making the model in code before load_weights",
                )
            )
    if type(layer).__name__.lower() not in LAYERS.entries:
        raise ArgumentError(
            message(
                "layers of nn.layers, to save the model",
                f"{type(layer).__name__} {layer.name!r}",
                "model.save_weights, and making the model in code before load_weights",
            )
        )
    for absent in ("input_shape", "input_dim"):
        config.pop(absent, None)
    config["dtype"] = layer.compute_dtype.name
    plain = {"class_name": type(layer).__name__, "config": config}
    out: dict[str, Any] = _with_modules(plain)
    if layer.build_shape is not None:
        out["build_config"] = {"input_shape": list(layer.build_shape)}
    return out


def _compile_plain(model: Any) -> dict[str, Any] | None:
    recipe = model.recipe
    if recipe is None:
        return None
    loss: Any = recipe.loss.name
    if isinstance(recipe.loss, losses.CustomLoss):
        raise ArgumentError(
            message(
                "a loss of nn.losses, to save the model",
                f"the function {recipe.loss.name}",
                "model.save_weights, which leaves the loss out",
            )
        )
    if recipe.loss.options:
        plain = {"class_name": type(recipe.loss).__name__, "config": recipe.loss.get_config()}
        loss = _with_modules(plain)
    optimizer = recipe.optimizer
    return {
        "optimizer": _with_modules(
            {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}
        ),
        "loss": loss,
        "loss_weights": None,
        "metrics": [_metric_plain(m) for m in recipe.metrics],
        "weighted_metrics": None,
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": False,
    }


def _metric_plain(metric: Any) -> Any:
    known = {**losses.REGISTRY.entries, **metrics.REGISTRY.entries}
    if metric.name.lower() in known:
        return metric.name
    if type(metric).__name__.lower() not in metrics.REGISTRY.entries:
        raise ArgumentError(
            message(
                "metrics of nn.metrics, to save the model",
                f"{metric.name!r}",
                "model.save_weights, which leaves the metrics out",
            )
        )
    return _with_modules({"class_name": type(metric).__name__, "config": metric.get_config()})


def _model_plain(model: Any) -> dict[str, Any]:
    if not isinstance(model, Sequential):
        raise ArgumentError(
            message(
                "a Sequential model, to save it whole",
                f"{type(model).__name__} {model.name!r}",
                "model.save_weights, and making the model in code before load_weights",
            )
        )
    if not model.built or model.input_shape is None:
        raise ArgumentError(
            message(
                f"model {model.name!r} to be built, to save it",
                "a model that has not seen the shape of its input",
                "model.build((None, width))",
            )
        )
    shape = [None, *model.input_shape]
    dtype = model.layers[0].compute_dtype.name
    entry = {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": shape, "dtype": dtype, "name": "input_layer"},
        "registered_name": None,
    }
    out: dict[str, Any] = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {
            "name": model.name,
            "trainable": model.trainable,
            "dtype": dtype,
            "layers": [entry, *map(_layer_plain, model.layers)],
            "build_input_shape": shape,
        },
        "registered_name": None,
        "build_config": {"input_shape": shape},
    }
    compiled = _compile_plain(model)
    if compiled is not None:
        out["compile_config"] = compiled
    return out


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model with its structure, weights, and what it was compiled with.

    Args:
        model: a built Sequential model.
        path: the file; .keras is what Keras 3 opens too, .h5 is read here only.

    Raises:
        ArgumentError: if the model cannot be saved whole, or the ending is another.
        MissingExtraError: if h5py is not installed.
    """
    name = os.fspath(path)
    if not name.endswith((".keras", ".h5")):
        raise ArgumentError(
            message("the file of a model to end in .keras or .h5", repr(name), f"{name}.keras")
        )
    config = json.dumps(_model_plain(model))
    weights = hdf5(model, model.optimizer if model.recipe and model.optimizer.parameters else None)
    if name.endswith(".h5"):
        buffer = io.BytesIO(weights)
        h5py = require("h5py", "nn", "save a model")
        with h5py.File(buffer, "r+") as file:
            file.attrs["chainrule_config"] = config
        write_whole(path, sealed(buffer.getvalue()))
        return
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        saved = datetime.now(UTC).strftime("%Y-%m-%d@%H:%M:%S")
        metadata = {"keras_version": "3.15.1", "date_saved": saved, "written_by": "chainrule"}
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", weights)
    write_whole(path, buffer.getvalue())


# ---- from plain data -----------------------------------------------------------------------------


def _without_keras(item: Any) -> Any:
    """Drop what Keras adds to a configuration, and refuse what would change its meaning."""
    if isinstance(item, list):
        return [_without_keras(each) for each in item]
    if not isinstance(item, Mapping):
        return item
    if "class_name" in item and "config" in item:
        config = item["config"]
        if item["class_name"] == "DTypePolicy":
            return config["name"]
        if item.get("registered_name"):
            raise DataError(
                message(
                    "classes of Keras itself",
                    f"{item['registered_name']!r}, which was registered by a program",
                    "loading the weights into a model made in code",
                )
            )
        return {"class_name": item["class_name"], "config": _without_keras(config)}
    out = {}
    for key, value in item.items():
        if key in _WITHOUT_EFFECT:
            if value != _WITHOUT_EFFECT[key]:
                raise DataError(
                    message(f"{key}={_WITHOUT_EFFECT[key]!r}", f"{value!r:.60}", "another model")
                )
            continue
        out[key] = _without_keras(value)
    return out


def _model_of(config: Mapping[str, Any]) -> Sequential:
    if config.get("class_name") not in ("Sequential", "MLP"):
        raise DataError(
            message(
                "a Sequential model",
                f"{config.get('class_name')!r}",
                "load_weights into a model made in code",
            )
        )
    inner = config["config"]
    model = Sequential(name=inner.get("name"))
    for item in inner["layers"]:
        plain = _without_keras(item)
        if plain["class_name"] == "InputLayer":
            shape = plain["config"].get("batch_shape") or plain["config"].get("batch_input_shape")
            model.add(layers.Input(tuple(shape[1:]), dtype=plain["config"].get("dtype")))
            continue
        model.add(LAYERS.get(plain))
    if not model.built:
        model.build(tuple(inner.get("build_input_shape") or config["build_config"]["input_shape"]))
    return model


def _compile(model: Sequential, config: Mapping[str, Any]) -> None:
    plain = _without_keras(dict(config))
    optimizer = plain["optimizer"]
    if isinstance(optimizer, Mapping):
        rate = optimizer["config"].get("learning_rate")
        if isinstance(rate, float):
            # Keras keeps it in float32: 0.001 comes as 0.0010000000474974513
            optimizer["config"]["learning_rate"] = float(f"{np.float32(rate)!s}")
    metrics_ = [metrics.get(m) for m in plain.get("metrics") or () if m is not None and m != "loss"]
    model.compile(optimizers.get(optimizer), losses.get(plain["loss"]), metrics_)


def load_model(path: str | os.PathLike[str], compile: bool = True) -> Sequential:
    """Read a model that `save`, or Keras 3, wrote.

    Nothing in the file is run: it can only name layers, losses and so on of this library.

    Args:
        path: a .keras file, or an .h5 file of this library.
        compile: whether to restore optimizer, loss and metrics as well.

    Returns:
        A built model.

    Raises:
        DataError: if the file is damaged, or holds what is not known here.
        MissingExtraError: if h5py is not installed.
    """
    content = Path(path).read_bytes()
    try:
        text, weights = _parts(content, path)
        config = json.loads(text)
        model = _model_of(config)
        with opened(weights, path) as file:
            model.set_weights(from_hdf5(model, file, path))
            compiled = config.get("compile_config")
            if compile and compiled:
                _compile(model, compiled)
                if "optimizer" in file and "vars" in file["optimizer"]:
                    restore_optimizer(model.optimizer, file, path)
    except DataError:
        raise
    except (
        ArgumentError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        RecursionError,
    ) as error:
        raise DataError(
            message(
                f"{path} to be a whole model of layers that are known here",
                f"{type(error).__name__}: {error}",
                "a complete copy of the file",
            )
        ) from error
    return model


def _parts(content: bytes, path: Any) -> tuple[str, bytes]:
    if os.fspath(path).endswith(".h5"):
        with opened(content, path) as file:
            return str(file.attrs["chainrule_config"]), content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = []
        for name, largest in (
            ("config.json", _LARGEST_CONFIG),
            ("model.weights.h5", _LARGEST_FILE),
        ):
            info = archive.getinfo(name)
            if info.file_size > largest or info.file_size > 1100 * len(content):
                raise DataError(
                    message(
                        f"{name} in {path} to be no larger than its file can hold",
                        f"{info.file_size} bytes",
                        "a copy from a source that you trust",
                    )
                )
            found.append(archive.read(info))
    return found[0].decode(), found[1]
