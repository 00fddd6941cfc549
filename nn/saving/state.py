"""Nested plain data with arrays in it, as one .npz file: no pickles, every part checksummed."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from autograd import write_whole
from autograd.errors import message
from nn.datasets.idx import DataError

_VERSION = 2


def write(path: str | os.PathLike[str], data: Any) -> None:
    """Write nested dicts and lists of numbers, texts, None and arrays.

    Args:
        path: the file.
        data: what to write.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(folder + "/a.npz", {"w": [np.arange(2)], "n": 2**70})
        ...     read(folder + "/a.npz")
        {'w': [array([0, 1])], 'n': 1180591620717411303424}
    """
    arrays: dict[str, Any] = {}

    def plain(item: Any) -> Any:
        if isinstance(item, dict):
            return {str(key): plain(value) for key, value in item.items()}
        if isinstance(item, (list, tuple)):
            return [plain(value) for value in item]
        if isinstance(item, np.ndarray):
            arrays[f"a{len(arrays)}"] = np.asarray(item)
            return {"__array__": f"a{len(arrays) - 1}"}
        return item.item() if isinstance(item, np.generic) else item

    text = json.dumps({"version": _VERSION, "data": plain(data)}).encode()
    buffer = io.BytesIO()
    np.savez(buffer, tree=np.frombuffer(text, np.uint8), **arrays)
    write_whole(path, buffer.getvalue())


def read(path: str | os.PathLike[str]) -> Any:
    """Return what `write` wrote.

    Raises:
        DataError: if the file is damaged, or of another version.
    """
    try:
        with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        tree = json.loads(arrays.pop("tree").tobytes())
        version = tree["version"]

        def rich(item: Any) -> Any:
            if isinstance(item, dict):
                if item.keys() == {"__array__"}:
                    return arrays[item["__array__"]]
                return {key: rich(value) for key, value in item.items()}
            return [rich(value) for value in item] if isinstance(item, list) else item

        data = rich(tree["data"])
    except (ValueError, KeyError, EOFError, TypeError, OSError, zipfile.BadZipFile) as error:
        raise DataError(
            message(
                f"{path} to be a backup of a training",
                f"{type(error).__name__}: {error}",
                "removing it, to start from the beginning",
            )
        ) from error
    if version != _VERSION:
        raise DataError(
            message(f"{path} to be of version {_VERSION}", f"version {version}", "removing it")
        )
    return data
