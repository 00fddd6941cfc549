"""IDX, the file format of MNIST: a type code, the sizes, then the elements, all big-endian."""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd.errors import ChainruleError, message

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_RANK = 64  # NumPy's own limit
_GZIP_MAGIC = b"\x1f\x8b"
# Deflate spends at least two bits on each copy of at most 258 bytes.
_MAX_INFLATION = 258 * 8 // 2
_CHUNK = 1 << 20


class DataError(ChainruleError, ValueError):
    """A data file is damaged, is not what its name promises, or cannot be had."""


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an array from an IDX file, plain or compressed with gzip.

    Memory is taken as the elements arrive, so a header that promises more than the file
    holds costs nothing, and no more is inflated than the header promises.

    Args:
        path: the file; its first bytes, not its suffix, tell whether it is compressed.

    Returns:
        A writable array of the shape and type that the file declares (uint8, int8, int16,
        int32, float32 or float64), in native byte order.

    Raises:
        DataError: if the file cannot be read, or is not exactly one whole IDX array.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "labels-idx1-ubyte")
        ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        ...     read_idx(path)
        array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            capacity = os.fstat(file.fileno()).st_size
            compressed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            file.seek(0)
            if not compressed:
                return _parse(file, path, capacity)
            with gzip.GzipFile(fileobj=file) as inflated:
                return _parse(inflated, path, capacity * _MAX_INFLATION)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            message(
                f"{path} to be a readable IDX file, plain or compressed with gzip",
                f"{type(error).__name__}: {error}",
                "a fresh copy of the file",
            )
        ) from error


def _parse(stream: io.BufferedIOBase, path: Path, capacity: int) -> NDArray[Any]:
    """Read the one array in `stream`, which cannot hold more than `capacity` bytes."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES:
        codes = ", ".join(f"{code:02x}" for code in _DTYPES)
        raise DataError(
            message(
                f"{path} to begin with the IDX magic number 00 00, a type code out of {codes}, "
                "and the number of dimensions",
                magic.hex(" ") or "an empty file",
                "a file in the IDX format",
            )
        )
    dtype, rank = np.dtype(_DTYPES[magic[2]]), magic[3]
    if not 1 <= rank <= _MAX_RANK:
        raise DataError(
            message(
                f"{path} to declare 1 to {_MAX_RANK} dimensions",
                f"{rank}",
                "a file that holds an array",
            )
        )
    header = stream.read(4 * rank)
    if len(header) < 4 * rank:
        raise DataError(
            message(
                f"{path} to declare {rank} sizes of 4 bytes",
                f"only {len(header)} bytes",
                "a fresh copy of the file, for this one is cut short",
            )
        )
    sizes = struct.unpack(f">{rank}i", header)
    # NumPy multiplies the sizes other than 0, even where the array is empty.
    extent = math.prod(size for size in sizes if size) * dtype.itemsize
    if min(sizes) < 0 or extent > sys.maxsize:
        raise DataError(
            message(
                f"{path} to declare sizes that are not negative and fit in memory",
                f"{sizes}",
                "a fresh copy of the file, for the header of this one is damaged",
            )
        )
    length = math.prod(sizes) * dtype.itemsize
    if length > capacity:
        raise DataError(
            message(
                f"{path} to hold the {length} bytes that its sizes {sizes} declare",
                f"a file that can hold {capacity} at most",
                "a fresh copy of the file, for this one is cut short or its header damaged",
            )
        )
    elements = bytearray()
    # One byte more than declared tells trailing bytes from the end of the file, where gzip
    # also compares its checksum.
    while chunk := stream.read(min(_CHUNK, length + 1 - len(elements))):
        elements += chunk
    if len(elements) != length:
        raise DataError(
            message(
                f"{path} to hold the {length} bytes that its sizes {sizes} declare",
                f"{len(elements)}" if len(elements) < length else "more",
                "a fresh copy of the file",
            )
        )
    array: NDArray[Any] = np.ndarray(sizes, dtype, buffer=elements)
    return array.astype(dtype.newbyteorder("="), copy=False)
