"""Does a risk from a tumour's mutations beat stage and age, out of fold?

    python benchmarks/tumor_risk.py [DATA] [--repeats 5]

DATA (default: PRESAGE_DATA) holds the MC3 mutation and clinical tables of lower-grade glioma (no stage is recorded:
histological grade takes its place) and clear-cell renal carcinoma. Overall survival. Every score comes from a model
that was fitted, genes and penalty chosen included, without the patient; the risks of the repeats are averaged.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from presage.cohort import Outcome
from presage.stats.concordance import compare_concordance, harrell_c, uno_c
from presage.stats.survival_risk import brier_over_time, calibration_at
from presage.study import Resources
from presage.tumor.risk import StageAge, TumorRisk, read_risk_cohort
from presage.tumor.risk.markers import THREE_YEARS


def shown(value: object) -> str:
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"  # type: ignore[attr-defined]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("data", nargs="?", default=os.environ.get("PRESAGE_DATA", "../shared/data"))
    options.add_argument("--repeats", type=int, default=5)
    given = options.parse_args()
    folder = Path(given.data) / "tumor" / "mc3"
    for name in ("LGG", "KIRC"):
        cohort = read_risk_cohort(folder / f"{name}.MC3.maf.tsv.gz", folder / f"{name}.MC3.clin.tsv.gz", build="hg19")
        cohort = cohort.with_outcome(Outcome("os_days", "time-to-event", event="os_event", label="death"))
        event, time = cohort.targets()["event"], cohort.targets()["time"]
        scores = {"stage + age": np.zeros(len(cohort)), "tumour risk": np.zeros(len(cohort))}
        for repeat in range(given.repeats):
            fold = folds(cohort.cases(), 5, repeat)
            for part in range(5):
                ids = np.array(cohort.patient_ids)
                train, test = cohort.select(ids[fold != part]), cohort.select(ids[fold == part]).blinded()
                for key, marker in (("stage + age", StageAge()), ("tumour risk", TumorRisk())):
                    risk = marker.fit(train, Resources(seed=repeat)).score(test)
                    scores[key][fold == part] += risk / given.repeats
        print(f"{name}: {len(cohort)} patients, {int(event.sum())} deaths; 5 folds x {given.repeats}, by 3 years")
        for key, risk in scores.items():
            fit = calibration_at(event, time, risk, THREE_YEARS)
            print(f"  {key}: Harrell's C {shown(harrell_c(event, time, risk).estimate)}")
            print(f"    Uno's C to 3 years {shown(uno_c(event, time, risk, until=THREE_YEARS).estimate)}")
            print(f"    Brier score {shown(brier_over_time(event, time, risk, [THREE_YEARS]).scores[0])}")
            print(f"    observed/expected {shown(fit.observed_to_expected)}, slope {shown(fit.slope)}")
            for group in fit.groups:
                print(f"    {group.n} patients: predicted {group.predicted:.3f}, observed {shown(group.observed)}")
        pair = scores["tumour risk"], scores["stage + age"]
        for words, uno in (("Harrell's C", False), ("Uno's C to 3 years", True)):
            found = compare_concordance(event, time, *pair, until=THREE_YEARS if uno else None, uno=uno)
            print(f"  difference in {words}: {found.difference:+.3f} ({found.low:+.3f} to {found.high:+.3f}), "
                  f"p {found.p:.2g}", flush=True)  # fmt: skip


def folds(cases: np.ndarray, count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    fold = np.empty(len(cases), dtype=int)
    for kind in (cases, ~cases):
        rows = random.permutation(np.flatnonzero(kind))
        fold[rows] = np.arange(len(rows)) % count
    return fold


if __name__ == "__main__":
    main()
