"""The marker LateFusion: linear markers of one modality each, and a logistic regression on what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from presage.cohort import Cohort, InputError, Recording
from presage.cohort.splits import make_splits
from presage.depression.markers.linear import Face, Language, LanguageMeasures, LinearMarker, Prosody
from presage.depression.networks.linear import RidgeLogistic
from presage.study.encoder import Encoder
from presage.study.marker import Marker, Resources

Floats = NDArray[np.float64]
Member = Literal["language", "language-measures", "prosody", "face"]

_MEMBERS: dict[str, type[LinearMarker]] = {
    "language": Language,
    "language-measures": LanguageMeasures,
    "prosody": Prosody,
    "face": Face,
}
# With fewer of a class among those who have a modality, its marker cannot be fitted and judged.
_FEWEST = 4
_MODEL = ("mean", "spread", "weights")


class LateFusion(Marker):
    """Logits of linear markers, stacked by a logistic regression (Wolpert, Neural Networks 1992); the score is a logit.

    The regression learns from logits that each training patient got from markers fitted without that patient, on inner
    folds; the markers are then fitted on all training patients. A patient without a modality has no logit of it, which
    counts as the average.

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
    packages: ClassVar[tuple[str, ...]] = ("av", "librosa", "scikit-learn", "torch", "transformers")

    members: list[Member] = Field(default=["language", "prosody", "face"], min_length=1)
    inner_folds: Annotated[int, Field(ge=2, le=20)] = 5

    _fitted_members: dict[str, LinearMarker] = PrivateAttr(default_factory=dict)
    _stack: RidgeLogistic | None = PrivateAttr(default=None)

    def encoders(self) -> list[Encoder]:
        """Those of the members."""
        return [encoder for _, member in self._unfitted() for encoder in member.encoders()]

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """See the class."""
        resources = resources or Resources()
        group_by = "match_set" if "match_set" in cohort.patients.columns else "patient"
        folds = make_splits(cohort, folds=self._possible(cohort), seed=resources.seed, group_by=group_by)  # type: ignore[arg-type]
        columns: dict[str, Floats] = {}
        self._fitted_members = {}
        for name, member in self._unfitted():
            if not _enough(member, cohort):
                resources.note(f"Too few training patients have what {name} reads: it is left out of the fusion.")
                continue
            place = {patient: row for row, patient in enumerate(cohort.patient_ids)}
            said = np.full(len(cohort), np.nan)
            for fold in folds:
                train, test = cohort.select(fold.train), cohort.select(fold.test)
                if _enough(member, train, least=2):
                    inner = _fit(member.model_copy(), train, resources)
                    said[[place[p] for p in test.patient_ids]] = _logits(inner, test.blinded(), resources)
            columns[name] = said
            self._fitted_members[name] = _fit(member.model_copy(), cohort, resources)
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
        resources = resources or Resources()
        columns = [_logits(member, cohort, resources) for member in self._fitted_members.values()]
        return self._stack.logits(np.stack(columns, axis=1))

    def needs(self, recording: Recording) -> bool:
        """What one of the members reads."""
        return any(member.needs(recording) for _, member in self._unfitted())

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Weights of each member and of the regression on them."""
        assert self._stack is not None
        arrays = {f"stack.{part}": getattr(self._stack, part) for part in _MODEL}
        facts: dict[str, Any] = {"stack": {"intercept": self._stack.intercept, "strength": self._stack.strength}}
        for name, member in self._fitted_members.items():
            own, facts[name] = member.state()
            arrays |= {f"{name}.{part}": array for part, array in own.items()}
        return arrays, facts

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        mean, spread, weights = (arrays[f"stack.{part}"] for part in _MODEL)
        self._stack = RidgeLogistic(mean, spread, weights, **facts["stack"])
        self._fitted_members = {name: member for name, member in self._unfitted() if name in facts}
        for name, member in self._fitted_members.items():
            start = f"{name}."
            own = {part.removeprefix(start): array for part, array in arrays.items() if part.startswith(start)}
            member.restore(own, facts[name])

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


def _fit(member: LinearMarker, cohort: Cohort, resources: Resources) -> LinearMarker:
    # A member's scratch and curves are nobody's: it is fitted in a moment.
    return member.fit(_having(member, cohort), replace(resources, scratch=None))


def _logits(member: LinearMarker, cohort: Cohort, resources: Resources) -> Floats:
    """Shape (n,); NaN of a patient without what the member reads."""
    found = np.full(len(cohort), np.nan)
    usable = np.asarray(member.usable(cohort), dtype=bool)
    if usable.any():
        kept = cohort.select(patient for patient, ok in zip(cohort.patient_ids, usable, strict=True) if ok)
        found[usable] = member.score(kept, resources)
    return found
