"""Where image data are found: your own folder, else the cache, else a checked download."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd.errors import MissingExtraError, message, require
from nn.datasets.idx import DataError, read_idx

Split: TypeAlias = tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_IMAGE_SHAPE = (28, 28)
_CLASSES = 10


@dataclass(frozen=True)
class ImageSource:
    """A data set in the four files of MNIST, and where to look for them.

    `CHAINRULE_DATA` names a folder of your own: where it holds all four files they are used
    as they are, once they prove to be images with labels. Otherwise each file comes from the
    cache, `CHAINRULE_CACHE` or the one of your platform, or is downloaded into it; such a
    file must be the published one, byte for byte.

    Args:
        title: the name of the data set, for messages.
        folder: the folder with its files in `CHAINRULE_DATA` and in the cache.
        mirrors: addresses, each ending in a slash, where "{name}.gz" is offered.
        sha256: for each name in `FILES`, the SHA256 of the elements of its array. Mirrors
            compress the same elements differently, and servers may inflate them on the
            way, so a checksum of the compressed file would refuse good copies.

    Example:
        >>> source = ImageSource("Nothing", "nothing", mirrors=(), sha256={})
        >>> source.available()
        False
    """

    title: str
    folder: str
    mirrors: tuple[str, ...]
    sha256: Mapping[str, str]

    def available(self) -> bool:
        """Tell whether all four files are at hand.

        Returns:
            True if they lie in `CHAINRULE_DATA` or in the cache. They are not opened, and
            the network is not used.
        """
        if self._own_files() is not None:
            return True
        try:
            cache = self._cache()
        except MissingExtraError:
            return False
        return all(os.path.isfile(cache / f"{name}.gz") for name in FILES)

    def load_data(self) -> Split:
        """Load the images and labels, from the first place that has them.

        Returns:
            ((x_train, y_train), (x_test, y_test)): uint8 images of shape (n, 28, 28) and their
            uint8 labels of shape (n,), 0 to 9.

        Raises:
            DataError: if a file is damaged, or found nowhere.
            MissingExtraError: if pooch is needed and not installed.
        """
        paths = self._own_files()
        if paths is None:
            cache = self._cache()
            paths = [cache / f"{name}.gz" for name in FILES]
            arrays = [self._published(path, name) for path, name in zip(paths, FILES, strict=True)]
        else:
            arrays = [read_idx(path) for path in paths]
        for images, labels in ((0, 1), (2, 3)):
            _check_pair(paths[images], paths[labels], arrays[images], arrays[labels])
        return (arrays[0], arrays[1]), (arrays[2], arrays[3])

    def _own_files(self) -> list[Path] | None:
        root = os.environ.get("CHAINRULE_DATA")
        if not root:
            return None
        folder = Path(root).expanduser() / self.folder
        paths = []
        for name in FILES:
            candidates = [folder / f"{name}.gz", folder / name]
            paths += [path for path in candidates if os.path.isfile(path)][:1]
        return paths if len(paths) == len(FILES) else None

    def _cache(self) -> Path:
        root = os.environ.get("CHAINRULE_CACHE")
        if root:
            return Path(root).expanduser() / self.folder
        pooch = require("pooch", "nn", f"find or download {self.title}")
        return Path(pooch.os_cache("chainrule")) / self.folder

    def _published(self, path: Path, name: str) -> NDArray[Any]:
        """Return the published array from the cache, where a download puts it if need be."""
        cached = "none"
        if os.path.isfile(path):
            try:
                return self._verified(path, name)
            except DataError:
                cached = "a damaged one"
        downloader = require("pooch", "nn", f"download {self.title}").HTTPDownloader(
            progressbar=True, chunk_size=1 << 16
        )
        failures = []
        for mirror in self.mirrors:
            url = f"{mirror}{path.name}"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                # Beside its destination, so that it can be moved there in one step: whoever
                # looks into the cache meanwhile sees a whole file or none.
                with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
                    download = Path(scratch, path.name)
                    downloader(url, download, None)
                    array = self._verified(download, name)
                    os.replace(download, path)
                    return array
            except (OSError, DataError) as error:
                failures.append(f"{url} ({_reason(error)})")
        own = os.environ.get("CHAINRULE_DATA")
        raise DataError(
            message(
                f"the {self.title} file {path.name} in CHAINRULE_DATA, the cache or a download",
                (f"no complete {self.folder}/ in {own}" if own else "no CHAINRULE_DATA")
                + f", {cached} in the cache {path.parent}, and none from {', '.join(failures)}",
                f"again with a network, set CHAINRULE_DATA to a folder with the four "
                f"files in {self.folder}/, or use nn.datasets.digits, which needs neither",
            )
        )

    def _verified(self, path: Path, name: str) -> NDArray[Any]:
        array = read_idx(path)
        checksum = hashlib.sha256(array.data).hexdigest()
        if checksum != self.sha256[name]:
            raise DataError(
                message(
                    f"{path} to hold elements with SHA256 {self.sha256[name]}",
                    checksum,
                    "a fresh copy of the file",
                )
            )
        return array


def _reason(error: OSError | DataError) -> str:
    """Say in a few words why a download failed."""
    if isinstance(error, DataError):
        return "not the published file"
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code}"
    # The errors of `requests` have no error number, and texts that repeat the whole address.
    return type(error).__name__ if error.errno is None else str(error)


def _check_pair(
    images_path: Path, labels_path: Path, images: NDArray[Any], labels: NDArray[Any]
) -> None:
    """Raise `DataError` unless these are images, each with the label of its class."""
    if images.dtype != np.uint8 or images.shape[1:] != _IMAGE_SHAPE:
        raise DataError(
            message(
                f"{images_path} to hold uint8 images of shape (n, 28, 28)",
                f"{images.dtype} of shape {images.shape}",
                "a copy of the published file",
            )
        )
    if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise DataError(
            message(
                f"{labels_path} to hold {len(images)} uint8 labels, one for each image in "
                f"{images_path}",
                f"{labels.dtype} of shape {labels.shape}",
                "files that belong together",
            )
        )
    if np.any(labels >= _CLASSES):
        raise DataError(
            message(
                f"{labels_path} to hold labels from 0 to {_CLASSES - 1}",
                f"a label {labels.max()}",
                "a copy of the published file",
            )
        )
