"""The data sets: where they are looked for, what is refused, and what the real files hold."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from autograd.errors import ArgumentError, MissingExtraError
from nn.datasets import DataError, digits, fashion_mnist, iris, mnist
from nn.datasets.sources import FILES, ImageSource

DATA = os.environ.get("CHAINRULE_DATA")
needs_data = pytest.mark.skipif(
    not DATA, reason="CHAINRULE_DATA names no folder with the real mnist/ and fashion_mnist/"
)


def encode(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def small_arrays() -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [
        rng.integers(0, limit, shape, dtype=np.uint8)
        for n in (7, 3)
        for limit, shape in ((256, (n, 28, 28)), (10, (n,)))
    ]


ARRAYS = small_arrays()
SMALL = ImageSource(
    title="Small",
    folder="small",
    mirrors=(),
    sha256={
        name: hashlib.sha256(array.tobytes()).hexdigest()
        for name, array in zip(FILES, ARRAYS, strict=True)
    },
)


def put(folder: Path, arrays: list[np.ndarray], suffix: str = ".gz") -> None:
    folder.mkdir(parents=True)
    for name, array in zip(FILES, arrays, strict=True):
        data = encode(array)
        (folder / (name + suffix)).write_bytes(gzip.compress(data) if suffix else data)


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def assert_small(loaded) -> None:
    (x_train, y_train), (x_test, y_test) = loaded
    for result, array in zip((x_train, y_train, x_test, y_test), ARRAYS, strict=True):
        np.testing.assert_array_equal(result, array, strict=True)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that `CHAINRULE_DATA` names."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("CHAINRULE_DATA", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that `CHAINRULE_CACHE` names; no proxy stands before loopback."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CHAINRULE_CACHE", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder


class Mirror:
    """A web server on loopback that offers what is in `files`, and counts the requests."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.breaks_after: int | None = None
        self.requests: list[str] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.lstrip("/")
                mirror.requests.append(name)
                body = mirror.files.get(name)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write((body or b"")[: mirror.breaks_after])

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    mirror = Mirror()
    mirror.files = {
        f"{name}.gz": gzip.compress(encode(array))
        for name, array in zip(FILES, ARRAYS, strict=True)
    }
    yield mirror
    mirror.stop()


@pytest.fixture
def closed() -> str:
    """An address on loopback at which nothing answers."""
    mirror = Mirror()
    mirror.stop()
    return mirror.url


@pytest.mark.parametrize("suffix", [".gz", ""])
def test_your_own_folder_comes_first(own: Path, cache: Path, suffix: str) -> None:
    put(cache / "small", [array[:2] for array in ARRAYS])
    put(own / "small", ARRAYS, suffix)
    assert SMALL.available()
    assert_small(SMALL.load_data())


def test_a_file_may_lie_there_both_packed_and_plain(own: Path, cache: Path) -> None:
    put(own / "small", ARRAYS)
    (own / "small" / FILES[1]).write_bytes(encode(ARRAYS[1]))
    assert_small(SMALL.load_data())


def test_your_own_files_may_be_others_than_the_published_ones(own: Path, cache: Path) -> None:
    put(own / "small", [array[:2] for array in ARRAYS])
    (x_train, y_train), (x_test, y_test) = SMALL.load_data()
    np.testing.assert_array_equal(x_train, ARRAYS[0][:2])
    assert [len(part) for part in (y_train, x_test, y_test)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("index", "array", "said"),
    [
        (0, np.zeros((7, 28, 27), "u1"), "hold uint8 images of shape (n, 28, 28); got uint8"),
        (2, np.zeros(3, "u1"), "hold uint8 images of shape (n, 28, 28); got uint8 of shape (3,)"),
        (1, np.zeros(6, "u1"), "hold 7 uint8 labels, one for each image in"),
        (3, np.zeros((3, 1), "u1"), "hold 3 uint8 labels"),
        (3, np.array([1, 10, 2], "u1"), "hold labels from 0 to 9; got a label 10"),
    ],
)
def test_own_files_that_do_not_fit_are_refused(
    own: Path, cache: Path, index: int, array: np.ndarray, said: str
) -> None:
    put(own / "small", [*ARRAYS[:index], array, *ARRAYS[index + 1 :]])
    with pytest.raises(DataError, match=re.escape(said)) as caught:
        SMALL.load_data()
    assert f"{FILES[index]}.gz to hold" in str(caught.value)


@pytest.mark.parametrize("index", [0, 1])
def test_own_files_of_another_type_are_refused(own: Path, cache: Path, index: int) -> None:
    put(own / "small", ARRAYS)
    data = bytearray(encode(ARRAYS[index]))
    data[2] = 0x09
    (own / "small" / f"{FILES[index]}.gz").write_bytes(gzip.compress(data))
    with pytest.raises(DataError, match="got int8 of shape"):
        SMALL.load_data()


def test_a_damaged_file_of_yours_is_not_passed_over(own: Path, mirror: Mirror, cache: Path) -> None:
    put(own / "small", ARRAYS)
    (own / "small" / f"{FILES[2]}.gz").write_bytes(b"not an IDX file")
    with pytest.raises(DataError, match=FILES[2]):
        replace(SMALL, mirrors=(mirror.url,)).load_data()
    assert mirror.requests == []


def test_an_incomplete_folder_of_yours_is_passed_over(own: Path, cache: Path) -> None:
    put(cache / "small", ARRAYS)
    put(own / "small", [array[:2] for array in ARRAYS])
    (own / "small" / f"{FILES[3]}.gz").unlink()
    assert_small(SMALL.load_data())


@pytest.mark.parametrize("packing", ["gzip", "plain"])
def test_a_download_is_kept(own: Path, cache: Path, mirror: Mirror, packing: str) -> None:
    if packing == "plain":  # as where a server inflates on the way
        mirror.files = {name: gzip.decompress(data) for name, data in mirror.files.items()}
    source = replace(SMALL, mirrors=(mirror.url,))
    assert not source.available()
    assert mirror.requests == []
    assert_small(source.load_data())
    assert source.available()
    assert_small(source.load_data())
    assert mirror.requests == [f"{name}.gz" for name in FILES]
    assert {path.name: path.read_bytes() for path in files_below(cache)} == mirror.files


def test_a_mirror_that_fails_is_followed_by_the_next(
    own: Path, cache: Path, mirror: Mirror, closed: str
) -> None:
    assert_small(replace(SMALL, mirrors=(closed, mirror.url)).load_data())


def test_a_damaged_file_in_the_cache_is_fetched_again(
    own: Path, cache: Path, mirror: Mirror
) -> None:
    put(cache / "small", [np.flip(ARRAYS[0]).copy(), *ARRAYS[1:]])
    (cache / "small" / f"{FILES[3]}.gz").write_bytes(b"\x1f\x8b")
    assert_small(replace(SMALL, mirrors=(mirror.url,)).load_data())
    assert mirror.requests == [f"{FILES[0]}.gz", f"{FILES[3]}.gz"]


def test_offline_a_damaged_file_in_the_cache_stays_as_it_is(
    own: Path, cache: Path, closed: str
) -> None:
    put(cache / "small", ARRAYS)
    damaged = cache / "small" / f"{FILES[1]}.gz"
    damaged.write_bytes(b"half of i")
    with pytest.raises(DataError, match="a damaged one in the cache"):
        replace(SMALL, mirrors=(closed,)).load_data()
    assert damaged.read_bytes() == b"half of i"
    assert len(files_below(cache)) == 4


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (gzip.compress(encode(np.flip(ARRAYS[1]).copy()), mtime=0), "not the published file"),
        (b"<html>Please log in</html>", "not the published file"),
        (None, "HTTP status 404"),
    ],
    ids=["other images", "a page", "nothing"],
)
def test_a_wrong_download_is_refused_and_not_kept(
    own: Path, cache: Path, mirror: Mirror, body: bytes | None, said: str
) -> None:
    if body is None:
        del mirror.files[f"{FILES[1]}.gz"]
    else:
        mirror.files[f"{FILES[1]}.gz"] = body
    with pytest.raises(DataError, match=re.escape(f"{mirror.url}{FILES[1]}.gz ({said})")):
        replace(SMALL, mirrors=(mirror.url,)).load_data()
    assert [path.name for path in files_below(cache)] == [f"{FILES[0]}.gz"]


def test_a_connection_that_breaks_leaves_nothing(own: Path, cache: Path, mirror: Mirror) -> None:
    mirror.breaks_after = 100
    with pytest.raises(DataError, match="none from"):
        replace(SMALL, mirrors=(mirror.url,)).load_data()
    assert files_below(cache) == []


def test_a_cache_that_cannot_be_written_is_said(own: Path, cache: Path, mirror: Mirror) -> None:
    cache.write_text("a file, where a folder should be")
    with pytest.raises(DataError, match=r"Not a directory|exists"):
        replace(SMALL, mirrors=(mirror.url,)).load_data()


@pytest.mark.parametrize("source", [mnist.SOURCE, fashion_mnist.SOURCE], ids=lambda s: s.folder)
def test_offline_one_message_says_where_it_looked(
    own: Path, cache: Path, closed: str, source: ImageSource, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError) as caught:
        replace(source, mirrors=(closed, closed)).load_data()
    name = f"{FILES[0]}.gz"
    assert str(caught.value) == (
        f"expected the {source.title} file {name} in CHAINRULE_DATA, the cache or a download; "
        f"got no complete {source.folder}/ in {own}, none in the cache {cache / source.folder}, "
        f"and none from {closed}{name} (ConnectionError), {closed}{name} (ConnectionError); "
        "try again with a network, set CHAINRULE_DATA to a folder with the four files in "
        f"{source.folder}/, or use nn.datasets.digits, which needs neither"
    )
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert capfd.readouterr() == ("", "")
    assert files_below(own) == files_below(cache) == []


def test_without_own_folder_the_message_says_so(
    cache: Path, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    with pytest.raises(DataError, match="got no CHAINRULE_DATA, none in the cache"):
        replace(SMALL, mirrors=(closed,)).load_data()


@pytest.mark.parametrize("module", [mnist, fashion_mnist])
def test_available_tells_of_the_four_files(module, own: Path, cache: Path) -> None:
    assert not module.available()
    put(own / module.SOURCE.folder, ARRAYS)
    assert module.available()
    (own / module.SOURCE.folder / f"{FILES[0]}.gz").unlink()
    assert not module.available()
    put(cache / module.SOURCE.folder, ARRAYS)
    assert module.available()
    (cache / module.SOURCE.folder / f"{FILES[3]}.gz").unlink()
    assert not module.available()


def test_without_pooch_nothing_is_available_and_the_way_out_is_named(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAINRULE_CACHE", raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert not SMALL.available()
    with pytest.raises(MissingExtraError, match=r'find or download Small.*pip install "chainrule'):
        SMALL.load_data()
    put(own / "small", ARRAYS)
    assert_small(SMALL.load_data())


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME moves the cache on Linux only")
def test_by_default_the_cache_is_the_one_of_the_platform(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAINRULE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    put(tmp_path / "chainrule" / "small", ARRAYS)
    assert_small(SMALL.load_data())


@needs_data
@pytest.mark.parametrize("module", [mnist, fashion_mnist], ids=lambda module: module.SOURCE.folder)
def test_the_real_files_are_the_published_ones(module) -> None:
    assert module.available()
    (x_train, y_train), (x_test, y_test) = module.load_data()
    assert x_train.shape == (60000, 28, 28)
    assert x_test.shape == (10000, 28, 28)
    loaded = (x_train, y_train, x_test, y_test)
    for name, array in zip(FILES, loaded, strict=True):
        assert array.dtype == np.uint8
        assert hashlib.sha256(array.tobytes()).hexdigest() == module.SOURCE.sha256[name]
    assert np.bincount(y_test).shape == (10,)
    if module is mnist:
        uncompressed = encode(x_train)
        assert hashlib.md5(uncompressed).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"
        assert y_train[:5].tolist() == [5, 0, 4, 1, 9]
    else:
        np.testing.assert_array_equal(np.bincount(y_train), 6000)
        assert fashion_mnist.CLASS_NAMES[y_train[0]] == "Ankle boot"
        assert len(fashion_mnist.CLASS_NAMES) == 10


@needs_data
def test_the_checksums_do_not_depend_on_the_compression(
    own: Path, cache: Path, mirror: Mirror
) -> None:
    mirror.files = {
        f"{name}.gz": gzip.decompress(Path(str(DATA), "mnist", f"{name}.gz").read_bytes())
        for name in FILES
    }
    (x_train, _), (x_test, _) = replace(mnist.SOURCE, mirrors=(mirror.url,)).load_data()
    assert (len(x_train), len(x_test)) == (60000, 10000)


@pytest.mark.parametrize(
    ("module", "x", "y"),
    [
        (digits, load_digits().images, load_digits().target),
        (iris, load_iris().data, load_iris().target),
    ],
    ids=["digits", "iris"],
)
def test_a_split_has_every_example_once_with_its_label(module, x, y) -> None:
    (x_train, y_train), (x_test, y_test) = module.load_data(test_split=0.3, seed=4)
    assert len(x_test) == len(y_test) == round(0.3 * len(x))

    def rows(x, y) -> list[tuple[float, ...]]:
        return sorted(map(tuple, np.column_stack([x.reshape(len(x), -1), y]).tolist()))

    together = rows(np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test]))
    assert together == rows(x, y)
    assert y_train.dtype == y_test.dtype == np.uint8
    assert len(np.unique(y_test)) == len(np.unique(y))


@pytest.mark.parametrize("module", [digits, iris])
def test_the_seed_alone_decides_the_split(module) -> None:
    (first, _), _ = module.load_data(seed=1)
    (again, _), _ = module.load_data(seed=1)
    (other, _), _ = module.load_data(seed=2)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_digits_are_small_integers() -> None:
    (x_train, _), (x_test, _) = digits.load_data()
    assert x_train.dtype == np.uint8
    assert x_train.shape[1:] == x_test.shape[1:] == (8, 8)
    assert x_train.min() == 0
    assert x_train.max() == 16


def test_iris_names_are_those_of_scikit_learn() -> None:
    assert list(iris.CLASS_NAMES) == load_iris().target_names.tolist()
    assert list(iris.FEATURE_NAMES) == load_iris().feature_names


def test_nothing_need_be_held_out() -> None:
    (x_train, _), (x_test, y_test) = iris.load_data(test_split=0)
    assert len(x_train) == 150
    assert x_test.shape == (0, 4)
    assert y_test.shape == (0,)


@pytest.mark.parametrize("module", [digits, iris])
@pytest.mark.parametrize("test_split", [-0.1, 1, 1.5, float("nan"), 0.9999, "0.2", None, 1j])
def test_a_bad_split_is_refused(module, test_split) -> None:
    with pytest.raises(ArgumentError, match="expected test_split to") as caught:
        module.load_data(test_split=test_split)
    assert repr(test_split) in str(caught.value)


@pytest.mark.parametrize("seed", [-1, 1.5, None, "1"])
def test_a_bad_seed_is_refused(seed) -> None:
    with pytest.raises(ArgumentError, match="expected seed to be a non-negative integer"):
        iris.load_data(seed=seed)


def test_importing_costs_none_of_the_optional_packages() -> None:
    code = (
        "import sys, nn.datasets; print({'sklearn', 'pooch', 'requests', 'scipy'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
