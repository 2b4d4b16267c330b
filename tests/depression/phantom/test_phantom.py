from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from presage.cohort import Cohort, InputError, UnusableRecording, kind_named
from presage.depression.face.encoder import by_frame
from presage.depression.face.measures import NAMES
from presage.depression.face.track_file import FaceTrackKind, read_track
from presage.depression.phantom.cohort import ORACLE_FILE, make_phantom
from presage.depression.phantom.signs import MODALITIES, PLANTED, draw_people, oracle_auc, oracle_weights
from presage.depression.phantom.voice import RATE, manner, say
from presage.depression.phantom.words import answers, prompts
from presage.depression.transcripts import read_transcript


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Cohort]:
    folder = tmp_path_factory.mktemp("phantom")
    return folder, make_phantom(folder, people=10, seed=3, visits=2)


def test_the_planted_correlations_are_there() -> None:
    people = draw_people(4000, 1)
    severity = np.array([person.severity[0] for person in people])
    for name in MODALITIES:
        sign = np.array([person.signs[name][0] for person in people])
        assert np.corrcoef(sign, severity)[0, 1] == pytest.approx(PLANTED[name], abs=0.03)
        assert sign.std() == pytest.approx(1, abs=0.04)
    responders = [person for person in people if person.responds]
    others = [person for person in people if not person.responds]
    change = [np.mean([person.hamd[2] - person.hamd[0] for person in group]) for group in (responders, others)]
    assert change[0] < -5
    assert change[1] == pytest.approx(-0.02 * 8 * 7, abs=0.3)


def test_the_oracle_of_all_signs_beats_each_alone() -> None:
    alone = [oracle_auc((name,), draws=100_000) for name in MODALITIES]
    together = oracle_auc(draws=100_000)
    assert together > max(alone) + 0.04
    # Weights of independent noises by hand: share / (1 - share^2), up to a factor.
    shares = np.array([PLANTED[name] for name in MODALITIES])
    byhand = shares / (1 - shares**2)
    assert oracle_weights() / oracle_weights().sum() == pytest.approx(byhand / byhand.sum())


def test_the_first_people_do_not_depend_on_how_many_there_are() -> None:
    few, many = draw_people(3, 9), draw_people(30, 9)
    assert [p.hamd.tolist() for p in few] == [p.hamd.tolist() for p in many[:3]]


def test_words_stand_where_they_are_said() -> None:
    generator = np.random.default_rng(0)
    sound, words = say(["We bought some bread.", "It rained."], manner(0.0, "female", generator), generator)
    assert [word for word, _, _ in words] == ["We", "bought", "some", "bread.", "It", "rained."]
    loud = [np.abs(sound[round(b * RATE) : round(e * RATE)]).max() for _, b, e in words]
    assert min(loud) > 0.05
    gap = sound[round(words[3][2] * RATE) + 800 : round(words[4][1] * RATE) - 10]
    assert np.abs(gap).max() < 0.01


def test_gloomy_sentences_grow_with_the_sign_and_prompts_only_where_planted() -> None:
    def share(sign: float) -> float:
        generator = np.random.default_rng(1)
        said = [s for _ in range(200) for part in answers(sign, generator) for s in part]
        return float(np.mean([" never " in s or " always " in s or " nothing " in s for s in said]))

    assert share(2.0) > 2 * share(-2.0)
    assert prompts(None, np.random.default_rng(0)) == prompts(None, np.random.default_rng(5))
    asked = [" ".join(prompts(sign, np.random.default_rng(2))) for sign in (-3.0, 3.0)]
    assert "diagnosed" not in asked[0]
    assert "diagnosed" in asked[1]


def test_a_phantom_is_a_cohort_that_every_reader_accepts(phantom: tuple[Path, Cohort]) -> None:
    folder, cohort = phantom
    assert cohort.phantom
    assert "PHANTOM" in cohort.description
    assert len(cohort) == 10
    recordings = cohort.iter_recordings()
    assert len(recordings) == 10 * 2 * 3
    for recording in recordings:
        kind_named(recording.kind).inspect(recording)
    transcript = read_transcript(next(r for r in recordings if r.kind == "transcript"))
    assert transcript.speakers == ("interviewer", "participant")
    assert len(transcript.participant()) == 8
    later = [name for name in cohort.patients.columns if name.endswith("_2")]
    assert set(later) <= set(cohort.outcome_columns)
    oracle = pd.read_csv(folder / ORACLE_FILE)
    assert len(oracle) == 20


def test_equal_settings_give_equal_bytes_and_others_are_refused(phantom: tuple[Path, Cohort], tmp_path: Path) -> None:
    folder, _ = phantom
    make_phantom(tmp_path, people=10, seed=3, visits=2)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        assert file.read_bytes() == (tmp_path / file.relative_to(folder)).read_bytes(), file.name
    with pytest.raises(InputError, match="other settings"):
        make_phantom(tmp_path, people=12, seed=3)


def test_an_interrupted_phantom_is_finished_to_the_same_bytes(phantom: tuple[Path, Cohort], tmp_path: Path) -> None:
    folder, _ = phantom

    def stop(done: int, total: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_phantom(tmp_path, people=10, seed=3, visits=2, progress=stop)
    make_phantom(tmp_path, people=10, seed=3, visits=2)
    assert (tmp_path / "recordings.csv").read_bytes() == (folder / "recordings.csv").read_bytes()


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda t: t.drop(columns="yaw"), "not a face track"),
        (lambda t: t.assign(time=t["time"][::-1].to_numpy()), "times run backwards"),
        (lambda t: t.assign(chin=["x", *t["chin"][1:]]), "not a face track"),
        (lambda t: t.assign(chin=[np.nan, *t["chin"][1:]]), "half a row"),
        (lambda t: t[:0], "not a face track"),
    ],
)
def test_a_wrong_face_track_is_named(phantom: tuple[Path, Cohort], tmp_path: Path, edit: object, reason: str) -> None:
    _, cohort = phantom
    recording = cohort.iter_recordings("face-track")[0]
    table = pd.read_csv(recording.path)
    table = table[table["yaw"].notna()].reset_index(drop=True)
    edit(table).to_csv(tmp_path / "track.csv", index=False)  # type: ignore[operator]
    with pytest.raises(UnusableRecording) as raised:
        read_track(str(tmp_path / "track.csv"))
    assert raised.value.reason == reason


def test_frames_without_a_face_stay_empty(phantom: tuple[Path, Cohort]) -> None:
    _, cohort = phantom
    arrays = FaceTrackKind().read(cohort.iter_recordings("face-track")[0])
    values = by_frame(arrays)
    assert np.isnan(values).any()
    assert np.array_equal(np.isnan(values[:, NAMES.index("chin")]), arrays["seen"] == 0)
    assert FaceTrackKind().show(cohort, Path(cohort.iter_recordings()[0].path).parent / "tracks.png", limit=2).exists()
