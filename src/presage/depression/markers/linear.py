"""Linear markers: a ridge on functionals of one modality. On a small cohort they are hard to beat."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from presage.cohort import Cohort, InputError, Recording
from presage.depression.networks.linear import RidgeLogistic
from presage.study.encoder import Arrays
from presage.study.marker import Marker, Reason, Resources

Floats = NDArray[np.float64]


class LinearMarker(Marker):
    """A ridge-penalised logistic regression on columns of the patients; the score is the logit.

    A column that a patient lacks counts as the training patients' mean. The penalty's strength is chosen inside the
    training patients.
    """

    packages: ClassVar[tuple[str, ...]] = ("scikit-learn",)

    _model: RidgeLogistic | None = PrivateAttr(default=None)

    @abstractmethod
    def features(self, cohort: Cohort, resources: Resources) -> Floats:
        """What is known of each patient, shape (n, columns), NaN where missing."""

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """See :class:`presage.study.Marker`."""
        resources = resources or Resources()
        columns = self.features(cohort, resources)
        self._model = RidgeLogistic.fit(columns, np.asarray(cohort.cases(), dtype=bool), seed=resources.seed)
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> Floats:
        """Logit of being a case, shape (n,)."""
        if not len(cohort):
            return np.zeros(0)
        return self._fitted().logits(self.features(cohort, resources or Resources()))

    def column_names(self) -> Sequence[str]:
        """What the columns are, in words; empty where nobody can read them."""
        return ()

    def reasons(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Reason]:
        """One reason for each column that is known: its weight times its distance from the training patients' mean."""
        names = self.column_names()
        if not names:
            return []
        model = self._fitted()
        values = self.features(cohort.select([patient_id]), resources or Resources())[0]
        distance = (values - model.mean) / model.spread
        return [
            Reason(
                f"{name.replace('_', ' ')}: {_shown(value)}, {away_from_mean(away)}",
                float(weight * away),
            )
            for name, value, away, weight in zip(names, values, distance, model.weights, strict=True)
            if np.isfinite(value)
        ]

    def _fitted(self) -> RidgeLogistic:
        if self._model is None:
            raise InputError("this marker is not fitted", cure="call fit(cohort) first, or load a saved marker")
        return self._model

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Weights and the training patients' means."""
        model = self._fitted()
        arrays = {"mean": model.mean, "spread": model.spread, "weights": model.weights}
        return arrays, {"intercept": model.intercept, "strength": model.strength}

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        self._model = RidgeLogistic(
            arrays["mean"], arrays["spread"], arrays["weights"], float(facts["intercept"]), float(facts["strength"])
        )


class OfRecordings(LinearMarker):
    """Columns from the recordings of a patient: the mean over them of what an encoder gives."""

    _width: ClassVar[int]

    def row(self, arrays: Arrays, recording: Recording) -> Floats:
        """One recording, shape (columns,)."""
        raise NotImplementedError

    def features(self, cohort: Cohort, resources: Resources) -> Floats:
        """Mean over a patient's recordings of each column that is known."""
        rows: dict[str, list[Floats]] = {patient: [] for patient in cohort.patient_ids}
        for encoder in self.encoders():
            recordings = cohort.iter_recordings(encoder.kind)
            recordings = [recording for recording in recordings if self.needs(recording)]
            # Rows know nothing of who is trained on: every fold takes them as they are.
            found = resources.derived(
                encoder, recordings, f"{type(self).__module__}.{type(self).__qualname__}.row", self.row
            )
            for recording, row in zip(recordings, found, strict=True):
                rows[recording.patient_id].append(row)
        return np.stack([mean_of(found) if found else np.full(self._n_features(), np.nan) for found in rows.values()])

    def _n_features(self) -> int:
        return self._width


def away_from_mean(distance: float) -> str:
    """A distance in standard deviations in words."""
    return f"{abs(distance):.1f} SD {'above' if distance > 0 else 'below'} the training mean"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def mean_of(rows: Sequence[Floats]) -> Floats:
    """Mean of the known values of each column; NaN where none is."""
    values = np.stack(rows)
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=0)
    count = known.sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
