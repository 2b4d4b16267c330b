"""A made-up table of scores to look at the page with. Phantom: nothing in it says anything about medicine."""

from __future__ import annotations

import numpy as np
import pandas as pd

from presage.findings import Findings, ScoreTable, evaluate

MARKERS = {
    "GoogLeNet-LDA, breast, CC": 0.88,
    "GoogLeNet-LDA, dense tissue, CC+MLO": 0.83,
    "GoogLeNet, breast, CC": 0.55,
}


def phantom_table(n: int = 226, repeats: int = 5, folds: int = 10, seed: int = 2020) -> ScoreTable:
    """Binormal scores with planted separations; repeats differ by a little noise, as refitted models do."""
    random = np.random.default_rng(seed)
    cases = np.arange(n) % 2 == 0
    shared = random.normal(size=n)

    def score(shift: float) -> np.ndarray:
        latent = 0.5 * shared + 0.87 * random.normal(size=n) + shift * cases
        noisy = latent + 0.15 * random.normal(size=(repeats, n))
        return 1 / (1 + np.exp(-(noisy - shift / 2)))

    scores = {"percent density": score(0.14)} | {name: score(shift) for name, shift in MARKERS.items()}
    covariates = pd.DataFrame(
        {
            "age": np.round(random.normal(57 + cases, 8), 0),
            "menopause": np.where(random.random(n) < 0.6, "after", "before"),
            "site": random.choice(["North", "South", "West"], n, p=[0.5, 0.45, 0.05]),
        }
    )
    return ScoreTable(
        patient=np.array([f"P{i:04d}" for i in range(n)]),
        outcome=cases.astype(np.int8),
        scores=scores,
        standard="percent density",
        folds=np.stack([random.permutation(np.arange(n) % folds) for _ in range(repeats)]),
        outcome_title="later breast cancer",
        covariates=covariates,
        probabilities=tuple(scores),
    )


def phantom_findings(**chosen) -> Findings:
    """The table above as a study would hand it to the report."""
    options = {"people": "women", "subgroups": ["site", "menopause"], "prevalence": 0.01, "absolute_years": 5} | chosen
    findings = evaluate(phantom_table(), options, title="Later breast cancer from normal mammograms", phantom=True)
    document = findings.document
    document["cohort"] |= {
        "description": "A phantom screening cohort: normal mammograms of women with and without later cancer.",
        "n_recordings": 452,
        "flow": [
            {"step": "recordings", "reason": "magnification view", "unit": "recording", "n": 7},
            {"step": "recordings", "reason": "breast implant", "unit": "patient", "n": 4},
            {"step": "outcome", "reason": "followed up for less than a year", "unit": "patient", "n": 11},
        ],
    }
    document["validation"] = {
        "folds": 10,
        "repeats": 5,
        "group_by": "patient",
        "seed": 2020,
        "splits_sha256": "9f2b" * 16,
    }
    settings = {"input": "breast", "views": ["CC"]}
    for marker in document["markers"]:
        name = marker["name"]
        marker["settings"] = (
            {}
            if marker["role"] == "standard"
            else settings | ({"input": "dense tissue", "views": ["CC", "MLO"]} if "dense tissue" in name else {})
        )
        marker["summary"] = "A made-up score."
    document["settings"] = {"study": "phantom", "markers": MARKERS, "repeats": 5, "folds": 10, "seed": 2020}
    document["gallery"] = [
        {
            "file": f"examples/{i}.png",
            "caption": f"Woman {i}, CC view: score {0.2 * i:.1f}",
            "alt": f"Mammogram {i} with explanation map",
            "code": f"P{i}",
        }
        for i in range(4)
    ]
    return findings
