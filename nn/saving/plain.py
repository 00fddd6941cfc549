"""Layers, losses and so on as plain data in Keras' form, and back: nothing else can be named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograd.errors import ArgumentError, message
from nn import activations, constraints, initializers, losses, metrics, optimizers, regularizers
from nn.datasets.idx import DataError
from nn.layers.layer import REGISTRY as LAYERS
from nn.registry import Registry
from nn.saving.custom import registered_name

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
    "batch_input_shape": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}
"""Settings of Keras that are not here, with the values at which they change nothing."""


def with_modules(item: Any) -> Any:
    """Add to every configuration the module in which Keras finds its class."""
    if isinstance(item, list):
        return [with_modules(each) for each in item]
    if not isinstance(item, Mapping):
        return item
    out = {key: with_modules(value) for key, value in item.items()}
    if out.keys() == {"class_name", "config"}:
        name = str(out["class_name"]).lower()
        for module, registry in _MODULES.items():
            if name in registry.entries:
                return {"module": module, **out, "registered_name": None}
    return out


def function_plain(function: Any, known: Registry, what: str) -> Any:
    """Return a function as its name, or as what was registered.

    Args:
        function: a function.
        known: where the library's own stand.
        what: what messages call it.

    Raises:
        ArgumentError: if it is neither the library's own nor registered.
    """
    own = getattr(function, "__name__", "")
    if known.entries.get(own.lower()) is function:
        return own
    name = registered_name(function)
    if name is None:
        raise ArgumentError(
            message(
                f"{what}, to save the model",
                f"{function!r:.60}",
                "registering it by nn.saving.register_keras_serializable(), or "
                "model.save_weights, and making the model in code before load_weights",
            )
        )
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }


def object_plain(item: Any, known: Registry, what: str) -> dict[str, Any]:
    """Return an object of a class in `known`, or of a registered one, as plain data.

    Args:
        item: the object.
        known: where the library's own classes stand.
        what: what messages call it.

    Raises:
        ArgumentError: if its class is neither.
    """
    kind = type(item)
    plain: dict[str, Any] = with_modules({"class_name": kind.__name__, "config": item.get_config()})
    if known.entries.get(kind.__name__.lower()) is kind:
        return plain
    name = registered_name(kind)
    if name is None:
        raise ArgumentError(
            message(
                f"{what}, to save the model",
                f"{kind.__name__} {item.name!r}",
                "registering the class by nn.saving.register_keras_serializable(), or "
                "model.save_weights, and making the model in code before load_weights",
            )
        )
    return {"module": None, **plain, "registered_name": name}


def layer_plain(layer: Any) -> dict[str, Any]:
    """Return a layer as plain data.

    Raises:
        ArgumentError: if it is neither of `nn.layers` nor registered.
    """
    out = object_plain(layer, LAYERS, "layers of nn.layers")
    config = out["config"]
    activation = getattr(layer, "activation", None)
    if callable(activation) and "activation" in config:
        config["activation"] = function_plain(
            activation,
            activations.REGISTRY,
            f"an activation of nn.activations in layer {layer.name!r}",
        )
    config["dtype"] = layer.compute_dtype.name
    if layer.build_shape is not None:
        shape = layer.build_shape
        several = isinstance(shape, list)
        out["build_config"] = {"input_shape": [*map(list, shape)] if several else list(shape)}
    return out


def without_keras(item: Any, known: Mapping[str, Any]) -> Any:
    """Drop what Keras adds to a configuration, and refuse what would change its meaning.

    Args:
        item: what a file says.
        known: the program's own classes and functions, by the names that files may use.

    Raises:
        DataError: if it names what is not known, or asks for what is not here.
    """
    if isinstance(item, list):
        return [without_keras(each, known) for each in item]
    if not isinstance(item, Mapping):
        return item
    if "class_name" in item and "config" in item:
        name, config = item["class_name"], item["config"]
        if name == "DTypePolicy":
            return config["name"]
        if name == "function":
            return _own(config, None, known)
        if item.get("registered_name") or name in known:
            return _own(item.get("registered_name") or name, config, known)
        return {"class_name": name, "config": without_keras(config, known)}
    out = {}
    for key, value in item.items():
        if key in _WITHOUT_EFFECT:
            if value != _WITHOUT_EFFECT[key]:
                raise DataError(
                    message(f"{key}={_WITHOUT_EFFECT[key]!r}", f"{value!r:.60}", "another model")
                )
            continue
        if key == "activation" and isinstance(value, str) and value in known:
            out[key] = known[value]
            continue
        out[key] = without_keras(value, known)
    return out


def _own(registered: str, config: Any, known: Mapping[str, Any]) -> Any:
    name = registered.split(">")[-1]
    found = known.get(registered, known.get(name))
    if found is None:
        raise DataError(
            message(
                "classes and functions of this library, or those that this program made known",
                f"{registered!r}, which was registered by a program",
                "nn.saving.register_keras_serializable() on its definition, or "
                f"load_model(..., custom_objects={{{name!r}: ...}})",
            )
        )
    make: Any = getattr(found, "from_config", None)
    return found if make is None else make(without_keras(config, known))
