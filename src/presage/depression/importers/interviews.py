"""Any folder of interviews: one folder per person, sub-folders for visits; or a table that says what each file is."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pandas as pd

from presage.cohort import InputError, storage
from presage.cohort.importing import ImportSummary, new_cohort_folder, source_files, write_excluded, write_tables
from presage.cohort.outcome_tables import outcome_columns, patients_with_outcomes, read_outcomes
from presage.depression.importers.coverage import as_recording, without_uncovered
from presage.depression.importers.folders import from_folders
from presage.depression.importers.listing import from_table
from presage.depression.importers.soundtracks import with_soundtracks
from presage.depression.language.detection import ENGLISH, NO_LANGUAGE, language_of
from presage.depression.media import CHANNELS
from presage.depression.scales import score, scored_columns
from presage.depression.study_template import write_study
from presage.depression.transcripts.reader import read_transcript

# Columns that a control on demographics reads, where they are there.
_WHO = ("age", "sex", "gender", "education")
# Single transcripts in another language are for the markers to count out or to warn of.
_NEARLY_ALL = 0.8
_DESCRIPTION = "Imported interviews; patient ids are those of the source."


def import_interviews(
    source: str,
    cohort: str,
    *,
    table: str = "",
    outcomes: str = "",
    covariates: str = "",
    language: str = "",
    participant_label: str = "",
    channel: str = "",
    prorate: int = 0,
    allow_names: bool = False,
    name: str = "",
) -> ImportSummary:
    """Make a cohort of a folder of interviews; the files stay where they are.

    Without a table, each folder in the source is a person and its name the patient id; each folder in that is a visit
    (dates become 1, 2, ...). Where a visit has several files of a kind, their names tell the tasks apart:
    ``reading.wav`` and ``reading.txt`` belong together. Kinds are told by the ending.

    Parameters
    ----------
    source
        Folder to walk.
    cohort
        Folder to make.
    table
        CSV table with ``patient_id`` and ``path`` (relative to the source), and, where needed, ``visit``, ``kind``,
        ``task``, ``answer``, ``channel``, ``participant_label``, ``language``. Other files are left out.
    outcomes
        CSV table with one row per patient: ``patient_id``, totals of scales (``phq8``), their items (``phq8_1`` ...)
        and covariates. Totals are computed from items, and checked against them where both are there.
    covariates
        Names, comma separated, of columns of that table that a marker may see; ``site``, ``match_set`` and ``age``
        always are. All others count as outcomes.
    language
        Code of the language, such as ``en`` or ``zh``.
    participant_label
        What transcripts call the participant, where they do not say participant, patient or the like.
    channel
        The participant's channel in stereo files: left, right or mix.
    prorate
        How many items of a scale may be missing; the mean of the answered ones takes their place.
    allow_names
        Accept folder names without any digit, which may be persons' names, as patient ids.
    name
        Name of the cohort, for the report.

    Raises
    ------
    InputError
        If there is no recording, folders look like persons' names or like classes, the tables have columns that
        identify persons, or totals contradict their items.
    """
    if channel not in ("", *CHANNELS):
        raise InputError(f"there is no channel {channel!r}", where="--channel", cure=f"one of {', '.join(CHANNELS)}")
    target = new_cohort_folder(cohort)
    root, files = source_files(source)
    answers = read_outcomes(outcomes) if outcomes else None
    beside = {os.path.abspath(path) for path in (outcomes, table) if path}
    files = [file for file in files if storage.join(root, file) not in beside]
    rows, excluded = from_table(root, files, table) if table else from_folders(root, files, allow_names=allow_names)
    if not rows:
        raise InputError(
            f"none of {len(files)} files is an interview", where=root, cure="one folder per person with its files in it"
        )
    given = {"language": language, "participant_label": participant_label, "channel": channel}
    rows = with_soundtracks([_with_defaults(row, given) for row in rows])
    rows, short = without_uncovered(rows, root)
    people = {row["patient_id"]: row["patient_id"] for row in rows}
    patients, notes = patients_with_outcomes(people, answers, ids="the names of the folders")
    patients, scale_notes = with_totals(patients, prorate, outcomes)
    columns = outcome_columns(patients, covariates)
    excluded = sorted(excluded + short)
    title = name or "Imported interviews"
    write_tables(target, patients, pd.DataFrame(rows), name=title, description=_DESCRIPTION, outcomes=columns)
    write_excluded(storage.join(target, "excluded.csv"), excluded)
    notes += scale_notes + _study(target, patients, rows, columns, title)
    notes += ["The cohort refers to the original files and their folders: do not move or rename them."]
    return ImportSummary(len(patients), len(rows), excluded, notes)


def _study(
    target: str, patients: pd.DataFrame, rows: list[dict[str, Any]], outcomes: tuple[str, ...], title: str
) -> list[str]:
    """Write ``study.yaml`` where there is an outcome with both classes; say why not where there is none."""
    seen = [str(column) for column in patients.columns if column not in outcomes]
    for column, cutoff in _candidates(patients, outcomes):
        values = pd.to_numeric(patients[column], errors="coerce").dropna()
        cases = int((values >= (1 if cutoff is None else cutoff)).sum())
        written = write_study(
            target,
            title=f"{title}: {column.upper()}",
            column=column,
            label=column.upper(),
            cutoff=cutoff,
            kinds={row["kind"] for row in rows},
            questionnaire=next((scale.name for scale in scored_columns(pd.Index(seen)) if scale.name in seen), ""),
            demographics=[name for name in _WHO if name in seen and patients[name].nunique() > 1],
            language=_language(rows),
            several_visits=len({row["visit"] for row in rows}) > 1,
            cases=cases,
            controls=len(values) - cases,
        )
        if written:
            return []
    return ["No study.yaml was written: it needs an outcome (a known scale, or 0 and 1) with two cases and controls."]


def _language(rows: list[dict[str, Any]]) -> str:
    """The language of nearly all transcripts by their script and what the table says; empty where there is none."""
    found: Counter[str] = Counter()
    for row in rows:
        if row["kind"] == "transcript":
            try:
                text = read_transcript(as_recording(row)).participant().text
            except InputError:
                continue  # checking the cohort says why it cannot be read
            found[language_of(text, row.get("language", "")).name] += 1
    del found[NO_LANGUAGE]
    if not found:
        return ENGLISH
    name, n = found.most_common(1)[0]
    return name if n >= _NEARLY_ALL * found.total() else ""


def _candidates(patients: pd.DataFrame, outcomes: tuple[str, ...]) -> list[tuple[str, float | None]]:
    """Columns that a study may predict: totals of known scales with their cut-offs, then columns of 0 and 1."""
    totals: list[tuple[str, float | None]] = [
        (scale.name, scale.cutoff) for scale in scored_columns(pd.Index(outcomes)) if scale.name in outcomes
    ]
    binary = [c for c in outcomes if set(pd.to_numeric(patients[c], errors="coerce").dropna()) == {0, 1}]
    return totals + [(column, None) for column in binary]


def _with_defaults(row: dict[str, Any], given: dict[str, str]) -> dict[str, Any]:
    """The row with the columns that were given for the whole cohort, where its kind knows them and it has none."""
    fitting = {
        "language": given["language"],
        "participant_label": given["participant_label"] if row["kind"] == "transcript" else "",
        "channel": given["channel"] if row["kind"] != "transcript" else "",
    }
    return {**row, **{key: row.get(key) or value for key, value in fitting.items() if row.get(key) or value}}


def with_totals(patients: pd.DataFrame, prorate: int, where: str) -> tuple[pd.DataFrame, list[str]]:
    """The patients with the total of every scale whose total or items are there, and notes."""
    indexed, notes = patients.set_index("patient_id"), []
    for scale in scored_columns(indexed.columns):
        scored = score(indexed, scale, where=where or "patients.csv", prorate=min(prorate, (scale.n_items - 1) // 2))
        indexed[scale.name] = scored.totals
        notes += scored.notes
        known = scored.totals.dropna()
        if len(known):
            cases = int((known >= scale.cutoff).sum())
            notes.append(f"{scale.title}: {cases} of {len(known)} patients have {scale.cutoff:g} or more.")
    return indexed.reset_index(), notes
