"""Columns of a table of scores, checked once: what is wrong, in which rows or for which patients, and the cure."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.findings.table import TableError

_YES_NO = {
    "yes",
    "no",
    "y",
    "n",
    "true",
    "false",
    "ja",
    "nein",
    "oui",
    "non",
    "case",
    "control",
    "positive",
    "negative",
}
_MISSING = {"na", "n/a", "nan", "null", "none", ".", "-", "?", "missing", "#n/a", "#value!", "#div/0!"}


def require(frame: pd.DataFrame, column: str, what: str, file: str) -> None:
    """Refuse a table without this column, and guess what was meant."""
    if column in frame.columns:
        return
    names = [str(name) for name in frame.columns]
    near = get_close_matches(column.lower(), [name.lower() for name in names], n=1, cutoff=0.6)
    guess = next((name for name in names if near and name.lower() == near[0]), None)
    if len(names) == 1:
        hint = "the file was read as one column: name its separator (--separator ';')"
    else:
        hint = f"did you mean {guess!r}?" if guess else "name one of these columns"
    raise TableError(f"{file} has no column {column!r} ({what}); its columns are {_short(names)}. Cure: {hint}")


def two_classes(cases: NDArray[np.bool_], name: str) -> None:
    """Refuse an outcome that everyone, or no one, has."""
    if cases.all() or not cases.any():
        who = "every row is a case" if cases.all() else "no row is a case"
        raise TableError(
            f"the outcome ({name}) has one class only: {who} ({len(cases)} rows). Cases and controls are both needed; "
            "was "
            "the table filtered, or is this the wrong column?"
        )


def to_numbers(text: pd.Series[str], decimal: str) -> pd.Series[float]:
    """Numbers of a column of text; what is none becomes missing."""
    if decimal == ",":
        # In 1.234,5 the point groups thousands.
        text = text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    return pd.Series([_float(value) for value in text], index=text.index, dtype="float64")


def _float(value: object) -> float:
    # Python's own reading returns the digits written; that of pandas may be off by the last bit.
    try:
        return float("nan") if not isinstance(value, str) or "_" in value else float(value)
    except ValueError:
        return float("nan")


@dataclass(frozen=True)
class Numbers:
    """The checked columns of one file."""

    frame: pd.DataFrame
    file: str
    patient: str
    decimal: str

    def patients(self, *, cluster: bool) -> NDArray[np.str_]:
        """Patient codes, shape (n,); none missing, and none twice unless `cluster`."""
        text = self.frame[self.patient]
        if text.isna().any():
            raise TableError(
                f"{self.file}: {int(text.isna().sum())} row(s) have no {self.patient} ({self._rows(text.isna())}); a "
                "row that "
                "belongs to nobody cannot be counted"
            )
        repeated = text[text.duplicated()].unique()
        if len(repeated) and not cluster:
            raise TableError(
                f"{self.file}: {len(repeated)} patient(s) have several rows ({_short(list(repeated))}). If these are "
                "exams "
                "or breasts of one person, say so (--cluster), and intervals will be by person; if not, correct the ids"
            )
        return np.asarray(text, dtype=str)

    def number(self, column: str, what: str) -> NDArray[np.float64]:
        """Finite numbers, shape (n,)."""
        text = self.frame[column]
        empty = (text.isna() | text.str.lower().isin(_MISSING)).fillna(True).astype(bool)
        values = to_numbers(text, self.decimal)
        odd = values.isna() & ~empty
        if odd.any():
            self._refuse_text(column, what, text, odd)
        endless = ~empty & np.isinf(values)
        if endless.any():
            raise TableError(
                f"{self.file}: the {what} {column!r} is infinite for {self._who(endless)}. Such a value comes from a "
                "division by 0 or the logarithm of 0: correct it where the score is made"
            )
        bad = empty | values.isna()
        if bad.any():
            raise TableError(
                f"{self.file}: the {what} {column!r} is missing for {self._who(bad)}. A missing value is not guessed: "
                "find "
                "it, or take these patients out of the table and count them in the flow of the study"
            )
        return np.asarray(values, dtype=np.float64)

    def zero_or_one(self, column: str, what: str) -> NDArray[np.int8]:
        """0 or 1, shape (n,)."""
        found = self.frame[column].dropna().str.lower().unique()
        if len(found) and set(found) <= _YES_NO:
            raise TableError(
                f"{self.file}: the {what} {column!r} is written in words ({_short(sorted(found))}). Write 1 for those "
                "who "
                "had it and 0 for those who did not"
            )
        values = self.number(column, what)
        bad = ~np.isin(values, (0, 1))
        if bad.any():
            others = sorted({f"{value:g}" for value in values[bad]})
            cure = "write 0 for no and 1 for yes"
            if set(np.unique(values)) == {1.0, 2.0}:
                cure = "if 1 means no and 2 means yes, subtract 1 from the column"
            elif len(others) > 5:
                cure = "if it is a questionnaire score, name it as a scale with its cut-off (--kind scale --cutoff 10)"
            raise TableError(
                f"{self.file}: the {what} {column!r} must be 0 or 1, but {self._who(bad)} have another value "
                f"({_short(others)}). Cure: {cure}"
            )
        return values.astype(np.int8)

    def score(self, column: str, *, probability: bool) -> NDArray[np.float64]:
        """Scores, shape (n,): finite, not constant, and in [0, 1] where they are said to be probabilities."""
        values = self.number(column, "score")
        if values.min() == values.max():
            raise TableError(
                f"{self.file}: the score {column!r} is {values[0]:g} for everyone, so it tells nobody apart; is it the "
                "right "
                "column, and did the model run?"
            )
        outside = (values < 0) | (values > 1)
        if probability and outside.any():
            percentages = values.min() >= 0 and 1 < values.max() <= 100
            cure = (
                "they look like percentages: divide by 100"
                if percentages
                else "if it is a score and not a risk, do not name it as a probability"
            )
            raise TableError(
                f"{self.file}: {column!r} is said to be a probability, but {self._who(outside)} have a value outside 0 "
                "to 1 "
                f"(from {values.min():g} to {values.max():g}). Cure: {cure}"
            )
        return values

    def time(self, column: str) -> NDArray[np.float64]:
        """Follow-up times above 0, shape (n,)."""
        values = self.number(column, "follow-up time")
        bad = values <= 0
        if bad.any():
            raise TableError(
                f"{self.file}: the follow-up time {column!r} is 0 or below for {self._who(bad)}. A person without "
                "follow-up "
                "cannot be judged: correct the dates, or leave these patients out and count them"
            )
        return values

    def folds(self, column: str) -> NDArray[np.int64]:
        """Number of the test fold of each row, shape (n,)."""
        text = self.frame[column]
        if text.isna().any():
            raise TableError(f"{self.file}: the fold {column!r} is missing for {self._who(text.isna())}")
        return np.unique(text.to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64)

    def _refuse_text(self, column: str, what: str, text: pd.Series[str], odd: pd.Series[bool]) -> None:
        shown = _short([f"{value!r} in row {row}" for row, value in self._numbered(text[odd])])
        if self.decimal == "." and text[odd].str.fullmatch(r"[-+]?\d+,\d+").all():
            raise TableError(
                f"{self.file}: the {what} {column!r} seems to be written with comma decimals ({shown}). If 0,5 means "
                "one half, "
                "say so (--decimal ,)"
            )
        raise TableError(
            f"{self.file}: the {what} {column!r} must be a number, but {int(odd.sum())} row(s) hold text ({shown}). "
            "Correct "
            "these cells"
        )

    def _who(self, bad: pd.Series[bool] | NDArray[np.bool_]) -> str:
        """How many patients, and the first of them, so that a person can find them."""
        ids = list(dict.fromkeys(self.frame.loc[np.asarray(bad), self.patient].astype(str)))
        return f"{len(ids)} patient{'s' if len(ids) > 1 else ''} ({_short(ids)})"

    def _rows(self, bad: pd.Series[bool]) -> str:
        return "row " + _short([str(row) for row, _ in self._numbered(self.frame.loc[bad, self.patient])])

    @staticmethod
    def _numbered(cells: pd.Series[str]) -> list[tuple[int, str]]:
        """Cells with the row that a spreadsheet shows."""
        return [(int(str(index)), value) for index, value in cells.items()]


def _short(items: list[str], most: int = 5) -> str:
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(map(str, items[:most])) + more
