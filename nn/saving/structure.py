"""The structure of models as plain data in Keras' form, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.errors import ArgumentError, message
from nn import layers
from nn.datasets.idx import DataError
from nn.layers.layer import REGISTRY as LAYERS
from nn.layers.layer import Layer
from nn.layers.symbol import Symbol
from nn.models.functional import Functional
from nn.models.model import Model
from nn.models.sequential import Sequential
from nn.saving.custom import known_objects
from nn.saving.plain import layer_plain, without_keras

# ---- to plain data -------------------------------------------------------------------------------


def model_plain(model: Any) -> dict[str, Any]:
    """Return the structure of a model as plain data.

    Raises:
        ArgumentError: if it is a subclassed model, or a layer is neither of `nn.layers` nor
            registered.
    """
    if isinstance(model, Sequential):
        return _sequential_plain(model)
    if type(model) is Functional:
        return _functional_plain(model)
    raise ArgumentError(
        message(
            "a Sequential model, or one of layers called on Inputs, to save it whole",
            f"{type(model).__name__} {model.name!r}",
            "model.save_weights, and making the model in code before load_weights",
        )
    )


def _input_plain(shape: Sequence[int | None], dtype: Any, name: str) -> dict[str, Any]:
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": [*shape], "dtype": np.dtype(dtype).name, "name": name},
        "registered_name": None,
    }


def _layer_plain(layer: Any) -> dict[str, Any]:
    if isinstance(layer, Model):
        return model_plain(layer)
    return layer_plain(layer)


def _sequential_plain(model: Sequential) -> dict[str, Any]:
    dtype = (model.layers[0] if model.layers else model).compute_dtype.name
    config: dict[str, Any] = {
        "name": model.name,
        "trainable": model.trainable,
        "dtype": dtype,
        "layers": [*map(_layer_plain, model.layers)],
    }
    out = {
        "module": "keras",
        "class_name": "Sequential",
        "config": config,
        "registered_name": None,
    }
    if model.example_shape is not None:
        shape = config["build_input_shape"] = [None, *model.example_shape]
        config["layers"].insert(0, _input_plain(shape, dtype, "input_layer"))
        out["build_config"] = {"input_shape": shape}
    return out


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


# ---- from plain data -----------------------------------------------------------------------------


def model_of(item: Mapping[str, Any], known: Mapping[str, Any]) -> Model:
    """Make a model from its structure.

    Args:
        item: what `model_plain` gave.
        known: the program's own classes and functions, by the names that files may use.

    Raises:
        DataError: if it names what is not known, or describes what is not here.
    """
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
        return model_of(item, known)
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
    shape = inner.get("build_input_shape") or (item.get("build_config") or {}).get("input_shape")
    if not model.built and shape is not None:
        model.build(tuple(shape))
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


# ---- for users -----------------------------------------------------------------------------------


def model_config(model: Any) -> dict[str, Any]:
    """Return the structure of a model as plain data, without weights and `compile`'s choices.

    Raises:
        ArgumentError: if a layer is neither of `nn.layers` nor registered.
    """
    if isinstance(model, Sequential) or type(model) is Functional:
        config: dict[str, Any] = model_plain(model)["config"]
        return config
    return Layer.get_config(model)


def model_from_config(
    cls: type[Model], config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """Make a model with new weights from what `get_config` gave.

    Args:
        config: the structure.
        custom_objects: the program's own classes and functions, by their names in it.

    Raises:
        DataError: if it names what is not known.
        ArgumentError: if a setting is out of range.
    """
    known = known_objects(custom_objects)
    if issubclass(cls, Sequential):
        return _sequential_of({"config": config}, known)
    if "input_layers" in config:
        return _functional_of({"config": config}, known)
    return cls(**config)


def clone_model(model: Any) -> Any:
    """Return a model of the same structure with new weights.

    Args:
        model: a Sequential model, or one of layers called on `Input`s.

    Example:
        >>> from nn.models import MLP
        >>> clone_model(MLP([4, 2])).count_params()
        10
    """
    return model_of(model_plain(model), known_objects())


def model_to_json(model: Any) -> str:
    """Return the structure of a model as text, for `model_from_json`."""
    return json.dumps(model_plain(model))


def model_from_json(text: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Make a model with new weights from what `to_json` gave.

    Args:
        text: the structure.
        custom_objects: the program's own classes and functions, by their names in it.

    Raises:
        DataError: if it names what is not known.

    Example:
        >>> from nn.models import MLP
        >>> model_from_json(MLP([4, 2], name="tiny").to_json()).name
        'tiny'
    """
    return model_of(json.loads(text), known_objects(custom_objects))
