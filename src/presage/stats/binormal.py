"""The binormal model of ROC curves: parametric covariance of AUCs, for planning and for comparison with other software.

Source: Obuchowski NA, McClish DK (1997) Statistics in Medicine 16:1529-1542: delta method on the parameters A
(distance of the means in standard deviations of the cases) and B (ratio of the standard deviations, controls to cases).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from presage.stats import checks
from presage.stats.checks import Bools, Floats, StatsError


def obuchowski_mcclish_covariance(
    cases: ArrayLike, scores: ArrayLike, *, fit: Literal["scores", "proc"] = "scores"
) -> Floats:
    """Covariance of AUCs under the binormal model, shape (markers, markers); for inference take DeLong's.

    Parameters
    ----------
    cases, scores
        As :func:`presage.stats.delong`; scores are taken as normal within cases and within controls.
    fit
        ``scores``: A and B from means and standard deviations. ``proc``: from the straight line of the normal
        quantiles of the specificity on those of the sensitivity, which gives the numbers of R's pROC
        (``method="obuchowski"``). That line measures in standard deviations of the controls, so the two differ where B
        is not 1.

    Raises
    ------
    StatsError
        As :func:`presage.stats.delong`; with ``proc``, a ROC curve with under two points off the edges.
    """
    checked = checks.binary(cases)
    checks.enough(checked)
    matrix = checks.score_matrix(scores, len(checked))
    sick, well = matrix[:, checked], matrix[:, ~checked]
    if fit == "proc":
        a, b = np.array([_line(checked, row) for row in matrix]).T
    else:
        a = (sick.mean(axis=1) - well.mean(axis=1)) / sick.std(axis=1, ddof=1)
        b = well.std(axis=1, ddof=1) / sick.std(axis=1, ddof=1)
    correlations = np.atleast_2d(np.corrcoef(sick)), np.atleast_2d(np.corrcoef(well))
    return binormal_covariance(a, b, *correlations, sick.shape[1], well.shape[1])


def binormal_covariance(
    a: Floats, b: Floats, of_cases: Floats, of_controls: Floats, n_cases: float, n_controls: float
) -> Floats:
    """Covariance of AUCs from A and B (markers,) and the correlations of the scores (markers, markers) in each
    class."""
    ratio = n_controls / n_cases
    by_a = stats.norm.pdf(a / np.sqrt(1 + b**2)) / np.sqrt(1 + b**2)
    by_b = -by_a * a * b / (1 + b**2)
    aa = of_cases + of_controls * np.outer(b, b) / ratio + of_cases**2 * np.outer(a, a) / 2
    bb = np.outer(b, b) / 2 * (of_controls**2 / ratio + of_cases**2)
    mixed = np.outer(by_a, by_b) * of_cases**2 * np.outer(a, b) / 2
    return np.asarray((np.outer(by_a, by_a) * aa + np.outer(by_b, by_b) * bb + mixed + mixed.T) / n_cases)


def _line(cases: Bools, score: Floats) -> tuple[float, float]:
    """Intercept and slope of the specificity's normal quantiles on the sensitivity's, over the points of the curve."""
    sick, well = np.sort(score[cases]), np.sort(score[~cases])
    thresholds = np.unique(score)
    sensitivity = 1 - np.searchsorted(sick, thresholds) / len(sick)
    specificity = np.searchsorted(well, thresholds) / len(well)
    inside = (sensitivity > 0) & (sensitivity < 1) & (specificity > 0) & (specificity < 1)
    if inside.sum() < 2:
        raise StatsError("the ROC curve has too few points off the edges for a binormal line")
    slope, intercept = np.polyfit(special.ndtri(sensitivity[inside]), special.ndtri(specificity[inside]), 1)
    return float(intercept), float(slope)
