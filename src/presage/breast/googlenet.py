"""The marker GoogLeNet: the same ImageNet trunk, fine-tuned end to end on the outcome.

Source: Arefan et al., Med Phys 2020;47:110-118 (the trunk there is GoogLeNet).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from presage.breast.augment import Augmentation
from presage.breast.encoders import PreparedImage, Size, StageMaps, to_bytes
from presage.breast.explain import agreement, occlusion, shown_together
from presage.breast.finetuning import fine_tuned, fine_tuned_together
from presage.breast.inputs import Region
from presage.breast.training import Schedule, reproducible
from presage.breast.trunks.trunk import trunk_named
from presage.breast.views import Views, having_all, mean_by_view, recordings_by_view, view_names, wanted
from presage.cohort import Cohort, InputError, Recording
from presage.study.encoder import Arrays
from presage.study.marker import Explanation, Marker, Resources
from presage.study.placement import Placement

if TYPE_CHECKING:
    from presage.breast.checkpoint import Progress
    from presage.breast.tuned import TunedNetwork

Rate = Annotated[float, Field(gt=0, le=1)]


class GoogLeNet(Marker):
    """A trunk trained on the outcome; every image is an example, the score is the mean logit of the patient's images.

    The layers up to `freeze` keep their ImageNet weights: their maps are computed once for each image and for some
    changed copies of it, and kept like any encoder's output. The layers behind it and a new head are trained; batch
    normalisation keeps its ImageNet statistics, as the batches are small.

    Attributes
    ----------
    input, views, trunk, weights
        As in :class:`presage.breast.GoogLeNetLDA`.
    size, spacing_mm
        The frame: rows and columns, and the edge of its pixels.
    freeze
        The last layer that stays as it is; the trunk's choice where None, none where empty (many times slower).
    copies
        Changed copies of each image where layers are frozen; otherwise every epoch draws new changes.
    augmentation
        How far a copy may be changed.
    epochs, patience, validation
        Largest number of passes; passes without improvement on the inner validation patients; their share of the
        training patients. The test fold is never looked at.
    batch_size, learning_rate, head_learning_rate, weight_decay, warm_up
        See :class:`presage.breast.training.Schedule`.
    precision
        ``float32`` or ``bfloat16``.
    replicas
        How many processes train the network together, on a cluster or on this machine (needs Ray), each with a card of
        its own where the device is ``cuda``. Every batch is divided among them; the weights differ from those of one
        process by rounding, which is why the number is a setting like any other.
    """

    packages: ClassVar[tuple[str, ...]] = ("onnxruntime", "opencv-python-headless", "pydicom", "torch")
    summary: ClassVar[str] = (
        "An ImageNet network fine-tuned on the outcome; the score is the mean logit of a patient's images."
    )

    input: Region = "whole-breast"
    views: Views = "both"
    trunk: str = "efficientnet-lite0"
    weights: str | None = None
    size: Size = (320, 256)
    spacing_mm: float = 0.8
    freeze: str | None = None
    copies: Annotated[int, Field(ge=0, le=64)] = 4
    augmentation: Augmentation = Augmentation()
    epochs: Annotated[int, Field(ge=1, le=1000)] = 12
    patience: Annotated[int, Field(ge=1)] = 4
    validation: Annotated[float, Field(gt=0, lt=0.9)] = 0.2
    batch_size: Annotated[int, Field(ge=2, le=1024)] = 16
    learning_rate: Rate = 3e-4
    head_learning_rate: Rate = 3e-3
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.05
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.1
    precision: Literal["float32", "bfloat16"] = "float32"
    replicas: Annotated[int, Field(ge=1, le=64)] = 1

    _network: TunedNetwork | None = PrivateAttr(default=None)
    _losses: tuple[float, ...] = PrivateAttr(default=())

    def model_post_init(self, context: Any) -> None:
        """Refuse settings that no encoder takes before anything runs."""
        super().model_post_init(context)
        self.encoders()

    @property
    def frozen(self) -> str:
        """The last layer that stays as it is; empty where all are trained."""
        return trunk_named(self.trunk).freeze if self.freeze is None else self.freeze

    def placement(self) -> Placement:
        """A card for each replica, where the study computes on cards; images of a fold and the network in memory."""
        return Placement(gpus=float(self.replicas), memory_gb=2.0)

    def _frame(self) -> dict[str, Any]:
        return {"input": self.input, "size": self.size, "spacing_mm": self.spacing_mm}

    def _encoder(self) -> StageMaps | PreparedImage:
        if not self.frozen:
            return PreparedImage(**self._frame())
        return StageMaps(
            **self._frame(),
            trunk=self.trunk,
            weights=self.weights,
            until=self.frozen,
            copies=self.copies,
            augmentation=self.augmentation,
        )

    def encoders(self) -> list[StageMaps | PreparedImage]:
        """The one encoder that it reads."""
        return [self._encoder()]

    def needs(self, recording: Recording) -> bool:
        """Mammograms of the chosen views."""
        return wanted(recording, self.views)

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        """Patients with an image of every chosen view, shape (n,)."""
        return having_all(cohort, self.views)

    def open_inputs(self, arrays: Arrays, variant: int = 0) -> NDArray[Any]:
        """What the open layers read of one recording; `variant` 0 is the image as it is."""
        return arrays["maps"][variant] if self.frozen else arrays["image"]

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """Train on the patients of `cohort`, a part of whom is set aside to stop by."""
        resources = resources or Resources()
        if self.replicas == 1:
            self.take(*fine_tuned(self, cohort, resources))
            return self
        returned = fine_tuned_together(self, cohort, resources)
        # Scored on the CPU: this process holds no card, its replicas have given theirs back.
        self.restore(*returned.state)
        for point in returned.curves:
            resources.log(int(point["step"]), **{name: value for name, value in point.items() if name != "step"})
        for note in returned.notes:
            resources.note(note)
        return self

    def take(self, network: TunedNetwork, progress: Progress) -> None:
        """Score with `network` from now on."""
        self._network, self._losses = network, tuple(progress.losses)

    def schedule(self) -> Schedule:
        """How the network is trained."""
        return Schedule(
            epochs=self.epochs,
            patience=self.patience,
            learning_rate=self.learning_rate,
            head_learning_rate=self.head_learning_rate,
            weight_decay=self.weight_decay,
            warm_up=self.warm_up,
            precision=self.precision,
        )

    def drawn_change(self, arrays: Arrays, generator: np.random.Generator) -> Any:
        """How one example is to be changed for one epoch."""
        return int(generator.integers(len(arrays["maps"]))) if self.frozen else self.augmentation.drawn(generator)

    def changed(self, arrays: Arrays, change: Any) -> NDArray[Any]:
        """The example changed as :meth:`drawn_change` gave it, as the open layers read it."""
        if self.frozen:
            return self.open_inputs(arrays, change)
        return self.augmentation.changed(np.divide(arrays["image"], np.float32(255), dtype=np.float32), change)

    def _tuned(self) -> TunedNetwork:
        if self._network is None:
            raise InputError("this GoogLeNet is not fitted", cure="call fit(cohort) first, or load a saved marker")
        return self._network

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        """Mean logit of each patient: of her images of one view first, then of the views, shape (n,)."""
        network, resources = self._tuned(), resources or Resources()
        if not len(cohort):
            return np.zeros(0)
        recordings, owners = recordings_by_view(cohort, self.views)
        arrays = resources.encoded(self._encoder(), recordings)
        with reproducible(resources.seed):
            logits = network.logits([self.open_inputs(found) for found in arrays])
        by_view = mean_by_view(list(logits[:, None]), owners, len(cohort), self.views)
        return np.asarray(by_view.mean(axis=1))

    def explain(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Explanation]:
        """The share of every place of the last feature map in the score, checked by hiding places.

        The logit is linear in means over places of the last map, so that its class activation map (Zhou et al., CVPR
        2016) is exact at that layer; but what one place of the map has seen reaches wide. The caption therefore says
        how well the map agrees with what happens when parts of the image are hidden (Zeiler and Fergus, ECCV 2014).
        """
        network, resources = self._tuned(), resources or Resources()
        recordings, owners = recordings_by_view(cohort.select([patient_id]), self.views)
        encoder = self._encoder()
        framed = [encoder.framed(recording) for recording in recordings]
        views = len(view_names(self.views))
        with reproducible(resources.seed):
            shares, agreements = [], []
            for picture, (_, view) in zip(framed, owners, strict=True):
                share = network.shares(self._network_inputs(picture.image))
                hidden = occlusion(self._logit_of, picture)
                agreements.append(agreement(share, hidden))
                shares.append([share / views / sum(other == view for _, other in owners)])
        caption = (
            "Where the score comes from: red raises it, blue lowers it, each place compared with the average training "
            f"image. Hiding one part of the image after another gives a like map (rank correlation "
            f"{np.mean(agreements):.2f})."
        )
        return shown_together(recordings, framed, shares, caption)

    def _network_inputs(self, image: NDArray[np.float32]) -> NDArray[Any]:
        """What the open layers read for one framed image."""
        encoder = self._encoder()
        return encoder.stage_map(image) if isinstance(encoder, StageMaps) else to_bytes(image)

    def _logit_of(self, image: NDArray[np.float32]) -> float:
        return float(self._tuned().logits([self._network_inputs(image)])[0])

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The trained layers; the frozen ones are named by the SHA-256 of their weights."""
        network = self._tuned()
        tensors = {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}
        facts = {
            "encoder": self._encoder().identity(),
            "trunk": self.trunk,
            "frozen": self.frozen,
            "losses": list(self._losses),
        }
        return tensors, facts

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave.

        Raises
        ------
        InputError
            If the frozen layers, the frame or the trunk are others than the marker was trained with.
        """
        import torch

        from presage.breast.tuned import TunedNetwork

        now = {"encoder": self._encoder().identity(), "trunk": self.trunk, "frozen": self.frozen}
        if any(facts[key] != value for key, value in now.items()):
            raise InputError(
                "this marker was trained on another trunk, frame or version than its settings give now",
                cure="use the settings and the weights file that it was trained with, or train it again",
            )
        network = TunedNetwork.start(self.trunk, self.weights, self.frozen, "cpu")
        network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in arrays.items()})
        self._network, self._losses = network, tuple(facts["losses"])
