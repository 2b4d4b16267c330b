"""The markers `prosody` and `fusion` on each set of acoustic features."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from presage.cohort import InputError
from presage.depression.markers.fusion import Fusion
from presage.depression.markers.prosody import Prosody
from presage.depression.markers.voices import row_of_recording, spoken_spans, voice_encoder
from presage.depression.prosody import covarep_encoder, egemaps
from presage.depression.session import sessions

QUICK = {"epochs": 1, "seeds": 1, "validation": 0.25, "batch_size": 8}
COLUMNS = {"own": 47, "egemaps": 88, "covarep": 168}
WORDS = {"own": 23, "egemaps": 27, "covarep": 75}


def needing(name: str) -> str:
    if name == "egemaps":
        pytest.importorskip("opensmile", reason="openSMILE (research licence, extra opensmile) is not installed")
    return name


@pytest.fixture(params=list(COLUMNS))
def feature_set(request) -> str:
    return needing(request.param)


@pytest.fixture(scope="module")
def sides(phantom):
    ids = phantom.patient_ids
    return phantom.select(ids[:18]), phantom.select(ids[18:]).blinded()


def test_prosody_scores_gives_reasons_and_survives_saving(feature_set, sides, resources) -> None:
    own = replace(resources, notes=[])
    marker = Prosody(feature_set=feature_set).fit(sides[0], own)
    assert any("no commercial product" in note for note in own.notes) == (feature_set == "egemaps")
    scores = marker.score(sides[1], resources)
    assert np.isfinite(scores).all()
    assert np.ptp(scores) > 0
    arrays, facts = marker.state()
    again = Prosody(**marker.model_dump())
    again.restore(arrays, json.loads(json.dumps(facts)))
    assert again.score(sides[1], resources).tolist() == scores.tolist()
    assert len(marker.column_names()) == COLUMNS[feature_set] == len(arrays["weights"])
    patient = sides[1].patient_ids[0]
    reasons = marker.reasons(sides[1], patient, resources)
    assert len(reasons) > COLUMNS[feature_set] / 2
    assert reasons[0].words.startswith(marker.column_names()[0])
    assert ("opensmile" in marker.packages) == (feature_set == "egemaps")


@pytest.mark.parametrize("sentences", [True, False])
def test_fusion_takes_turns_and_words(feature_set, sentences, sides, resources) -> None:
    marker = Fusion(**QUICK, fusion="audio", feature_set=feature_set, sentences=sentences, align=False)
    answers, _ = marker._interviews().persons(sides[0].select(sides[0].patient_ids[:1]), resources)
    size = COLUMNS[feature_set] + 2 if sentences else WORDS[feature_set]
    rows = [answer.modalities["audio"] for answer in answers[0]]
    assert all(row.shape[1] == size for row in rows)
    assert np.mean(np.isfinite(np.concatenate(rows))) > 0.8
    assert np.ptp(np.concatenate(rows)[:, 0]) > 0
    marker.fit(sides[0], resources)
    scores = marker.score(sides[1], resources)
    assert np.isfinite(scores).all()
    arrays, facts = marker.state()
    again = Fusion(**marker.model_dump())
    again.restore(arrays, json.loads(json.dumps(facts)))
    np.testing.assert_array_equal(again.score(sides[1], resources), scores)


@pytest.mark.parametrize("name", ["egemaps", "covarep"])
def test_the_participants_turns_alone_are_heard(name, sides, resources, tmp_path: Path) -> None:
    """Somebody else at full level between the turns changes nothing; without the transcript it does."""
    import soundfile

    feature_set = needing(name)
    session = sessions(sides[0])[0]
    spans = spoken_spans(session)
    assert len(spans) > 2
    sound, rate = soundfile.read(session.audio.path)
    mine = np.zeros(len(sound), dtype=bool)
    for start, stop in spans:  # frames see some sound beside their middle, and what is loud is told by the loudest
        mine[max(0, round((start - 0.35) * rate)) : round((stop + 0.35) * rate)] = True
    level = 0.9 * np.abs(sound).max()
    noise = level * np.sin(2 * np.pi * 300 * np.arange(len(sound)) / rate)
    soundfile.write(tmp_path / "loud.wav", np.where(mine, sound, noise), rate, subtype="FLOAT")
    soundfile.write(tmp_path / "same.wav", sound, rate, subtype="FLOAT")
    encoder = voice_encoder(feature_set)
    rows = {}
    for file in ("same", "loud"):
        for transcript in (session.transcript, None):
            audio = replace(session.audio, path=str(tmp_path / f"{file}.wav"))
            one = replace(session, audio=audio, transcript=transcript)
            rows[file, transcript is None] = row_of_recording(feature_set, encoder, one, resources)
    apart, together = (np.abs(rows["same", alone] - rows["loud", alone]) for alone in (False, True))
    scale = np.abs(rows["same", False]) + 1e-3
    assert np.nanmedian(apart / scale) < 0.005
    assert np.nanmedian(together / scale) > 0.1


def test_a_silent_recording_is_scored(feature_set, sides, resources, tmp_path: Path) -> None:
    import soundfile

    marker = Prosody(feature_set=feature_set).fit(sides[0], resources)
    person = sides[1].select(sides[1].patient_ids[:1])
    soundfile.write(tmp_path / "silent.wav", np.zeros(32_000), 16_000)
    table = person.recordings.copy()
    table.loc[table["kind"] == "audio", "path"] = str(tmp_path / "silent.wav")
    assert np.isfinite(marker.score(replace(person, recordings=table), resources)).all()
    soundfile.write(tmp_path / "blink.wav", np.full(100, 0.1), 16_000)
    table.loc[table["kind"] == "audio", "path"] = str(tmp_path / "blink.wav")
    assert np.isfinite(marker.score(replace(person, recordings=table), resources)).all()


def test_a_patient_without_sound_is_not_usable(feature_set, sides) -> None:
    nobody = sides[1].patient_ids[0]
    part = sides[1].keep_recordings("test", "lost", lambda r: r.patient_id != nobody or r.kind == "transcript")
    assert list(Prosody(feature_set=feature_set).usable(part)) == [False] + [True] * 5


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(ValidationError, match="'own', 'egemaps' or 'covarep'"):
        Prosody(feature_set="compare")


def test_without_opensmile_a_study_is_told_before_anything_runs(monkeypatch) -> None:
    def absent(name: str) -> str:
        raise egemaps.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(egemaps.metadata, "version", absent)
    for marker in (Prosody(feature_set="egemaps"), Fusion(feature_set="egemaps")):
        with pytest.raises(InputError, match="research licence"):
            _ = marker.packages
        with pytest.raises(InputError, match="research licence"):
            marker.encoders()[0].fingerprint()
    assert Prosody(feature_set="covarep").encoders()[0] == covarep_encoder.CovarepFrames()


def test_limits_of_the_pitch_that_a_set_cannot_have_are_refused_with_the_study() -> None:
    from pydantic import ValidationError

    from presage.depression.markers.prosody import Prosody

    with pytest.raises(ValidationError, match="floor must be 60 Hz or more"):
        Prosody(feature_set="covarep", floor=50)
    with pytest.raises(ValidationError, match="limits of its own"):
        Prosody(feature_set="egemaps", floor=80)
    with pytest.raises(ValidationError):
        Prosody(floor=20)
    assert Prosody(feature_set="covarep", floor=60).encoders()
    # A plan that was written out with every setting is read back.
    for name in ("own", "egemaps", "covarep"):
        marker = Prosody(feature_set=name)
        assert Prosody(**marker.model_dump()) == marker


def test_several_pieces_of_sound_of_a_visit_are_averaged(tmp_path: Path) -> None:
    import pandas as pd

    from depression.recordings import tone, write_sound
    from presage.cohort import Cohort
    from presage.depression.markers.prosody import Prosody
    from presage.study import EncoderCache, Resources

    paths = [write_sound(tmp_path / f"{hertz}.wav", tone(2, hertz=hertz)) for hertz in (150, 300)]
    rows = [{"patient_id": "P1", "visit": "1", "kind": "audio", "path": str(path)} for path in paths]
    cohort = Cohort(pd.DataFrame(index=pd.Index(["P1"], name="patient_id")), pd.DataFrame(rows))
    resources = Resources(cache=EncoderCache(str(tmp_path / "cache")))
    both = Prosody().features(cohort, resources)[0]
    single = [Prosody().features(Cohort(cohort.patients, pd.DataFrame([row])), resources)[0] for row in rows]
    np.testing.assert_allclose(both[0], np.mean([one[0] for one in single]))
