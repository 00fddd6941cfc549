"""Weights in files: HDF5 in the layout of Keras 3, and safetensors."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autograd import Tensor, write_whole
from autograd.errors import ArgumentError, ShapeError, message, require
from nn.datasets.idx import DataError
from nn.module import Module
from nn.registry import snake_case


def save_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Write all parameters of a model.

    Args:
        model: a built model.
        path: the file; .safetensors for that format, .h5 for HDF5.

    Raises:
        ArgumentError: if the model has no parameters yet, or the ending is another.
        MissingExtraError: if h5py or safetensors is not installed.
    """
    if not model.weights:
        raise ArgumentError(
            message(
                f"model {model.name!r} to have parameters",
                "none",
                "building it first: model.build((None, width))",
            )
        )
    write_whole(path, _tensors(model) if _kind(path) == "safetensors" else sealed(hdf5(model)))


def load_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Read all parameters of a model; all of them, or none if that raises.

    Args:
        model: a built model with the same layers as that which was saved.
        path: the file.

    Raises:
        DataError: if the file is damaged.
        ShapeError: if it is of a model with other layers.
        ArgumentError: if the model has no parameters yet, or the ending is another.
    """
    kind = _kind(path)
    content = Path(path).read_bytes()
    if not model.weights:
        raise ArgumentError(
            message(
                f"model {model.name!r} to be built before weights are loaded",
                "no parameters",
                "model.build((None, width)), or nn.models.load_model for a whole model",
            )
        )
    arrays = _from_tensors(model, content, path) if kind == "safetensors" else None
    if arrays is None:
        with opened(content, path) as file:
            arrays = from_hdf5(model, file, path)
    model.set_weights(arrays)


def _kind(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path)
    if name.endswith(".safetensors"):
        return "safetensors"
    if name.endswith(".h5"):
        return "h5"
    raise ArgumentError(
        message(
            "a file of weights to end in .weights.h5, .h5 or .safetensors",
            repr(name),
            f"{name}.weights.h5",
        )
    )


# ---- HDF5 ----------------------------------------------------------------------------------------


def groups(module: Module, prefix: str = "") -> Iterator[tuple[str, str, list[Tensor]]]:
    """Yield the group, name and own parameters of a model and of each layer, as Keras 3 has them.

    Args:
        module: a model or layer.
        prefix: the group that it stands in.
    """
    own = [t for t in vars(module).values() if isinstance(t, Tensor)]
    yield f"{prefix}vars", getattr(module, "name", ""), own
    for name, value in vars(module).items():
        if isinstance(value, Module):
            yield from groups(value, f"{prefix}{name}/")
        elif isinstance(value, list):
            used: dict[str, int] = {}
            for item in value:
                if isinstance(item, Module):
                    base = snake_case(getattr(item, "saved_as", type(item).__name__))
                    number = used[base] = used.get(base, -1) + 1
                    unique = f"{base}_{number}" if number else base
                    yield from groups(item, f"{prefix}{name}/{unique}/")


def hdf5(model: Any, optimizer: Any = None) -> bytes:
    """Return the content of an HDF5 file with all parameters, every array checksummed.

    Args:
        model: a built model.
        optimizer: an optimizer whose state goes along, or None.
    """
    h5py = require("h5py", "nn", "save weights as HDF5")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, name, tensors in groups(model):
            group = file.require_group(path)
            group.attrs["name"] = name
            for i, t in enumerate(tensors):
                _write(group, str(i), t.numpy())
        if optimizer is not None:
            group = file.require_group("optimizer/vars")
            group.attrs["name"] = optimizer.name.lower()
            for i, value in enumerate(optimizer_arrays(optimizer)):
                _write(group, str(i), value)
    return buffer.getvalue()


_SEAL = b"sha256:"


def sealed(content: bytes) -> bytes:
    """Return an HDF5 file with its checksum behind it, where readers of HDF5 do not look."""
    return content + _SEAL + hashlib.sha256(content).hexdigest().encode()


def _write(group: Any, key: str, value: Any) -> None:
    array = np.asarray(value)
    checksum = {"fletcher32": True} if array.size and array.ndim else {}
    group.create_dataset(key, data=array, **checksum)


def opened(content: bytes, path: Any) -> Any:
    """Return an HDF5 file opened from memory.

    Raises:
        DataError: if it is none.
    """
    h5py = require("h5py", "nn", "load weights from HDF5")
    end = content.rfind(_SEAL, max(0, len(content) - len(sealed(b""))))
    if end >= 0 and sealed(content[:end]) != content:
        raise DataError(
            message(f"{path} to hold what was saved", "another checksum", "a complete copy of it")
        )
    try:
        return h5py.File(io.BytesIO(content), "r")
    except OSError as error:
        raise DataError(
            message(f"{path} to be an HDF5 file", f"{error}", "a complete copy of it")
        ) from error


def from_hdf5(model: Any, file: Any, path: Any) -> list[Any]:
    """Return the arrays for all parameters of a model.

    Raises:
        DataError: if an array is missing or damaged.
        ShapeError: if one has another shape.
    """
    found: dict[Tensor, Any] = {}
    for group, _, tensors in groups(model):
        for i, t in enumerate(tensors):
            found[t] = array_in(file, f"{group}/{i}", t.shape, t.label, path)
    return [found[t] for t in model.weights]


def array_in(file: Any, key: str, shape: tuple[int, ...], label: str, path: Any) -> Any:
    """Return one array of an HDF5 file, after looking at what it claims to be.

    Raises:
        DataError: if it is missing, damaged, or stands in another file.
        ShapeError: if it has another shape.
    """
    h5py = require("h5py", "nn", "load weights from HDF5")
    try:
        node = file
        for part in key.split("/"):
            if not isinstance(node.get(part, getlink=True), h5py.HardLink):
                raise KeyError(f"{key} is missing or a link")
            node = node[part]
        if not isinstance(node, h5py.Dataset) or node.external or node.is_virtual:
            raise KeyError(f"{key} is no array of this file")
        if node.shape != shape:
            raise ShapeError(
                message(
                    f"an array of shape {shape} for {label} in {path}",
                    f"shape {node.shape}",
                    "a model with the same layers as that which was saved",
                )
            )
        if node.dtype.kind not in "fiu":
            raise KeyError(f"{key} holds no numbers but {node.dtype}")
        return node[()]
    except (KeyError, OSError, RuntimeError, AttributeError) as error:
        raise DataError(
            message(
                f"{path} to hold {label} at {key}",
                f"{type(error).__name__}: {error}",
                "a complete copy of the file, or a model with the same layers",
            )
        ) from error


# ---- optimizer -----------------------------------------------------------------------------------

_APART = {
    "Adam": ("velocity_hat",),
    "AdamW": ("velocity_hat",),
    "RMSprop": ("momentum", "average_gradient"),
}
"""The slots that Keras keeps after those of all parameters, not beside each."""


def _slot_order(optimizer: Any) -> list[tuple[int, str]]:
    apart = _APART.get(type(optimizer).__name__, ())
    state = optimizer.state
    beside = [(i, s) for i, slots in enumerate(state) for s in slots if s not in apart]
    after = [(i, s) for s in apart for i, slots in enumerate(state) if s in slots]
    return beside + after


def _numbers(optimizer: Any) -> list[Any]:
    """Return what stands before the slots: the learning rate only where no schedule gives it."""
    scheduled = isinstance(optimizer.get_config()["learning_rate"], dict)
    rate = [] if scheduled else [np.float64(optimizer.learning_rate)]
    return [np.int64(optimizer.iterations), *rate]


def optimizer_arrays(optimizer: Any) -> list[Any]:
    """Return iterations, learning rate and slots in Keras' order."""
    slots = [optimizer.state[i][name] for i, name in _slot_order(optimizer)]
    return [*_numbers(optimizer), *slots]


def restore_optimizer(optimizer: Any, file: Any, path: Any) -> None:
    """Set iterations, learning rate and slots from an HDF5 file; all, or none if that raises.

    Raises:
        DataError: if an array is missing or damaged.
        ShapeError: if one has another shape.
    """
    order = _slot_order(optimizer)
    first = len(_numbers(optimizer))
    shapes = [()] * first + [np.shape(optimizer.state[i][name]) for i, name in order]
    arrays = [
        array_in(file, f"optimizer/vars/{n}", shape, f"the optimizer's variable {n}", path)
        for n, shape in enumerate(shapes)
    ]
    state = [dict(slots) for slots in optimizer.state]
    for (i, name), value in zip(order, arrays[first:], strict=True):
        state[i][name] = np.asarray(value, np.asarray(state[i][name]).dtype)
    optimizer.state = state
    optimizer.iterations = int(arrays[0])


# ---- safetensors ---------------------------------------------------------------------------------


def _digest(arrays: dict[str, Any]) -> str:
    checksum = hashlib.sha256()
    for name in sorted(arrays):
        checksum.update(name.encode())
        checksum.update(np.ascontiguousarray(arrays[name]).tobytes())
    return checksum.hexdigest()


def _tensors(model: Any) -> bytes:
    library = require("safetensors.numpy", "nn", "save weights as safetensors")
    arrays = {path: np.ascontiguousarray(t.numpy()) for path, t in model.named_parameters().items()}
    content: bytes = library.save(arrays, metadata={"sha256": _digest(arrays)})
    return content


def _from_tensors(model: Any, content: bytes, path: Any) -> list[Any]:
    library = require("safetensors.numpy", "nn", "load weights from safetensors")
    head = int.from_bytes(content[:8], "little")
    wanted = model.named_parameters()
    try:
        if head > len(content):
            raise ValueError(f"a header of {head} bytes in a file of {len(content)}")
        arrays = library.load(content)
        checksum = _metadata(content[8 : 8 + head]).get("sha256")
    except Exception as error:  # the library raises an exception type of its own
        raise DataError(
            message(f"{path} to be a safetensors file", f"{error}", "a complete copy of it")
        ) from error
    if checksum is not None and checksum != _digest(arrays):
        raise DataError(
            message(f"{path} to hold what was saved", "another checksum", "a complete copy of it")
        )
    if arrays.keys() != wanted.keys():
        raise ShapeError(
            message(
                f"{path} to hold {', '.join(wanted)}",
                ", ".join(sorted(arrays)) or "nothing",
                "a model with the same layers as that which was saved",
            )
        )
    return [arrays[name] for name in wanted]


def _metadata(header: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(header).get("__metadata__", {})
    return found
