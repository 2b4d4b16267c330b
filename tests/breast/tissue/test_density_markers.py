"""Percent density and tissue measures as markers: fitting, scoring, saving, refusing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression

from presage.breast import PercentDensity, TissueEncoder, TissueMeasures
from presage.breast.logistic import fit_logistic
from presage.breast.tissue import MEASURE_NAMES
from presage.cohort import Cohort, InputError, Outcome, UnusableRecording
from presage.study import Marker, Resources

from .cohorts import drawn_cohort, write_pgm
from .pictures import draw


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return drawn_cohort(tmp_path_factory.mktemp("drawn")).with_outcome(Outcome(column="cancer"))


def test_encoder_gives_the_measures_in_order(cohort: Cohort) -> None:
    found = TissueEncoder().encode(cohort.iter_recordings()[0])["measures"]
    assert found.dtype == np.float64
    assert found.shape == (len(MEASURE_NAMES),)
    assert TissueEncoder().fingerprint() != TissueEncoder(spacing_mm=0.5).fingerprint()


def test_encoder_names_the_file_that_shows_no_breast(cohort: Cohort, tmp_path: Path) -> None:
    black = draw(view="CC").mammogram
    write_pgm(tmp_path / "black.pgm", replace(black, pixels=np.zeros_like(black.pixels)))
    recording = replace(cohort.iter_recordings()[0], path=str(tmp_path / "black.pgm"))
    with pytest.raises(UnusableRecording) as refusal:
        TissueEncoder().encode(recording)
    assert refusal.value.where.endswith("black.pgm")


@pytest.mark.parametrize("marker", [PercentDensity, TissueMeasures])
@pytest.mark.parametrize("views", ["CC", "MLO", "both"])
def test_scores_rise_with_density_and_survive_saving(cohort: Cohort, marker: type[Marker], views: str) -> None:
    fitted = marker(views=views).fit(cohort, Resources())
    scores = fitted.score(cohort.blinded(), Resources())
    assert scores.shape == (len(cohort),)
    assert np.isfinite(scores).all()
    assert scores[cohort.cases()].mean() > scores[~cohort.cases()].mean()
    loaded = marker(views=views)
    loaded.restore(*fitted.state())
    assert np.array_equal(loaded.score(cohort.blinded()), scores)
    one = cohort.select([cohort.patient_ids[3]]).blinded()
    assert fitted.score(one) == pytest.approx(scores[3:4], abs=1e-12)


def test_percent_density_is_the_mean_over_views_and_its_score_is_monotone(cohort: Cohort) -> None:
    both, craniocaudal, oblique = (PercentDensity(views=v).percent(cohort) for v in ("both", "CC", "MLO"))
    assert both == pytest.approx((craniocaudal + oblique) / 2)
    scores = PercentDensity().fit(cohort).score(cohort)
    assert np.array_equal(np.argsort(both), np.argsort(scores))


def test_the_standard_never_turns_its_direction(cohort: Cohort) -> None:
    upside_down = replace(cohort, patients=cohort.patients.assign(cancer=1 - cohort.patients["cancer"].astype(int)))
    density = PercentDensity().percent(cohort)
    rising = PercentDensity().fit(upside_down).score(cohort)
    fitted = PercentDensity(direction="fitted").fit(upside_down).score(cohort)
    assert np.array_equal(np.argsort(density), np.argsort(rising))
    assert np.array_equal(np.argsort(-density), np.argsort(fitted))
    assert np.ptp(rising) < 1e-3


def test_usable_asks_for_every_view(cohort: Cohort) -> None:
    table = cohort.recordings
    lacking = replace(cohort, recordings=table[~((table.patient_id == "W01") & (table.view == "MLO"))])
    assert PercentDensity(views="CC").usable(lacking).all()
    expected = np.array([pid != "W01" for pid in lacking.patient_ids])
    assert np.array_equal(PercentDensity(views="both").usable(lacking), expected)
    assert np.array_equal(PercentDensity(views="MLO").usable(lacking), expected)
    with pytest.raises(InputError, match="W01"):
        PercentDensity(views="both").fit(lacking)
    recording = cohort.iter_recordings()[0]
    assert PercentDensity(views=recording["view"]).needs(recording)
    other = "MLO" if recording["view"] == "CC" else "CC"
    assert not PercentDensity(views=other).needs(recording)


def test_the_explanation_of_percent_density_is_the_dense_tissue(cohort: Cohort) -> None:
    fitted = PercentDensity().fit(cohort)
    shown = fitted.explain(cohort.blinded(), cohort.patient_ids[1])
    assert len(shown) == 2
    for part, percent in zip(shown, fitted._measured(cohort, None)[1, :, 0], strict=True):
        assert part.image.dtype == np.uint8
        assert part.heat.shape == part.image.shape
        assert set(np.unique(part.heat)) == {0.0, 1.0}
        assert f"{percent:.0f} %" in part.caption
        assert "raises" in part.caption


def test_views_may_be_a_list_as_in_a_study_file() -> None:
    assert PercentDensity(views=["CC", "MLO"]).views == "both"
    assert PercentDensity(views=["MLO"]).views == "MLO"
    for wrong in ([], ["ML"], "XCC", ["CC", "ML"]):
        with pytest.raises(ValidationError, match="views"):
            PercentDensity(views=wrong)


def test_an_unfitted_marker_and_a_foreign_state_are_refused(cohort: Cohort) -> None:
    with pytest.raises(InputError, match="not fitted"):
        PercentDensity().score(cohort)
    arrays, facts = PercentDensity().fit(cohort).state()
    facts["encoder"]["version"] = -1
    with pytest.raises(InputError, match="other tissue measures"):
        PercentDensity().restore(arrays, facts)


def test_logistic_equals_scikit_learn() -> None:
    generator = np.random.default_rng(5)
    features = generator.normal(30, 12, size=(200, 1))
    cases = generator.random(200) < 1 / (1 + np.exp(-(features[:, 0] - 30) / 15))
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(features, cases)
    found = fit_logistic(features, cases)
    assert found.log_odds(features) == pytest.approx(reference.decision_function(features), abs=2e-3)


def test_logistic_stays_finite_where_classes_are_separated_or_nothing_varies() -> None:
    features = np.arange(20.0)[:, None]
    separated = fit_logistic(features, features[:, 0] > 9.5)
    assert np.isfinite(separated.weights).all()
    assert (np.diff(separated.log_odds(features)) > 0).all()
    constant = fit_logistic(np.full((20, 1), 3.0), features[:, 0] > 14.5)
    assert constant.log_odds(np.full((2, 1), 9.0)) == pytest.approx(np.full(2, np.log(5 / 15)))
    for bad in (np.zeros(20, bool), np.ones(20, bool)):
        with pytest.raises(InputError, match="both classes"):
            fit_logistic(features, bad)
    with pytest.raises(InputError, match="not finite"):
        fit_logistic(np.full((20, 1), np.nan), features[:, 0] > 9)
