"""The study of the article, written out for a cohort that was just imported."""

from __future__ import annotations

from collections.abc import Sequence

_HEAD = """\
# A study, written by `presage import`; edit it and run it with: presage run {where}
# Every setting of every marker: docs/reference/breast-markers.md
title: {title}
cohort: .
outcome: {{column: {column}, label: {label}}}

# Today's practice, which every marker is compared with.
standard: {{marker: percent-density, name: Percent density, views: [{views}]}}

# The two models of Arefan et al. (Medical Physics 2020): a frozen trunk with linear discriminant analysis, and the same
# trunk trained end to end. Each may look at the whole breast or at dense tissue only, in CC, MLO or both views.
# The trunk is EfficientNet-lite0; where weights of GoogLeNet are at hand: trunk: googlenet, weights: FILE.safetensors
markers:
"""

_TAIL = """
# Folds are made by patient; in a matched cohort set group_by: match_set, in one of several hospitals group_by: site.
validation: {{folds: {folds}, repeats: {repeats}, group_by: patient, seed: 2020}}
engine: {{name: local, workers: 2}}
# A case-control sample has no natural prevalence: state that of the women to be screened, and the page shows what the
# markers would mean for them, e.g. prevalence: 0.017
report: {{specificities: [0.8, 0.9], people: women}}
"""


def study_text(
    *,
    title: str,
    column: str,
    label: str,
    views: Sequence[str],
    end_to_end: bool = True,
    folds: int = 10,
    repeats: int = 10,
    where: str = "study.yaml",
) -> str:
    """The text of a ``study.yaml`` that lies in the cohort folder.

    Parameters
    ----------
    title, column, label
        Heading of the report, outcome column and what a reader is shown for it.
    views
        The views that the cohort has, of ``CC`` and ``MLO``.
    end_to_end
        Whether the slow end-to-end networks are switched on; otherwise they are there as comments.
    folds, repeats
        Of the cross-validation; the article used ten folds.
    where
        How the reader will name the file.
    """
    sets = [(view,) for view in views] + ([tuple(views)] if len(views) > 1 else [])
    lines = []
    for marker, family, active in (("googlenet-lda", "GoogLeNet-LDA", True), ("googlenet", "GoogLeNet", end_to_end)):
        for tissue, words in (("whole-breast", "whole breast"), ("dense-tissue", "dense tissue")):
            for chosen in sets:
                name = f"{family}, {words}, {'+'.join(chosen)}"
                line = f'  - {{marker: {marker}, name: "{name}", input: {tissue}, views: [{", ".join(chosen)}]}}'
                lines.append(line if active else line.replace("  - ", "  # - ", 1))
    head = _HEAD.format(title=title, column=column, label=label, views=", ".join(views), where=where)
    return head + "\n".join(lines) + "\n" + _TAIL.format(folds=folds, repeats=repeats)
