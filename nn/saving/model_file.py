"""Whole models in files: .keras as Keras 3 writes and reads them, and .h5."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from autograd import write_whole
from autograd.errors import ArgumentError, message, require
from nn import layers, losses, metrics, optimizers
from nn.datasets.idx import DataError
from nn.layers.layer import REGISTRY as LAYERS
from nn.layers.layer import Layer
from nn.layers.symbol import Symbol
from nn.models.functional import Functional
from nn.models.model import Model
from nn.models.sequential import Sequential
from nn.saving.custom import known_objects, registered_name
from nn.saving.plain import function_plain, layer_plain, with_modules, without_keras
from nn.saving.weights import from_hdf5, hdf5, opened, restore_optimizer, sealed

_LARGEST_CONFIG = 1 << 24
_LARGEST_FILE = 1 << 34


def _compile_plain(model: Any) -> dict[str, Any] | None:
    recipe = model.recipe
    if recipe is None:
        return None
    loss: Any = recipe.loss.name
    if isinstance(recipe.loss, losses.CustomLoss):
        loss = function_plain(recipe.loss.function, losses.REGISTRY, "a loss of nn.losses")
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
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": False,
    }


def _metric_plain(metric: Any) -> Any:
    name = metric.name.removeprefix("weighted_")
    if name.lower() in {**losses.REGISTRY.entries, **metrics.REGISTRY.entries}:
        return name
    if type(metric) is metrics.MeanOf:
        return function_plain(metric.function, metrics.REGISTRY, "metrics of nn.metrics")
    own = registered_name(type(metric))
    if type(metric).__name__.lower() not in metrics.REGISTRY.entries and own is None:
        raise ArgumentError(
            message(
                "metrics of nn.metrics, to save the model",
                f"{metric.name!r}",
                "registering the class by nn.saving.register_keras_serializable(), or "
                "model.save_weights, which leaves the metrics out",
            )
        )
    plain = with_modules({"class_name": type(metric).__name__, "config": metric.get_config()})
    return plain if own is None else {"module": None, **plain, "registered_name": own}


def _model_plain(model: Any) -> dict[str, Any]:
    if isinstance(model, Sequential):
        out = _sequential_plain(model)
    elif type(model) is Functional:
        out = _functional_plain(model)
    else:
        raise ArgumentError(
            message(
                "a Sequential model, or one of layers called on Inputs, to save it whole",
                f"{type(model).__name__} {model.name!r}",
                "model.save_weights, and making the model in code before load_weights",
            )
        )
    compiled = _compile_plain(model)
    if compiled is not None:
        out["compile_config"] = compiled
    return out


def _input_plain(shape: Sequence[int | None], dtype: Any, name: str) -> dict[str, Any]:
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": [*shape], "dtype": np.dtype(dtype).name, "name": name},
        "registered_name": None,
    }


def _layer_plain(layer: Any) -> dict[str, Any]:
    return _model_plain(layer) if isinstance(layer, Model) else layer_plain(layer)


def _sequential_plain(model: Sequential) -> dict[str, Any]:
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
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {
            "name": model.name,
            "trainable": model.trainable,
            "dtype": dtype,
            "layers": [
                _input_plain(shape, dtype, "input_layer"),
                *map(_layer_plain, model.layers),
            ],
            "build_input_shape": shape,
        },
        "registered_name": None,
        "build_config": {"input_shape": shape},
    }


def _functional_plain(model: Functional) -> dict[str, Any]:
    graph = model.symbols
    names = _names_of_inputs(graph.sources, {layer.name for layer in model.layers})
    places = {source: [name, 0, 0] for source, name in zip(graph.sources, names, strict=True)}
    calls: dict[Any, list[Symbol]] = {layer: [] for layer in model.layers}
    for step in graph.steps:
        places[step] = [step.layer.name, len(calls[step.layer]), 0]
        calls[step.layer].append(step)

    def tensor(symbol: Symbol) -> dict[str, Any]:
        config = {"shape": [*symbol.shape], "dtype": "float32", "keras_history": places[symbol]}
        return {"class_name": "__keras_tensor__", "config": config}

    def node(step: Symbol) -> dict[str, Any]:
        args = [tensor(s) for s in step.inputs]
        return {"args": [args] if len(args) > 1 else args, "kwargs": {}}

    kind = model.layers[0].compute_dtype
    entries = [
        {**_input_plain(s.shape, s.dtype or kind, name), "name": name, "inbound_nodes": []}
        for s, name in zip(graph.sources, names, strict=True)
    ]
    for layer in model.layers:
        nodes = [node(step) for step in calls[layer]]
        entries.append({**_layer_plain(layer), "name": layer.name, "inbound_nodes": nodes})
    inputs = [places[s] for s in graph.sources]
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": model.name,
            "trainable": model.trainable,
            "layers": entries,
            "input_layers": inputs[0] if len(inputs) == 1 else inputs,
            "output_layers": places[graph.output],
        },
        "registered_name": "Functional",
        "build_config": {"input_shape": None},
    }


def _names_of_inputs(sources: Sequence[Symbol], taken: set[str]) -> list[str]:
    names: list[str] = []
    for source in sources:
        base = name = "input_layer" if source.name == "input" else source.name
        number = 0
        while name in taken or name in names:
            number += 1
            name = f"{base}_{number}"
        names.append(name)
    return names


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


def _model_of(item: Mapping[str, Any], known: Mapping[str, Any]) -> Model:
    name = item.get("class_name")
    if name in ("Sequential", "MLP"):
        return _sequential_of(item, known)
    if name in ("Functional", "Model"):
        return _functional_of(item, known)
    raise DataError(
        message(
            "a Sequential model, or one of layers called on Inputs",
            f"{name!r}",
            "load_weights into a model made in code",
        )
    )


def _layer_of(item: Mapping[str, Any], known: Mapping[str, Any]) -> Layer:
    if item.get("class_name") in ("Sequential", "Functional"):
        return _model_of(item, known)
    found: Layer = LAYERS.get(without_keras(item, known))
    return found


def _input_of(item: Mapping[str, Any]) -> Symbol:
    config = without_keras(item, {})["config"]
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    return layers.Input(tuple(shape[1:]), dtype=config.get("dtype"), name=config.get("name"))


def _sequential_of(item: Mapping[str, Any], known: Mapping[str, Any]) -> Sequential:
    inner = item["config"]
    model = Sequential(name=inner.get("name"), trainable=inner.get("trainable", True))
    for each in inner["layers"]:
        first = each["class_name"] == "InputLayer"
        model.add(_input_of(each) if first else _layer_of(each, known))
    if not model.built:
        model.build(tuple(inner.get("build_input_shape") or item["build_config"]["input_shape"]))
    return model


def _functional_of(item: Mapping[str, Any], known: Mapping[str, Any]) -> Functional:
    inner = item["config"]
    made: dict[tuple[str, int], Symbol] = {}
    waiting: list[tuple[str, Layer, list[Any]]] = []
    for each in inner["layers"]:
        if each["class_name"] == "InputLayer":
            made[each["name"], 0] = _input_of(each)
        else:
            waiting.append((each["name"], _layer_of(each, known), each["inbound_nodes"]))
    done = dict.fromkeys((name for name, _, _ in waiting), 0)
    while waiting:
        before = len(made)
        for name, layer, nodes in waiting:
            while done[name] < len(nodes):
                origins, several = _origins(nodes[done[name]], name)
                if not all(origin in made for origin in origins):
                    break
                inputs = [made[origin] for origin in origins]
                made[name, done[name]] = layer(inputs if several else inputs[0])
                done[name] += 1
        waiting = [entry for entry in waiting if done[entry[0]] < len(entry[2])]
        if waiting and len(made) == before:
            raise DataError(
                message("layers without a loop", f"{waiting[0][0]!r} in one", "another model")
            )
    ends = {key: _places(inner[key]) for key in ("input_layers", "output_layers")}
    if len(ends["output_layers"]) != 1:
        raise DataError(
            message("a model with one output", f"{len(ends['output_layers'])}", "another model")
        )
    return Functional(
        [made[place] for place in ends["input_layers"]],
        made[ends["output_layers"][0]],
        name=inner.get("name"),
        trainable=inner.get("trainable", True),
    )


def _places(given: Any) -> list[tuple[str, int]]:
    each = [given] if given and isinstance(given[0], str) else given
    return [(name, node) for name, node, _ in each]


def _origins(node: Mapping[str, Any], name: str) -> tuple[list[tuple[str, int]], bool]:
    """Return where the inputs of a call come from, and whether they came in a list."""
    args, options = node["args"], node["kwargs"]
    if len(args) != 1 or any(v is not None for k, v in options.items() if k != "training"):
        raise DataError(
            message(
                f"layer {name!r} to be called on its inputs alone",
                f"{len(args)} arguments and {sorted(options)}",
                "load_weights into a model made in code",
            )
        )
    several = isinstance(args[0], list)
    tensors = args[0] if several else args
    return _places([t["config"]["keras_history"] for t in tensors]), several


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
        compile: whether to restore optimizer, loss and metrics as well.

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
        model = _model_of(config, known)
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
