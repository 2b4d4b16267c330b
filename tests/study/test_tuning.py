from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pydantic import model_validator

from presage.cohort import Cohort, InputError, Outcome
from presage.stats import auc
from presage.stats.calibration import log_loss
from presage.stats.concordance import harrell_c
from presage.study import Marker, Resources
from presage.study.folder import folder_at
from presage.study.inner import Inner, judged
from presage.study.plan import MarkerPlan
from presage.study.tuning import tune, tuned

HERE = "test_tuning"


class Ridge(Marker):
    """Ridge regression on two numbers: the signal is their difference, which a large penalty does not find."""

    gives_probability: ClassVar[bool] = True
    penalty: float = 1e7
    terms: int = 2
    mood: Literal["fine", "refuses", "flat"] = "fine"
    pair: bool = True
    least: float = -1e9

    _weights: NDArray[np.float64]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.terms == 1 and not self.pair:
            raise ValueError("one term is no pair")
        return self

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        if self.mood == "refuses":
            raise InputError(f"patient {cohort.patient_ids[0]} is too much", where=cohort.patient_ids[1])
        values, target = _values(cohort)[:, : self.terms], cohort.cases() - 0.5
        seed = resources.seed if resources else 0
        values = values + 1e-3 * np.random.default_rng(seed).normal(size=values.shape)
        self._weights = np.linalg.solve(values.T @ values + self.penalty * np.eye(self.terms), values.T @ target)
        if resources is not None and resources.scratch is not None:
            resources.scratch.write_text("weights.json", "{}")
            resources.note("a note of this fit")
        return self

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        return _values(cohort)[:, 0] >= self.least

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        if self.mood == "flat":
            return np.zeros(len(cohort))
        linear = _values(cohort)[:, : self.terms] @ self._weights
        return 1 / (1 + np.exp(-linear / max(np.abs(self._weights).max(), 1e-12)))


class Cheat(Ridge):
    """Notes every patient id and every outcome that it can reach from what it is given, whenever it is called."""

    log: str

    def fit(self, cohort: Cohort, resources: Resources | None = None) -> Self:
        self._note("fit", cohort, resources)
        return super().fit(cohort, resources)

    def score(self, cohort: Cohort, resources: Resources | None = None) -> NDArray[np.float64]:
        self._note("score", cohort, resources)
        return super().score(cohort, resources)

    def usable(self, cohort: Cohort) -> NDArray[np.bool_]:
        self._note("usable", cohort, None)
        return super().usable(cohort)

    def _note(self, step: str, cohort: Cohort, resources: Resources | None) -> None:
        ids, outcomes = set(), set()
        for thing in _reachable([self, cohort, resources]):
            found_ids, found_outcomes = _telling(thing)
            ids |= found_ids
            outcomes |= found_outcomes
        seen = {"step": step, "given": list(cohort.patient_ids), "ids": sorted(ids), "outcomes": sorted(outcomes)}
        with open(self.log, "a") as file:
            file.write(json.dumps(seen) + "\n")


def _reachable(start: list[Any]) -> Iterator[Any]:
    """Everything that attributes, items, weak references and memory views lead to; code and modules are no way."""
    import types
    import weakref

    waiting, seen, kept = list(start), set(), []
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type | types.ModuleType | types.FunctionType | types.CodeType):
            continue
        seen.add(id(thing))
        kept.append(thing)  # or its id would be given to another
        yield thing
        if isinstance(thing, str | bytes | int | float | np.generic):
            continue
        waiting += [ref for ref in gc.get_referents(thing) if not isinstance(ref, types.FrameType)]
        if isinstance(thing, weakref.ref):
            waiting.append(thing())
        for name in ("base", "_is_copy", "values", "_mgr", "__dict__", "__pydantic_private__"):
            try:
                waiting.append(getattr(thing, name))
            except Exception:
                continue


def _telling(thing: Any) -> tuple[set[str], set[float]]:
    """Patient ids, and values of the outcome (which no other column holds), in one object."""
    if isinstance(thing, str):
        return ({thing} if thing.startswith("id-") else set()), set()
    if isinstance(thing, np.ndarray):
        if thing.dtype.kind == "f":
            # Whole numbers alone: the machine's clock counts its seconds through the same range.
            return set(), set(thing[(thing > 9000) & (thing < 9999) & (thing == np.rint(thing))].tolist())
        if thing.dtype.kind == "O":
            texts = {item for item in thing.ravel().tolist() if isinstance(item, str) and item.startswith("id-")}
            return texts, set()
    if isinstance(thing, float) and 9000 < thing < 9999 and thing.is_integer():
        return set(), {thing}
    return set(), set()


def _values(cohort: Cohort) -> NDArray[np.float64]:
    return cohort.patients[["x1", "x2"]].to_numpy(float)


def table(n: int = 60, *, noise: float = 0.8) -> pd.DataFrame:
    generator = np.random.default_rng(3)
    case = np.arange(n) % 2
    shared = generator.normal(scale=6.0, size=n)
    patients = pd.DataFrame(
        {
            "x1": shared + case + noise * generator.normal(size=n),
            "x2": shared,
            "cancer": case,
            "points": np.round(10 * case + generator.normal(size=n), 3),
            "time": np.round(np.exp(1.0 - case + 0.1 * generator.normal(size=n)), 4),
            "match_set": [f"s{i // 4}" for i in range(n)],
        },
        index=pd.Index([f"id-{i:03d}" for i in range(n)], name="patient_id"),
    )
    return patients


def cohort_of(patients: pd.DataFrame, outcome: Outcome | None = None) -> Cohort:
    recordings = pd.DataFrame({name: pd.Series(dtype=object) for name in ("patient_id", "visit", "kind", "path")})
    hidden = ("cancer", "points", "time")
    return Cohort(patients, recordings, outcome_columns=hidden).with_outcome(outcome or Outcome("cancer"))


def plan_of(*, kind: str = "Ridge", settings: dict[str, Any] | None = None, **changes: Any) -> MarkerPlan:
    told: dict[str, Any] = {"trials": 8, "folds": 3, "space": {"penalty": {"low": 1e-3, "high": 1e8, "log": True}}}
    return MarkerPlan.model_validate(
        {"marker": f"{HERE}:{kind}", "name": "Ridge", "tune": {**told, **changes}, **(settings or {})}
    )


def test_the_default_is_tried_first_and_the_best_complete_trial_is_chosen() -> None:
    cohort = cohort_of(table())
    found = tune(plan_of(), cohort, Resources(seed=7))
    assert len(found.trials) == 8
    assert found.trials[0].settings == {"penalty": 1e7}
    assert found.trials[0].status == "complete"
    values = [trial.value for trial in found.trials if trial.value is not None]
    assert found.trials[found.chosen].value == max(values)
    assert found.chosen > 0
    assert all(1e-3 <= trial.settings["penalty"] <= 1e8 for trial in found.trials)
    assert json.loads(json.dumps(found.plain(), allow_nan=False))["chosen"]["settings"] == found.settings
    marker, again = tuned(plan_of(), cohort, Resources(seed=7), "patient")
    assert again == found
    assert marker.model_dump()["penalty"] == found.settings["penalty"]
    assert tune(plan_of(), cohort, Resources(seed=8)) != found
    assert tuned(MarkerPlan(marker=f"{HERE}:Ridge"), cohort, Resources(), "patient")[1] is None


def test_equal_scores_go_to_the_earlier_trial_and_equal_settings_are_fitted_once() -> None:
    space = {"pair": {"choice": [True, False]}, "mood": {"choice": ["fine", "refuses"]}}
    found = tune(plan_of(space=space, trials=4), cohort_of(table()), Resources(seed=1))
    assert [trial.settings for trial in found.trials[:1]] == [{"mood": "fine", "pair": True}]
    assert (
        len({json.dumps(trial.settings) for trial in found.trials}) == len(found.trials) == 4
    )  # a list is gone through
    assert found.trials[0].value == next(t.value for t in found.trials if t.settings == {"mood": "fine", "pair": False})
    assert found.chosen == 0


def test_a_trial_that_fails_is_counted_with_its_reason_and_without_a_patient() -> None:
    cohort = cohort_of(table())
    space = {"mood": {"choice": ["fine", "refuses", "flat"]}}
    found = tune(plan_of(space=space, trials=3), cohort, Resources(seed=1))
    by_mood = {trial.settings["mood"]: trial for trial in found.trials}
    assert by_mood["refuses"].status == by_mood["flat"].status == "failed"
    assert by_mood["refuses"].reason == "patient … is too much"
    assert "same" in by_mood["flat"].reason or "constant" in by_mood["flat"].reason
    assert "id-" not in json.dumps(found.plain())
    # The sampler learns from what failed: it does not go on proposing it.
    space |= {"penalty": {"low": 1e-3, "high": 1e8, "log": True}}
    states = [trial.status for trial in tune(plan_of(space=space, trials=40), cohort, Resources(seed=1)).trials]
    assert states[20:].count("failed") < 8
    together = {"terms": {"low": 1, "high": 2}, "pair": {"choice": [True, False]}}
    found = tune(plan_of(space=together, trials=12), cohort, Resources(seed=1))
    refused = [trial for trial in found.trials if trial.settings == {"pair": False, "terms": 1}]
    assert refused
    assert {trial.reason for trial in refused} == {"one term is no pair"}
    with pytest.raises(InputError, match=r"none of 2 trials could be completed; the first failed: patient … is too"):
        tune(plan_of(trials=2, settings={"mood": "refuses"}), cohort, Resources())
    with pytest.raises(InputError, match=r"the inner folds of a training fold cannot be made: 31 folds need at least"):
        tune(plan_of(folds=31), cohort, Resources())


def test_pruning_gives_up_the_hopeless_and_changes_no_number_of_the_winner() -> None:
    cohort = cohort_of(table(90))
    told = {"trials": 24, "folds": 4, "space": {"penalty": {"low": 1e-3, "high": 1e9, "log": True}}}
    for way in ("median", "halving"):
        plan = plan_of(prune=way, settings={"penalty": 1.0}, **told)
        pruned = tune(plan, cohort, Resources(seed=5))
        given_up = [trial for trial in pruned.trials if trial.status == "pruned"]
        assert given_up, way
        assert all(len(trial.folds) < 4 and trial.value is None for trial in given_up)
        whole = Inner(plan, cohort, Resources(seed=5), "patient")
        best = pruned.trials[pruned.chosen]
        assert list(best.folds) == [whole.score(best.settings, number) for number in range(4)]
        assert best.value == pytest.approx(np.mean(best.folds))
        # What was given up would not have been better than what was chosen.
        full = [np.mean([whole.score(trial.settings, number) for number in range(4)]) for trial in given_up]
        assert max(full) <= best.value
    unpruned = tune(plan_of(prune=False, settings={"penalty": 1.0}, **told), cohort, Resources(seed=5))
    assert {trial.status for trial in unpruned.trials} == {"complete"}


def test_a_setting_that_decides_who_can_be_scored_stops_the_task() -> None:
    plan = plan_of(space={"least": {"low": 0.0, "high": 1.0}}, trials=2)
    with pytest.raises(InputError, match=r"with least = .* cannot score \d+ of 60 training patients"):
        tune(plan, cohort_of(table()), Resources())


def test_a_default_outside_the_space_is_tried_all_the_same() -> None:
    space = {"penalty": {"low": 1.0, "high": 10.0}, "terms": {"choice": [1, 2]}}
    found = tune(plan_of(space=space, trials=5), cohort_of(table()), Resources(seed=1))
    assert found.trials[0].settings == {"penalty": 1e7, "terms": 2}
    assert all(1 <= trial.settings["penalty"] <= 10 for trial in found.trials[1:])


class _Killed(BaseException):
    pass


def test_a_killed_search_goes_on_and_ends_with_the_same_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort, plan = cohort_of(table()), plan_of(trials=7)
    whole = tune(plan, cohort, Resources(seed=2))
    scratch = folder_at(tmp_path / "scratch")
    resources = Resources(seed=2, scratch=scratch)
    real, fits = Ridge.fit, []

    def dying(self: Ridge, cohort: Cohort, given: Resources | None = None) -> Ridge:
        fits.append(given.seed if given else 0)
        if len(fits) in (3, 8, 20):
            raise _Killed
        return real(self, cohort, given)

    monkeypatch.setattr(Ridge, "fit", dying)
    for _ in range(3):
        with pytest.raises(_Killed):
            tune(plan, cohort, resources)
    resumed = tune(plan, cohort, resources)
    assert json.dumps(resumed.plain()) == json.dumps(whole.plain())
    needed = sum(len(trial.folds) for trial in whole.trials)
    assert len(fits) == needed + 3
    assert b"id-" not in scratch.read("tuning.json")
    # Nothing is left of the inner fits, and nothing of another cohort is taken for this one's.
    assert set(scratch.sizes()) == {"tuning.json"}
    fits.extend([0] * 100)
    other = tune(
        plan, cohort_of(table().assign(cancer=lambda t: t["cancer"].sample(frac=1, random_state=1).values)), resources
    )
    assert other.trials != whole.trials
    scratch.write("tuning.json", b"{ half")
    assert tune(plan, cohort, resources) == whole


def test_inner_fits_share_nothing_with_the_task(tmp_path: Path) -> None:
    resources = Resources(seed=4, scratch=folder_at(tmp_path))
    resources.scratch.write_text("weights.json", "the outer fit's own")  # type: ignore[union-attr]
    tune(plan_of(trials=3), cohort_of(table()), resources)
    assert resources.notes == []
    assert resources.curves == []
    assert (tmp_path / "weights.json").read_text() == "the outer fit's own"


def test_a_marker_that_looks_everywhere_sees_its_inner_fold_alone(tmp_path: Path) -> None:
    # Outcomes that no other number equals, so that one can be told wherever it turns up.
    patients = table().assign(points=lambda t: 9001 + np.arange(len(t)) + 200.0 * t["cancer"])
    cohort = cohort_of(patients, Outcome("points", "scale", cutoff=9150))
    outer = cohort.patient_ids[::4]
    train = cohort.select(set(cohort.patient_ids) - set(outer))
    log = tmp_path / "seen.jsonl"
    plan = plan_of(kind="Cheat", trials=3, settings={"log": str(log)})
    tune(plan, train, Resources(seed=1, scratch=folder_at(tmp_path / "scratch")))
    seen = [json.loads(line) for line in log.read_text().splitlines()]
    points = dict(zip(cohort.patient_ids, cohort.targets().tolist(), strict=True))
    assert {entry["step"] for entry in seen} == {"usable", "fit", "score"}
    for entry in seen:
        assert set(entry["ids"]) == set(entry["given"]), entry["step"]
        assert set(entry["given"]) <= set(train.patient_ids)
        if entry["step"] == "usable":
            assert entry["outcomes"] == []
        if entry["step"] == "fit":
            assert set(entry["outcomes"]) == {points[pid] for pid in entry["given"]}
            assert len(entry["given"]) < len(train)
    scored = [entry for entry in seen if entry["step"] == "score"]
    fitted = [entry for entry in seen if entry["step"] == "fit"]
    for fit, score in zip(fitted, scored, strict=True):
        assert not set(fit["given"]) & set(score["given"])
        assert score["outcomes"] == []


@pytest.mark.parametrize("group_by", ["patient", "match_set"])
def test_inner_folds_are_stratified_and_keep_groups_together(group_by: Any) -> None:
    cohort = cohort_of(table())
    inner = Inner(plan_of(repeats=2), cohort, Resources(seed=1), group_by)
    assert inner.n_folds == 6
    cases = dict(zip(cohort.patient_ids, cohort.cases(), strict=True))
    groups = cohort.patients[group_by] if group_by != "patient" else pd.Series(cohort.patient_ids, cohort.patient_ids)
    for fold in inner._folds:
        assert 0.3 < np.mean([cases[pid] for pid in fold.test]) < 0.7
        assert not set(groups[list(fold.train)]) & set(groups[list(fold.test)])
    assert {fold.test for fold in inner._folds[:3]} != {fold.test for fold in inner._folds[3:]}


def test_inner_scores_are_those_of_the_statistics() -> None:
    generator = np.random.default_rng(0)
    scores = generator.uniform(0.1, 0.9, size=60)
    binary = cohort_of(table())
    assert judged("auc", binary, scores) == auc(binary.cases(), scores)
    cases = binary.cases()
    assert judged("brier", binary, scores) == pytest.approx(np.mean((scores - cases) ** 2))
    assert judged("log-loss", binary, scores) == pytest.approx(-np.mean(np.log(np.where(cases, scores, 1 - scores))))
    assert log_loss([0, 1], [0.0, 0.0]) == pytest.approx(-np.log(1e-6) / 2, rel=1e-5)
    scale = cohort_of(table(), Outcome("points", "scale", cutoff=5))
    assert judged("mae", scale, scores) == pytest.approx(np.abs(scale.targets() - scores).mean())
    timed = cohort_of(table(), Outcome("time", "time-to-event", event="cancer"))
    told = timed.targets()
    assert judged("concordance", timed, scores) == harrell_c(told["event"], told["time"], scores).estimate.value


def test_less_is_better_where_it_is_and_every_kind_of_outcome_is_tuned() -> None:
    found = tune(plan_of(score="log-loss", prune=False), cohort_of(table()), Resources(seed=3))
    assert found.trials[found.chosen].value == min(trial.value for trial in found.trials if trial.value is not None)
    timed = cohort_of(table(), Outcome("time", "time-to-event", event="cancer"))
    assert tune(plan_of(trials=3), timed, Resources(seed=3)).score == "concordance"
    scale = cohort_of(table(), Outcome("points", "scale", cutoff=5))
    assert tune(plan_of(trials=3, score="mae"), scale, Resources(seed=3)).score == "mae"
