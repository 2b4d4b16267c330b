"""The demonstration: a phantom cohort, and the article's comparison on it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

WOMEN = 226

_HEAD = """\
# {what}
# The cohort is a PHANTOM: made-up women, made-up mammograms; risk is planted in the texture of the tissue. Nothing that
# this study finds says anything about people. What is planted, and how much can be found: docs/explanation/phantom.md
title: {title}
cohort: {cohort}
outcome: {{column: cancer, label: breast cancer (made up)}}

# Today's practice, which every marker is compared with.
standard: {{marker: percent-density, name: Percent density}}

# The article's two models (Arefan et al., Medical Physics 2020), here with the trunk EfficientNet-lite0.
markers:
"""

_TAIL = """
validation: {{folds: {folds}, repeats: {repeats}, group_by: patient, seed: {seed}}}
engine: {{name: local, workers: 2}}
# The prevalence is made up like everything here: a case-control sample has none, and the decision curve needs one.
report: {{specificities: [0.8, 0.9], people: women, prevalence: 0.02}}
"""

_FAMILIES = {"googlenet-lda": "GoogLeNet-LDA", "googlenet": "GoogLeNet end-to-end"}
_TISSUES = {"whole-breast": "whole breast", "dense-tissue": "dense tissue"}
_VIEWS = {"CC": "[CC]", "MLO": "[MLO]", "MLO+CC": "[CC, MLO]"}

# The article's two best settings, and the end-to-end network on the first of them.
_SHORT = (
    ("googlenet-lda", "whole-breast", "CC"),
    ("googlenet-lda", "dense-tissue", "MLO+CC"),
    ("googlenet", "whole-breast", "CC"),
)
_ALL = tuple((family, tissue, views) for family in _FAMILIES for tissue in _TISSUES for views in _VIEWS)


class BreastDemo:
    """The breast-risk study on made-up mammograms, ready to run."""

    summary: ClassVar[str] = "Breast-cancer risk from mammograms against breast density, on made-up women."

    def build(
        self,
        folder: Path,
        *,
        women: int | None = None,
        seed: int = 2020,
        full: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Path:
        """Make the cohort (or take the finished one of the same settings) and write the study files.

        Parameters
        ----------
        folder
            Gets ``cohort`` (``cohort-full`` where `full`), ``study.yaml`` and ``study-full.yaml``.
        women
            Even; 226 by default, as in the article.
        seed
            Of the cohort and of the folds.
        full
            Pictures of 0.1 mm per pixel, and the study with every setting, ten folds and ten repeats: hours.
        progress
            Called with (pictures done, pictures in all) after each.

        Returns
        -------
        Path
            ``study.yaml``, or ``study-full.yaml`` where `full`.

        Raises
        ------
        presage.cohort.InputError
            If a cohort of other settings lies in the folder, or the number of women cannot be.
        """
        from presage.breast.phantom import make_phantom

        folder = Path(folder)
        cohort = "cohort-full" if full else "cohort"
        make_phantom(
            folder / cohort,
            women=WOMEN if women is None else women,
            seed=seed,
            size="full" if full else "demo",
            progress=progress,
        )
        short, long = folder / "study.yaml", folder / "study-full.yaml"
        _write(short, study_text(cohort, seed, full=False))
        _write(long, study_text(cohort, seed, full=True))
        return long if full else short


def study_text(cohort: str, seed: int, *, full: bool) -> str:
    """The text of the study: the short one that fits into minutes, or the full one."""
    if full:
        what = "The full study: both models, both inputs, each view, ten folds, ten repeats. It takes hours."
        title = "Breast cancer risk from phantom mammograms (made up), full study"
        folds, repeats = 10, 10
    else:
        what = (
            "A short study that takes minutes: fewer settings, folds and repeats than study-full.yaml, smaller images."
        )
        title = "Breast cancer risk from phantom mammograms (made up), short study"
        folds, repeats = 5, 3
    lines = [
        f'  - {{marker: {family}, name: "{_FAMILIES[family]}, {_TISSUES[tissue]}, {views}", '
        f"input: {tissue}, views: {_VIEWS[views]}}}\n"
        for family, tissue, views in (_ALL if full else _SHORT)
    ]
    head = _HEAD.format(what=what, title=title, cohort=cohort)
    return head + "".join(lines) + _TAIL.format(folds=folds, repeats=repeats, seed=seed)


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)
