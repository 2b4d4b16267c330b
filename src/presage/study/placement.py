"""What a task needs of the machine that it runs on."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Placement(BaseModel):
    """What an engine sets aside for one task of a marker. It never changes a number.

    Attributes
    ----------
    cpus
        Processors kept for the task. It still computes on one thread: numbers must not depend on the machine.
    gpus
        Graphics cards, as a fraction where several tasks share one (0.25: four tasks a card), or a whole number where
        one task trains on several.
    memory_gb
        Main memory, gigabytes; an engine does not start a task for which too little is free.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpus: float = Field(default=1.0, gt=0)
    gpus: float = Field(default=0.0, ge=0)
    memory_gb: float = Field(default=1.0, gt=0)
