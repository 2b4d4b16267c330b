from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from presage.cohort import InputError
from presage.depression.markers.fusion import Fusion
from presage.depression.markers.late import LateFusion
from presage.depression.markers.length import SpeechLength
from presage.depression.transcript import Word
from presage.depression.transcripts import read_transcript

QUICK = {"epochs": 1, "seeds": 1, "validation": 0.25, "batch_size": 8}
MARKERS = {
    "gate": Fusion(**QUICK),
    "early": Fusion(**QUICK, fusion="early"),
    "audio": Fusion(**QUICK, fusion="audio"),
    "face": Fusion(**QUICK, fusion="face"),
    "late": LateFusion(inner_folds=3),
    "length": SpeechLength(),
}


@pytest.fixture(scope="module")
def sides(phantom):
    ids = phantom.patient_ids
    return phantom.select(ids[:18]), phantom.select(ids[18:]).blinded()


@pytest.fixture(scope="module")
def fitted(sides, resources):
    found = {}
    for name, marker in MARKERS.items():
        found[name] = marker.model_copy().fit(sides[0], resources)
    return found


@pytest.mark.parametrize("name", list(MARKERS))
def test_scores_are_finite_and_survive_saving(name, fitted, sides, resources):
    marker = fitted[name]
    scores = marker.score(sides[1], resources)
    assert scores.shape == (6,)
    assert np.isfinite(scores).all()
    assert np.ptp(scores) > 0
    arrays, facts = marker.state()
    again = type(marker)(**marker.model_dump())
    again.restore(arrays, json.loads(json.dumps(facts)))
    np.testing.assert_array_equal(again.score(sides[1], resources), scores)


@pytest.mark.parametrize("name", ["gate", "early", "audio", "face", "late"])
def test_reasons_and_a_constant_sum_up_to_the_score(name, fitted, sides, resources):
    marker, people = fitted[name], sides[1]
    scores = marker.score(people, resources)
    given = [marker.reasons(people, patient, resources) for patient in people.patient_ids]
    sums = np.array([sum(part.contribution for part in parts) for parts in given])
    assert np.ptp(sums) > 1e-4
    np.testing.assert_allclose(scores - sums, (scores - sums).mean(), atol=1e-5)
    if name == "late":
        assert {part.words.split(":")[0] for part in given[0]} == {"language", "prosody", "face"}
        return
    # Turn by turn, with its words and times; what voice and face add to them comes last.
    transcript = next(r for r in people.iter_recordings("transcript") if r.patient_id == people.patient_ids[0])
    mine = [turn for turn in read_transcript(transcript).participant() if turn.text.strip()]
    turns = given[0] if name in ("audio", "face") else given[0][:-1]
    assert [(part.start, part.stop) for part in turns] == [(turn.start, turn.stop) for turn in mine]
    if name not in ("audio", "face"):
        assert [part.words for part in turns] == [" ".join(turn.text.split()) for turn in mine]
        assert given[0][-1].words.startswith("voice and face")
        assert given[0][-1].start is None


@pytest.mark.parametrize("name", ["gate", "late"])
@pytest.mark.parametrize("left", ["transcript", "audio", "face-track"])
def test_a_patient_with_one_modality_left_is_scored(name, left, fitted, sides, resources):
    marker, people = fitted[name], sides[1]
    poor, rich = people.patient_ids[0], people.patient_ids[1]
    part = people.keep_recordings("test", "lost", lambda r: r.patient_id != poor or r.kind == left)
    assert marker.usable(part).all()
    whole, scores = marker.score(people, resources), marker.score(part, resources)
    assert np.isfinite(scores).all()
    place = list(people.patient_ids).index(rich)
    assert scores[place] == whole[place]


def test_a_patient_without_any_recording_is_not_usable(fitted, sides):
    nobody = sides[1].patient_ids[0]
    part = sides[1].keep_recordings("test", "lost", lambda r: r.patient_id != nobody)
    for marker in fitted.values():
        assert list(marker.usable(part)) == [False] + [True] * 5


def test_the_interviewers_words_are_never_read(fitted, sides, resources, tmp_path):
    """Other questions, the same answers at the same times: the same score."""
    people = sides[1].select(sides[1].patient_ids[:1])
    (transcript,) = people.iter_recordings("transcript")
    lines = Path(transcript.path).read_text(encoding="utf-8").splitlines()
    changed = [
        ",".join([*line.split(",")[:3], "what else"]) if line.startswith("Interviewer") else line for line in lines
    ]
    assert changed != lines
    other = tmp_path / "other.csv"
    other.write_text("\n".join(changed) + "\n", encoding="utf-8")
    table = people.recordings.copy()
    table.loc[table["kind"] == "transcript", "path"] = str(other)
    turned = replace(people, recordings=table)
    for name in ("gate", "late"):
        assert fitted[name].score(turned, resources)[0] == fitted[name].score(people, resources)[0]


@pytest.mark.parametrize("name", ["gate", "audio", "late", "own", "covarep"])
def test_the_interviewers_voice_is_never_heard(name, fitted, sides, resources, tmp_path):
    """Another voice where the interviewer speaks, the participant's sound as it was: the same score."""
    import soundfile

    from presage.depression.markers.prosody import Prosody
    from presage.depression.transcripts import read_transcript

    people = sides[1].select(sides[1].patient_ids[:1])
    marker = fitted[name] if name in fitted else Prosody(feature_set=name).fit(sides[0], resources)
    (sound,), (text,) = people.iter_recordings("audio"), people.iter_recordings("transcript")
    values, rate = soundfile.read(sound.path)
    other = values.copy()
    mine = [(turn.start, turn.stop) for turn in read_transcript(text).participant()]
    for turn in read_transcript(text):
        if turn.speaker != "participant":
            # What is near the participant's turns is left: frames at their edges look a little beyond them.
            start, stop = round((turn.start + 0.05) * rate), round((turn.stop - 0.05) * rate)
            assert all(stop / rate < begin or start / rate > end for begin, end in mine)
            other[start:stop] += 0.1 * np.sin(2 * np.pi * 310 * np.arange(stop - start) / rate)
    # The peak, which says what is silent, is the participant's.
    assert np.abs(other).max() == np.abs(values).max()
    soundfile.write(tmp_path / "other.flac", other, rate, subtype="PCM_16")
    table = people.recordings.copy()
    table.loc[table["kind"] == "audio", "path"] = str(tmp_path / "other.flac")
    turned = replace(people, recordings=table)
    before, after = (marker.score(cohort, resources)[0] for cohort in (people, turned))
    # The path of the pitch is the likeliest over the whole recording: an edge may move by a frame.
    assert after == pytest.approx(before, abs=0.05 * max(1.0, abs(before)))


def test_the_score_is_the_mean_of_the_trainings_and_each_tells_its_curve(sides, resources):
    own = replace(resources, curves=[], notes=[])
    marker = Fusion(**{**QUICK, "seeds": 2}).fit(sides[0], own)
    assert [point["step"] for point in own.curves] == [1, 2, 3]
    assert "mean logit of 2 trainings" in " ".join(own.notes)
    first, second = (marker.model_copy() for _ in range(2))
    first._networks, second._networks = marker._networks[:1], marker._networks[1:]
    one, two = first.score(sides[1], resources), second.score(sides[1], resources)
    assert not np.array_equal(one, two)
    np.testing.assert_allclose(marker.score(sides[1], resources), (one + two) / 2)


def test_word_by_word_the_times_come_from_an_alignment(sides, resources, monkeypatch):
    """The aligner does not follow a made-up voice: words of equal length are put in its place."""

    def evenly(transcript, path, channel=""):
        turns = []
        for turn in transcript:
            words, step = turn.text.split(), turn.duration / len(turn.text.split())
            times = [(turn.start + k * step, turn.start + (k + 1) * step) for k in range(len(words))]
            turns.append(replace(turn, words=tuple(Word(w, *t) for w, t in zip(words, times, strict=True))))
        return replace(transcript, turns=tuple(turns))

    monkeypatch.setattr("presage.depression.speech.word_times.words_in_file", evenly)
    one = sides[0].select(sides[0].patient_ids[:1])
    answers, texts = Fusion(sentences=False)._interviews().persons(one, resources)
    answer = answers[0][0]
    assert list(answer.words) == texts[0].splitlines()[0].split()
    rows = answer.modalities["audio"]
    assert rows.shape[0] == len(answer.words) > 2
    # Each word has its own frames.
    assert np.ptp(np.nan_to_num(rows), axis=0).max() > 0
    monkeypatch.undo()
    again, _ = Fusion(sentences=False)._interviews().persons(one, resources)
    np.testing.assert_array_equal(again[0][0].modalities["audio"], rows)  # from the cache: aligned once


def test_a_marker_that_is_not_fitted_says_so(sides):
    for marker in (Fusion(), LateFusion()):
        with pytest.raises(InputError, match="not fitted"):
            marker.score(sides[1])
