"""GoogLeNet-LDA: scores, exact explanations, saving, patients who lack a view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from presage.breast import GoogLeNetLDA
from presage.breast.lda import fit_discriminant
from presage.cohort import Cohort, InputError
from presage.study.marker import Resources

SMALL: dict[str, Any] = {"size": (128, 96), "spacing_mm": 1.6}


@pytest.fixture(scope="module")
def fitted(cohort: Cohort) -> GoogLeNetLDA:
    return GoogLeNetLDA(**SMALL).fit(cohort.select(cohort.patient_ids[:8]))


def test_texture_is_found_in_women_never_seen(fitted: GoogLeNetLDA, cohort: Cohort) -> None:
    others = cohort.select(cohort.patient_ids[8:])
    scores = fitted.score(others.blinded())
    assert scores.shape == (4,)
    assert scores[others.cases()].min() > scores[~others.cases()].max()


def test_the_score_is_the_discriminant_of_both_views_side_by_side(fitted: GoogLeNetLDA, cohort: Cohort) -> None:
    encoder = fitted.encoders()[0]
    by_view = {
        view: np.stack([encoder.encode(r)["features"] for r in cohort.iter_recordings() if r["view"] == view])
        for view in ("CC", "MLO")
    }
    features = np.hstack([by_view["CC"], by_view["MLO"]])
    expected = fit_discriminant(features[:8], cohort.cases()[:8], shrinkage=fitted.shrinkage).log_odds(features)
    np.testing.assert_allclose(fitted.score(cohort), expected, rtol=1e-10)


@pytest.mark.parametrize("layers", [(), ("stage2.2", "head")])
@pytest.mark.parametrize("pooling", ["breast", "frame"])
def test_shares_of_all_places_add_up_to_the_score(cohort: Cohort, layers: tuple[str, ...], pooling: Any) -> None:
    marker = GoogLeNetLDA(layers=layers, pooling=pooling, **SMALL).fit(cohort)
    patient = cohort.patient_ids[3]
    encoder = marker.encoders()[0]
    shares = 0.0
    for view, recording in enumerate(cohort.select([patient]).iter_recordings()):
        assert recording["view"] == ("CC", "MLO")[view]
        shares += sum(part.sum() for part in marker.shares(encoder.framed(recording), view))
    score = float(marker.score(cohort.select([patient]))[0])
    assert shares == pytest.approx(score - marker.intercept, abs=1e-3 * max(1.0, abs(score)))


def test_explanations_cover_both_views_inside_the_breast(fitted: GoogLeNetLDA, cohort: Cohort) -> None:
    patient = cohort.patient_ids[-1]
    explanations = fitted.explain(cohort.blinded(), patient)
    assert [e.recording["view"] for e in explanations] == ["CC", "MLO"]
    for explanation in explanations:
        assert explanation.heat.shape == explanation.image.shape == SMALL["size"]
        assert explanation.heat.dtype == np.float32
        assert not explanation.heat[explanation.image == 0].all()
        framed = fitted.encoders()[0].framed(explanation.recording)
        assert not explanation.heat[framed.region == 0].any()
        assert patient not in explanation.caption
    largest = max(np.abs(e.heat).max() for e in explanations)
    assert largest == pytest.approx(1)


def test_the_map_points_where_the_case_texture_is(fitted: GoogLeNetLDA, cohort: Cohort, tmp_path: Path) -> None:
    from dataclasses import replace

    import cv2

    # A control's breast whose lower half gets a case's texture: the map must favour that half.
    control, case = (
        next(r for r in cohort.iter_recordings() if r["view"] == "CC" and r.patient_id == pid)
        for pid in (cohort.patient_ids[8], cohort.patient_ids[9])
    )
    mixed = cv2.imread(control.path, cv2.IMREAD_UNCHANGED)
    mixed[120:] = cv2.imread(case.path, cv2.IMREAD_UNCHANGED)[120:]
    cv2.imwrite(str(tmp_path / "mixed.png"), mixed)
    encoder = fitted.encoders()[0]
    shares = fitted.shares(encoder.framed(replace(control, path=str(tmp_path / "mixed.png"))), 0)
    total = sum(cv2.resize(part.astype(np.float32), (6, 8), interpolation=cv2.INTER_AREA) for part in shares)
    assert total[4:].sum() > total[:4].sum()


def test_fitting_and_scoring_twice_gives_the_same_bytes(fitted: GoogLeNetLDA, cohort: Cohort) -> None:
    again = GoogLeNetLDA(**SMALL).fit(cohort.select(cohort.patient_ids[:8]), Resources(seed=99, threads=2))
    assert again.score(cohort).tobytes() == fitted.score(cohort).tobytes()


def test_saved_and_restored(fitted: GoogLeNetLDA, cohort: Cohort) -> None:
    arrays, facts = fitted.state()
    restored = GoogLeNetLDA(**SMALL)
    restored.restore(arrays, facts)
    assert restored.score(cohort).tobytes() == fitted.score(cohort).tobytes()
    other = GoogLeNetLDA(size=(128, 128), spacing_mm=1.6)
    with pytest.raises(InputError, match="another encoder"):
        other.restore(arrays, facts)


def test_patients_without_a_view_are_not_usable(cohort: Cohort) -> None:
    first = cohort.patient_ids[0]
    without = cohort.keep_recordings("test", "dropped", lambda r: (r.patient_id, r["view"]) != (first, "MLO"))
    assert GoogLeNetLDA(**SMALL).usable(without).tolist() == [False] + [True] * 11
    assert GoogLeNetLDA(views="CC", **SMALL).usable(without).all()
    assert not GoogLeNetLDA(views="MLO", **SMALL).usable(without)[0]
    with pytest.raises(InputError, match=f"1 patient.*{first}"):
        GoogLeNetLDA(**SMALL).fit(without)


def test_one_view_reads_one_view(cohort: Cohort) -> None:
    marker = GoogLeNetLDA(views="MLO", **SMALL)
    assert {r["view"] for r in cohort.iter_recordings() if marker.needs(r)} == {"MLO"}
    score = marker.fit(cohort).score(cohort)
    only = cohort.keep_recordings("test", "dropped", lambda r: r["view"] == "MLO")
    np.testing.assert_array_equal(marker.score(only), score)


def test_several_images_of_a_view_are_averaged(fitted: GoogLeNetLDA, cohort: Cohort) -> None:
    from dataclasses import replace

    import pandas as pd

    doubled = replace(cohort, recordings=pd.concat([cohort.recordings, cohort.recordings], ignore_index=True))
    np.testing.assert_allclose(fitted.score(doubled), fitted.score(cohort), rtol=1e-12)


def test_not_fitted_is_said() -> None:
    with pytest.raises(InputError, match="not fitted"):
        GoogLeNetLDA(**SMALL).state()


@pytest.mark.parametrize("settings", [{"trunk": "resnet"}, {"views": "XCCL"}, {"size": (100, 100)}, {"depth": 3}])
def test_settings_that_cannot_be_are_refused_when_the_study_is_read(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        GoogLeNetLDA(**settings)
