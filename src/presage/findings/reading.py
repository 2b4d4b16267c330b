"""A table of scores from a file that people made: spreadsheets' habits are understood, doubts refused in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.findings import columns
from presage.findings.files import read_frame
from presage.findings.table import OutcomeKind, ScoreTable, TableError


def read_scores(
    path: Path | str,
    *,
    outcome: str,
    standard: str,
    markers: Sequence[str],
    patient: str = "patient_id",
    kind: OutcomeKind = "binary",
    cutoff: float | None = None,
    event: str | None = None,
    fold: str | None = None,
    cluster: bool = False,
    probabilities: Sequence[str] = (),
    covariates: Sequence[str] | None = None,
    title: str = "",
    separator: str | None = None,
    decimal: str = ".",
) -> ScoreTable:
    """Read and check a table of scores, one row per patient (or per exam with `cluster`).

    Parameters
    ----------
    path
        CSV or TSV (commas, semicolons or tabs; any line ends; UTF-8, UTF-16 or Windows-1252), or Parquet.
    outcome
        Column of what happened: 0/1 for ``binary``, a number for ``scale``, the follow-up time for ``time-to-event``.
    standard, markers
        Columns of the scores; higher = more likely a case.
    patient
        Column of the patient.
    kind, cutoff, event
        What the outcome is; `cutoff` turns a scale into cases, `event` is the 0/1 column beside a time.
    fold
        Column of the test fold, for scores from one cross-validation; None for a model that never saw these people.
    cluster
        Whether a patient may have several rows.
    probabilities
        Which scores are risks in [0, 1]; they are checked to be.
    covariates
        Columns kept for Table 1 and subgroups; None keeps every other column.
    title
        What a reader is shown for the outcome; the column's name by default.
    separator, decimal
        Of a text file; the separator is found by itself, comma decimals must be asked for.

    Raises
    ------
    TableError
        Whatever is wrong, which rows or patients, and the cure.
    """
    path = Path(path)
    frame = read_frame(path, separator=separator, decimal=decimal)
    named = _named(outcome, standard, markers, patient, event, fold, probabilities)
    for what, column in named:
        columns.require(frame, column, what, path.name)
    reader = columns.Numbers(frame, path.name, patient, decimal)
    who = reader.patients(cluster=cluster)
    target = _outcome(reader, outcome, kind, cutoff, event)
    scores = {name: reader.score(name, probability=name in probabilities)[None, :] for name in (standard, *markers)}
    used = {column for _, column in named}
    kept = [c for c in frame.columns if c not in used] if covariates is None else list(covariates)
    for column in kept:
        columns.require(frame, column, "covariate", path.name)
    return ScoreTable(
        patient=who,
        outcome=target,
        scores=scores,
        standard=standard,
        folds=None if fold is None else reader.folds(fold)[None, :],
        outcome_kind=kind,
        cutoff=cutoff,
        # Of a time to an event, what happened is the event and not the time.
        outcome_title=title or (event if kind == "time-to-event" and event else outcome).replace("_", " "),
        covariates=_covariates(frame[kept], decimal),
        probabilities=tuple(probabilities),
    )


def _named(
    outcome: str,
    standard: str,
    markers: Sequence[str],
    patient: str,
    event: str | None,
    fold: str | None,
    probabilities: Sequence[str],
) -> list[tuple[str, str]]:
    """Every column that was asked for, with what it is; each may be asked for once."""
    named = [("patient", patient), ("outcome", outcome), ("standard", standard)]
    named += [("marker", marker) for marker in markers]
    named += [(what, column) for what, column in (("event", event), ("fold", fold)) if column is not None]
    if not markers:
        raise TableError("no marker is named; name the columns of the scores to be compared with the standard")
    seen: dict[str, str] = {}
    for what, column in named:
        if column in seen:
            raise TableError(
                f"column {column!r} is named twice, as {seen[column]} and as {what}; name each column once"
            )
        seen[column] = what
    strangers = [name for name in probabilities if seen.get(name) not in ("standard", "marker")]
    if strangers:
        raise TableError(
            f"{', '.join(map(repr, strangers))} is said to be a probability, but is no score of this table"
        )
    return named


def _outcome(
    reader: columns.Numbers, outcome: str, kind: OutcomeKind, cutoff: float | None, event: str | None
) -> NDArray[np.generic]:
    if kind == "binary":
        target = reader.zero_or_one(outcome, "outcome")
        columns.two_classes(target == 1, outcome)
        return target
    if kind == "scale":
        if cutoff is None:
            raise TableError("a scale outcome needs its cut-off: a value at or above it counts as a case (--cutoff 10)")
        values = reader.number(outcome, "outcome")
        columns.two_classes(values >= cutoff, f"{outcome} >= {cutoff:g}")
        return values
    if event is None:
        raise TableError("a time-to-event outcome needs the 0/1 column that says whether the event happened (--event)")
    records = np.empty(len(reader.frame), dtype=[("event", bool), ("time", float)])
    records["event"] = reader.zero_or_one(event, "event") == 1
    records["time"] = reader.time(outcome)
    if not records["event"].any():
        raise TableError(
            f"{reader.file}: the event {event!r} happened to nobody ({len(records)} rows), so that no score can "
            "be judged; is it the right column?"
        )
    return records


def _covariates(frame: pd.DataFrame, decimal: str) -> pd.DataFrame:
    """Numbers where a whole column is numbers, text elsewhere."""
    kept = {}
    for name in frame.columns:
        text = frame[name].reset_index(drop=True)
        numbers = columns.to_numbers(text, decimal)
        kept[str(name)] = numbers if numbers.isna().equals(text.isna()) else text
    return pd.DataFrame(kept, index=range(len(frame)))
