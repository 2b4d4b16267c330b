"""The study that is written beside a cohort of interviews."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from presage.cohort import storage

_HEAD = """\
# A study, written by `presage import`; edit it and run it with: presage run {where}
# Every setting of every marker: docs/reference/depression-markers.md
title: {title}
cohort: .
outcome: {outcome}
{visits}
"""

_LENGTH = """\
# The standard, which every marker is compared with. This cohort has no second questionnaire beside the outcome, so a
# weak one takes its place: how long people speak, and nothing of what they say or how. To beat it proves little.
standard: {marker: speech-length, name: Speech length}
"""

_QUESTIONNAIRE = """\
# Today's practice, which every marker is compared with.
standard: {{marker: questionnaire, name: {name}, column: {column}}}
"""

_AUDIO = "  - {marker: prosody, name: Audio only}\n"
_TEXT = "  - {marker: language, name: Text only}\n"
_FACE = "  - {marker: face, name: Face only}\n"
_COUNTED = "  - {marker: language-measures, name: Counted words}\n"
_NGRAMS = "  - {marker: language-ngrams, name: Character n-grams}\n"
_NETWORK = '  - {marker: fusion, name: "Fused, network", fusion: gate, seeds: 10}\n'
_LINEAR = '  - {{marker: late-fusion, name: "Fused, linear"{members}}}\n'

_CONTROLS = """
  # Controls: what ought to say nothing of the outcome. The page warns where one does as well as a marker.
"""
_PROMPTS = "  - {marker: prompts-only, name: Prompts only (control)}\n"
_NO_PROMPTS = "  # There is no interviewer in these transcripts, so no control on prompts (prompts-only).\n"
_TABLE = "  - {{marker: demographics-only, name: Demographics only (control), columns: [{columns}]}}\n"
_NO_TABLE = "  # The table has no age, sex or the like, so no control on demographics (demographics-only).\n"
_TEXT_NOTE = """\
  # The text encoder that comes with Presage (all-MiniLM-L6-v2) knows English alone. For other languages name the folder
  # of another one: {marker: language, encoder: FOLDER}, and of the fused network; the page warns until then.
"""
_VALIDATION = """
# Folds are made by patient; in a matched cohort set group_by: match_set, in one of several hospitals group_by: site.
validation: {{folds: {folds}, repeats: {repeats}, group_by: patient, seed: 2020}}
"""
_SPLIT = """
# The official split. For folds instead: {folds: 5, repeats: 4, group_by: patient, seed: 2020}
validation: {splits: splits.csv}
"""
_TAIL = """\
engine: {name: local, workers: 2}
report: {specificities: [0.8, 0.9]}
"""


def study_text(
    *,
    title: str,
    column: str,
    label: str,
    cutoff: float | None,
    kinds: Collection[str],
    questionnaire: str = "",
    prompts: bool = True,
    demographics: Sequence[str] = (),
    language: str = "english",
    official_split: bool = False,
    several_visits: bool = False,
    folds: int = 5,
    repeats: int = 4,
    where: str = "study.yaml",
) -> str:
    """The text of a ``study.yaml`` that lies in the cohort folder.

    Parameters
    ----------
    title, column, label
        Heading of the report, outcome column and what a reader is shown for it.
    cutoff
        Of a scale; None where the outcome is 0 or 1.
    kinds
        Kinds of recordings that the cohort has.
    questionnaire
        Column of a second questionnaire that markers may see; empty where there is none.
    prompts
        Whether the transcripts hold the interviewer's turns.
    demographics
        Columns that tell who somebody is.
    language
        What is spoken: ``english``, which the default text encoder knows and whose words can be counted; ``mandarin``,
        whose words can be counted; or anything else.
    official_split
        Whether ``splits.csv`` lies in the cohort folder.
    several_visits
        Whether people were recorded more than once: the study then keeps the first visit.
    folds, repeats
        Of the cross-validation.
    where
        How the reader will name the file.
    """
    scale = f", kind: scale, cutoff: {cutoff:g}" if cutoff is not None else ""
    visits = '\n# The outcome is that of the first visit.\nrecordings: {visit: ["1"]}\n' if several_visits else ""
    outcome = f"{{column: {json.dumps(column)}{scale}, label: {json.dumps(label)}}}"
    parts = [_HEAD.format(where=where, title=json.dumps(title), outcome=outcome, visits=visits)]
    if questionnaire:
        name = questionnaire.upper().replace("_", " ")
        parts.append(_QUESTIONNAIRE.format(name=json.dumps(name), column=json.dumps(questionnaire)))
    else:
        parts.append(_LENGTH)
    parts.append("\nmarkers:\n")
    parts += _markers(kinds, language)
    parts.append(_CONTROLS)
    if "transcript" in kinds:
        parts.append(_PROMPTS if prompts else _NO_PROMPTS)
    columns = ", ".join(json.dumps(name) for name in demographics)
    parts.append(_TABLE.format(columns=columns) if demographics else _NO_TABLE)
    parts.append(_SPLIT if official_split else _VALIDATION.format(folds=folds, repeats=repeats))
    return "".join([*parts, _TAIL])


def _markers(kinds: Collection[str], language: str) -> list[str]:
    face = bool({"video", "face-track"} & set(kinds))
    found = [_AUDIO] if "audio" in kinds else []
    members: list[str] = []
    if "transcript" in kinds and language == "english":
        found.append(_TEXT)
    elif "transcript" in kinds:
        members = ["language-measures", "language-ngrams"] if language == "mandarin" else ["language-ngrams"]
        found += [_COUNTED, _NGRAMS] if language == "mandarin" else [_NGRAMS]
        found += [_TEXT_NOTE, _TEXT]
    found += [_FACE] if face else []
    if len(kinds) < 2:
        return found
    if members:
        # The encoder's vectors of a language that it does not know would be noise in the fusion.
        members += ["prosody"] * bool({"audio", "video"} & set(kinds)) + ["face"] * face
    return [*found, _NETWORK, _LINEAR.format(members=f", members: [{', '.join(members)}]" if members else "")]


def write_study(root: str, *, cases: int, controls: int, **about: object) -> str:
    """Write ``study.yaml`` and give its address; arguments as for :func:`study_text`.

    Where there are too few cases or controls for two folds nothing is written, and the answer is empty.
    """
    folds = min(5, cases, controls)
    if folds < 2:
        return ""
    where = storage.join(root, "study.yaml")
    storage.write_bytes(where, study_text(folds=folds, where=where, **about).encode())  # type: ignore[arg-type]
    return where
