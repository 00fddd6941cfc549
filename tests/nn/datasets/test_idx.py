"""The IDX reader: exact on whole files, and one kind of error on everything else."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nn.datasets import DataError
from nn.datasets.idx import read_idx

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
MIB = 1 << 20

arrays = st.sampled_from(sorted(CODES)).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0))
)
# Each example overwrites the same file.
one_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def header(code: int, *sizes: int) -> bytes:
    return struct.pack(f">HBB{len(sizes)}I", 0, code, len(sizes), *sizes)


def encode(array: np.ndarray) -> bytes:
    big_endian = array.astype(array.dtype.newbyteorder(">"))
    return header(CODES[array.dtype.str[1:]], *array.shape) + big_endian.tobytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some-idx-file"


def refusal(path: Path, data: bytes) -> str:
    """The message with which `data` is refused; it takes little memory to find out."""
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read_idx(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB
    text = str(caught.value)
    assert text.startswith(f"expected {path} to ")
    assert "; got " in text
    assert "; try " in text
    return text


@one_file
@given(arrays, st.booleans())
def test_a_whole_file_comes_back_bit_for_bit(path: Path, array: np.ndarray, packed: bool) -> None:
    data = encode(array)
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    result = read_idx(str(path) if packed else path)
    assert result.dtype == array.dtype
    assert result.dtype.isnative
    assert result.shape == array.shape
    assert result.tobytes() == array.tobytes()
    assert result.flags.writeable


def test_a_written_out_file_of_the_format_description(path: Path) -> None:
    path.write_bytes(bytes.fromhex("00000b02 00000002 00000003 0001 0002 0003 ffff 8000 7fff"))
    np.testing.assert_array_equal(read_idx(path), [[1, 2, 3], [-1, -32768, 32767]])


@pytest.mark.parametrize("name", ["labels.gz", "labels"])
def test_the_first_bytes_decide_not_the_suffix(tmp_path: Path, name: str) -> None:
    data = encode(np.arange(5, dtype="u1"))
    for content in (data, gzip.compress(data)):
        path = tmp_path / name
        path.write_bytes(content)
        np.testing.assert_array_equal(read_idx(path), np.arange(5))


def test_gzip_members_in_a_row_are_one_file(path: Path) -> None:
    data = encode(np.arange(5, dtype="i4"))
    path.write_bytes(gzip.compress(data[:7]) + gzip.compress(data[7:]))
    np.testing.assert_array_equal(read_idx(path), np.arange(5))


def check_no_other_outcome(path: Path, data: bytes) -> None:
    """`data` is refused, or is exactly the file of the array that comes back."""
    path.write_bytes(data)
    try:
        result = read_idx(path)
    except DataError:
        refusal(path, data)
    else:
        plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        assert encode(result) == plain


sizes = st.one_of(st.integers(0, 3), st.integers(0, 0xFFFFFFFF))
plausible = st.builds(
    lambda code, sizes, elements: header(code, *sizes) + elements,
    st.sampled_from(sorted(CODES.values())),
    st.lists(sizes, max_size=4),
    st.binary(max_size=60),
)


@one_file
@given(st.one_of(st.binary(max_size=60), plausible))
@example(b"")
@example(header(0x0E, 0, 0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF))
def test_any_bytes_are_refused_or_read_exactly(path: Path, data: bytes) -> None:
    check_no_other_outcome(path, data)
    check_no_other_outcome(path, gzip.compress(data))
    check_no_other_outcome(path, b"\x1f\x8b\x08" + data)
    check_no_other_outcome(path, b"\0\0" + data)


@one_file
@given(arrays, st.booleans(), st.data())
def test_damage_is_refused_or_read_exactly(
    path: Path, array: np.ndarray, packed: bool, data: st.DataObject
) -> None:
    whole = encode(array)
    damaged = bytearray(gzip.compress(whole, 1) if packed else whole)
    for bit in data.draw(st.lists(st.integers(0, 8 * len(damaged) - 1), min_size=1, max_size=4)):
        damaged[bit // 8] ^= 1 << bit % 8
    if packed and damaged[:2] == b"\x1f\x8b":
        # The checksum leaves two outcomes only: damage beside the elements may not matter.
        path.write_bytes(damaged)
        try:
            assert encode(read_idx(path)) == whole
        except DataError:
            refusal(path, bytes(damaged))
    else:
        check_no_other_outcome(path, bytes(damaged))


@one_file
@given(arrays, st.booleans(), st.data())
def test_every_truncation_is_refused(
    path: Path, array: np.ndarray, packed: bool, data: st.DataObject
) -> None:
    whole = gzip.compress(encode(array), 1) if packed else encode(array)
    refusal(path, whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "got an empty file"),
        (b"\0\0\x08", "got 00 00 08"),
        (b"\0\1\x08\1" + bytes(5), "got 00 01 08 01"),
        (b"\x89PNG" + bytes(50), "got 89 50 4e 47"),
        (header(0x0A, 0), "a type code out of 08, 09, 0b, 0c, 0d, 0e"),
        (header(0x08), "declare 1 to 64 dimensions; got 0"),
        (b"\0\0\x08\x41" + 65 * b"\0\0\0\1" + b"x", "declare 1 to 64 dimensions; got 65"),
        (b"\0\0\x08\3" + bytes(10), "3 sizes of 4 bytes; got only 10 bytes"),
        (header(0x08, 0xFFFFFFFF), "not negative and fit in memory; got (-1,)"),
        (header(0x08, 0x80000000, 0), "not negative and fit in memory"),
        (header(0x0E, *4 * [0x7FFFFFFF]), "not negative and fit in memory"),
        (header(0x0E, 0, *3 * [0x7FFFFFFF]), "not negative and fit in memory"),
        (header(0x08, 60000, 28, 28) + bytes(100), "that its sizes (60000, 28, 28) declare"),
        (header(0x0B, 3) + bytes(5), "hold the 6 bytes that its sizes (3,) declare; got"),
        (header(0x08, 3) + bytes(4), "hold the 3 bytes that its sizes (3,) declare; got more"),
        (header(0x08, 0) + bytes(1), "got more"),
    ],
)
def test_what_is_wrong_is_said(path: Path, data: bytes, said: str, pack) -> None:
    assert said in refusal(path, pack(data))


def test_a_short_file_that_declares_much_is_refused_unread(path: Path) -> None:
    text = refusal(path, header(0x08, 0x7FFFFFFF) + bytes(9))
    assert "got a file that can hold 17 at most" in text
    assert "a file that can hold" in refusal(path, gzip.compress(header(0x08, 1 << 30)))


def test_sizes_that_inflation_could_just_reach_take_no_memory(path: Path) -> None:
    noise = np.random.default_rng(0).bytes(MIB)
    assert f"got {MIB};" in refusal(path, gzip.compress(header(0x08, 1 << 29) + noise, 1))


def test_a_gzip_bomb_is_not_inflated(path: Path) -> None:
    bomb = gzip.compress(header(0x08, 10) + bytes(64 * MIB), 1)
    assert "got more" in refusal(path, bomb)


def test_the_gzip_checksum_is_compared(path: Path) -> None:
    data = bytearray(gzip.compress(encode(np.arange(9, dtype="u1"))))
    data[-8] ^= 1
    assert "CRC" in refusal(path, bytes(data))


def test_bytes_after_a_gzip_member_are_refused(path: Path) -> None:
    assert "BadGzipFile" in refusal(path, gzip.compress(encode(np.zeros(3, "u1"))) + b"extra")


def test_a_file_that_cannot_be_opened_is_a_data_error(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(DataError, match="to be a readable IDX file") as caught:
            read_idx(path)
        assert str(path) in str(caught.value)
