"""A mutual hazard network of 20 events against a plain loop over subsets: time of a gradient, of a fit, of the choice.

    python benchmarks/bench_mhn.py [DATA] [--many]

DATA (default: PRESAGE_DATA) holds `tumor/mhn/Glioblastoma.csv` (261 tumours x 20 events). The loop goes over tumours,
their subsets and events in plain Python, restricted to the tumour's own events as ours is; it has one thread. `--many`
also times tumours with up to 25 events, and the memory that they take.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd

from presage.tumor.progression import choose_penalty, fit
from presage.tumor.progression.likelihood import States, score


def plain(theta: np.ndarray, tumours: np.ndarray) -> tuple[float, np.ndarray]:
    """Sum of ln p and its gradient, by the equations."""
    n = len(theta)
    value, gradient = 0.0, np.zeros((n, n))
    for tumour in tumours:
        own = [i for i in range(n) if tumour[i]]
        k = len(own)
        sets = [[own[b] for b in range(k) if x >> b & 1] for x in range(1 << k)]
        rates = [
            [0.0 if i in had else math.exp(theta[i, i] + sum(theta[i, j] for j in had)) for i in range(n)]
            for had in sets
        ]
        p, q = [0.0] * (1 << k), [0.0] * (1 << k)
        for x in range(1 << k):
            come = sum(rates[x ^ 1 << b][own[b]] * p[x ^ 1 << b] for b in range(k) if x >> b & 1)
            p[x] = (come + (x == 0)) / (1 + sum(rates[x]))
        for x in range((1 << k) - 1, -1, -1):
            go = sum(rates[x][own[b]] * q[x | 1 << b] for b in range(k) if not x >> b & 1)
            q[x] = (go + (x == (1 << k) - 1) / p[-1]) / (1 + sum(rates[x]))
        value += math.log(p[-1])
        for x in range(1 << k):
            for i in range(n):
                if rates[x][i]:
                    ends = q[x | 1 << own.index(i)] if i in own else 0.0
                    moved = rates[x][i] * p[x] * (ends - q[x])
                    gradient[i, i] += moved
                    for j in sets[x]:
                        gradient[i, j] += moved
    return value, gradient


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("data", nargs="?", default=os.environ.get("PRESAGE_DATA", "../shared/data"))
    options.add_argument("--many", action="store_true")
    given = options.parse_args()
    table = pd.read_csv(Path(given.data) / "tumor" / "mhn" / "Glioblastoma.csv")
    tumours = table.to_numpy()
    theta = np.random.default_rng(0).normal(0, 0.5, (20, 20)) - 2 * np.eye(20)
    states = States.gather(tumours)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        value, gradient = score(theta, states.events, states.counts)
        times.append(time.perf_counter() - began)
    ours = float(np.median(times))
    began = time.perf_counter()
    slow_value, slow_gradient = plain(theta, tumours)
    slow = time.perf_counter() - began
    print(f"{tumours.shape[0]} tumours x {tumours.shape[1]} events, ln p and gradient, one thread: {ours * 1e3:.1f} ms")
    print(
        f"plain loop: {slow:.2f} s; ratio {slow / ours:.0f} x; apart {abs(value - slow_value):.1e} in ln p, "
        f"{np.abs(gradient - slow_gradient).max():.1e} in the gradient"
    )
    began = time.perf_counter()
    network = fit(table, 0.01)
    print(f"fit with penalty 0.01: {time.perf_counter() - began:.1f} s; "
          f"mean ln p {network.log_likelihoods(table).mean():.4f}")  # fmt: skip
    began = time.perf_counter()
    choice = choose_penalty(table)
    fit(table, choice.chosen)
    took = time.perf_counter() - began
    print(
        f"penalty chosen of {len(choice.penalties)} in 5 parts, and the fit: {took:.1f} s (penalty {choice.chosen:.4f})"
    )
    if given.many:
        for k in (16, 18, 20, 22, 24, 25):
            wide = np.random.default_rng(1).normal(-0.5, 0.3, (30, 30))
            one = (np.arange(30) < k)[None]
            began = time.perf_counter()
            score(wide, one, np.ones(1))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(f"one tumour with {k} of 30 events: {time.perf_counter() - began:.2f} s, peak so far {peak:.2f} GiB")


if __name__ == "__main__":
    main()
