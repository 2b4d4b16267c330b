"""The marker GoogLeNet-LDA: deep features of a frozen ImageNet trunk, and a shrinkage linear discriminant on them.

Source: Arefan et al., Med Phys 2020;47:110-118 (the trunk there is GoogLeNet).
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from presage.breast.encoders import DeepFeatures, Pooling, Size
from presage.breast.explain import shown_together
from presage.breast.inputs import Framed, Region
from presage.breast.lda import Discriminant, fit_discriminant
from presage.breast.views import Views, having_all, mean_by_view, recordings_by_view, wanted
from presage.cohort import Cohort, InputError, Recording
from presage.study.marker import Explanation, Marker, Resources


class GoogLeNetLDA(Marker):
    """Pooled deep features of each view, side by side, and a linear discriminant; the score is its log-odds.

    Attributes
    ----------
    input
        ``whole-breast`` (without the pectoral muscle) or ``dense-tissue`` (everything else black, in place).
    views
        ``CC``, ``MLO`` or ``both``. A patient needs an image of each view; several of one view are averaged.
    trunk, weights
        Which network, and optionally a safetensors file of its weights; see :mod:`presage.breast.trunks`.
    layers
        Layers whose maps are pooled; the trunk's own choice (fine texture to coarse structure) where empty. The paper
        pools the last one alone: ``[inception5b]`` of trunk googlenet.
    pooling
        Average over the breast, or over the whole frame as in the paper.
    size, spacing_mm
        The frame: rows and columns, and the edge of its pixels.
    shrinkage
        ``auto`` (Ledoit-Wolf) or a number in (0, 1]. With hundreds of features and patients the discriminant does best
        when it hardly trusts the correlations (Bickel and Levina, Bernoulli 2004;10:989-1010).
    device
        Where the trunk runs: ``cpu`` or a torch device.
    """

    packages: ClassVar[tuple[str, ...]] = ("onnxruntime", "opencv-python-headless", "pydicom", "torch")
    summary: ClassVar[str] = (
        "Deep features of a frozen ImageNet network, averaged over the breast, weighed by a linear discriminant."
    )

    input: Region = "whole-breast"
    views: Views = "both"
    trunk: str = "efficientnet-lite0"
    weights: str | None = None
    layers: tuple[str, ...] = ()
    pooling: Pooling = "breast"
    size: Size = (832, 672)
    spacing_mm: float = 0.3
    shrinkage: Literal["auto"] | Annotated[float, Field(gt=0, le=1)] = 0.9
    device: str = "cpu"

    _fitted: Discriminant | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:
        """Refuse settings that no encoder takes before anything runs."""
        super().model_post_init(context)
        self._encoder()

    def _encoder(self) -> DeepFeatures:
        return DeepFeatures(
            input=self.input,
            size=self.size,
            spacing_mm=self.spacing_mm,
            trunk=self.trunk,
            weights=self.weights,
            device=self.device,
            layers=self.layers,
            pooling=self.pooling,
        )

    def encoders(self) -> list[DeepFeatures]:
        """The one encoder that it reads."""
        return [self._encoder()]

    def needs(self, recording: Recording) -> bool:
        """Mammograms of the chosen views."""
        return wanted(recording, self.views)

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        """Patients with an image of every chosen view, shape (n,)."""
        return having_all(cohort, self.views)

    def _features(self, cohort: Cohort, resources: Resources | None) -> NDArray[np.float64]:
        recordings, owners = recordings_by_view(cohort, self.views)
        arrays = (resources or Resources()).encoded(self._encoder(), recordings)
        return mean_by_view([found["features"] for found in arrays], owners, len(cohort), self.views)

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """Fit scaling and discriminant to the patients of `cohort`."""
        self._fitted = fit_discriminant(
            self._features(cohort, resources), np.asarray(cohort.cases()), shrinkage=self.shrinkage
        )
        return self

    def _discriminant(self) -> Discriminant:
        if self._fitted is None:
            raise InputError("this GoogLeNetLDA is not fitted", cure="call fit(cohort) first, or load a saved marker")
        return self._fitted

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        """Log-odds of being a case, shape (n,)."""
        fitted = self._discriminant()
        if not len(cohort):
            return np.zeros(0)
        return fitted.log_odds(self._features(cohort, resources))

    def explain(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Explanation]:
        """The exact share of every place in the patient's score.

        The score is linear in averages over places, so it is a sum over places: for each, how its features differ from
        the training patients' mean, weighed by the discriminant. The shares add up to score minus intercept.
        """
        patient = cohort.select([patient_id])
        recordings, owners = recordings_by_view(patient, self.views)
        encoder = self._encoder()
        framed = [encoder.framed(recording) for recording in recordings]
        images = Counter(view for _, view in owners)
        shares = [
            [part / images[view] for part in self.shares(picture, view)]
            for picture, (_, view) in zip(framed, owners, strict=True)
        ]
        caption = (
            "Where the score comes from: red raises it, blue lowers it, each place compared with the average "
            "training image; all places together make up the score."
        )
        return shown_together(recordings, framed, shares, caption)

    @property
    def intercept(self) -> float:
        """Score of a patient whose features are the training patients' mean."""
        return self._discriminant().intercept

    def shares(self, picture: Framed, view: int) -> list[NDArray[np.float64]]:
        """Share of every place of every layer's map in the score, in log-odds, for the only image of the view number
        `view`.
        """
        fitted, encoder = self._discriminant(), self._encoder()
        maps = encoder.maps(picture)
        width = sum(layer.shape[0] for layer in maps)
        weights, mean = (part[view * width : (view + 1) * width] for part in (fitted.weights, fitted.mean))
        shares, start = [], 0
        for layer, places in zip(maps, encoder.weights_of(picture, maps), strict=True):
            channels = slice(start, start + layer.shape[0])
            difference = layer.astype(np.float64) - mean[channels, None, None]
            shares.append(np.einsum("crk,c->rk", difference, weights[channels]) * places)
            start += layer.shape[0]
        return shares

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The discriminant; the trunk is named by the SHA-256 of its weights."""
        fitted = self._discriminant()
        facts = {"intercept": fitted.intercept, "encoder": self._encoder().identity()}
        return {"mean": fitted.mean, "weights": fitted.weights}, facts

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave.

        Raises
        ------
        InputError
            If the encoder is another one than the marker was fitted with.
        """
        if facts["encoder"] != self._encoder().identity():
            raise InputError(
                "this marker was fitted on another encoder (trunk, weights, frame, version) than its settings give now",
                cure="use the weights file that it was fitted with, or fit it again",
            )
        self._fitted = Discriminant(arrays["mean"], arrays["weights"], float(facts["intercept"]))
