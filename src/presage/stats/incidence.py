"""From a case-control score to an absolute risk, with external incidence rates by age.

The bundled table is an example and an old one: it serves to show what is needed, and to check against a published
tool. A hospital replaces it by the rates of its own population.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from presage.stats import checks
from presage.stats.checks import Floats, StatsError
from presage.stats.recalibration import shift_prevalence


@dataclass(frozen=True)
class RateTable:
    """Rates per person-year by age.

    Attributes
    ----------
    ages
        First age of each group, rising, and the age at which the last group ends: (groups + 1,).
    incidence
        New cases per person-year free of the disease, (groups,).
    other_deaths
        Deaths from other causes per person-year, (groups,).
    disease, population, source
        What is counted, among whom, and where it was printed.
    """

    ages: tuple[float, ...]
    incidence: tuple[float, ...]
    other_deaths: tuple[float, ...]
    disease: str
    population: str
    source: str

    def __post_init__(self) -> None:
        if not len(self.ages) - 1 == len(self.incidence) == len(self.other_deaths) or np.any(np.diff(self.ages) <= 0):
            raise StatsError("a rate table needs rising ages, and one rate of each kind between two of them")
        if min(*self.incidence, *self.other_deaths) < 0:
            raise StatsError("rates per person-year cannot be negative; rates per 100,000 are divided by 100,000 first")


BREAST_CANCER_EXAMPLE = RateTable(
    ages=tuple(range(20, 91, 5)),
    incidence=(
        0.00001220,
        0.00007410,
        0.00022970,
        0.00056490,
        0.00116450,
        0.00195250,
        0.00261540,
        0.00302790,
        0.00367570,
        0.00420290,
        0.00473080,
        0.00494250,
        0.00479760,
        0.00401060,
    ),
    other_deaths=(
        0.00044120,
        0.00052540,
        0.00067460,
        0.00090920,
        0.00125340,
        0.00195700,
        0.00329840,
        0.00546220,
        0.00910350,
        0.01418540,
        0.02259350,
        0.03611460,
        0.06136260,
        0.14206630,
    ),
    disease="invasive breast cancer",
    population="white women in the United States, 1992-1996 (not representative of other populations or of today)",
    source=(
        "SEER incidence and NCHS mortality, white women 1992-96: the rates of the average woman in the "
        "National Cancer Institute's Breast Cancer Risk Assessment Tool "
        "(R package BCRA, constants White_lambda1Avg and White_lambda2Avg)"
    ),
)


def absolute_risk(
    ages: ArrayLike, years: float, table: RateTable = BREAST_CANCER_EXAMPLE, *, relative_risk: ArrayLike = 1.0
) -> Floats:
    """Probability of the disease within `years`, with death from other causes competing, shape (n,).

    Parameters
    ----------
    ages
        Age now in years, shape (n,).
    years
        Length of the prediction.
    relative_risk
        Of each person against the average of the same age: one number or (n,).

    Notes
    -----
    Gail MH et al. (1989) J Natl Cancer Inst 81:1879-1886, eq. 5-6, with rates constant within age groups.

    Raises
    ------
    StatsError
        An age, or an age at the end, outside the table; a relative risk below 0.
    """
    age = checks.finite(ages, "the age")
    factor = np.broadcast_to(checks.finite(relative_risk, "the relative risk", ndim=None), age.shape)
    if years <= 0 or (factor < 0).any():
        raise StatsError("the prediction must be over more than 0 years, and relative risks cannot be negative")
    edges = np.asarray(table.ages, dtype=np.float64)
    outside = np.flatnonzero((age < edges[0]) | (age + years > edges[-1]))
    if len(outside):
        raise StatsError(
            f"{len(outside)} age(s) lie outside the incidence table, {edges[0]:g} to {edges[-1]:g} years "
            f"including the {years:g} predicted ({checks.shown(outside)})",
            outside,
        )
    risk, surviving = np.zeros(len(age)), np.ones(len(age))
    for group in range(len(edges) - 1):
        spent = np.clip(np.minimum(age + years, edges[group + 1]) - np.maximum(age, edges[group]), 0, None)
        disease = table.incidence[group] * factor
        both = disease + table.other_deaths[group]
        leaving = -np.expm1(-both * spent)
        risk += surviving * np.divide(disease, both, out=np.zeros(len(age)), where=both > 0) * leaving
        surviving *= np.exp(-both * spent)
    return risk


def absolute_from_case_control(
    risks: ArrayLike,
    ages: ArrayLike,
    sampled: float,
    years: float = 5.0,
    table: RateTable = BREAST_CANCER_EXAMPLE,
) -> Floats:
    """Absolute risk within `years` from a risk calibrated in a case-control study, shape (n,).

    Parameters
    ----------
    risks
        Shape (n,), calibrated within the study (`presage.stats.recalibration`), cases being those of the same `years`.
    ages
        Shape (n,).
    sampled
        Share of cases in the study.
    table
        Rates of the population the answer is for.

    Notes
    -----
    The odds of the study are moved to the odds of the same age in the population (Prentice and Pyke 1979). This assumes
    that the score's odds ratio holds in that population, and that the study's controls are like its people of the same
    age without the disease.

    Raises
    ------
    StatsError
        As :func:`absolute_risk` and :func:`presage.stats.recalibration.shift_prevalence`.
    """
    return shift_prevalence(risks, sampled, absolute_risk(ages, years, table))
