"""From a score to an absolute risk: risks of the study moved to the incidence of a population, age by age."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from presage.findings.discrimination import distribution
from presage.findings.options import Options
from presage.findings.risks import risks
from presage.findings.table import ScoreTable, TableError
from presage.findings.words import percent
from presage.stats.incidence import BREAST_CANCER_EXAMPLE, RateTable, absolute_from_case_control, absolute_risk

_RATES = ("ages", "incidence", "other_deaths", "disease", "population", "source")


def absolute(table: ScoreTable, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
    """The analysis ``absolute``; None unless `absolute_years` is chosen, and for outcomes that are no 0/1.

    Needs a covariate with the age (option `age`). The rates are those of option `rates`, or the bundled example.

    Raises
    ------
    TableError
        No age, or rates that are incomplete.
    StatsError
        Ages outside the rates.
    """
    options = Options.read(chosen)
    if options.absolute_years is None or table.outcome_kind != "binary":
        return None
    ages, rates = _ages(table, options.age), _rates(options.rates)
    share = float(table.cases.mean())
    average = absolute_risk(ages, options.absolute_years, rates)
    scores = []
    for name in sorted(table.scores, key=lambda entry: entry != table.standard):
        found = risks(table, name, options)
        if found is not None:
            values = absolute_from_case_control(found.values, ages, share, options.absolute_years, rates)
            scores.append(_one(table, name, values))
    if not scores:
        return None
    return {
        "title": "Absolute risk",
        "n": len(ages),
        "n_cases": int(table.cases.sum()),
        "years": options.absolute_years,
        "disease": rates.disease,
        "population": rates.population,
        "source": rates.source,
        "average_risk": _quartiles(average),
        "scores": scores,
        "sentence": _sentence(scores, average, options),
        "caveats": [
            f"Rates: {rates.disease}, {rates.population}. {rates.source}."
            + (
                " These are the bundled example; state the rates of your own population."
                if options.rates is None
                else ""
            ),
            "It is assumed that the score's odds ratio holds in that population and that the controls are like its "
            "people of "
            "the same age. Absolute risks need a validation of their own, in a cohort, before anybody is told one.",
        ],
    }


def _one(table: ScoreTable, name: str, values: NDArray[np.float64]) -> dict[str, Any]:
    return {
        "name": name,
        "role": table.role(name),
        "all": _quartiles(values),
        "highest_tenth": float(np.quantile(values, 0.9)),
        "distribution": distribution(table.cases, values),
    }


def _quartiles(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.6g}") for value in np.quantile(values, (0.25, 0.5, 0.75))]


def _ages(table: ScoreTable, name: str) -> NDArray[np.float64]:
    if name not in table.covariates.columns:
        known = ", ".join(map(str, table.covariates.columns)) or "none"
        raise TableError(
            f"absolute risk needs the age, but there is no covariate {name!r} (there are: {known}); option age"
        )
    ages = pd.to_numeric(table.covariates[name], errors="coerce").to_numpy(dtype=np.float64)
    if np.isnan(ages).any():
        raise TableError(f"absolute risk needs the age of everyone, but {int(np.isnan(ages).sum())} row(s) have none")
    return ages


def _rates(given: Mapping[str, Any] | None) -> RateTable:
    if given is None:
        return BREAST_CANCER_EXAMPLE
    missing = [key for key in _RATES if key not in given]
    if missing:
        raise TableError(f"option rates lacks {', '.join(missing)}; it needs {', '.join(_RATES)}")
    ages, incidence, deaths = (tuple(float(value) for value in given[key]) for key in _RATES[:3])
    return RateTable(ages, incidence, deaths, *(str(given[key]) for key in _RATES[3:]))


def _sentence(scores: list[dict[str, Any]], average: NDArray[np.float64], options: Options) -> str:
    told = "; ".join(
        f"{entry['name']} from {percent(entry['all'][0], 1)} (quarter below) to {percent(entry['highest_tenth'], 1)} "
        "(tenth above)"
        for entry in scores
    )
    return (
        f"With the incidence of a population, scores become risks within {options.absolute_years:g} years. People of "
        "these ages "
        f"have {percent(float(np.median(average)), 1)} on average; the scores part them: {told}."
    )
