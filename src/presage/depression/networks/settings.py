"""What a fusion predicts, and how."""

from __future__ import annotations

from dataclasses import dataclass, field

from presage.depression.networks.schedule import Schedule


@dataclass(frozen=True)
class Scale:
    """What is predicted: a scale with a cut-off, or a binary outcome (0 to 1, cut-off 1)."""

    cutoff: float = 1.0
    lowest: float = 0.0
    highest: float = 1.0


@dataclass(frozen=True)
class Settings:
    """How persons are turned into a number.

    Attributes
    ----------
    fusion
        ``gate`` (MAG), ``early`` (side by side at the input), ``text`` (words alone) or the name of a modality, which
        is then used alone.
    encoder
        Folder of a Hugging Face encoder; None for the MiniLM sentence encoder that comes as a package.
    open_layers
        How many upper layers of the encoder are trained; None trains all of it. What lies below them and below the
        gate is then run once for each answer, and its vectors are kept.
    before_layer
        Where the gate stands; None for the published place.
    beta, dropout
        Of the gate.
    longest
        Most tokens of an answer.
    sentences
        Whether an answer is one vector, the mean of its tokens behind the frozen encoder (averaged over the last four
        layers, standardised by the training persons), shifted once by the means of its modalities, and not one vector
        per word. For recordings without word times, and quick: the encoder runs once for each answer.
    validation
        Share of the persons that is set aside to stop by; 0 trains all epochs.
    schedule
        How the network is trained.
    """

    fusion: str = "gate"
    encoder: str | None = None
    open_layers: int | None = 2
    before_layer: int | None = None
    beta: float = 1.0
    dropout: float = 0.5
    longest: int = 50
    sentences: bool = False
    validation: float = 0.2
    schedule: Schedule = field(default_factory=Schedule)
