"""The discriminant against scikit-learn's, and its refusals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf as reference_ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler

from presage.breast.lda import fit_discriminant, ledoit_wolf
from presage.cohort import InputError


def skewed_features(patients: int, features: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positive, correlated, skewed features like pooled activations; a tenth differ between cases and controls."""
    generator = np.random.default_rng(seed)
    cases = generator.random(patients) < 0.4
    mixing = np.eye(features) + 0.1 * generator.normal(size=(features, features))
    values = np.exp(generator.normal(size=(patients, features)) @ mixing / 3)
    values[:, : features // 10] += 0.3 * cases[:, None]
    return values, cases


@pytest.mark.parametrize("shrinkage", ["auto", 0.3, 1.0])
@pytest.mark.parametrize(("patients", "features"), [(40, 300), (60, 20), (300, 5)])
def test_equals_scikit_learn(patients: int, features: int, shrinkage: str | float) -> None:
    values, cases = skewed_features(patients, features)
    others, _ = skewed_features(50, features, seed=1)
    scaler = StandardScaler().fit(values)
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(scaler.transform(values), cases)
    ours = fit_discriminant(values, cases, shrinkage=shrinkage).log_odds(others)
    np.testing.assert_allclose(ours, reference.decision_function(scaler.transform(others)), rtol=1e-9, atol=1e-9)


def test_constant_features_as_scikit_learn() -> None:
    values, cases = skewed_features(40, 50)
    values[:, 7] = 3.1  # constant in all
    values[~cases, 8] = 0.7  # constant in one class
    values[:, 9] = 0.0
    scaler = StandardScaler().fit(values)
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(scaler.transform(values), cases)
    fitted = fit_discriminant(values, cases)
    np.testing.assert_allclose(
        fitted.log_odds(values), reference.decision_function(scaler.transform(values)), rtol=1e-9
    )
    assert fitted.weights[7] == 0
    # A feature without variance in training says nothing about anyone.
    changed = values.copy()
    changed[:, [7, 9]] = 1e6
    np.testing.assert_array_equal(fitted.log_odds(changed), fitted.log_odds(values))


def test_ledoit_wolf_in_the_gram_matrix() -> None:
    values, _ = skewed_features(30, 200)
    centred = values - values.mean(axis=0)
    assert ledoit_wolf(centred)[0] == pytest.approx(reference_ledoit_wolf(centred)[1], rel=1e-12)


def test_a_patients_score_does_not_depend_on_the_others() -> None:
    values, cases = skewed_features(40, 100)
    fitted = fit_discriminant(values, cases)
    together = fitted.log_odds(values)
    alone = np.concatenate([fitted.log_odds(row[None]) for row in values])
    assert together.tobytes() == alone.tobytes()


def test_finds_a_planted_direction_in_new_patients() -> None:
    generator = np.random.default_rng(3)
    cases = np.arange(200) % 2 == 1
    values = generator.normal(size=(200, 1000))
    values[:, :20] += 0.5 * cases[:, None]
    fitted = fit_discriminant(values[:100], cases[:100])
    scores = fitted.log_odds(values[100:])
    ranks = scores.argsort().argsort()[cases[100:]]
    auc = (ranks.sum() - 50 * 49 / 2) / 2500
    assert auc > 0.7


def test_refusals() -> None:
    values, cases = skewed_features(20, 10)
    with pytest.raises(InputError, match="at least two of each class"):
        fit_discriminant(values, np.arange(20) == 3)
    with pytest.raises(InputError, match="shrinkage"):
        fit_discriminant(values, cases, shrinkage=0.0)
    with pytest.raises(InputError, match="no feature differs"):
        fit_discriminant(np.ones((20, 10)), cases)
    values[4, 4] = np.nan
    with pytest.raises(InputError, match="not finite"):
        fit_discriminant(values, cases)
