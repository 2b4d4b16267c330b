"""Breast density as a marker (today's standard), the tissue measures as another, and the encoder both read."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from presage.breast.lda import Discriminant, fit_discriminant
from presage.breast.logistic import fit_logistic
from presage.breast.reading.reader import read_mammogram
from presage.breast.tissue import MEASURE_NAMES, TISSUE_VERSION, measures, segment
from presage.breast.views import Views, having_all, mean_by_view, recordings_by_view, view_names, wanted
from presage.cohort import Cohort, InputError, Recording, UnusableRecording
from presage.study.encoder import Arrays, Encoder
from presage.study.marker import Explanation, Marker, Resources

# Log-odds per percentage point: enough to keep patients in the order of their density, too little to change a risk.
_LEAST_SLOPE = 1e-6


class TissueEncoder(Encoder):
    """Tissue measures of one mammogram: the array ``measures``, float64, in the order of ``MEASURE_NAMES``.

    Attributes
    ----------
    spacing_mm
        Edge of a pixel of the grid on which tissue is found.
    """

    name: ClassVar[str] = "tissue"
    version: ClassVar[int] = TISSUE_VERSION
    kind: ClassVar[str] = "mammogram"

    spacing_mm: float = Field(default=0.4, ge=0.1, le=1.0)

    def identity(self) -> dict[str, Any]:
        """The settings and the names of the measures."""
        return {**super().identity(), "measures": list(MEASURE_NAMES)}

    def encode(self, recording: Recording) -> Arrays:
        """Read, segment, measure.

        Raises
        ------
        UnusableRecording
            If the file cannot be read or shows no breast.
        """
        try:
            found = measures(segment(read_mammogram(recording), spacing_mm=self.spacing_mm))
        except UnusableRecording as unusable:
            if unusable.where:
                raise
            raise UnusableRecording(
                unusable.reason, unusable.what, where=recording.path, cure=unusable.cure
            ) from unusable
        return {"measures": np.array([found[name] for name in MEASURE_NAMES])}


class _OnTissue(Marker):
    """What the markers on tissue measures share: which recordings they read, and a linear rule that they keep."""

    packages: ClassVar[tuple[str, ...]] = ("opencv-python-headless", "pydicom")

    views: Views = "both"

    _fitted: Discriminant | None = PrivateAttr(default=None)

    def encoders(self) -> list[TissueEncoder]:
        """The tissue encoder."""
        return [TissueEncoder()]

    def needs(self, recording: Recording) -> bool:
        """Mammograms of the chosen views."""
        return wanted(recording, self.views)

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        """Patients with an image of every chosen view, shape (n,)."""
        return having_all(cohort, self.views)

    @abstractmethod
    def _features(self, cohort: Cohort, resources: Resources | None) -> NDArray[np.float64]:
        """What the rule is fitted to, shape (n, features)."""

    def _measured(self, cohort: Cohort, resources: Resources | None) -> NDArray[np.float64]:
        """Measures by patient and view, images of a view averaged, shape (n, views, measures)."""
        recordings, owners = recordings_by_view(cohort, self.views)
        arrays = (resources or Resources()).encoded(self.encoders()[0], recordings)
        flat = mean_by_view([found["measures"] for found in arrays], owners, len(cohort), self.views)
        return flat.reshape(len(cohort), len(view_names(self.views)), len(MEASURE_NAMES))

    def _rule(self) -> Discriminant:
        if self._fitted is None:
            raise InputError(
                f"this {type(self).__name__} is not fitted", cure="call fit(cohort) first, or load a saved marker"
            )
        return self._fitted

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        """Log-odds of being a case, shape (n,)."""
        rule = self._rule()
        return rule.log_odds(self._features(cohort, resources)) if len(cohort) else np.zeros(0)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The linear rule, and the encoder whose output it was fitted to."""
        rule = self._rule()
        facts = {"intercept": rule.intercept, "encoder": self.encoders()[0].identity()}
        return {"mean": rule.mean, "weights": rule.weights}, facts

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave.

        Raises
        ------
        InputError
            If it was fitted to another version of the tissue measures.
        """
        if facts["encoder"] != self.encoders()[0].identity():
            raise InputError(
                "the saved marker was fitted to other tissue measures than this version of Presage takes",
                cure="fit it again, or use the version of Presage it was saved with",
            )
        self._fitted = Discriminant(arrays["mean"], arrays["weights"], float(facts["intercept"]))


class PercentDensity(_OnTissue):
    """Percent density with logistic regression: the standard that every marker of breast cancer risk must beat.

    A patient's percent density is the mean over the chosen views; the score is the predicted log-odds (Arefan et al.,
    Med Phys 2020;47:110-118, their comparator).

    Attributes
    ----------
    views
        ``CC``, ``MLO`` or ``both``. A patient needs an image of each view; several of one view are averaged.
    direction
        ``rising``: risk never falls as density rises, which is what clinics know before any cohort is looked at. Where
        the training patients say the opposite, the slope is set just above zero: patients keep the order of their
        density and have all but equal risks. ``fitted``: the sign is learnt too; near chance it differs from fold to
        fold, which makes the standard look worse, and more uncertain, than the clinic's own rule.
    """

    direction: Literal["rising", "fitted"] = "rising"

    summary: ClassVar[str] = "The share of the breast that is dense, weighed by logistic regression: today's standard."

    def percent(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        """Percent density of each patient, shape (n,), 0 to 100."""
        return np.asarray(self._measured(cohort, resources)[:, :, MEASURE_NAMES.index("percent_density")].mean(axis=1))

    def _features(self, cohort: Cohort, resources: Resources | None) -> NDArray[np.float64]:
        return self.percent(cohort, resources)[:, None]

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """Fit slope and intercept to the patients of `cohort`."""
        cases = np.asarray(cohort.cases())
        rule = fit_logistic(self._features(cohort, resources), cases)
        if self.direction == "rising" and rule.weights[0] <= _LEAST_SLOPE:
            share = float(cases.mean())
            rule = Discriminant(rule.mean, np.array([_LEAST_SLOPE]), float(np.log(share / (1 - share))))
        self._fitted = rule
        return self

    def explain(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Explanation]:
        """The dense tissue of each image: all of it counts alike, and nothing else counts."""
        rises = bool(self._rule().weights[0] >= 0)
        caption = f"Dense tissue, which {'raises' if rises else 'lowers'} the score; every part of it counts alike."
        recordings, _ = recordings_by_view(cohort.select([patient_id]), self.views)
        shown = []
        for recording in recordings:
            tissue = segment(read_mammogram(recording))
            heat = np.where(tissue.dense, 1.0 if rises else -1.0, 0.0).astype(np.float32)
            image = np.rint(255 * tissue.image).astype(np.uint8)
            shown.append(
                Explanation(recording, image, heat, f"{caption} {tissue.percent_density:.0f} % of the breast.")
            )
        return shown


class TissueMeasures(_OnTissue):
    """All tissue measures (density, grey levels, texture) with a shrinkage linear discriminant.

    Measures are averaged over the chosen views; the score is the log-odds.

    Attributes
    ----------
    views
        ``CC``, ``MLO`` or ``both``. A patient needs an image of each view; several of one view are averaged.
    shrinkage
        ``auto`` (Ledoit-Wolf) or a number in (0, 1].
    """

    summary: ClassVar[str] = "Density, grey levels and texture of the breast, weighed by a linear discriminant."

    shrinkage: Literal["auto"] | float = "auto"

    def _features(self, cohort: Cohort, resources: Resources | None) -> NDArray[np.float64]:
        return np.asarray(self._measured(cohort, resources).mean(axis=1))

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """Fit scaling and discriminant to the patients of `cohort`."""
        self._fitted = fit_discriminant(
            self._features(cohort, resources), np.asarray(cohort.cases()), shrinkage=self.shrinkage
        )
        return self
