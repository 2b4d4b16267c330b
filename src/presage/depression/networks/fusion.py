"""Fit a fusion on persons and score others: settings in, arrays and JSON out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from presage.cohort import InputError
from presage.depression.networks.batches import Layout, Row, Rows, rows_of
from presage.depression.networks.data import Person, Scaling, check_persons
from presage.depression.networks.encoders import open_encoder
from presage.depression.networks.examples import Examples, inner_split, logits_of, parts_of
from presage.depression.networks.frozen import FrozenLayers, Store
from presage.depression.networks.injection import injection_point, split_encoder
from presage.depression.networks.network import InterviewNetwork, frame_network, open_upper_layers, text_network
from presage.depression.networks.ordinal import OrdinalHead, thresholds_for
from presage.depression.networks.schedule import Progress, Schedule
from presage.depression.networks.settings import Scale, Settings
from presage.depression.networks.training import Trainer, reproducible
from presage.study.marker import Resources

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_TEXT_FUSIONS = ("gate", "early", "text")


class Fusion:
    """One network, from fitting to scoring. Text of people outlives no call: weights are kept, and vectors in `store`.

    Parameters
    ----------
    settings
        How.
    scale
        What.
    store
        Where vectors behind frozen layers are kept, so that several fits share them; by default each has its own.
    """

    def __init__(self, settings: Settings, scale: Scale | None = None, store: Store | None = None) -> None:
        self.settings, self.scale = settings, scale or Scale()
        self._store: Store = {} if store is None else store
        self.progress = Progress()
        self._network: InterviewNetwork | None = None
        self._frozen: FrozenLayers | None = None
        self._scaling = Scaling({}, {})
        self._device = "cpu"

    def fit(
        self,
        persons: Sequence[Person],
        scores: NDArray[np.float64],
        cases: NDArray[np.bool_] | None = None,
        groups: NDArray[Any] | None = None,
        resources: Resources | None = None,
    ) -> Self:
        """Train.

        Parameters
        ----------
        persons
            Answers of each person.
        scores
            Of the scale, shape (persons,); 0 and 1 for a binary outcome.
        cases
            Shape (persons,); by default the scores at or above the cut-off.
        groups
            Shape (persons,); rows of one group (of one patient, one matched set) are on one side of the inner split.
            By default each row is a group of its own.
        resources
            What may be used.

        Raises
        ------
        InputError
            If a modality alone is asked for that nobody has, or there are too few persons of a class.
        """
        resources = resources or Resources()
        scores = np.asarray(scores, dtype=np.float64)
        cases = scores >= self.scale.cutoff if cases is None else np.asarray(cases, dtype=bool)
        sizes, self._device = check_persons(persons), resources.device
        self._scaling = Scaling.of(persons)
        with reproducible(resources.seed):
            self._build(sizes, thresholds_for(scores, self.scale.cutoff))
            assert self._network is not None
            self._network.head.start_at(scores)
            examples = replace(self._examples(persons, fitting=True), scores=scores, cases=cases)
            training, watched = examples, None
            if self.settings.validation:
                generator = np.random.default_rng([resources.seed, 0])
                learning, stopping = inner_split(cases, self.settings.validation, generator, groups)
                training, watched = examples.part(learning), examples.part(stopping)
        trainer = Trainer(self._network, self.settings.schedule, resources, self._key(examples, resources))
        self.progress = trainer.run(training, watched)
        return self

    def logits(self, persons: Sequence[Person]) -> NDArray[np.float64]:
        """Logit of being a case, shape (persons,): the score; higher is more severe."""
        with reproducible(0):
            return logits_of(self._fitted(), self._examples(persons), self._device)

    def parts(self, persons: Sequence[Person]) -> list[NDArray[np.float64]]:
        """What each answer adds to its person's logit, shape (answers,) each; a constant is the rest of it."""
        with reproducible(0):
            return parts_of(self._fitted(), self._examples(persons), self._device)

    def predicted(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected scale score from what :meth:`logits` gave; it rises with it."""
        with torch.inference_mode():
            severity = torch.from_numpy(np.asarray(logits)).to(self._device)
            return np.asarray(self._fitted().head.predicted(severity).cpu().numpy())

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Facts for a JSON file and tensors for a safetensors file: all that :meth:`restore` needs."""
        network = self._fitted()
        tensors = {
            name: value.detach().cpu().contiguous()
            for name, value in network.state_dict().items()
            if not name.startswith("answers.fused.encoder.") or _is_open(network, name)
        }
        for part in ("means", "spreads"):
            group = getattr(self._scaling, part)
            tensors |= {f"{part}.{name}": torch.from_numpy(np.asarray(value)) for name, value in group.items()}
        if self._frozen is not None and self._frozen.reference:
            tensors |= {f"text.{k}": torch.from_numpy(v) for k, v in enumerate(self._frozen.reference)}
        sizes = {name: len(value) for name, value in self._scaling.means.items()}
        facts = {
            "settings": asdict(self.settings),
            "scale": asdict(self.scale),
            "sizes": sizes,
            "thresholds": network.head.cuts.tolist(),
        }
        return facts, tensors

    @classmethod
    def restore(cls, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Fusion:
        """The fitted fusion from :meth:`state`; the encoder's frozen weights are read from its folder."""
        settings = dict(facts["settings"])
        settings["schedule"] = Schedule(**settings["schedule"])
        found = cls(Settings(**settings), Scale(**facts["scale"]))
        groups = {
            part: {name: tensors[f"{part}.{name}"].numpy() for name in facts["sizes"]} for part in ("means", "spreads")
        }
        found._scaling = Scaling(groups["means"], groups["spreads"])
        found._build(facts["sizes"], facts["thresholds"])
        network = found._fitted()
        if found._frozen is not None and "text.0" in tensors:
            found._frozen.reference = (tensors["text.0"].numpy(), tensors["text.1"].numpy())
        own = {name: value for name, value in tensors.items() if name.split(".")[0] not in (*groups, "text")}
        missing, unknown = network.load_state_dict(own, strict=False)
        if unknown or any(not name.startswith("answers.fused.encoder.") for name in missing):
            raise InputError("the saved tensors are of another network", cure="save and load with the same version")
        network.eval()
        return found

    def _fitted(self) -> InterviewNetwork:
        if self._network is None:
            raise InputError("this fusion has not been fitted", cure="call fit first")
        return self._network

    def _build(self, sizes: Mapping[str, int], thresholds: Sequence[float]) -> None:
        settings = self.settings
        if settings.fusion not in _TEXT_FUSIONS and settings.fusion not in sizes:
            raise InputError(
                f"no fusion {settings.fusion!r}", cure=f"one of {', '.join((*_TEXT_FUSIONS, *sizes))} for these persons"
            )
        whole, tokenizer = open_encoder(settings.encoder)
        self._layout = Layout(tokenizer, whole.config.model_type, settings.longest)
        if settings.fusion in sizes:
            head = self._head(64, thresholds)
            self._network = frame_network(settings.fusion, sizes[settings.fusion], head, dropout=settings.dropout)
        else:
            upper, before = self._cut(whole)
            self._network = text_network(
                upper,
                sizes,
                self._head(whole.config.hidden_size, thresholds),
                fusion=settings.fusion,  # type: ignore[arg-type]
                before_layer=before,
                beta=settings.beta,
                dropout=settings.dropout,
            )
        self._network.to(self._device)

    def _head(self, width: int, thresholds: Sequence[float]) -> OrdinalHead:
        scale = self.scale
        return OrdinalHead(width, thresholds, scale.cutoff, lowest=scale.lowest, highest=scale.highest)

    def _cut(self, whole: PreTrainedModel) -> tuple[PreTrainedModel, int | None]:
        """The trained part of the encoder and where the gate stands in it; the frozen part below it is kept apart."""
        settings, count = self.settings, whole.config.num_hidden_layers
        before, open_layers = settings.before_layer, settings.open_layers
        if settings.sentences:
            before, open_layers = count, 0
        open_upper_layers(whole, open_layers)
        if open_layers is None or whole.config.model_type == "xlnet":
            return whole, before
        injection_point(whole, before)
        gated = settings.fusion != "text"
        cut = min(count - open_layers, (before or 0) if gated else count)
        if cut == 0:
            return whole, before
        lower, upper = split_encoder(whole, cut)
        self._frozen = FrozenLayers(lower, settings.encoder, settings.sentences, self._device, self._store)
        return upper, (before or 0) - cut if gated else 0

    def _examples(self, persons: Sequence[Person], fitting: bool = False) -> Examples:
        if self.settings.fusion in self._scaling.means:
            # What the others have is not looked at.
            others = [name for name in self._scaling.means if name != self.settings.fusion]
            persons = [[None if a is None else a.without(others) for a in person] for person in persons]
        rows: list[Rows] = [rows_of(person, self._layout) for person in self._scaling.apply(persons)]
        if self._frozen is not None:
            rows = self._frozen.encoded(rows, fitting)
        nobody = np.zeros(len(rows))
        sizes = {name: len(value) for name, value in self._scaling.means.items()}
        return Examples(rows, nobody, nobody > 0, self._layout, sizes)

    def _key(self, examples: Examples, resources: Resources) -> str:
        """What a checkpoint must have been trained on, with and by; hashed, as it is made from what people said."""
        digest = hashlib.sha256()
        facts = [asdict(self.settings), asdict(self.scale), resources.seed, resources.device, dict(examples.sizes)]
        digest.update(json.dumps(facts, sort_keys=True).encode())
        digest.update(examples.scores.tobytes() + examples.cases.tobytes())
        for person in examples.persons:
            for row in person:
                _add(digest, row)
        return digest.hexdigest()


def _add(digest: Any, row: Row | None) -> None:
    if row is None:
        digest.update(b"missing")
        return
    digest.update(row.ids.tobytes())
    for name in sorted(row.utterance.modalities):
        digest.update(name.encode() + row.utterance.mask(name).tobytes())
        digest.update(np.ascontiguousarray(row.utterance.modalities[name]).tobytes())
    if row.hidden is not None:
        digest.update(row.hidden.tobytes())


def _is_open(network: nn.Module, name: str) -> bool:
    parameters = dict(network.named_parameters())
    return name in parameters and parameters[name].requires_grad
