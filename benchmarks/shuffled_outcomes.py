"""With outcomes shuffled no marker may find anything: how many AUC intervals of the demo's study cover 0.5.

    python benchmarks/shuffled_outcomes.py [--shuffles 20] [--repeats 1] [--women 226]

Every shuffle is a whole study (folds, fits, out-of-fold scores) on the same phantom images with the outcomes of the
women permuted; only the encoder outputs are shared. Expected: 95 % of intervals cover 0.5, so 19 of 20 on average.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from presage.breast.demo import BreastDemo
from presage.study import Study
from presage.study.progress import Progress
from presage.study.run import run_study


def main() -> None:
    """Print one line for each shuffle and the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shuffles", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--women", type=int, default=226)
    parser.add_argument(
        "--folder", type=Path, help="where the phantom cohort is or shall be; a temporary folder if absent"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = options.folder or Path(scratch)
        shuffle_all(root, Path(scratch), options)


def shuffle_all(root: Path, scratch: Path, options: argparse.Namespace) -> None:
    """Run the studies and print the table."""
    study_file = BreastDemo().build(root, women=options.women)
    study = Study.read(study_file)
    cohort = Path(study_file).parent / study.cohort
    patients = pd.read_csv(cohort / "patients.csv", dtype={"patient_id": str})
    print(
        f"{platform.platform()}, {os.cpu_count()} cores; {len(patients)} phantom women; seeds 1 to {options.shuffles}"
    )
    print(f"{study.validation.folds} folds x {options.repeats} repeats")
    covered: dict[str, int] = {}
    for seed in range(1, options.shuffles + 1):
        shuffled = scratch / f"shuffle-{seed}"
        shuffled.mkdir()
        for name in ("recordings.csv", "cohort.yaml"):
            (shuffled / name).write_text((cohort / name).read_text())
        (shuffled / "images").symlink_to((cohort / "images").resolve())
        changed = patients.assign(cancer=np.random.default_rng(seed).permutation(patients["cancer"]))
        changed.to_csv(shuffled / "patients.csv", index=False)
        document = study.model_copy(
            update={
                "cohort": str(shuffled),
                "validation": study.validation.model_copy(update={"repeats": options.repeats, "seed": seed}),
                "report": {},
            }
        )
        findings = run_study(document, scratch / f"run-{seed}", progress=Progress()).document
        section = findings["sections"]["comparison"]
        cells = []
        for row in [section["standard"], *section["markers"]]:
            auc = row["auc"]
            holds = auc["low"] <= 0.5 <= auc["high"]
            covered[row["name"]] = covered.get(row["name"], 0) + holds
            cells.append(f"{auc['value']:.3f} ({auc['low']:.2f}-{auc['high']:.2f}){'' if holds else ' *'}")
        print(f"{seed:3d}  " + "  ".join(cells), flush=True)
    print("\nintervals that cover 0.5:")
    for name, count in covered.items():
        print(f"  {count:3d} of {options.shuffles}  {name}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
