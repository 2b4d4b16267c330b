"""What a task needs of the machine that it runs on."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Placement(BaseModel):
    """What an engine sets aside for one task of a marker. It never changes a number.

    Attributes
    ----------
    cpus
        Processors kept for the task. It still computes on one thread: numbers must not depend on the machine.
    gpus
        Graphics cards, as a fraction where several tasks share one (0.25: four tasks a card), or a whole number where
        one task trains on several: on one machine the task is given them, on a Ray cluster its replicas ask for them
        (see :mod:`presage.study.replicas`).
    memory_gb
        Main memory, gigabytes; an engine does not start a task for which too little is free.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpus: float = Field(default=1.0, gt=0)
    gpus: float = Field(default=0.0, ge=0)
    memory_gb: float = Field(default=1.0, gt=0)

    @field_validator("gpus")
    @classmethod
    def _whole_cards(cls, gpus: float) -> float:
        if gpus > 1 and gpus != int(gpus):
            raise ValueError(f"{gpus:g} cards cannot be set aside: a part of one card, or a whole number of cards")
        return gpus


def placed(own: Placement, given: Placement | None, device: str) -> Placement:
    """What is set aside for a task: what the study says (`given`), else what the marker itself says (`own`).

    A marker that would compute on a card needs none where the study computes on processors.
    """
    if given is not None:
        return given
    return own.model_copy(update={"gpus": 0.0}) if device == "cpu" else own
