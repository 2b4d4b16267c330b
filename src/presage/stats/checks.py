"""The border: every public function checks its arrays here, once, and the rest may trust them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


class StatsError(ValueError):
    """An input no statistic can be computed from: what is wrong, where, and the cure.

    Attributes
    ----------
    rows
        Zero-based positions of the offending rows, all of them, so that a caller can name the patients; empty where the
        whole input is at fault.
    """

    def __init__(self, message: str, rows: Sequence[int] | NDArray[Any] = ()) -> None:
        super().__init__(message)
        self.rows: tuple[int, ...] = tuple(int(row) for row in rows)

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; the default would lose the rows.
        return type(self), (str(self), self.rows)


def shown(rows: NDArray[Any]) -> str:
    """The first few row numbers, counted from 1 as in a spreadsheet without its heading."""
    first = ", ".join(str(int(row) + 1) for row in rows[:5])
    return f"row{'s' if len(rows) > 1 else ''} {first}{', ...' if len(rows) > 5 else ''}"


def finite(values: ArrayLike, name: str, ndim: int | None = 1) -> Floats:
    """`values` as finite float64 of `ndim` dimensions (any where None)."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise StatsError(f"{name} must be numbers: {error}") from error
    if ndim is not None and array.ndim != ndim:
        raise StatsError(f"{name} must have {ndim} dimension(s), but its shape is {array.shape}")
    if array.size == 0:
        raise StatsError(f"{name} is empty: there is nobody to compute it from")
    good = np.isfinite(array)
    if not good.all():
        rows = np.unique(np.nonzero(~good)[-1])
        raise StatsError(
            f"{name} has {len(rows)} missing or infinite value(s) of {array.shape[-1]} ({shown(rows)}); "
            "exclude these patients and count them in the cohort flow, or find their values",
            rows,
        )
    return array


def binary(values: ArrayLike, name: str = "the outcome", *, both: bool = True) -> Bools:
    """`values`, 0/1 or true/false, as bool of shape (n,); with `both`, at least one of each is demanded."""
    array = np.asarray(values)
    if array.dtype != np.bool_:
        array = finite(values, name)
        odd = np.flatnonzero((array != 0) & (array != 1))
        if len(odd):
            raise StatsError(
                f"{name} must be 0 (no) or 1 (yes), but {len(odd)} row(s) have another value "
                f"({shown(odd)}; the first is {array[odd[0]]:g})",
                odd,
            )
        array = array == 1
    if array.ndim != 1 or array.size == 0:
        raise StatsError(f"{name} must be one value per patient, but its shape is {array.shape}")
    if both and (array.all() or not array.any()):
        what = "a case (1)" if array.all() else "a control (0)"
        raise StatsError(
            f"{name} has one class only: each of the {array.size} rows is {what}; cases and controls are both needed"
        )
    return array


def score(values: ArrayLike, n: int, name: str = "the score", *, varied: bool = True) -> Floats:
    """`values` as finite float64 of shape (n,); with `varied`, a constant score is refused."""
    array = finite(values, name)
    same_length(array.shape[-1], n, name)
    if varied and array.min() == array.max():
        raise StatsError(
            f"{name} is constant ({array[0]:g} for all {n} rows): it cannot tell anyone apart; "
            "check the column, or leave this marker out"
        )
    return array


def score_matrix(values: ArrayLike, n: int, name: str = "the scores") -> Floats:
    """`values` as finite float64 of shape (markers, n); one row (n,) becomes (1, n). Constant rows are refused."""
    array = finite(values, name, ndim=None)
    array = array[None, :] if array.ndim == 1 else array
    if array.ndim != 2:
        raise StatsError(f"{name} must have shape (markers, patients), but its shape is {array.shape}")
    same_length(array.shape[-1], n, name)
    for number, row in enumerate(array):
        score(row, n, name if len(array) == 1 else f"{name}, marker {number + 1},")
    return array


def probabilities(values: ArrayLike, n: int, name: str = "the predicted risk") -> Floats:
    """`values` as float64 in [0, 1] of shape (n,)."""
    array = score(values, n, name, varied=False)
    outside = np.flatnonzero((array < 0) | (array > 1))
    if len(outside):
        raise StatsError(
            f"{name} must be a probability between 0 and 1, but {len(outside)} row(s) are outside ({shown(outside)}; "
            f"the first is {array[outside[0]]:g}); percentages are divided by 100, other scores are recalibrated first",
            outside,
        )
    return array


def labels(values: ArrayLike, n: int, name: str = "the group") -> tuple[NDArray[Any], Ints]:
    """The distinct labels (sorted) and the number of each row's, shape (n,); missing labels are refused."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise StatsError(f"{name} must be one value per row, but its shape is {array.shape}")
    same_length(len(array), n, name)
    if array.dtype.kind == "f":
        finite(array, name)
    elif array.dtype.kind == "O":
        missing = np.flatnonzero([value is None or value != value for value in array])
        if len(missing):
            raise StatsError(f"{name} is missing in {len(missing)} row(s) ({shown(missing)})", missing)
    distinct, numbers = np.unique(array.astype(str) if array.dtype.kind == "O" else array, return_inverse=True)
    return distinct, numbers.astype(np.intp)


def same_length(found: int, n: int, name: str) -> None:
    """Refuse arrays that do not describe the same patients."""
    if found != n:
        raise StatsError(
            f"{name} has {found} rows, but the outcome has {n}: both must describe the same patients in order"
        )


def fraction(value: float, name: str) -> float:
    """`value` strictly between 0 and 1."""
    number = float(value)
    if not 0 < number < 1:
        raise StatsError(f"{name} must lie between 0 and 1 (both excluded), but it is {value}")
    return number


def enough(cases: Bools, least: int = 2) -> None:
    """Refuse what a variance cannot be estimated from."""
    n_cases = int(cases.sum())
    n_controls = len(cases) - n_cases
    if min(n_cases, n_controls) < least:
        raise StatsError(
            f"there are {n_cases} case(s) and {n_controls} control(s); an interval needs at least {least} of each"
        )
