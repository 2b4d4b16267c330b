from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from study_running import run, study_of

from presage.cohort import InputError
from presage.findings import Findings
from presage.report import render
from presage.study.halving import MOST, with_smaller_batches

Make = Callable[..., Path]

NOTE = "batches were halved 3 times: the card's memory was too small"


def hungry(most: int) -> dict[str, object]:
    return {"marker": "labpack:Hungry", "name": "Hungry", "batch": 32, "most": most}


def test_batches_are_halved_until_they_fit_and_the_findings_say_so(make_cohort: Make, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    study = study_of(make_cohort(), hungry(4), validation={"folds": 2})
    noted = json.loads(run(study, tmp_path / "run"))
    assert [marker.get("notes") for marker in noted["markers"]] == [None, [NOTE]]
    page = render(Findings.read(tmp_path / "run"), tmp_path / "run").read_text(encoding="utf-8")
    assert f"Hungry: {NOTE}." in page.replace("&#39;", "'")
    # With room for whole batches nothing is said, and the scores are the same.
    calm = json.loads(run(study_of(tmp_path / "cohort", hungry(32), validation={"folds": 2}), tmp_path / "calm"))
    assert not any("notes" in marker for marker in calm["markers"])
    assert calm["scores"] == noted["scores"]


def test_a_card_that_is_too_small_for_anything_is_said_in_words(make_cohort: Make, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    with pytest.raises(InputError, match="memory is too small, even for batches divided by 64") as raised:
        run(study_of(make_cohort(), hungry(0), validation={"folds": 2}), tmp_path / "run")
    assert raised.value.where == "marker 'Hungry', repeat 0, fold 0"
    assert "place: {gpus: 1}" in raised.value.cure


def test_other_errors_pass_and_the_divisor_doubles() -> None:
    torch = pytest.importorskip("torch")
    seen: list[int] = []

    def do(divisor: int) -> dict[str, int]:
        seen.append(divisor)
        try:
            raise torch.OutOfMemoryError("CUDA out of memory")
        except torch.OutOfMemoryError as error:
            # As a marker may pass it on.
            raise ValueError("the trunk failed") from error

    with pytest.raises(InputError):
        with_smaller_batches(do)
    assert seen == [1, 2, 4, 8, 16, 32, 64]
    assert seen[-1] == MOST
    with pytest.raises(ZeroDivisionError):
        with_smaller_batches(lambda divisor: {"x": divisor // 0})
