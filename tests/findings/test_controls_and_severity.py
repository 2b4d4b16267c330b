from __future__ import annotations

import numpy as np
import pytest

from presage.findings.comparison import comparison
from presage.findings.severity import severity
from presage.findings.table import ScoreTable


def _table(control: float, marker: float, *, controls: tuple[str, ...] = ("prompts",), seed: int = 3) -> ScoreTable:
    generator = np.random.default_rng(seed)
    n = 200
    scale = generator.normal(20, 6, n).round()
    signal = (scale - scale.mean()) / scale.std()
    scores = {
        "form": (0.3 * signal + generator.normal(size=n))[None],
        "voice": (marker * signal + generator.normal(size=n))[None],
        "prompts": (control * signal + generator.normal(size=n))[None],
    }
    return ScoreTable(
        patient=np.array([f"P{k}" for k in range(n)]),
        outcome=scale,
        scores=scores,
        standard="form",
        folds=(np.arange(n) % 5)[None],
        outcome_kind="scale",
        cutoff=22.0,
        outcome_title="HAM-D",
        controls=controls,
    )


def test_a_control_that_does_as_well_as_a_marker_is_warned_of_in_the_answer():
    section = comparison(_table(control=1.5, marker=0.2), {})
    assert [warning["name"] for warning in section["controls"]] == ["prompts"]
    assert [marker["name"] for marker in section["controls"][0]["markers"]] == ["voice"]
    assert "WARNING: the control prompts" in section["sentence"]


def test_a_control_at_chance_raises_no_warning_and_is_no_candidate():
    section = comparison(_table(control=0.0, marker=2.0), {})
    assert section["controls"] == []
    assert "WARNING" not in section["sentence"]
    assert section["adjustment"] == "none: one marker"
    by_name = {row["name"]: row for row in section["markers"]}
    assert by_name["voice"]["p_adjusted"] == by_name["voice"]["p"]


def test_a_control_that_beats_the_standard_is_no_winner():
    section = comparison(_table(control=3.0, marker=0.3), {})
    assert section["null_result"]
    alone = comparison(_table(control=3.0, marker=0.3, controls=()), {})
    assert not alone["null_result"]
    assert alone["controls"] == []


def test_severity_of_a_good_score_is_nearer_than_the_mean_and_of_noise_is_not():
    section = severity(_table(control=0.0, marker=3.0), {"replicates": 200})
    by_name = {entry["name"]: entry for entry in section["scores"]}
    nothing = section["reference"]["mean_absolute_error"]["value"]
    voice, noise = by_name["voice"], by_name["prompts"]
    assert voice["mean_absolute_error"]["high"] < nothing < noise["mean_absolute_error"]["high"]
    assert voice["concordance"]["low"] > 0.5
    assert voice["f1"]["low"] > section["reference"]["f1"]["value"]
    for key in ("mean_absolute_error", "root_mean_square_error", "f1"):
        assert voice[key]["low"] <= voice[key]["value"] <= voice[key]["high"]


def test_severity_does_not_look_at_the_fold_it_judges():
    """Outcomes of a fold, changed at random, must leave the points that its people get as they were."""
    from presage.findings.severity import _called, _points

    table = _table(control=0.0, marker=1.0)
    truth, score, folds = np.asarray(table.outcome, float), table.comparable("voice")[0], table.folds[0]
    other = truth.copy()
    other[folds == 2] = np.random.default_rng(1).permutation(other[folds == 2]) + 5
    inside = folds == 2
    assert _points(truth, score, folds)[inside] == pytest.approx(_points(other, score, folds)[inside], abs=0)
    assert (_called(truth >= 22, score, folds)[inside] == _called(other >= 22, score, folds)[inside]).all()


def test_severity_is_of_scales_alone():
    table = _table(control=0.0, marker=1.0)
    binary = ScoreTable(table.patient, (table.outcome >= 22).astype(int), table.scores, "form", table.folds)
    assert severity(binary, {}) is None
