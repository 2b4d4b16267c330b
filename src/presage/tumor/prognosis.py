"""The risks of the patients of a gathered cohort: which table they are learnt from, and who has none."""

from __future__ import annotations

from presage.cohort import InputError
from presage.study.progress import Progress
from presage.tumor.gathering import Tumours
from presage.tumor.risk import risk_table
from presage.tumor.risk.individual import FOLDS, REPEATS, Risks, cross_validated, no_risks
from presage.tumor.risk.markers import THREE_YEARS


def risks_of(
    tumours: Tumours,
    outcome: str = "os",
    *,
    horizon: float = THREE_YEARS,
    repeats: int = REPEATS,
    seed: int = 2020,
    progress: Progress | None = None,
) -> Risks:
    """Risks by models that did not see the patient; see :func:`presage.tumor.risk.individual.cross_validated`.

    They are learnt from every patient with mutations and a clinical row, also those without expression.

    Parameters
    ----------
    outcome
        `os` (death) or `pfi` (progression or death).
    horizon
        Days.
    """
    if tumours.mutations is None:
        return no_risks("it needs the mutations themselves (--maf): a table of 0 and 1 does not tell their number")
    if tumours.clinical is None:
        return no_risks("no clinical table was given (--clinical)")
    try:
        table = risk_table(tumours.mutations, tumours.clinical, copies=tumours.copies)
    except InputError as error:
        return no_risks(error.what)
    told = progress or Progress()
    told.start("Computing risks", FOLDS * repeats)
    found = cross_validated(
        table,
        outcome,
        horizon=horizon,
        repeats=repeats,
        seed=seed,
        phantom=tumours.phantom,
        progress=told.advance,
    )
    told.finish()
    return found
