from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from study_running import study_of

from presage.cohort import Cohort, InputError, Outcome
from presage.study import EncoderCache, Resources
from presage.study.names import marker_class
from presage.study.runfolder import seed_of
from presage.study.saved import fit_and_save, load_marker, read_card, score_cohort

Make = Callable[..., Path]


def test_a_saved_marker_scores_as_the_fitted_one(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    study = study_of(folder, {"marker": "learner", "name": "Ridge", "penalty": 3.0})
    saved = Path(fit_and_save(study, "Ridge", tmp_path / "model"))
    assert saved == tmp_path / "model"
    cohort = Cohort.read(str(folder)).with_outcome(Outcome("cancer"))
    fitted = marker_class("learner")(penalty=3.0)
    fitted.fit(cohort, Resources(cache=EncoderCache(), seed=seed_of(11, "Ridge", -1, -1)))
    table = score_cohort(saved, Cohort.read(str(folder)))
    assert list(table.columns) == ["patient_id", "score", "excluded"]
    assert tuple(table["patient_id"]) == cohort.patient_ids
    np.testing.assert_array_equal(table["score"], fitted.score(cohort.blinded()))
    assert set(table["excluded"]) == {""}
    assert load_marker(saved).penalty == 3.0  # type: ignore[attr-defined]


def test_the_card_says_what_it_is_and_names_nobody(make_cohort: Make, tmp_path: Path) -> None:
    saved = Path(fit_and_save(study_of(make_cohort()), "Learner", tmp_path / "model"))
    card = read_card(saved)
    assert card["phantom"] is True
    assert card["fitted_on"] == {"cohort": "Slides", "n_patients": 40, "n_cases": 20}
    assert card["marker"] == "learner"
    assert card["software"]["labpack"] == "1.2"
    assert sorted(p.name for p in saved.iterdir()) == ["marker.json", "state.safetensors"]
    for path in saved.iterdir():
        assert b"id-0" not in path.read_bytes()
        assert str(tmp_path).encode() not in path.read_bytes()


def test_outcomes_are_not_needed_and_the_unusable_are_listed(make_cohort: Make, tmp_path: Path) -> None:
    saved = Path(fit_and_save(study_of(make_cohort()), "Learner", tmp_path / "model"))
    new = make_cohort(8, name="new")
    (new / "patients.csv").write_text("patient_id\n" + "".join(f"id-{i:03d}\n" for i in range(8)))
    (new / "cohort.yaml").unlink()
    (new / "slides" / "003L.bin").write_bytes(b"blank, 3")
    (new / "slides" / "005L.bin").unlink()
    table = score_cohort(saved, Cohort.read(str(new))).set_index("patient_id")
    assert len(table) == 8
    assert table.loc[["id-003", "id-005"], "excluded"].tolist() == ["no usable recording left"] * 2
    assert table["score"].isna().sum() == 2
    assert table.attrs["card"]["name"] == "Learner"


def test_what_cannot_be_saved_or_loaded_says_why(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort())
    with pytest.raises(InputError, match="no marker called 'Lerner'\nits markers are 'Level', 'Learner'"):
        fit_and_save(study, "Lerner", tmp_path / "model")
    with pytest.raises(InputError, match=r"Level cannot be saved\nimplement state\(\)"):
        fit_and_save(study, "Level", tmp_path / "model")
    with pytest.raises(InputError, match="this folder holds no saved marker"):
        load_marker(tmp_path / "nowhere")
    saved = Path(fit_and_save(study, "Learner", tmp_path / "model"))
    arrays, card = (saved / "state.safetensors").read_bytes(), (saved / "marker.json").read_text()
    (saved / "state.safetensors").write_bytes(arrays[:-3])
    with pytest.raises(InputError, match="the saved arrays do not fit the marker"):
        load_marker(saved)
    (saved / "state.safetensors").write_bytes(arrays)
    (saved / "marker.json").write_text(card.replace('"penalty"', '"punishment"'))
    with pytest.raises(InputError, match="the saved settings do not fit the marker"):
        load_marker(saved)
    (saved / "marker.json").write_text(json.dumps({"schema": "other"}))
    with pytest.raises(InputError, match="not a saved marker of the form presage-marker/1"):
        load_marker(saved)
    (saved / "marker.json").write_text("{")
    with pytest.raises(InputError, match="this is not a saved marker"):
        load_marker(saved)
