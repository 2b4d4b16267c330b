"""Linear models on functionals: the baseline that a network on a small cohort must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.depression.networks.data import Person
from presage.depression.networks.examples import inner_split

Floats = NDArray[np.float64]

# Inverse strengths of the ridge that are tried, weakest last.
_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_INNER_SPLITS = 4


def functionals(persons: Sequence[Person], sizes: Mapping[str, int]) -> Floats:
    """Mean and standard deviation of each number of each modality over all words of a person.

    Shape (persons, 2 * sum of sizes); NaN where a person lacks the modality.
    """
    columns = []
    for name, size in sizes.items():
        found = np.full((len(persons), 2 * size), np.nan)
        for index, person in enumerate(persons):
            answers = [a for a in person if a is not None and a.mask(name).any()]
            if answers:
                values = np.concatenate([a.modalities[name][a.mask(name)] for a in answers]).astype(np.float64)
                found[index] = np.concatenate([values.mean(axis=0), values.std(axis=0)])
        columns.append(found)
    return np.concatenate(columns, axis=1) if columns else np.zeros((len(persons), 0))


@dataclass(frozen=True)
class RidgeLogistic:
    """Logistic regression with a ridge on standardised columns; a value that is missing counts as the mean.

    Attributes
    ----------
    mean, spread, weights
        Shape (columns,).
    intercept
        Logit of a person with average columns.
    strength
        Inverse strength of the ridge (scikit-learn's C) that was chosen.
    """

    mean: Floats
    spread: Floats
    weights: Floats
    intercept: float
    strength: float

    @classmethod
    def fit(
        cls,
        columns: Floats,
        cases: NDArray[np.bool_],
        *,
        seed: int = 0,
        groups: NDArray[np.generic] | None = None,
        one_spread: bool = False,
    ) -> RidgeLogistic:
        """Fit on training persons; the ridge's strength is chosen by log loss on four inner splits by group.

        Parameters
        ----------
        columns
            Shape (persons, columns), NaN where missing.
        cases
            Shape (persons,).
        seed
            Of the inner splits.
        groups
            Shape (persons,); rows of one group are on one side.
        one_spread
            Divide all columns by their root mean variance instead of each by its own: for columns whose weights against
            one another mean something, such as those of rare and common words.

        Raises
        ------
        InputError
            If there is no column or one class only.
        """
        if not columns.shape[1] or cases.all() or not cases.any():
            raise InputError(f"{columns.shape[1]} columns, {cases.sum()} cases of {len(cases)} persons to learn from")
        generator = np.random.default_rng(seed)
        splits = [inner_split(cases, 0.25, generator, groups) for _ in range(_INNER_SPLITS)]
        losses = [
            np.mean(
                [cls._at(columns[a], cases[a], strength, one_spread)._loss(columns[b], cases[b]) for a, b in splits]
            )
            for strength in _STRENGTHS
        ]
        return cls._at(columns, cases, _STRENGTHS[int(np.argmin(losses))], one_spread)

    @classmethod
    def _at(cls, columns: Floats, cases: NDArray[np.bool_], strength: float, one_spread: bool = False) -> RidgeLogistic:
        from sklearn.linear_model import LogisticRegression

        there = np.isfinite(columns)
        count = np.maximum(there.sum(axis=0), 1)
        mean = np.where(there, columns, 0).sum(axis=0) / count
        spread = np.sqrt(np.where(there, (columns - mean) ** 2, 0).sum(axis=0) / count)
        if one_spread:
            spread = np.full(len(spread), np.sqrt(np.mean(spread**2)))
        spread = np.where(spread > 1e-9, spread, 1.0)
        standard = np.where(there, (columns - mean) / spread, 0)
        model = LogisticRegression(C=strength, max_iter=1000).fit(standard, cases)
        return cls(mean, spread, np.asarray(model.coef_[0]), float(model.intercept_[0]), strength)

    def logits(self, columns: Floats) -> Floats:
        """Logit of being a case, shape (persons,)."""
        standard = np.where(np.isfinite(columns), (columns - self.mean) / self.spread, 0)
        return np.asarray(standard @ self.weights + self.intercept)

    def _loss(self, columns: Floats, cases: NDArray[np.bool_]) -> float:
        signed = np.where(cases, 1, -1) * self.logits(columns)
        return float(np.logaddexp(0, -signed).mean())
