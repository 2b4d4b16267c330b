"""Settings chosen inside a training fold: trials on inner folds, the best of which is fitted on the whole fold.

The search is Optuna's (Akiba T et al. (2019) KDD, 2623-2631) with the tree-structured Parzen estimator (Bergstra J et
al. (2011) NeurIPS 24). Nesting it keeps the outer score honest (Varma S, Simon R (2006) BMC Bioinformatics 7:91).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from presage.cohort import Cohort, InputError
from presage.cohort.splits import GroupBy
from presage.study.inner import LOWER_IS_BETTER, Inner, seed_below
from presage.study.marker import Marker, Resources
from presage.study.plan import MarkerPlan
from presage.study.search_space import TunePlan, whole_numbers

if TYPE_CHECKING:
    import optuna

#: Finished trials that are waited for before one is pruned, and random ones before the sampler learns.
_BEFORE_PRUNING = 4
_RANDOM = 10


@dataclass(frozen=True)
class Trial:
    """One set of settings.

    Attributes
    ----------
    settings
        Of the settings searched.
    status
        ``complete``; ``pruned``: given up after some inner folds; ``failed``: the marker refused (`reason`).
    value
        Mean of the inner folds; None where not complete.
    folds
        Score of each inner fold that was done.
    """

    settings: dict[str, Any]
    status: Literal["complete", "pruned", "failed"]
    value: float | None
    folds: tuple[float, ...]
    reason: str = ""


@dataclass(frozen=True)
class Tuning:
    """What was tried within one training fold, and what was chosen; no patient is named.

    Attributes
    ----------
    score
        The inner score.
    folds, repeats
        Of the inner cross-validation.
    trials
        In order; the first is the marker as the study gives it.
    chosen
        Position of the best complete trial, the earliest of equal ones.
    """

    score: str
    folds: int
    repeats: int
    trials: tuple[Trial, ...]
    chosen: int

    @property
    def settings(self) -> dict[str, Any]:
        """The settings chosen."""
        return self.trials[self.chosen].settings

    def plain(self) -> dict[str, Any]:
        """As JSON, for the result of a task."""
        best = self.trials[self.chosen]
        chosen = {"trial": self.chosen, "settings": best.settings, "value": best.value}
        trials = [{**asdict(trial), "folds": list(trial.folds)} for trial in self.trials]
        return {"score": self.score, "folds": self.folds, "repeats": self.repeats, "trials": trials, "chosen": chosen}


def tuned(plan: MarkerPlan, cohort: Cohort, resources: Resources, group_by: GroupBy) -> tuple[Marker, Tuning | None]:
    """A fresh marker with the settings that the training patients choose; as the study gives it where none is tuned."""
    if plan.tune is None:
        return plan.build(), None
    found = tune(plan, cohort, resources, group_by)
    return plan.with_settings(found.settings).build(), found


def tune(plan: MarkerPlan, cohort: Cohort, resources: Resources, group_by: GroupBy = "patient") -> Tuning:
    """Choose settings of a marker on `cohort` alone; the same cohort, plan and seed give the same trials.

    Parameters
    ----------
    plan
        The marker with its ``tune``.
    cohort
        The training patients, with their outcome.
    resources
        Of the task. Finished inner folds are kept in its scratch folder, so that a killed task goes on; inner fits get
        seeds and scratch folders of their own.
    group_by
        Who is never on both sides of an inner fold.

    Raises
    ------
    InputError
        If no trial can be completed, the inner folds cannot be made, or a trial could not score every patient.
    """
    assert plan.tune is not None
    inner = Inner(plan, cohort, resources, group_by)
    search = _Search(plan, inner, resources.seed)
    for settings, asked in search.proposals():
        search.done(settings, asked)
    complete = [number for number, trial in enumerate(search.trials) if trial.value is not None]
    if not complete:
        raise InputError(
            f"none of {len(search.trials)} trials could be completed; the first failed: {search.trials[0].reason}",
            where="tune",
            cure="check the marker with its default settings, then the space",
        )
    sign = -1.0 if inner.score_name in LOWER_IS_BETTER else 1.0
    # max() keeps the first of equal ones.
    best = max(complete, key=lambda number: sign * (search.trials[number].value or 0.0))
    return Tuning(inner.score_name, plan.tune.folds, plan.tune.repeats, tuple(search.trials), best)


class _Search:
    """Trials in the order in which the sampler proposes them."""

    def __init__(self, plan: MarkerPlan, inner: Inner, seed: int) -> None:
        import optuna

        assert plan.tune is not None
        self._plan, self._tune, self._inner = plan, plan.tune, inner
        self._names = sorted(plan.tune.space)
        marker = plan.build()
        self._distributions = {name: _distribution(plan.tune, name, type(marker)) for name in self._names}
        given = marker.model_dump(mode="json")
        self._default = {name: given[name] for name in self._names}
        pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
        if plan.tune.prune == "median":
            pruner = optuna.pruners.MedianPruner(n_startup_trials=_BEFORE_PRUNING)
        elif plan.tune.prune == "halving":
            pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
        random = min(_RANDOM, max(3, plan.tune.trials // 3))
        with _quiet():
            self._study = optuna.create_study(
                direction="minimize" if inner.score_name in LOWER_IS_BETTER else "maximize",
                sampler=optuna.samplers.TPESampler(seed=seed_below(seed, "sampler"), n_startup_trials=random),
                pruner=pruner,
            )
        self.trials: list[Trial] = []
        self._seen: dict[str, Trial] = {}

    def proposals(self) -> Iterator[tuple[dict[str, Any], optuna.trial.Trial | None]]:
        """The default first; then every combination where they are few, else what the sampler proposes."""
        yield self._default, None
        choices = [self._tune.space[name].choice for name in self._names]
        listed = [range(len(choice)) for choice in choices if choice is not None]
        few = len(listed) == len(choices) and int(np.prod([len(r) for r in listed])) <= self._tune.trials
        if few:
            for numbers in product(*listed):
                places = dict(zip(self._names, numbers, strict=True))
                if self._settings(places) != self._default:
                    self._study.enqueue_trial(places)
                    yield self._asked()
            return
        for _ in range(self._tune.trials - 1):
            yield self._asked()

    def done(self, settings: dict[str, Any], asked: optuna.trial.Trial | None) -> None:
        """Do a trial, or take what the same settings gave before, and tell the sampler."""
        from optuna.trial import TrialState

        key = json.dumps(settings, sort_keys=True)
        trial = self._seen.get(key) or self._evaluated(settings, asked)
        self._seen[key] = trial
        self.trials.append(trial)
        if asked is None:
            self._tell_default(trial)
        elif trial.status == "complete":
            self._study.tell(asked, trial.value)
        else:
            # Failed ones too: the sampler forgets what it is told has failed, and would propose it for ever.
            self._study.tell(asked, state=TrialState.PRUNED)

    def _asked(self) -> tuple[dict[str, Any], optuna.trial.Trial]:
        asked = self._study.ask(self._distributions)
        return self._settings(asked.params), asked

    def _settings(self, places: dict[str, Any]) -> dict[str, Any]:
        """Settings from Optuna's parameters, in which a choice stands as its position."""
        settings = {}
        for name in self._names:
            choice = self._tune.space[name].choice
            settings[name] = places[name] if choice is None else choice[places[name]]
        return settings

    def _evaluated(self, settings: dict[str, Any], asked: optuna.trial.Trial | None) -> Trial:
        scores: list[float] = []
        for number in range(self._inner.n_folds):
            found = self._inner.score(settings, number)
            if isinstance(found, str):
                return Trial(settings, "failed", None, tuple(scores), found)
            scores.append(found)
            if asked is not None and number + 1 < self._inner.n_folds:
                asked.report(float(np.mean(scores)), number + 1)
                if asked.should_prune():
                    return Trial(settings, "pruned", None, tuple(scores))
        return Trial(settings, "complete", float(np.mean(scores)), tuple(scores))

    def _tell_default(self, trial: Trial) -> None:
        """The sampler learns from the default where it lies in the space."""
        from optuna.trial import create_trial

        places = {name: self._tune.space[name].place_of(value) for name, value in trial.settings.items()}
        if trial.value is None or None in places.values():
            return
        steps = {n: float(np.mean(trial.folds[:n])) for n in range(1, len(trial.folds))}
        self._study.add_trial(
            create_trial(params=places, distributions=self._distributions, value=trial.value, intermediate_values=steps)
        )


def _distribution(tune: TunePlan, name: str, kind: type[Marker]) -> optuna.distributions.BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    values = tune.space[name]
    if values.choice is not None:
        return CategoricalDistribution(range(len(values.choice)))
    low, high = values.ends()
    if whole_numbers(kind, name, values):
        return IntDistribution(int(low), int(high), values.log, int(values.step or 1))
    return FloatDistribution(float(low), float(high), values.log, values.step)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's line on every study: a task has nobody to tell it to."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
