"""Sites: the AUC at each, without each, over all, and what a further site may expect.

Sources: DerSimonian R, Laird N (1986) Control Clin Trials 7:177-188; Hartung J, Knapp G (2001) Statistics in Medicine
20:3875-3889; Riley RD et al. (2011) BMJ 342:d549 (prediction interval).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from presage.stats import checks
from presage.stats.checks import Floats, StatsError
from presage.stats.results import Estimate
from presage.stats.subgroups import LEAST, Scored, Subgroup, cochran, judge


@dataclass(frozen=True)
class Sites:
    """AUC over sites: at each, without each, pooled, and what a further site may expect.

    Attributes
    ----------
    sites
        Each site alone.
    without
        AUC of everyone outside each site, in the same order; None where too few remain.
    pooled
        Random-effects mean with Hartung and Knapp's interval, on the log-odds of the AUC.
    prediction
        Interval for the AUC of a further site of the same kind, as (low, high); None under three sites.
    heterogeneity
        Share of the variance between sites that is not chance (I2), 0 to 1.
    """

    sites: tuple[Subgroup, ...]
    without: tuple[Estimate | None, ...]
    pooled: Estimate | None
    prediction: tuple[float, float] | None
    heterogeneity: float | None


def by_site(cases: ArrayLike, scores: ArrayLike, sites: ArrayLike, *, least: int = LEAST, level: float = 0.95) -> Sites:
    """AUC of one marker at each site, without each, and over all with the spread between sites.

    Parameters
    ----------
    cases, scores, sites
        Shape (n,) each. For "trained elsewhere, tested here", the scores come from folds that are sites.

    Raises
    ------
    StatsError
        As :func:`presage.stats.auc`; one site only.
    """
    checked = checks.binary(cases)
    matrix = checks.score_matrix(scores, len(checked))
    labels, numbers = checks.labels(sites, len(checked), "the site")
    if len(labels) < 2:
        raise StatsError("there is one site only, so nothing can be said about others")
    everyone = Scored(checked, matrix)
    found, rest = [], []
    for number, label in enumerate(labels.tolist()):
        here = numbers == number
        found.append(judge(everyone.of(here), label, least, level))
        rest.append(judge(everyone.of(~here), label, least, level)[0])
    without = tuple(None if site.aucs is None else site.aucs[0] for site in rest)
    usable = [(a[0], c[0, 0]) for _, a, c in found if a is not None and c is not None and 0 < a[0] < 1 and c[0, 0] > 0]
    alone = tuple(site for site, _, _ in found)
    if len(usable) < 2:
        return Sites(alone, without, None, None, None)
    values, variances = np.array(usable).T
    linear, spread = np.log(values / (1 - values)), variances / (values * (1 - values)) ** 2
    pooled, prediction, share = _random_effects(linear, spread, level)
    return Sites(alone, without, pooled, prediction, share)


def _random_effects(
    values: Floats, variances: Floats, level: float
) -> tuple[Estimate, tuple[float, float] | None, float]:
    """DerSimonian-Laird mean with Hartung-Knapp's interval, back on the scale of the AUC; prediction interval; I2."""
    count = len(values)
    statistic, _ = cochran(values, variances)
    weight = 1 / variances
    between = max(0.0, (statistic - (count - 1)) / float(weight.sum() - (weight**2).sum() / weight.sum()))
    weight = 1 / (variances + between)
    mean = float((weight * values).sum() / weight.sum())
    # Never shorter than the interval that takes the variances as known.
    scale = max(1.0, float((weight * (values - mean) ** 2).sum()) / (count - 1))
    error = float(scale / weight.sum()) ** 0.5
    half = float(stats.t.ppf(0.5 + level / 2, count - 1)) * error
    low, value, high = (float(1 / (1 + np.exp(-x))) for x in (mean - half, mean, mean + half))
    pooled = Estimate(value, low, high, level, f"random effects over {count} sites, Hartung-Knapp, logit")
    share = max(0.0, 1 - (count - 1) / statistic) if statistic > 0 else 0.0
    if count < 3:
        return pooled, None, share
    reach = float(stats.t.ppf(0.5 + level / 2, count - 2)) * (between + error**2) ** 0.5
    return pooled, (float(1 / (1 + np.exp(-(mean - reach)))), float(1 / (1 + np.exp(-(mean + reach))))), share
