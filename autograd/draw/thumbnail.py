"""Small copies of images, as pixels that a figure draws itself: no file goes with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LEAST = 8
"""An array with fewer rows or columns is no image."""

MOST = 28
"""Thumbnails have at most so many rows and columns."""

LEVELS = 16
"""Shades of each colour."""

Pixels = tuple[tuple[str, ...], ...]
"""Rows of colours such as "#a0a0a0"."""


def thumbnail(value: Any, *, is_data: bool) -> Pixels:
    """Return a small copy of the image that an array is, or of the first of several.

    Images are arrays of shape (rows, columns), (rows, columns, 1), (rows, columns, 3) or, with one
    axis more, batches of them. A row of data whose length is a square is a square image, as in
    MNIST's rows of 784. The least entry is black, the greatest white; nan is red.

    Args:
        value: a float or an array.
        is_data: whether it is data rather than a parameter: only data has images in its rows.

    Returns:
        The pixels; empty if the array is no image.

    Example:
        >>> rows = thumbnail(np.eye(8), is_data=True)
        >>> rows[0][:2], thumbnail(np.ones((2, 3)), is_data=True)
        (('#ffffff', '#000000'), ())
    """
    batch = images(value, is_data=is_data)
    if batch is None:
        return ()
    image = batch[0]
    rows, columns = image.shape[:2]
    step = math.ceil(max(rows, columns) / MOST)
    high, wide = math.ceil(rows / step), math.ceil(columns / step)
    small = np.full((high, wide, image.shape[2]), np.nan)
    for i in range(high):
        for j in range(wide):
            patch = image[i * step : (i + 1) * step, j * step : (j + 1) * step]
            small[i, j] = patch.mean(axis=(0, 1))
    known = small[np.isfinite(small)]
    low, span = (known.min(), np.ptp(known)) if known.size else (0.0, 1.0)
    with np.errstate(invalid="ignore"):
        shades = (np.clip((small - low) / (span or 1.0), 0, 1) * (LEVELS - 1)).round()
    return tuple(tuple(_colour(pixel) for pixel in row) for row in shades)


def images(value: Any, *, is_data: bool) -> Any:
    """Return the images that an array is, shape (n, rows, columns, 1 or 3), None if it is none.

    Args:
        value: a float or an array.
        is_data: whether it is data rather than a parameter.
    """
    array = np.asarray(value)
    shape = array.shape
    if len(shape) in (3, 4) and shape[-1] in (1, 3):
        batched = len(shape) == 4
    elif len(shape) in (2, 3):
        array, batched = array[..., None], len(shape) == 3
        if is_data and len(shape) == 2:
            side = math.isqrt(shape[1])
            if side * side == shape[1] and not _fits(shape):
                array, batched = array.reshape(-1, side, side, 1), True
    else:
        return None
    batch = array if batched else array[None]
    return batch if len(batch) and _fits(batch.shape[1:3]) else None


def _fits(shape: tuple[int, ...]) -> bool:
    return min(shape) >= LEAST and max(shape) <= 3 * min(shape)


def _colour(pixel: Any) -> str:
    if not np.all(np.isfinite(pixel)):
        return "#c00020"
    shades = [int(v) * 255 // (LEVELS - 1) for v in np.broadcast_to(pixel, 3)]
    return "#" + "".join(f"{shade:02x}" for shade in shades)
