"""Drivers of phantom tumours against the planted truth: precision, recall, calibration, false positives.

    python benchmarks/tci_phantom.py [--cohorts 5] [--tumours 400]

Each cohort is drawn anew; its tumours are given drivers by tumour-specific causal inference and by the frequency of an
alteration in the cohort (as many calls as the inference makes). PHANTOM data: the figures show that the method works.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from presage.tumor.drivers import call_drivers, chance_levels
from presage.tumor.phantom import draw_tumours
from presage.tumor.tci import Inference, LeakRule

RULES: tuple[LeakRule, ...] = ("published", "driver")


def spread(values: list[float]) -> str:
    return f"{np.mean(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--cohorts", type=int, default=5)
    options.add_argument("--tumours", type=int, default=400)
    options.add_argument("--permutations", type=int, default=20)
    options.add_argument("--alpha", type=float, default=0.01)
    given = options.parse_args()
    print(f"PHANTOM: {given.cohorts} cohorts of {given.tumours} tumours, seeds 100 to {99 + given.cohorts}")
    print(
        f"levels from {given.permutations} permutations at alpha {given.alpha}; mean (smallest-largest of the cohorts)"
    )
    for rule in RULES:
        rows: dict[str, list[float]] = {}
        probability: list[NDArray[np.float64]] = []
        true: list[NDArray[np.bool_]] = []
        for seed in range(100, 100 + given.cohorts):
            phantom = draw_tumours(given.tumours, seed=seed)
            inference = Inference(phantom.altered, phantom.expressed, leak=rule, threads=2)
            levels = chance_levels(inference, permutations=given.permutations, alpha=given.alpha, seed=seed)
            calls = call_drivers(inference, levels)
            is_driver = calls.alteration < phantom.drivers
            frequency = phantom.altered.mean(axis=0)[calls.alteration]
            most = np.argsort(-frequency, kind="stable")[: int(calls.driver.sum())]
            permuted = call_drivers(inference.permuted(np.random.default_rng(seed)), levels)
            found = {
                "precision": is_driver[calls.driver].mean(),
                "recall": calls.driver[is_driver].mean(),
                "precision by frequency": is_driver[most].mean(),
                "recall by frequency": is_driver[most].sum() / is_driver.sum(),
                "called in permuted tumours": permuted.driver.mean(),
            }
            for name, value in found.items():
                rows.setdefault(name, []).append(float(value))
            for tumour, posterior in enumerate(inference.posteriors()):
                cause = phantom.cause[tumour, posterior.genes][None] == posterior.alterations[:, None]
                probability.append(posterior.probability[:-1].ravel())
                true.append(cause.ravel())
        print(f"\nleak: {rule}")
        for name, values in rows.items():
            print(f"  {name:28s}{spread(values) if 'permuted' not in name else f'{np.mean(values):.4f}'}")
        said, was = np.concatenate(probability), np.concatenate(true)
        bins = np.clip((said * 10).astype(int), 0, 9)
        print("  calibration: mean posterior -> share that was the cause (pairs)")
        for number in range(10):
            inside = bins == number
            print(f"    {said[inside].mean():.2f} -> {was[inside].mean():.2f} ({inside.sum():,})")


if __name__ == "__main__":
    main()
