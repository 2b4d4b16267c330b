"""A folder of made-up people, written like any cohort and marked as made up everywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from presage.cohort import Cohort, InputError
from presage.depression.face.track_file import write_track
from presage.depression.phantom.face import face_track
from presage.depression.phantom.signs import CUTOFF, MODALITIES, WEEKS, Person, draw_people, oracle_auc
from presage.depression.phantom.voice import RATE, Manner, manner, say
from presage.depression.phantom.words import answers, prompts

# Raise it whenever the same settings give other files: an older cohort is then no longer taken for a finished one.
VERSION = 1
SETTINGS_FILE = "phantom.json"
ORACLE_FILE = "oracle.csv"
Place = Literal["participant", "interviewer"]
# Speaker, start, stop (seconds), text.
_Line = tuple[str, float, float, str]
_ENDINGS = {"transcript": ".csv", "audio": ".flac", "face-track": "-face.csv"}

_DESCRIPTION = (
    "PHANTOM: {people} made-up people interviewed at weeks 0, 4 and 8 of a made-up treatment, seed {seed}. Signs of "
    "depression are planted in {where}, in the melody and pace of a made-up voice, and in how a made-up face moves: "
    "the best possible AUC at one visit is {oracle:.2f}. Nothing here says anything about people."
)


def make_phantom(
    folder: str | Path,
    *,
    people: int = 80,
    seed: int = 2020,
    planted_in: Place = "participant",
    visits: int = len(WEEKS),
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Write a phantom cohort, or go on with one that was interrupted, and read it.

    The folder gets ``patients.csv`` (age, sex, HAM-D and PHQ-9 at baseline and of every visit), ``recordings.csv``
    (``transcript``, ``audio``, ``face-track`` for each visit), ``cohort.yaml`` (``phantom: true``), the recordings, and
    ``oracle.csv`` (what only the maker knows; never read by a study). Equal settings give equal bytes.

    Parameters
    ----------
    folder
        Where to write; made if it is not there.
    people, seed
        How many; what decides everything random.
    planted_in
        ``participant``: the language sign is in the answers. ``interviewer``: it is in the questions alone, and words,
        voice and face of the participant know nothing; a marker that looks at the participant must then fail.
    visits
        At how many of the weeks 0, 4 and 8 they are recorded.
    progress
        Called with (visits done, visits in all).

    Raises
    ------
    InputError
        If the folder holds another cohort, or fewer than 10 people are asked for.
    """
    if people < 10 or not 1 <= visits <= len(WEEKS):
        raise InputError(f"a phantom needs at least 10 people and 1 to {len(WEEKS)} visits, not {people} and {visits}")
    path = Path(folder)
    settings = {"version": VERSION, "people": people, "seed": seed, "planted_in": planted_in, "visits": visits}
    _refuse_other(path, settings)
    (path / "recordings").mkdir(parents=True, exist_ok=True)
    drawn = draw_people(people, seed)
    rows: list[dict[str, str]] = []
    for done, (person, visit) in enumerate([(p, v) for p in drawn for v in range(visits)], start=1):
        rows += _record(path, person, visit, seed, planted_in)
        if progress is not None:
            progress(done, people * visits)
    pd.DataFrame(rows).to_csv(path / "recordings.csv", index=False, lineterminator="\n")
    _patients(drawn, visits).to_csv(path / "patients.csv", index=False, lineterminator="\n")
    _oracle(drawn, visits).to_csv(path / ORACLE_FILE, index=False, lineterminator="\n")
    where = "the participant's words" if planted_in == "participant" else "the interviewer's questions alone"
    best = oracle_auc() if planted_in == "participant" else 0.5
    (path / "cohort.yaml").write_text(
        yaml.safe_dump(
            {
                "name": "Phantom interviews",
                "description": _DESCRIPTION.format(people=people, seed=seed, where=where, oracle=best),
                "phantom": True,
                "outcomes": _outcomes(visits),
            },
            sort_keys=False,
            width=120,
        ),
        encoding="utf-8",
    )
    (path / SETTINGS_FILE).write_text(json.dumps(settings) + "\n", encoding="utf-8")
    return Cohort.read(str(path))


def _outcomes(visits: int) -> list[str]:
    """Columns that no marker may see: the clinician's scale, and all that was asked after the first visit."""
    later = [f"{name}_{visit + 1}" for visit in range(1, visits) for name in ("hamd", "phq9")]
    return ["hamd", *later]


def _refuse_other(path: Path, settings: Mapping[str, object]) -> None:
    found = path / SETTINGS_FILE
    if found.exists():
        if json.loads(found.read_text(encoding="utf-8")) != settings:
            raise InputError("this folder holds a phantom of other settings", where=str(path), cure="choose another")
    elif (path / "patients.csv").exists():
        raise InputError("this folder holds a cohort already", where=str(path), cure="choose another folder")


def _record(path: Path, person: Person, visit: int, seed: int, planted_in: Place) -> list[dict[str, str]]:
    """Write the files of one visit, unless they are there, and give their rows."""
    base = path / "recordings" / f"{person.patient_id}-{visit + 1}"
    files = {kind: base.with_name(base.name + ending) for kind, ending in _ENDINGS.items()}
    if not all(file.exists() for file in files.values()):
        generator = np.random.default_rng([seed, 0x1E, person.number, visit])
        here = planted_in == "participant"
        signs = {name: float(person.signs[name][visit]) if here else float(generator.normal()) for name in MODALITIES}
        asked = prompts(None if here else float(person.severity[visit]), generator, count=4)
        said = answers(signs["language"], generator, prompts=len(asked), sentences=2)
        # The voice is a person's own: it is the same at every visit but for its manner.
        how = manner(signs["prosody"], person.sex, np.random.default_rng([seed, 0x1F, person.number]))
        sound, lines = _conversation(asked, said, how, generator)
        times, values = face_track(signs["face"], len(sound) / RATE, generator)
        _write_all(files, sound, lines, times, values)
    return [
        {
            "patient_id": person.patient_id,
            "visit": str(visit + 1),
            "kind": kind,
            "path": str(file.relative_to(path)),
            "language": "en" if kind != "face-track" else "",
        }
        for kind, file in files.items()
    ]


def _conversation(
    asked: list[str], said: list[list[str]], how: Manner, generator: np.random.Generator
) -> tuple[NDArray[np.float32], list[_Line]]:
    """Sound of the participant (silent while the interviewer asks), and the transcript's lines."""
    parts: list[NDArray[np.float32]] = []
    lines: list[_Line] = []
    now = 0.0
    for prompt, sentences in zip(asked, said, strict=True):
        length = 0.25 * len(prompt.split())
        lines.append(("Interviewer", now, now + length, prompt))
        # The interviewer sits far from the participant's microphone.
        gap = length + 0.3 + 0.6 * float(generator.random())
        parts.append((1e-4 * generator.normal(size=round(gap * RATE))).astype(np.float32))
        now += len(parts[-1]) / RATE
        sound, words = say(sentences, how, generator)
        position = 0
        for sentence in sentences:
            mine = words[position : position + len(sentence.split())]
            lines.append(("Participant", now + mine[0][1], now + mine[-1][2], sentence))
            position += len(mine)
        parts.append(sound)
        now += len(sound) / RATE
    return np.concatenate(parts), lines


def _write_all(
    files: dict[str, Path],
    sound: NDArray[np.float32],
    lines: list[_Line],
    times: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    import soundfile

    table = pd.DataFrame(lines, columns=["speaker", "start", "stop", "text"]).round({"start": 3, "stop": 3})
    drafts = {kind: file.with_name(f".{file.name}") for kind, file in files.items()}
    table.to_csv(drafts["transcript"], index=False, lineterminator="\n")
    soundfile.write(drafts["audio"], np.clip(sound, -1, 1), RATE, format="FLAC", subtype="PCM_16")
    write_track(drafts["face-track"], times, values)
    for kind, file in files.items():
        shutil.move(drafts[kind], file)


def _patients(people: list[Person], visits: int) -> pd.DataFrame:
    rows = []
    for person in people:
        row: dict[str, object] = {"patient_id": person.patient_id, "age": person.age, "sex": person.sex}
        row |= {"hamd": int(person.hamd[0]), "phq9": int(person.phq9[0])}
        for visit in range(1, visits):
            row |= {f"hamd_{visit + 1}": int(person.hamd[visit]), f"phq9_{visit + 1}": int(person.phq9[visit])}
        rows.append(row)
    return pd.DataFrame(rows)


def _oracle(people: list[Person], visits: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient_id": person.patient_id,
            "visit": visit + 1,
            "severity": round(float(person.severity[visit]), 6),
            "responds": person.responds,
            "case": bool(person.hamd[visit] >= CUTOFF),
            **{name: round(float(person.signs[name][visit]), 6) for name in MODALITIES},
        }
        for person in people
        for visit in range(visits)
    )
