"""`presage check`: what is in a cohort, who was dropped and why, before any study is run."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from presage.cohort.cohort import Cohort
from presage.cohort.companions import left_alone
from presage.cohort.errors import UnusableRecording
from presage.cohort.flow import Exclusion
from presage.cohort.kinds import kind_named
from presage.cohort.reading import read_cohort
from presage.cohort.recording import Recording
from presage.cohort.tables import some

if TYPE_CHECKING:
    from rich.console import Group

# Opening files waits for the disk, or for a network; more threads than processors pay.
_THREADS = 8


@dataclass(frozen=True)
class Prevalence:
    """How often an outcome occurs.

    Attributes
    ----------
    column
        The outcome column of ``patients.csv``.
    n_known, n_cases
        Patients with the outcome recorded, and those of them with a 1; ``n_cases`` is None where it is not 0/1.
    summary
        In words.
    """

    column: str
    n_known: int
    n_cases: int | None
    summary: str


@dataclass(frozen=True)
class CheckReport:
    """What :func:`check_cohort` found; prints as text or as rich tables.

    Attributes
    ----------
    cohort
        The cohort that is left.
    n_listed
        Patients before any exclusion.
    kinds
        Usable recordings by kind, and by the values of the columns that the kind requires.
    outcomes
        Prevalence by outcome column.
    warnings
        What a person should look at although it stops nothing.
    """

    cohort: Cohort
    n_listed: int
    kinds: dict[str, dict[str, int]]
    outcomes: list[Prevalence]
    warnings: list[str] = field(default_factory=list)

    @property
    def flow(self) -> list[Exclusion]:
        """Who was dropped, step by step, with ids."""
        return list(self.cohort.flow)

    def __rich__(self) -> Group:
        """Tables for a terminal."""
        from rich.console import Group
        from rich.table import Column, Table
        from rich.text import Text

        counts = Table("patients", "recordings", title=self.cohort.name or "cohort", title_justify="left")
        counts.add_row(f"{len(self.cohort)} of {self.n_listed}", str(len(self.cohort.recordings)))
        outcomes = Table("outcome", "patients with it recorded", "prevalence", title="Outcomes", title_justify="left")
        for row in self.outcomes:
            outcomes.add_row(row.column, str(row.n_known), row.summary)
        kinds = Table("kind", "what", "recordings", title="Recordings", title_justify="left")
        for kind, parts in self.kinds.items():
            for what, n in parts.items():
                kinds.add_row(kind, what, str(n))
        # Names are folded and never cut: they are what somebody looks for.
        who = Column("who", overflow="fold")
        flow = Table("step", "reason", "n", "of", who, title="Cohort flow", title_justify="left")
        for e in self.flow:
            flow.add_row(e.step, e.reason, str(len(e.ids)), f"{e.unit}s", some(e.ids))
        tables = [counts, outcomes, kinds, flow if self.flow else Text("Cohort flow: nobody was excluded.")]
        made_up = [Text("This cohort is made up (phantom).", style="bold")] if self.cohort.phantom else []
        return Group(*made_up, *tables, *(Text(f"Warning: {text}", style="yellow") for text in self.warnings))

    def to_text(self) -> str:
        """The same as plain text, every id in one line."""
        from io import StringIO

        from rich.console import Console

        out = StringIO()
        Console(file=out, width=120, color_system=None, soft_wrap=False).print(self)
        return out.getvalue()


def check_cohort(folder: str, *, inspect: bool = True) -> CheckReport:
    """Read a cohort folder, open every recording just far enough, and say what is there.

    Parameters
    ----------
    folder
        Local path or fsspec address.
    inspect
        Whether to open the files; without, only the tables are checked.

    Raises
    ------
    InputError
        As :func:`presage.cohort.reading.read_cohort`.
    """
    cohort = read_cohort(folder)
    dropped = {pid for e in cohort.flow if e.unit == "patient" for pid in e.ids}
    n_listed = len(cohort) + len(dropped)
    if inspect:
        cohort = inspect_recordings(cohort, cohort.iter_recordings())
    kinds: dict[str, dict[str, int]] = {}
    for recording in cohort.iter_recordings():
        required = kind_named(recording.kind).required
        what = " ".join(recording.get(column) for column, allowed in required.items() if allowed) or "all"
        parts = kinds.setdefault(recording.kind, {})
        parts[what] = parts.get(what, 0) + 1
    outcomes, warnings = _outcomes(cohort)
    return CheckReport(
        cohort, n_listed, {k: dict(sorted(v.items())) for k, v in sorted(kinds.items())}, outcomes, warnings
    )


def inspect_recordings(cohort: Cohort, recordings: Iterable[Recording]) -> Cohort:
    """The cohort without those of `recordings` that their kind cannot use, counted in the flow by reason.

    Patients left without any recording are excluded too.
    """

    def reason(recording: Recording) -> str:
        try:
            kind_named(recording.kind).inspect(recording)
        except UnusableRecording as unusable:
            return unusable.reason
        return ""

    opened = list(recordings)
    with ThreadPoolExecutor(_THREADS) as pool:
        reasons = {r.path: why for r, why in zip(opened, pool.map(reason, opened), strict=True) if why}
    return without_recordings(cohort, "inspect", reasons)


def without_recordings(cohort: Cohort, step: str, reasons: dict[str, str], *, wanted: bool = False) -> Cohort:
    """The cohort without the recordings (by path) that have a reason, and without patients left with none.

    What means something else without them goes too (see :mod:`presage.cohort.companions`), unless it is `wanted` that
    they are left out.
    """
    if not reasons:
        return cohort
    table = cohort.recordings
    why = table["path"].map(reasons).astype(object)
    if not wanted:
        why = why.fillna(left_alone(table[why.notna()], table[why.isna()]))
    flow = cohort.flow.copy()
    for reason in sorted(set(why.dropna())):
        flow.add(step, reason, "recording", [cohort.relative(path) for path in table.loc[why == reason, "path"]])
    before = set(table["patient_id"])
    cohort = replace(cohort, recordings=table[why.isna()], flow=flow)
    return cohort.exclude(step, "no usable recording left", before - set(cohort.recordings["patient_id"]))


def _outcomes(cohort: Cohort) -> tuple[list[Prevalence], list[str]]:
    """Prevalence of the declared outcomes (of every 0/1 column where none is declared), and what is odd about them."""
    patients, declared = cohort.patients, list(cohort.outcome_columns)
    binary = [str(column) for column in patients.columns if _is_binary(patients[column])]
    warnings = []
    if not declared:
        warnings.append(
            "cohort.yaml declares no outcomes; these columns hold 0 and 1 only: "
            f"{some(binary) or 'none'}. Declare those that reveal an outcome: `outcomes: [COLUMN]`"
        )
    rows = []
    for column in declared or binary:
        values = patients[column]
        n_known = int(values.notna().sum())
        if column in binary:
            n_cases = int((values == 1).sum())
            rows.append(Prevalence(column, n_known, n_cases, f"{n_cases} cases ({n_cases / n_known:.1%})"))
            if n_cases in (0, n_known):
                warnings.append(f"outcome {column}: all {n_known} patients have the same value")
        elif pd.api.types.is_numeric_dtype(values) and n_known:
            low, middle, high = np.nanquantile(values.to_numpy(dtype=float), [0, 0.5, 1])
            rows.append(Prevalence(column, n_known, None, f"median {middle:g}, range {low:g} to {high:g}"))
            warnings += _nearly_binary(column, values.dropna())
        else:
            rows.append(Prevalence(column, n_known, None, "not a number"))
            odd = sorted(set(values.dropna().astype(str)) - {"0", "1"})
            warnings.append(f"outcome {column} holds text: {some(odd, 3)}" if n_known else f"outcome {column} is empty")
        if n_known < len(patients):
            warnings.append(f"outcome {column} is not recorded for {len(patients) - n_known} patients")
    return rows, warnings


def _nearly_binary(column: str, known: pd.Series) -> list[str]:
    """A warning where a few cells keep a column from being 0 and 1."""
    other = known[~known.isin([0, 1])]
    if not known.isin([0]).any() or not known.isin([1]).any() or len(other) > len(known) / 10:
        return []
    cells = some(f"{pid}: {value:g}" for pid, value in other.items())
    return [f"outcome {column} is 0 or 1 but for {len(other)} patient(s) ({cells}): a study of cases refuses it"]


def _is_binary(column: pd.Series) -> bool:
    known = column.dropna()
    return bool(len(known)) and pd.api.types.is_numeric_dtype(known) and bool(known.isin([0, 1]).all())
