"""Does the fused marker beat each modality on the phantom, and does the control raise its flag where it must?

Two phantoms of the same size: signs planted in the participant, and in the interviewer's questions alone. On the first
the fused markers ought to beat every single modality and both controls; on the second whatever looks at the participant
ought to fall to chance, and the page ought to warn of the control on prompts. The settings are those of the
demonstration; they were chosen on a phantom of another seed (2020).

    python benchmarks/depression_phantom.py --people 240 --folder /tmp/phantoms
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from presage.depression.demo import study_text
from presage.depression.phantom.cohort import make_phantom
from presage.findings import Findings, ScoreTable
from presage.findings.comparison import comparison
from presage.study import Study
from presage.study.run import run_study

FUSED = "Fused, network"
SEEDS = {"participant": 411, "interviewer": 412}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--people", type=int, default=240)
    arguments.add_argument("--repeats", type=int, default=1)
    arguments.add_argument("--seeds", type=int, default=10, help="trainings of the network")
    arguments.add_argument("--planted", nargs="+", choices=list(SEEDS), default=list(SEEDS))
    arguments.add_argument("--folder", type=Path, default=Path("phantoms"))
    chosen = arguments.parse_args()
    for planted_in in chosen.planted:
        seed = SEEDS[planted_in]
        cohort = chosen.folder / planted_in
        make_phantom(cohort, people=chosen.people, seed=seed, planted_in=planted_in, visits=1)
        study = chosen.folder / f"{planted_in}.yaml"
        text = study_text(str(cohort.absolute()), seed, repeats=chosen.repeats)
        study.write_text(text.replace("seeds: 10", f"seeds: {chosen.seeds}"), encoding="utf-8")
        findings = run_study(Study.read(str(study)), chosen.folder / f"run-{planted_in}")
        tell(planted_in, findings.document["sections"]["comparison"])
        if planted_in == "participant":
            against(findings, FUSED)


def against(findings: Findings, name: str) -> None:
    """Differences of every other score from one, of the same people and folds."""
    kept = findings.document["scores"]
    table = ScoreTable(
        patient=np.array(kept["patients"]),
        outcome=np.array(kept["outcome"]),
        scores={key: np.array(value) for key, value in kept["scores"].items()},
        standard=name,
        folds=np.array(kept["folds"]),
        outcome_kind="scale",
        cutoff=findings.document["outcome"]["cutoff"],
    )
    for entry in (comparison(table, {}) or {})["markers"]:
        difference = entry["difference"]
        print(f"{entry['name']} less {name}: {difference['value']:+.3f} "
              f"({difference['low']:+.3f} to {difference['high']:+.3f})")  # fmt: skip


def tell(planted_in: str, section: dict) -> None:
    """One row per score, then what the page warns of."""
    print(f"\nPHANTOM, planted in the {planted_in}")
    for entry in (section["standard"], *section["markers"]):
        auc = entry["auc"]
        print(f"{entry['name']:<32} AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})")
    for warning in section["controls"]:
        print(warning["sentence"])
    if not section["controls"]:
        print("no control does as well as a marker")


if __name__ == "__main__":
    main()
