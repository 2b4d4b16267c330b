"""The marker LateFusion: linear markers of one modality each, and a logistic regression on what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from presage.cohort import Cohort, InputError, Recording
from presage.cohort.splits import make_splits
from presage.depression.markers.face import Face
from presage.depression.markers.language import Language, LanguageMeasures
from presage.depression.markers.linear import LinearMarker, away_from_mean
from presage.depression.markers.ngrams import LanguageNgrams
from presage.depression.markers.prosody import Prosody
from presage.depression.networks.linear import RidgeLogistic
from presage.study.encoder import Encoder
from presage.study.marker import Marker, Reason, Resources

Floats = NDArray[np.float64]
Member = Literal["language", "language-measures", "language-ngrams", "prosody", "face"]

_MEMBERS: dict[str, type[LinearMarker]] = {
    "language": Language,
    "language-measures": LanguageMeasures,
    "language-ngrams": LanguageNgrams,
    "prosody": Prosody,
    "face": Face,
}
# With fewer of a class among those who have a modality, its marker cannot be fitted and judged.
_FEWEST = 2
_MODEL = ("mean", "spread", "weights")


@dataclass(frozen=True)
class _Fit:
    """A linear marker that was fitted without an inner fold, and centre and spread of its logits in that fold."""

    marker: LinearMarker
    centre: float
    spread: float

    def said(self, cohort: Cohort, resources: Resources) -> Floats:
        """Standardised logits, shape (n,); NaN of a patient without what the marker reads."""
        found = np.full(len(cohort), np.nan)
        usable = np.asarray(self.marker.usable(cohort), dtype=bool)
        if usable.any():
            kept = cohort.select(patient for patient, ok in zip(cohort.patient_ids, usable, strict=True) if ok)
            found[usable] = (self.marker.score(kept, resources) - self.centre) / self.spread
        return found


class LateFusion(Marker):
    """Logits of linear markers, stacked by a logistic regression (Wolpert, Neural Networks 1992); the score is a logit.

    Each marker is fitted once for each of some inner folds of the training patients, on the patients of all others; its
    logits are brought to mean 0 and spread 1 by those in the fold, as each fit has a slope of its own. The regression
    learns from these logits, which no training patient got from a marker that had seen the patient. In new patients the
    fits of a marker are averaged. A patient without a modality has no logit of it, which counts as the average.

    Attributes
    ----------
    members
        The markers; one whose recordings too few training patients have is left out.
    inner_folds
        Of the training patients.
    """

    summary: ClassVar[str] = (
        "Linear markers of words, voice and face, weighted by a logistic regression on inner folds."
    )

    @property
    def packages(self) -> tuple[str, ...]:  # type: ignore[override]
        """See :class:`presage.study.Marker`; those of the members."""
        return tuple(sorted({name for _, member in self._unfitted() for name in member.packages}))

    members: list[Member] = Field(default=["language", "prosody", "face"], min_length=1)
    inner_folds: Annotated[int, Field(ge=2, le=20)] = 5

    _fits: dict[str, list[_Fit]] = PrivateAttr(default_factory=dict)
    _stack: RidgeLogistic | None = PrivateAttr(default=None)

    def encoders(self) -> list[Encoder]:
        """Those of the members."""
        return [encoder for _, member in self._unfitted() for encoder in member.encoders()]

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """See the class."""
        resources = resources or Resources()
        group_by = "match_set" if "match_set" in cohort.patients.columns else "patient"
        folds = make_splits(cohort, folds=self._possible(cohort), seed=resources.seed, group_by=group_by)  # type: ignore[arg-type]
        place = {patient: row for row, patient in enumerate(cohort.patient_ids)}
        columns: dict[str, Floats] = {}
        self._fits = {}
        for name, member in self._unfitted():
            said, fits = np.full(len(cohort), np.nan), []
            for fold in folds:
                train, test = cohort.select(fold.train), cohort.select(fold.test)
                if _enough(member, train):
                    fit, logits = _fitted_and_judged(member, train, test, resources)
                    fits.append(fit)
                    said[[place[patient] for patient in test.patient_ids]] = logits
            if fits:
                columns[name], self._fits[name] = said, fits
            else:
                resources.note(f"Too few training patients have what {name} reads: it is left out of the fusion.")
        if not columns:
            raise InputError(
                "no modality is there for enough training patients", where="late-fusion", cure="use a larger cohort"
            )
        cases = np.asarray(cohort.cases(), dtype=bool)
        self._stack = RidgeLogistic.fit(np.stack(list(columns.values()), axis=1), cases, seed=resources.seed)
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> Floats:
        """Logit of being a case, shape (n,)."""
        if self._stack is None:
            raise InputError("this marker is not fitted", cure="call fit(cohort) first, or load a saved marker")
        if not len(cohort):
            return np.zeros(0)
        return self._stack.logits(self._said(cohort, resources or Resources()))

    def reasons(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Reason]:
        """One reason for each member that knows the patient: its weight times its distance from the training mean."""
        assert self._stack is not None
        said = self._said(cohort.select([patient_id]), resources or Resources())[0]
        distance = (said - self._stack.mean) / self._stack.spread
        return [
            Reason(f"{name}: {away_from_mean(away)}", float(weight * away))
            for name, away, weight in zip(self._fits, distance, self._stack.weights, strict=True)
            if np.isfinite(away)
        ]

    def _said(self, cohort: Cohort, resources: Resources) -> Floats:
        """What each member says, shape (n, members); NaN where it knows nothing of a patient."""
        columns = [np.mean([fit.said(cohort, resources) for fit in fits], axis=0) for fits in self._fits.values()]
        return np.stack(columns, axis=1)

    def needs(self, recording: Recording) -> bool:
        """What one of the members reads."""
        return any(member.needs(recording) for _, member in self._unfitted())

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        """Who has a recording that one of the members reads, shape (n,)."""
        having = {recording.patient_id for recording in cohort.iter_recordings() if self.needs(recording)}
        return np.array([patient in having for patient in cohort.patient_ids], dtype=bool)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Weights of every fit and of the regression on them."""
        assert self._stack is not None
        arrays = {f"stack.{part}": getattr(self._stack, part) for part in _MODEL}
        facts: dict[str, Any] = {"stack": {"intercept": self._stack.intercept, "strength": self._stack.strength}}
        facts["fits"] = {name: [] for name in self._fits}
        for name, fits in self._fits.items():
            for number, fit in enumerate(fits):
                own, about = fit.marker.state()
                facts["fits"][name].append({"centre": fit.centre, "spread": fit.spread, "facts": about})
                arrays |= {f"{name}.{number}.{part}": array for part, array in own.items()}
        return arrays, facts

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        mean, spread, weights = (arrays[f"stack.{part}"] for part in _MODEL)
        self._stack = RidgeLogistic(mean, spread, weights, **facts["stack"])
        self._fits = {}
        for name, member in self._unfitted():
            for number, about in enumerate(facts["fits"].get(name, [])):
                start, marker = f"{name}.{number}.", member.model_copy()
                own = {part.removeprefix(start): array for part, array in arrays.items() if part.startswith(start)}
                marker.restore(own, about["facts"])
                self._fits.setdefault(name, []).append(_Fit(marker, about["centre"], about["spread"]))

    def _unfitted(self) -> Iterator[tuple[str, LinearMarker]]:
        return ((name, _MEMBERS[name]()) for name in dict.fromkeys(self.members))

    def _possible(self, cohort: Cohort) -> int:
        """Inner folds, fewer where a class is small."""
        cases = int(cohort.cases().sum())
        return max(2, min(self.inner_folds, cases, len(cohort) - cases))


def _having(member: LinearMarker, cohort: Cohort) -> Cohort:
    usable = member.usable(cohort.blinded())
    return cohort.select(patient for patient, ok in zip(cohort.patient_ids, usable, strict=True) if ok)


def _enough(member: LinearMarker, cohort: Cohort, least: int = _FEWEST) -> bool:
    cases = np.asarray(_having(member, cohort).cases(), dtype=bool)
    return min(int(cases.sum()), int((~cases).sum())) >= least


def _fitted_and_judged(member: LinearMarker, train: Cohort, test: Cohort, resources: Resources) -> tuple[_Fit, Floats]:
    """A fit on `train`, and what it says of `test`, shape (n,)."""
    # A linear marker is fitted in a moment: there is nothing to resume.
    marker = member.model_copy().fit(_having(member, train), replace(resources, scratch=None))
    raw = _Fit(marker, 0.0, 1.0).said(test.blinded(), resources)
    known = raw[np.isfinite(raw)]
    spread = float(known.std()) if len(known) else 0.0
    fit = _Fit(marker, float(known.mean()) if len(known) else 0.0, spread if spread > 0 else 1.0)
    return fit, (raw - fit.centre) / fit.spread
