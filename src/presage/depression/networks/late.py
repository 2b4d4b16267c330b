"""Late fusion: a network for the words and one for each modality, and a logistic regression on what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError
from presage.depression.networks.data import Person, check_persons
from presage.depression.networks.examples import inner_split
from presage.depression.networks.frozen import Store
from presage.depression.networks.fusion import Fusion
from presage.depression.networks.linear import RidgeLogistic
from presage.depression.networks.settings import Scale, Settings
from presage.study.marker import Resources


class LateFusion:
    """Logits of networks that each see one side of a person, stacked.

    The weights of the stack are fitted on the persons whom the networks did not learn from: those of the training fold
    that were set aside to stop the training by. A person without a modality has no logit of it; it then counts as the
    average.

    Parameters
    ----------
    settings
        Of each network; `fusion` is put in here, and `validation` may not be 0.
    scale, store
        As for :class:`~presage.depression.networks.fusion.Fusion`.

    Attributes
    ----------
    members
        The fitted networks by what they see: ``text`` and the modalities.
    stack
        The regression on their logits; None before the fit.
    """

    def __init__(self, settings: Settings, scale: Scale | None = None, store: Store | None = None) -> None:
        if not settings.validation:
            raise InputError("late fusion needs persons to fit its weights on", cure="set validation above 0")
        self.settings, self.scale, self._store = settings, scale or Scale(), store
        self.members: dict[str, Fusion] = {}
        self.stack: RidgeLogistic | None = None

    def fit(
        self,
        persons: Sequence[Person],
        scores: NDArray[np.float64],
        cases: NDArray[np.bool_] | None = None,
        groups: NDArray[Any] | None = None,
        resources: Resources | None = None,
    ) -> Self:
        """Train each network, then the stack; arguments as for a fusion."""
        resources = resources or Resources()
        cases = np.asarray(scores) >= self.scale.cutoff if cases is None else np.asarray(cases, dtype=bool)
        self.members = {}
        for name in ("text", *check_persons(persons)):
            scratch = None if resources.scratch is None else resources.scratch.child(name, private=True)
            member = Fusion(replace(self.settings, fusion=name), self.scale, self._store)
            part = replace(resources, scratch=scratch)
            self.members[name] = member.fit(persons, scores, cases, groups, part)
        generator = np.random.default_rng([resources.seed, 0])
        _, aside = inner_split(cases, self.settings.validation, generator, groups)
        said = self._columns([persons[index] for index in aside])
        inner = None if groups is None else np.asarray(groups)[aside]
        try:
            self.stack = RidgeLogistic.fit(said, cases[aside], seed=resources.seed, groups=inner)
        except InputError:
            # Too few to choose the ridge by: the strongest one is close to the plain mean.
            self.stack = RidgeLogistic._at(said, cases[aside], 1e-2)
        return self

    def logits(self, persons: Sequence[Person]) -> NDArray[np.float64]:
        """Logit of being a case, shape (persons,)."""
        if self.stack is None:
            raise InputError("this fusion has not been fitted", cure="call fit first")
        return self.stack.logits(self._columns(persons))

    def _columns(self, persons: Sequence[Person]) -> NDArray[np.float64]:
        columns = []
        for name, member in self.members.items():
            said = member.logits(persons)
            has = [name == "text" or any(a is not None and a.mask(name).any() for a in person) for person in persons]
            columns.append(np.where(has, said, np.nan))
        return np.stack(columns, axis=1)
