"""Persons ready for a network: in batches, split in two, with modalities hidden, one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from presage.cohort import InputError
from presage.depression.networks.batches import InterviewBatch, Layout, Rows, interview_batch

if TYPE_CHECKING:
    from presage.depression.networks.network import InterviewNetwork


@dataclass(frozen=True)
class Examples:
    """Persons with their outcomes, ready for a network.

    Attributes
    ----------
    persons
        Rows of tokens of each person's answers.
    scores, cases
        Scale score, and whether the person is a case, shape (persons,).
    layout, sizes
        Of the encoder and of the modalities.
    """

    persons: Sequence[Rows]
    scores: NDArray[np.float64]
    cases: NDArray[np.bool_]
    layout: Layout
    sizes: Mapping[str, int]

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> InterviewBatch:
        """Padded answers of some persons."""
        return interview_batch([self.persons[index] for index in indices], self.layout, self.sizes)

    def targets(self, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Scores and cases of some persons."""
        return torch.from_numpy(self.scores[indices]), torch.from_numpy(self.cases[indices])

    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each person."""
        return np.array([sum(len(row.ids) for row in person if row is not None) for person in self.persons])

    def part(self, indices: NDArray[Any]) -> Examples:
        """Some of the persons."""
        persons = [self.persons[index] for index in indices]
        return replace(self, persons=persons, scores=self.scores[indices], cases=self.cases[indices])


def hide_modalities(batch: InterviewBatch, share: float, generator: torch.Generator) -> InterviewBatch:
    """The batch with each modality of each person hidden with this probability, in all of the person's answers."""
    groups, start = [], 0
    kept = {name: torch.rand(batch.persons, generator=generator) >= share for name in batch.groups[0].present}
    for group in batch.groups:
        rows = batch.slots[start : start + len(group.words)] // batch.answers
        start += len(group.words)
        present = {name: value & kept[name][rows][:, None] for name, value in group.present.items()}
        groups.append(replace(group, present=present))
    return replace(batch, groups=groups)


def logits_of(network: InterviewNetwork, examples: Examples, device: str = "cpu") -> NDArray[np.float64]:
    """Logits of being a case, shape (persons,).

    One person at a time: the sums of a batch of another size may round differently, and a person's number must not
    depend on who else is scored.
    """
    network.eval()
    with torch.inference_mode():
        found = [network(examples.batch([index]).to(device)) for index in range(len(examples.persons))]
    return torch.cat(found).double().cpu().numpy() if found else np.zeros(0)


def parts_of(network: InterviewNetwork, examples: Examples, device: str = "cpu") -> list[NDArray[np.float64]]:
    """What each answer of each person adds to the logit, shape (answers,) each; one person at a time."""
    network.eval()
    with torch.inference_mode():
        batches = [examples.batch([index]).to(device) for index in range(len(examples.persons))]
        return [network.parts(batch)[0].double().cpu().numpy() for batch in batches]


def inner_split(
    cases: NDArray[np.bool_],
    share: float,
    generator: np.random.Generator,
    groups: NDArray[Any] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the rows to learn from and to stop by.

    About `share` of the groups that have a case, and of those that have none; whole groups. Without `groups` each row
    is one.

    Raises
    ------
    InputError
        If one of the sides would lack a class.
    """
    names, owner = np.unique(np.arange(len(cases)) if groups is None else groups, return_inverse=True)
    with_case = np.bincount(owner, weights=cases, minlength=len(names)) > 0
    aside = np.zeros(len(names), dtype=bool)
    for members in (np.flatnonzero(with_case), np.flatnonzero(~with_case)):
        count = min(len(members) - 1, max(1, round(share * len(members))))
        aside[generator.permutation(members)[: max(count, 0)]] = True
    learning, stopping = np.flatnonzero(~aside[owner]), np.flatnonzero(aside[owner])
    for side in (learning, stopping):
        if not cases[side].any() or cases[side].all():
            raise InputError(
                "too few training persons of one class to set some aside to stop the training by",
                cure="use fewer folds or a larger cohort, or set validation to 0",
            )
    return learning, stopping
