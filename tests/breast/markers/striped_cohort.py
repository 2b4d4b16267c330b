"""Small made-up mammograms on disk, quick to read: a half disk with stripes whose period depends on the outcome."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from presage.cohort import Cohort, Outcome

SPACING_MM = 0.8


def breast_picture(seed: int, case: bool, *, rows: int = 240, columns: int = 200) -> np.ndarray:
    """An 8-bit picture: breast at the left, texture fine in cases and coarse in controls."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    inside = ((y - rows / 2) / 100) ** 2 + (x / 120) ** 2 < 1
    noise = generator.normal(size=(rows, columns)).astype(np.float32)
    texture = cv2.GaussianBlur(noise, (0, 0), 1.5 if case else 4.0)
    texture /= texture.std()
    level = 110 + 20 * texture + 25 * (cv2.GaussianBlur(noise, (0, 0), 20) > 0)
    return np.where(inside, np.clip(level, 40, 250), 0).astype(np.uint8)


def write_cohort(folder: Path, patients: int, *, views: tuple[str, ...] = ("CC", "MLO"), seed: int = 0) -> Cohort:
    """A cohort of `patients`, every other a case, one picture of each view."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(patients):
        for view in views:
            path = folder / f"{number}_{view}.png"
            picture = breast_picture(seed + 10 * number + len(view), bool(number % 2))
            assert cv2.imwrite(str(path), picture)
            rows.append([f"P{number:02d}", "mammogram", path.name, "L", view, SPACING_MM, "for-presentation"])
    columns = ["patient_id", "kind", "path", "laterality", "view", "spacing_mm", "origin"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "recordings.csv", index=False)
    outcome = pd.DataFrame({"patient_id": [f"P{n:02d}" for n in range(patients)]})
    outcome["cancer"] = np.arange(patients) % 2
    outcome.to_csv(folder / "patients.csv", index=False)
    return Cohort.read(str(folder)).with_outcome(Outcome("cancer"))
