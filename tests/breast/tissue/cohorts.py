"""Small cohorts of drawn mammograms, written as PGM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from presage.breast.mammogram import Mammogram
from presage.cohort import Cohort

from .pictures import draw


def write_pgm(path: Path, mammogram: Mammogram) -> None:
    grey = np.rint(mammogram.pixels * 255).astype(np.uint8)
    path.write_bytes(f"P5\n{grey.shape[1]} {grey.shape[0]}\n255\n".encode() + grey.tobytes())


def drawn_cohort(folder: Path, *, women: int = 12, phantom: bool = False) -> Cohort:
    """Women with a CC and an MLO film each; cases have more gland."""
    folder.mkdir(parents=True, exist_ok=True)
    patients, recordings = [], []
    for index in range(women):
        case = index % 2
        # A few exceptions, so that the classes are not separated.
        size = (26.0 if case else 14.0) + (index * 7 % 5) * (2.5 if index % 3 else -2.5)
        patients.append({"patient_id": f"W{index:02d}", "cancer": case})
        for view in ("CC", "MLO"):
            name = f"W{index:02d}_{view}.pgm"
            write_pgm(folder / name, draw(view=view, gland_mm=size).mammogram)
            recordings.append(
                {
                    "patient_id": f"W{index:02d}",
                    "visit": "1",
                    "kind": "mammogram",
                    "path": str(folder / name),
                    "laterality": "L",
                    "view": view,
                    "spacing_mm": "0.2",
                    "origin": "film",
                }
            )
    return Cohort(
        patients=pd.DataFrame(patients).set_index("patient_id"),
        recordings=pd.DataFrame(recordings),
        root=str(folder),
        name="Drawn breasts",
        phantom=phantom,
    )
