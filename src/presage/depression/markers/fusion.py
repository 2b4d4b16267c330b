"""The marker Fusion: one network over what the participant says, how it sounds and what the face does meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from presage.cohort import Cohort, InputError, Recording
from presage.depression.markers.interviews import AUDIO, FACE, Answer, Filling, Interviews
from presage.depression.markers.voices import FeatureSet, note_licence, packages_of
from presage.depression.scales import scale_named
from presage.depression.scripts import language_warning
from presage.study.encoder import Encoder
from presage.study.marker import Marker, Reason, Resources
from presage.study.placement import Placement

if TYPE_CHECKING:
    from presage.depression.networks.fusion import Fusion as Network
    from presage.depression.networks.settings import Scale, Settings

Floats = NDArray[np.float64]
Rate = Annotated[float, Field(gt=0, le=1)]
Kind = Literal["gate", "early", "text", "audio", "face"]

_DEFAULT_ENCODER = "all-MiniLM-L6-v2"


class Fusion(Marker):
    """A network over the participant's words with voice and face beside them; the score is the logit of a case.

    The interviewer's words are never read, and sound and pictures only where the participant speaks. Whatever is
    missing is masked: a recording, frames without a face, a word that nobody aligned. A patient with one of the
    modalities is scored.

    Attributes
    ----------
    fusion
        ``gate``: voice and face shift the words (Rahman et al., ACL 2020). ``early``: side by side at the input.
        ``text``, ``audio``, ``face``: one alone.
    encoder
        Folder of a Hugging Face encoder; None for all-MiniLM-L6-v2, which comes as a package (English).
    sentences
        One vector for each turn, behind the frozen encoder: quick, and needs no word times. False: word by word, with
        the transcript's times, else those of a forced alignment (English), else those of the turn.
    open_layers, before_layer, beta, dropout
        See :class:`presage.depression.networks.settings.Settings`.
    longest
        Most words read at once; longer turns become several.
    align
        Whether words without times are aligned.
    validation
        Share of the training patients that is set aside to stop by; the test fold is never looked at.
    seeds
        Trainings with other seeds; the score is the mean of their logits, never that of the best.
    epochs, patience, batch_size, learning_rate, new_learning_rate, weight_decay, precision, modality_dropout
        See :class:`presage.depression.networks.schedule.Schedule`.
    fps
        Frames per second of a video that are looked at, at most.
    feature_set
        Of the voice, as of the marker ``prosody``: ``own``, ``egemaps`` (research licence) or ``covarep``.
    """

    summary: ClassVar[str] = "A network over the participant's words, voice and face; the score is its mean logit."
    fusion: Kind = "gate"
    encoder: str | None = None
    sentences: bool = True
    open_layers: Annotated[int, Field(ge=0)] | None = 2
    before_layer: Annotated[int, Field(ge=0)] | None = None
    beta: Annotated[float, Field(gt=0)] = 1.0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    longest: Annotated[int, Field(ge=4, le=200)] = 32
    align: bool = True
    validation: Annotated[float, Field(ge=0, lt=0.9)] = 0.2
    seeds: Annotated[int, Field(ge=1, le=100)] = 10
    epochs: Annotated[int, Field(ge=1, le=1000)] = 40
    patience: Annotated[int, Field(ge=1)] = 8
    batch_size: Annotated[int, Field(ge=2, le=1024)] = 16
    learning_rate: Rate = 1e-5
    new_learning_rate: Rate = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.01
    precision: Literal["float32", "bfloat16"] = "float32"
    modality_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    fps: Annotated[float, Field(gt=0, le=120)] = 30.0
    feature_set: FeatureSet = "own"

    _networks: list[Network] = PrivateAttr(default_factory=list)
    _filling: Filling = PrivateAttr(default_factory=lambda: Filling({}))
    _spread: float = PrivateAttr(default=0.0)
    # The one training that this marker stands for; None: all of them.
    _only: int | None = PrivateAttr(default=None)

    @property
    def packages(self) -> tuple[str, ...]:  # type: ignore[override]
        """See :class:`presage.study.Marker`; with the one that the features need."""
        return ("torch", "transformers", "librosa", "av", "pocketsphinx", *packages_of(self.feature_set))

    def placement(self) -> Placement:
        """A quarter of a card where the study computes on cards; the encoder and a fold's vectors in memory."""
        return Placement(gpus=0.25 if self.sentences else 0.5, memory_gb=1.5 if self.sentences else 3.0)

    def trainings(self) -> int:
        """One for each seed."""
        return self.seeds

    def training(self, number: int) -> Self:
        """See :class:`presage.study.Marker`."""
        found = self.model_copy()
        found._only = number
        return found

    def encoders(self) -> list[Encoder]:
        """Voice and face, as far as they are used."""
        return self._interviews().encoders()

    def needs(self, recording: Recording) -> bool:
        """Transcripts, and what the encoders read."""
        return recording.kind == "transcript" or super().needs(recording)

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        """Patients with a recording of any modality that is used, shape (n,)."""
        alone = self.fusion in (AUDIO, FACE)
        kinds = {encoder.kind for encoder in self.encoders()} | (set() if alone else {"transcript"})
        having = {recording.patient_id for recording in cohort.iter_recordings() if recording.kind in kinds}
        return np.array([patient in having for patient in cohort.patient_ids], dtype=bool)

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        """Train on the patients of `cohort`, a part of whom is set aside to stop by."""
        from presage.depression.networks.frozen import shared_store
        from presage.depression.networks.fusion import Fusion as Network

        resources = resources or Resources()
        note_licence(self.feature_set, resources)
        answers, texts = self._interviews().persons(cohort, resources)
        warning = ""
        if self.encoder is None and self.fusion not in (AUDIO, FACE):
            warning = language_warning(texts, _DEFAULT_ENCODER)
        if warning:
            resources.note(warning)
        silent = sum(not person for person in answers)
        if silent:
            resources.note(f"{silent} of {len(answers)} training patients have a recording in which nothing is said.")
        self._filling = Filling.of(answers)
        persons = self._filling.apply(answers, self.longest)
        scale, scores, cases = _targets(cohort)
        groups = cohort.patients["match_set"].to_numpy() if "match_set" in cohort.patients.columns else None
        store = shared_store()
        self._networks = []
        for number in range(self.seeds) if self._only is None else [self._only]:
            part = _training(resources, number, self.epochs)
            network = Network(self._settings(), scale, store)
            self._networks.append(network.fit(persons, scores, cases, groups, part))
        said = np.stack([network.logits(persons) for network in self._networks])
        self._spread = float(said.std(axis=0).mean())
        if len(self._networks) > 1:
            resources.note(f"The score is the mean logit of {self.seeds} trainings with other seeds.")
            resources.log(self.seeds * self.epochs + 1, spread_between_seeds=self._spread)
        return self

    def score(self, cohort: Cohort, resources: Resources | None = None) -> Floats:
        """Mean logit of being a case over the trainings, shape (n,)."""
        if not self._networks:
            raise InputError("this marker is not fitted", cure="call fit(cohort) first, or load a saved marker")
        if not len(cohort):
            return np.zeros(0)
        answers, _ = self._interviews().persons(cohort, resources or Resources())
        persons = self._filling.apply(answers, self.longest)
        return np.asarray(np.mean([network.logits(persons) for network in self._networks], axis=0))

    def reasons(self, cohort: Cohort, patient_id: str, resources: Resources | None = None) -> list[Reason]:
        """What each turn adds by its words, and what voice and face together add to that; means over the trainings."""
        (answers,), _ = self._interviews().persons(cohort.select([patient_id]), resources or Resources())
        if not answers:
            return []
        whole = self._filling.apply([answers], self.longest)
        alone = self.fusion in (AUDIO, FACE)
        words = whole if alone else [[part and part.without((AUDIO, FACE)) for part in person] for person in whole]
        each = np.mean([network.parts(words)[0] for network in self._networks], axis=0)
        ends = np.cumsum(self._filling.parts(answers, self.longest))
        found = [
            Reason(answer.text.strip() or "…", float(part.sum()), *_times(answer))
            for answer, part in zip(answers, np.split(each, ends[:-1]), strict=True)
        ]
        if any(part is not None and part.modalities for person in whole for part in person) and not alone:
            beside = np.mean([network.parts(whole)[0].sum() for network in self._networks]) - each.sum()
            found.append(Reason("voice and face: what they change of what the turns say", float(beside)))
        return found

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The weights of each training, and what stands for missing numbers."""
        arrays: dict[str, NDArray[Any]] = {f"filling.{name}": mean for name, mean in self._filling.means.items()}
        facts = []
        for number, network in enumerate(self._networks):
            about, tensors = network.state()
            facts.append(about)
            arrays |= {f"{number}.{name}": tensor.numpy() for name, tensor in tensors.items()}
        return arrays, {"networks": facts, "spread_between_seeds": self._spread}

    def restore(self, arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        import torch

        from presage.depression.networks.fusion import Fusion as Network

        self._filling = Filling(_below(arrays, "filling."))
        self._spread = float(facts["spread_between_seeds"])
        self._networks = []
        for number, about in enumerate(facts["networks"]):
            tensors = {name: torch.from_numpy(np.array(array)) for name, array in _below(arrays, f"{number}.").items()}
            self._networks.append(Network.restore(about, tensors))

    def _interviews(self) -> Interviews:
        beside: dict[str, tuple[str, ...]] = {"text": (), AUDIO: (AUDIO,), FACE: (FACE,)}
        modalities = beside.get(self.fusion, (AUDIO, FACE))
        return Interviews(
            self.sentences, modalities, self.fusion in (AUDIO, FACE), self.align, self.fps, self.feature_set
        )

    def _settings(self) -> Settings:
        from presage.depression.networks.schedule import Schedule
        from presage.depression.networks.settings import Settings

        alone = self.fusion in (AUDIO, FACE)
        schedule = Schedule(
            epochs=self.epochs,
            patience=self.patience,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            new_learning_rate=self.new_learning_rate,
            weight_decay=self.weight_decay,
            precision=self.precision,
            # A modality alone that is hidden leaves nothing.
            modality_dropout=0.0 if alone or self.fusion == "text" else self.modality_dropout,
        )
        return Settings(
            fusion=self.fusion,
            encoder=self.encoder,
            open_layers=self.open_layers,
            before_layer=self.before_layer,
            beta=self.beta,
            dropout=self.dropout,
            # Words have one to three tokens; the rest of a very odd answer is cut off.
            longest=3 * self.longest + 2,
            sentences=self.sentences,
            validation=self.validation,
            schedule=schedule,
        )


@dataclass(frozen=True)
class _Training(Resources):
    """What one of several trainings may use: its curve goes on where the last one's ended."""

    whole: Resources = field(default_factory=Resources)
    offset: int = 0

    def log(self, step: int, **values: float) -> None:
        """Remembered where all of the marker's curves are."""
        self.whole.log(self.offset + step, **values)


def _training(resources: Resources, number: int, epochs: int) -> Resources:
    """The resources of one of the trainings: a seed and a scratch folder of its own."""
    seed = int(np.random.SeedSequence([resources.seed, number]).generate_state(1)[0])
    scratch = None if resources.scratch is None else resources.scratch.child(f"training-{number}", private=True)
    given = {name: getattr(resources, name) for name in ("cache", "threads", "device", "notes", "divisor")}
    return _Training(seed=seed, scratch=scratch, whole=resources, offset=number * epochs, **given)


def _times(answer: Answer) -> tuple[float | None, float | None]:
    return (answer.start, answer.stop) if np.isfinite(answer.start) else (None, None)


def _targets(cohort: Cohort) -> tuple[Scale, Floats, NDArray[np.bool_]]:
    """What is predicted, and of whom: points of a scale, or 0 and 1."""
    from presage.depression.networks.settings import Scale

    cases, outcome = np.asarray(cohort.cases(), dtype=bool), cohort.outcome
    assert outcome is not None
    if outcome.kind != "scale":
        return Scale(), cases.astype(np.float64), cases
    scores = np.asarray(cohort.targets(), dtype=np.float64)
    assert outcome.cutoff is not None
    try:
        known = scale_named(outcome.column)
        lowest, highest = float(known.lowest), float(known.highest)
    except InputError:
        lowest, highest = float(scores.min()), float(scores.max())
    inside = (min(lowest, scores.min()), max(highest, scores.max()))
    return Scale(outcome.cutoff, float(inside[0]), float(inside[1])), scores, cases


def _below(arrays: dict[str, NDArray[Any]], start: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
