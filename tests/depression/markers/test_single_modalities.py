from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from presage.cohort import Cohort, InputError, Outcome
from presage.depression.markers.face import Face
from presage.depression.markers.language import Language, LanguageMeasures, PromptsOnly
from presage.depression.markers.prosody import Prosody
from presage.depression.markers.tables import DemographicsOnly, Questionnaire
from presage.depression.phantom.cohort import make_phantom
from presage.study import EncoderCache, Marker, Resources


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    folder = tmp_path_factory.mktemp("people")
    return make_phantom(folder, people=24, seed=5, visits=1).with_outcome(Outcome("hamd", "scale", 14))


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    return Resources(cache=EncoderCache(tmp_path_factory.mktemp("cache")), seed=3)


MARKERS: list[Marker] = [Language(), LanguageMeasures(), Prosody(), Face(), PromptsOnly(), DemographicsOnly()]


@pytest.mark.parametrize("marker", MARKERS, ids=lambda marker: type(marker).__name__)
def test_a_marker_scores_blind_people_and_comes_back_from_its_state(
    marker: Marker, cohort: Cohort, resources: Resources
) -> None:
    ids = list(cohort.patient_ids)
    training, test = cohort.select(ids[:16]), cohort.select(ids[16:]).blinded()
    marker.fit(training, resources)
    scores = marker.score(test, resources)
    assert scores.shape == (8,)
    assert np.isfinite(scores).all()
    one = [marker.score(test.select([pid]), resources)[0] for pid in test.patient_ids]
    assert one == pytest.approx(scores.tolist())  # whoever else is scored
    again = type(marker)(**marker.model_dump())
    again.restore(*marker.state())
    assert again.score(test, resources).tolist() == scores.tolist()
    with pytest.raises(InputError, match="not fitted"):
        type(marker)().score(test, resources)


def test_the_interviewer_is_no_part_of_a_marker(tmp_path: Path, cohort: Cohort, resources: Resources) -> None:
    marker = Language().fit(cohort, resources)
    before = marker.score(cohort, resources)
    for recording in cohort.iter_recordings("transcript"):
        path = Path(recording.path)
        lines = path.read_text().splitlines()
        path.write_text("\n".join(x.replace("How", "Why so sad and how") if "Interviewer" in x else x for x in lines))
    assert marker.score(cohort, resources).tolist() == before.tolist()


def test_the_questionnaire_is_its_column(cohort: Cohort) -> None:
    marker = Questionnaire(column="phq9").fit(cohort)
    assert marker.score(cohort.blinded()).tolist() == cohort.patients["phq9"].astype(float).tolist()


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        (Questionnaire(column="hamd"), "'hamd' is an outcome"),
        (Questionnaire(column="phq_9"), "no column 'phq_9'"),
        (Questionnaire(column="sex"), "is 'female', not a number|is 'male', not a number"),
        (DemographicsOnly(columns=["hamd"]), "'hamd' is an outcome"),
    ],
)
def test_outcomes_and_unknown_columns_are_refused(cohort: Cohort, marker: Marker, message: str) -> None:
    with pytest.raises(InputError, match=message):
        marker.usable(cohort)


def test_demographics_make_columns_of_texts_and_bear_missing_values(cohort: Cohort) -> None:
    cohort.patients.loc[cohort.patient_ids[0], "age"] = np.nan
    marker = DemographicsOnly().fit(cohort)
    features = marker.features(cohort, Resources())
    assert features.shape == (24, 2)
    assert np.isnan(features[0, 0])
    assert set(features[:, 1]) == {0.0, 1.0}
    assert np.isfinite(marker.score(cohort)).all()
