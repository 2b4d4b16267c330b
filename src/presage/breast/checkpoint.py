"""The state of a training after an epoch, in a file from which it goes on to the same bytes."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from presage.study.folder import Folder
from presage.study.replicas import Replica

if TYPE_CHECKING:
    from torch import Tensor

NAME = "training.safetensors"


@dataclass
class Progress:
    """Where a training stands, beside the tensors.

    Attributes
    ----------
    epoch, best_epoch
        Finished passes; after which of them the validation loss was lowest.
    best_loss
        That loss.
    losses, training
        Validation and training loss of each pass.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = math.inf
    losses: list[float] = field(default_factory=list)
    training: list[float] = field(default_factory=list)


class Checkpoint:
    """The file of one training.

    Parameters
    ----------
    folder
        Where it is kept, None to keep none.
    key
        What it must belong to (data, settings, seed); the file of another training is not taken.
    replica
        The first one alone reads and writes; the others are told.
    """

    def __init__(self, folder: Folder | None, key: str, replica: Replica) -> None:
        self.folder, self.key, self.replica = folder, key, replica

    def save(self, progress: Progress, tensors: dict[str, Tensor]) -> None:
        """Write in one step: a kill leaves the old state or the new one."""
        if self.folder is None or not self.replica.first:
            return
        from safetensors.torch import save

        facts = {"key": self.key, "progress": json.dumps(asdict(progress))}
        on_cpu = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        self.folder.write(NAME, save(on_cpu, metadata=facts))

    def load(self) -> tuple[Progress, dict[str, Tensor]] | None:
        """The last state and its tensors (on the CPU); None where there is none of this training, or a damaged one."""
        if self.folder is None:
            return None
        data = self.replica.agreed(self._bytes() if self.replica.first else None)
        if data is None:
            return None
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            # What safetensors calls metadata stands in the heading: eight bytes of its length, then JSON.
            facts = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
            if facts["key"] != self.key:
                return None
            return Progress(**json.loads(facts["progress"])), load(data)
        except (SafetensorError, ValueError, KeyError, TypeError):
            # A damaged checkpoint costs time, not correctness: training starts again.
            return None

    def _bytes(self) -> bytes | None:
        assert self.folder is not None
        try:
            return self.folder.read(NAME)
        except FileNotFoundError:
            return None
