"""Whole models in files: .keras as Keras 3 writes and reads them, and .h5."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from autograd import write_whole
from autograd.errors import ArgumentError, message, require
from nn import losses, metrics, optimizers
from nn.datasets.idx import DataError
from nn.models.model import Model
from nn.models.sequential import Sequential
from nn.saving.custom import known_objects
from nn.saving.plain import function_plain, object_plain, with_modules, without_keras
from nn.saving.structure import model_of, model_plain
from nn.saving.weights import from_hdf5, hdf5, opened, restore_optimizer, sealed

_LARGEST_CONFIG = 1 << 24
_LARGEST_FILE = 1 << 34


def _compile_plain(model: Any) -> dict[str, Any]:
    recipe = model.recipe
    loss: Any = recipe.loss.name
    if isinstance(recipe.loss, losses.CustomLoss):
        loss = function_plain(recipe.loss.function, losses.REGISTRY, "a loss of nn.losses")
    elif not isinstance(recipe.loss, losses.LossOf):
        loss = object_plain(recipe.loss, losses.REGISTRY, "a loss of nn.losses")
    elif recipe.loss.options:
        plain = {"class_name": type(recipe.loss).__name__, "config": recipe.loss.get_config()}
        loss = with_modules(plain)
    optimizer = recipe.optimizer
    return {
        "optimizer": with_modules(
            {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}
        ),
        "loss": loss,
        "loss_weights": None,
        "metrics": [_metric_plain(m) for m in recipe.metrics if m.name not in recipe.weighted],
        "weighted_metrics": [_metric_plain(m) for m in recipe.metrics if m.name in recipe.weighted]
        or None,
        "run_eagerly": recipe.run_eagerly,
        "steps_per_execution": 1,
        "jit_compile": recipe.jit_compile,
    }


def _metric_plain(metric: Any) -> Any:
    if type(metric) is metrics.MeanOf:
        # by the name of a loss, or a function of one's own
        known = {**losses.REGISTRY.entries, **metrics.REGISTRY.entries}
        if metric.name.lower() in known:
            return metric.name
        return function_plain(metric.function, metrics.REGISTRY, "metrics of nn.metrics")
    if isinstance(metric, metrics.FittingAccuracy):
        return metric.name.removeprefix("weighted_")
    return object_plain(metric, metrics.REGISTRY, "metrics of nn.metrics")


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model with its structure, weights, and what it was compiled with.

    Args:
        model: a built Sequential model, or one of layers called on `Input`s.
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
    if not model.built or (isinstance(model, Sequential) and model.example_shape is None):
        raise ArgumentError(
            message(
                f"model {model.name!r} to be built, to save it",
                "a model that has not seen the shape of its input",
                "model.build((None, width))",
            )
        )
    plain = model_plain(model)
    if model.recipe is not None:
        plain["compile_config"] = _compile_plain(model)
    config = json.dumps(plain)
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


def _compile(model: Model, config: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    plain = without_keras(dict(config), known)
    optimizer = plain["optimizer"]
    if isinstance(optimizer, Mapping):
        rate = optimizer["config"].get("learning_rate")
        if isinstance(rate, float):
            # Keras keeps it in float32: 0.001 comes as 0.0010000000474974513
            optimizer["config"]["learning_rate"] = float(f"{np.float32(rate)!s}")

    def own(given: Any) -> Any:
        return known.get(given, given) if isinstance(given, str) else given

    def listed(given: Any) -> list[Any]:
        each = [given] if isinstance(given, (str, Mapping)) or callable(given) else given or ()
        return [metrics.get(own(m)) for m in each if m is not None and m != "loss"]

    model.compile(
        optimizers.get(optimizer),
        losses.get(own(plain["loss"])),
        listed(plain.get("metrics")),
        listed(plain.get("weighted_metrics")),
        run_eagerly=plain.get("run_eagerly") is True,
        # how fast steps run is no reason to refuse a file
        jit_compile=plain.get("jit_compile") is True
        and plain.get("run_eagerly") is not True
        and find_spec("llvmlite") is not None,
    )


def load_model(
    path: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
) -> Any:
    """Read a model that `save`, or Keras 3, wrote.

    Nothing in the file is run: it can only name layers, losses and so on of this library, and
    those that the program made known itself.

    Args:
        path: a .keras file, or an .h5 file of this library.
        custom_objects: the program's own classes and functions, by the names in the file, besides
            those of `nn.saving.register_keras_serializable`.
        compile: whether to restore optimizer, loss and metrics as well, and how steps run: as
            machine code only where the extra `llvm` is installed.

    Returns:
        A built model.

    Raises:
        DataError: if the file is damaged, or holds what is not known here.
        MissingExtraError: if h5py is not installed.
    """
    content = Path(path).read_bytes()
    known = known_objects(custom_objects)
    try:
        text, weights = _parts(content, path)
        config = json.loads(text)
        model = model_of(config, known)
        with opened(weights, path) as file:
            model.set_weights(from_hdf5(model, file, path))
            compiled = config.get("compile_config")
            if compile and compiled:
                _compile(model, compiled, known)
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
