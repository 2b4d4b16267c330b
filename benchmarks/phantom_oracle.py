"""Claim: the phantom's best possible AUC is about 0.80 and density's about 0.54, and nothing trivial tells cases apart.

    python benchmarks/phantom_oracle.py [--women 226] [--seed 2020] [--folder COHORT]

1. The latent model: in closed form, and in 100,000 independent draws.
2. The cohort of the seed: the oracle, the true density, and every trivial cue with its 95 % interval: grey, size of the
   breast, maker, side, age, bytes of the file, density as the tissue code measures it.
3. The spectral exponent inside the breast, by view, and the correlation of measured with true density.
4. How long making the cohort takes, against reading it back.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import distance_transform_edt
from scipy.special import ndtr

from presage.breast import read_mammogram, segment
from presage.breast.phantom import make_phantom, spectral_exponent
from presage.breast.phantom.risk import DENSITY_SHIFT, TEXTURE_SHIFT, draw_latents, oracle_risk
from presage.cohort import Cohort, Recording, UnusableRecording
from presage.stats.discrimination import auc_interval

LATENTS = 100_000


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--women", type=int, default=226)
    arguments.add_argument("--seed", type=int, default=2020)
    arguments.add_argument("--folder", type=Path, help="keep the cohort here, or take a finished one")
    chosen = arguments.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores; {chosen.women} women, seed {chosen.seed}\n")
    latent_model(chosen.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch) / "cohort"
        start = time.perf_counter()
        cohort = make_phantom(folder, women=chosen.women, seed=chosen.seed)
        made = time.perf_counter() - start
        start = time.perf_counter()
        pictures = measure(cohort)
        read = time.perf_counter() - start
        report(folder, pictures)
    print(
        f"\nmaking {len(pictures)} pictures {made:.1f} s, reading and measuring them {read:.1f} s, "
        f"ratio {made / read:.2f}"
    )


def latent_model(seed: int) -> None:
    outcome, texture, density = draw_latents(LATENTS // 2, LATENTS // 2, np.random.default_rng(seed), stratified=False)
    print("latent model                       closed form   " + f"{LATENTS:,} independent draws")
    closed = float(ndtr(np.hypot(TEXTURE_SHIFT, DENSITY_SHIFT) / np.sqrt(2)))
    print(f"  oracle AUC                       {closed:.4f}        {shown(outcome, oracle_risk(texture, density))}")
    print(
        f"  density AUC                      {ndtr(DENSITY_SHIFT / np.sqrt(2)):.4f}        {shown(outcome, density)}\n"
    )


def measure(cohort: Cohort) -> pd.DataFrame:
    """One row per picture with its trivial cues."""
    return pd.DataFrame([cues(recording) for recording in cohort.iter_recordings("mammogram")])


def cues(recording: Recording) -> dict[str, object]:
    try:
        mammogram = read_mammogram(recording)
        tissue = segment(mammogram, spacing_mm=0.4)
    except UnusableRecording as unusable:
        raise SystemExit(f"{recording.path}: {unusable}") from unusable
    grey = tissue.image[tissue.breast]
    inner = distance_transform_edt(tissue.breast) * 0.4 > 5
    return {
        "patient_id": recording.patient_id,
        "view": recording["view"],
        "mean grey of the breast": grey.mean(),
        "spread of grey": grey.std(),
        "median grey": np.median(grey),
        "mean grey of the picture": mammogram.pixels.mean(),
        "breast area": tissue.breast.sum(),
        "measured percent density": tissue.dense.sum() / tissue.breast.sum(),
        "bytes of the file": Path(recording.path).stat().st_size,
        "columns of the picture": mammogram.pixels.shape[1],
        "left side": float(mammogram.laterality == "L"),
        "spectral exponent": spectral_exponent(tissue.image, inner, 0.4),
    }


def report(folder: Path, pictures: pd.DataFrame) -> None:
    patients = pd.read_csv(folder / "patients.csv").set_index("patient_id").sort_index()
    truth = pd.read_csv(folder / "oracle.csv").set_index("patient_id").sort_index()
    outcome = patients["cancer"].to_numpy()
    print("the cohort, AUC [95 % interval]    woman")
    for name, score in (
        ("oracle", truth["oracle_risk"]),
        ("true percent density", truth["percent_density"]),
        ("age", patients["age"]),
        ("site", pd.Series(pd.factorize(patients["site"])[0])),
        ("maker A", truth["vendor"].eq("PHANTOM A")),
        ("maker B", truth["vendor"].eq("PHANTOM B")),
        ("maker C", truth["vendor"].eq("PHANTOM C")),
    ):
        print(f"  {name:32s} {shown(outcome, score.to_numpy(float))}")
    classes = patients["bi_rads_density"].value_counts(normalize=True).reindex(list("ABCD"), fill_value=0)
    print("  density classes                  " + ", ".join(f"{letter} {classes[letter]:.0%}" for letter in "ABCD"))
    by_view = {str(view): rows.set_index("patient_id").sort_index() for view, rows in pictures.groupby("view")}
    print("\nby view                            " + "".join(f"{view:24s}" for view in by_view))
    for name in pictures.columns[2:-1]:
        print(f"  {name:32s} " + "   ".join(shown(outcome, rows[name].to_numpy(float)) for rows in by_view.values()))
    print("  (the planted texture itself)")
    name = "spectral exponent"
    print(f"  {name:32s} " + "   ".join(shown(outcome, rows[name].to_numpy(float)) for rows in by_view.values()))
    print("\nagreement                          " + "".join(f"{view:24s}" for view in by_view))
    dense = [np.corrcoef(r["measured percent density"], truth["percent_density"])[0, 1] for r in by_view.values()]
    print("  measured with true density, r    " + "".join(f"{value:<24.3f}" for value in dense))
    print(
        "  spectral exponent, mean (SD)     "
        + "".join(f"{r[name].mean():.2f} ({r[name].std():.2f})             " for r in by_view.values())
    )


def shown(outcome: np.ndarray, score: np.ndarray) -> str:
    if np.ptp(score) == 0:
        return "the same for all     "
    found = auc_interval(outcome, score)
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


if __name__ == "__main__":
    main()
