"""The demonstration: made-up interviews, each modality alone, fused, and the controls."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from presage.cohort import InputError

PEOPLE = 80
FULL_PEOPLE = 240

_STUDY = """\
# {what}
# The cohort is a PHANTOM: made-up people, voices, faces and words; signs of depression are planted in all three.
# Nothing that this study finds says anything about people. Main path with your own: docs/how-to/depression.md
title: {title}
cohort: {cohort}
outcome: {{column: hamd, kind: scale, cutoff: 17, label: HAM-D (made up)}}
# They were interviewed three times; the outcome is that of the first visit.
recordings: {{visit: ["1"]}}

# Today's practice, which every marker is compared with: what people say of themselves.
standard: {{marker: questionnaire, name: PHQ-9, column: phq9}}

markers:
  # Each modality alone.
  - {{marker: language, name: Text encoder}}
  - {{marker: language-measures, name: Counted words}}
  - {{marker: prosody, name: Voice}}
  - {{marker: face, name: Face}}
  # All of them.
{fused}
  # Controls: what ought to say nothing of the outcome. The page warns where one does as well as a marker.
  - {{marker: prompts-only, name: Prompts only (control)}}
  - {{marker: demographics-only, name: Demographics only (control)}}

validation: {{folds: 5, repeats: {repeats}, group_by: patient, seed: {seed}}}
engine: {{name: local, workers: 2}}
report: {{specificities: [0.8, 0.9], people: made-up people}}
"""

#: What is fused how; the settings were chosen on a phantom of another seed than any claim is made on.
FUSED = """\
  - {marker: fusion, name: "Fused, network", fusion: gate, seeds: 10, epochs: 30, new_learning_rate: 0.003}
  - {marker: late-fusion, name: "Fused, linear", members: [language, language-measures, prosody, face]}
"""


class DepressionDemo:
    """Depression from made-up interviews, ready to run."""

    summary: ClassVar[str] = "Depression from words, voice and face, alone and fused, on made-up people."

    def build(
        self,
        folder: Path,
        *,
        women: int | None = None,
        seed: int = 2020,
        full: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Path:
        """Make the cohort (or take the finished one of the same settings) and write the study file.

        Parameters
        ----------
        folder
            Gets ``cohort`` and ``study.yaml`` (``cohort-full`` and ``study-full.yaml`` where `full`).
        women
            How many people (the option has this name for every demonstration); 80 by default, 240 where `full`.
        seed
            Of the cohort and of the folds.
        full
            More people and five repeats of the cross-validation.
        progress
            Called with (visits done, visits in all) after each.

        Returns
        -------
        Path
            The study file.

        Raises
        ------
        presage.cohort.InputError
            If a cohort of other settings lies in the folder, or fewer than 20 people are asked for.
        """
        from presage.depression.phantom.cohort import make_phantom

        count = (FULL_PEOPLE if full else PEOPLE) if women is None else women
        if count < 20:
            raise InputError(f"{count} people are too few for a study of five folds", cure="at least 20")
        cohort, name = ("cohort-full", "study-full.yaml") if full else ("cohort", "study.yaml")
        make_phantom(Path(folder) / cohort, people=count, seed=seed, progress=progress)
        study = Path(folder) / name
        _write(study, study_text(cohort, seed, repeats=5 if full else 1))
        return study


def study_text(cohort: str, seed: int, *, repeats: int) -> str:
    """The text of the study."""
    what = "Depression from interviews: words, voice and face, alone and fused."
    title = "Depression from phantom interviews (made up)"
    return _STUDY.format(what=what, title=title, cohort=cohort, fused=FUSED, repeats=repeats, seed=seed)


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)
