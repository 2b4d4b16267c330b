"""The inner folds of a tuned task: how well settings do within one training fold, each fold fitted once."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from presage.cohort import Cohort, InputError
from presage.cohort.splits import Fold, GroupBy, make_splits
from presage.stats import StatsError, auc
from presage.stats.agreement import mean_absolute_error
from presage.stats.calibration import brier, log_loss
from presage.stats.concordance import harrell_c
from presage.study.files import DISK_FULL
from presage.study.folder import Folder
from presage.study.marker import Marker, Resources
from presage.study.plan import MarkerPlan
from presage.study.scored import checked_scores
from presage.study.search_space import Score

#: Scores of which less is better.
LOWER_IS_BETTER = ("brier", "log-loss", "mae")
_KEPT = "tuning.json"


class Inner:
    """Scores of settings on inner folds of a training cohort.

    What is done is kept in the task's scratch folder, fold by fold, so that a killed task does not fit it again. Seeds
    depend on the fold and not on the trial: settings are compared on the same folds with the same random numbers.

    Parameters
    ----------
    plan
        The marker with its ``tune``.
    cohort
        The training patients of the outer fold.
    resources
        Of the task.
    group_by
        Who is never on both sides of an inner fold.

    Attributes
    ----------
    score_name
        What is computed.
    n_folds
        Inner folds of all repeats.

    Raises
    ------
    InputError
        If the patients cannot be divided so.
    """

    def __init__(self, plan: MarkerPlan, cohort: Cohort, resources: Resources, group_by: GroupBy) -> None:
        assert plan.tune is not None
        assert cohort.outcome is not None
        self._plan, self._cohort, self._blind, self._resources = plan, cohort, cohort.blinded(), resources
        self.score_name: Score = plan.tune.scored_by(cohort.outcome.kind)
        self._folds = _folds(plan, cohort, resources.seed, group_by)
        self.n_folds = len(self._folds)
        self._digest = _digest(plan, cohort, resources.seed, self._folds)
        self._done: dict[str, list[float | str]] = _kept(resources.scratch, self._digest)

    def score(self, settings: dict[str, Any], number: int) -> float | str:
        """The score of one inner fold, or why there is none (in words that name no patient).

        Raises
        ------
        InputError
            If the settings change which patients the marker can score, or the disk is full.
        """
        done = self._done.setdefault(json.dumps(settings, sort_keys=True), [])
        if number >= len(done):
            done.append(self._fitted(settings, number))
            _keep(self._resources.scratch, self._digest, self._done)
        return done[number]

    def _fitted(self, settings: dict[str, Any], number: int) -> float | str:
        fold = self._folds[number]
        try:
            marker = self._plan.with_settings(settings).build()
        except ValidationError as error:
            return self._nameless(error.errors()[0]["msg"].removeprefix("Value error, "))
        self._refuse_lacking(marker, settings)
        name = f"tune-{hashlib.sha256(json.dumps([settings, number], sort_keys=True).encode()).hexdigest()[:12]}"
        scratch = self._resources.scratch
        resources = replace(
            self._resources,
            seed=seed_below(self._resources.seed, "fit", fold.repeat, fold.fold),
            scratch=None if scratch is None else scratch.child(name),
            curves=[],
            notes=[],
        )
        try:
            return self._judged(marker, fold, resources)
        except InputError as error:
            if error.what == DISK_FULL:
                raise
            return self._nameless(error.what)
        except StatsError as error:
            return self._nameless(str(error))
        finally:
            if scratch is not None:
                scratch.remove_tree(name)

    def _judged(self, marker: Marker, fold: Fold, resources: Resources) -> float:
        marker.fit(self._cohort.select(fold.train), resources)
        tested = self._cohort.select(fold.test)
        blind = tested.blinded()
        scores = checked_scores(marker.score(blind, resources), blind, "tune")
        return judged(self.score_name, tested, scores)

    def _refuse_lacking(self, marker: Marker, settings: dict[str, Any]) -> None:
        usable = np.asarray(marker.usable(self._blind), dtype=bool)
        if not usable.all():
            told = ", ".join(f"{name} = {value}" for name, value in settings.items())
            raise InputError(
                f"with {told} the marker cannot score {int((~usable).sum())} of {len(usable)} training patients; "
                "trials are compared on the same patients",
                where="tune, space",
                cure="list the values of the setting that decides what is read ({choice: [...]}): patients who lack "
                "something for one of them are then left out of the study, and counted",
            )

    def _nameless(self, text: str) -> str:
        """`text` without patients and files: it is kept with the trials."""
        known = {*self._cohort.patient_ids, *self._cohort.recordings["path"].astype(str)}
        pattern = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", "…", text) if known else text


def judged(name: Score, cohort: Cohort, scores: NDArray[np.float64]) -> float:
    """One inner score of `scores`, shape (n,), of the patients of `cohort`; see :mod:`presage.stats`.

    Raises
    ------
    StatsError
        Where it cannot be computed: a score that is the same for everyone, no pair to compare.
    """
    if name == "auc":
        return auc(cohort.cases(), scores)
    if name == "brier":
        return brier(cohort.cases(), scores).score.value
    if name == "log-loss":
        return log_loss(cohort.cases(), scores)
    truth = cohort.targets()
    if name == "mae":
        return mean_absolute_error(truth, scores).value
    return harrell_c(truth["event"], truth["time"], scores).estimate.value


def seed_below(seed: int, *parts: str | int) -> int:
    """A seed below 2**32 that follows from the task's own; another one for other parts."""
    text = json.dumps([seed, "tune", *parts])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _folds(plan: MarkerPlan, cohort: Cohort, seed: int, group_by: GroupBy) -> list[Fold]:
    assert plan.tune is not None
    try:
        splits = make_splits(
            cohort,
            folds=plan.tune.folds,
            repeats=plan.tune.repeats,
            seed=seed_below(seed, "splits"),
            group_by=group_by,
        )
    except InputError as error:
        what = f"the inner folds of a training fold cannot be made: {error.what}"
        raise InputError(what, where="tune, folds", cure=error.cure) from error
    return list(splits)


def _digest(plan: MarkerPlan, cohort: Cohort, seed: int, folds: list[Fold]) -> str:
    """Of all that inner scores depend on, so that nothing is taken from another task or an earlier study."""
    parts = [plan.model_dump(mode="json"), seed, [[fold.train, fold.test] for fold in folds]]
    outcomes = cohort.targets().tolist()
    return hashlib.sha256(json.dumps([parts, outcomes], sort_keys=True).encode()).hexdigest()


def _kept(scratch: Folder | None, digest: str) -> dict[str, list[float | str]]:
    """What an earlier start of the task has done; nothing where it was another task or the file is damaged."""
    if scratch is None:
        return {}
    try:
        kept = json.loads(scratch.read(_KEPT))
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict) or kept.get("digest") != digest:
        return {}
    return dict(kept["done"])


def _keep(scratch: Folder | None, digest: str, done: dict[str, list[float | str]]) -> None:
    if scratch is not None:
        scratch.write_text(_KEPT, json.dumps({"digest": digest, "done": done}, allow_nan=False))
