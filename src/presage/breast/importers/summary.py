"""The study that is written beside a cohort of mammograms."""

from __future__ import annotations

import json

from presage.breast.study_template import study_text
from presage.cohort import storage


def write_study(root: str, *, title: str, column: str, cases: int, controls: int, views: list[str]) -> None:
    """Write ``study.yaml``: the study of the article on this cohort, the slow networks switched off."""
    text = study_text(
        title=json.dumps(title),
        column=json.dumps(column),
        label=json.dumps(column.replace("_", " ")),
        views=views,
        end_to_end=False,
        folds=max(2, min(10, cases, controls)),
        where=storage.join(root, "study.yaml"),
    )
    storage.write_bytes(storage.join(root, "study.yaml"), text.encode())
