"""The NumPy functions that take arrays and have no row on purpose, with the reason."""

from __future__ import annotations

COMPLEX = "its results are complex, and Tensors are real"
INTEGER = "it is defined on integers or bits"
IN_PLACE = "it writes into its argument; ag.at(x)[index].set(values) gives a changed copy"
SETS = "it compares values as members of a set; np.sort and indexing are differentiable"
FILES = "it reads or writes files or text; t.numpy() gives the values"
COUNTS = "it counts entries, which has no derivative"
DATES = "it works on dates"

FOURIER = (
    *("fft", "fft2", "fftn", "hfft", "ifft", "ifft2", "ifftn", "ihfft"),
    *("irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftn"),
)
"""The functions of numpy.fft, less those that only move entries."""

LEFT_OUT: dict[str, str] = {
    **dict.fromkeys(FOURIER, "it is defined on complex numbers, and Tensors are real"),
    "angle": "it is piecewise constant on real numbers",
    "asanyarray": "it makes a plain array; t.numpy() does so on purpose",
    "bitwise_count": INTEGER,
    "bmat": "it makes a matrix object; np.block joins Tensors",
    "busday_count": DATES,
    "busday_offset": DATES,
    "copyto": IN_PLACE,
    "datetime_as_string": DATES,
    "einsum_path": "it plans a computation and computes nothing",
    "eig": COMPLEX + " in general; np.linalg.eigh is differentiable",
    "eigvals": COMPLEX + " in general; np.linalg.eigvalsh is differentiable",
    "fill_diagonal": IN_PLACE,
    "gcd": INTEGER,
    "heaviside": "its derivative is an impulse; np.where(x > 0, 1.0, 0.0) states a step",
    "histogram2d": COUNTS,
    "histogram_bin_edges": COUNTS,
    "histogramdd": COUNTS,
    "intersect1d": SETS,
    "is_busday": DATES,
    "isfortran": "it asks about memory",
    "isnat": DATES,
    "ix_": "it makes an index, of integers",
    "lcm": INTEGER,
    "left_shift": INTEGER,
    "min_scalar_type": "it asks about dtypes",
    "nextafter": "it moves by one rounding unit",
    "packbits": INTEGER,
    "place": IN_PLACE,
    "polydiv": "its result has as many entries as the values decide",
    "put": IN_PLACE,
    "put_along_axis": IN_PLACE,
    "putmask": IN_PLACE,
    "ravel_multi_index": INTEGER,
    "right_shift": INTEGER,
    "roots": COMPLEX,
    "save": FILES,
    "savetxt": FILES,
    "savez": FILES,
    "savez_compressed": FILES,
    "setdiff1d": SETS,
    "setxor1d": SETS,
    "sort_complex": COMPLEX,
    "spacing": "it is the size of a rounding unit",
    "union1d": SETS,
    "unique": SETS,
    "unique_all": SETS,
    "unique_counts": SETS,
    "unique_inverse": SETS,
    "unique_values": SETS,
    "unpackbits": INTEGER,
    "unravel_index": INTEGER,
}
"""Why a function that NumPy would dispatch to a Tensor has no row, by its name."""
