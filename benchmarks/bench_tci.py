"""Tumour-specific causal inference against a plain compiled loop over the same sums, and its cost as data grow.

    python benchmarks/bench_tci.py [--tumours 1000] [--alterations 800] [--genes 3000] [--curve]

The loop is numba's, one thread, and goes over tumours, genes and the tumour's alterations, counting tumours anew for
each of them as the equations are written. It is timed on some of the tumours and multiplied up: each is as much
work as another. Data are drawn at random (phantom tumours, 40 alterations and 300 expressed genes each).
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from numba import njit
from numpy.typing import NDArray

from presage.tumor.tci import Inference


@njit(cache=False)
def log_likelihood(n1, n0, a1, a0, table):  # type: ignore[no-untyped-def]
    start = table[a1 + a0] - table[n1 + n0 + a1 + a0]
    return start + table[n1 + a1] - table[a1] + table[n0 + a0] - table[a0]


@njit(cache=False)
def plain(a, e, prior, first, second, table, stop):  # type: ignore[no-untyped-def]
    """Largest posterior of each expressed gene of the first tumours, and the sum of all for the comparison."""
    size, alterations = a.shape
    checks = np.zeros(stop)
    scores = np.empty(alterations + 1)
    for t in range(stop):
        for j in range(e.shape[1]):
            if e[t, j] == 0:
                continue
            total = 0
            for r in range(size):
                total += e[r, j]
            scores[alterations] = np.log(prior[t, alterations]) + log_likelihood(total, size - total, 1, 1, table)
            top = scores[alterations]
            for i in range(alterations):
                scores[i] = -np.inf
                if a[t, i] == 0:
                    continue
                d = second[j] if first[j] == i else first[j]
                n11 = n10 = m11 = m10 = r11 = r10 = 0
                for r in range(size):
                    if a[r, i]:
                        n11 += e[r, j]
                        n10 += 1 - e[r, j]
                    elif d >= 0 and a[r, d]:
                        m11 += e[r, j]
                        m10 += 1 - e[r, j]
                    else:
                        r11 += e[r, j]
                        r10 += 1 - e[r, j]
                n = n11 + n10
                if (n11 + 2) / (n + 3) <= (m11 + r11 + 1) / (size - n + 3):
                    continue
                scores[i] = (
                    np.log(prior[t, i])
                    + log_likelihood(n11, n10, 2, 1, table)
                    + log_likelihood(m11, m10, 2, 1, table)
                    + log_likelihood(r11, r10, 1, 2, table)
                )
                top = max(top, scores[i])
            whole = 0.0
            best = 0.0
            for i in range(alterations + 1):
                weight = np.exp(scores[i] - top)
                whole += weight
                if i < alterations:
                    best = max(best, weight)
            checks[t] += best / whole
    return checks


def drawn(tumours: int, alterations: int, genes: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    generator = np.random.default_rng(1)
    rate = generator.beta(0.6, 12, size=alterations)
    altered = (generator.random((tumours, alterations)) < rate * 40 / rate.sum()).astype(np.uint8)
    cause = generator.integers(alterations, size=genes)
    noise = generator.random((tumours, genes)) < 0.09
    expressed = noise | ((generator.random((tumours, genes)) < 0.5) & (altered[:, cause] > 0))
    return altered, expressed.astype(np.uint8)


def whole(altered: NDArray[np.uint8], expressed: NDArray[np.uint8], threads: int) -> NDArray[np.float64]:
    inference = Inference(altered, expressed, threads=threads)
    return np.array([p.probability[:-1].max(axis=0, initial=0).sum() for p in inference.posteriors()])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--tumours", type=int, default=1000)
    options.add_argument("--alterations", type=int, default=800)
    options.add_argument("--genes", type=int, default=3000)
    options.add_argument("--looped", type=int, default=10, help="tumours that the plain loop is timed on")
    options.add_argument("--curve", action="store_true", help="also the cost up to 10,000 tumours and genes")
    given = options.parse_args()
    altered, expressed = drawn(given.tumours, given.alterations, given.genes)
    print(f"{given.tumours} tumours x {given.alterations} alterations x {given.genes} genes; phantom, seed 1")
    print(f"a tumour has {altered.sum(1).mean():.0f} alterations and {expressed.sum(1).mean():.0f} expressed genes")
    whole(altered[:50], expressed[:50, :50], 2)
    times = []
    for _ in range(3):
        began = time.perf_counter()
        ours = whole(altered, expressed, 2)
        times.append(time.perf_counter() - began)
    took = min(times)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    inference = Inference(altered, expressed)
    pairs = inference.pairs
    table = inference._log
    arguments = (altered, expressed, inference.prior, pairs.driver, pairs.second, table)
    plain(*arguments, 1)
    began = time.perf_counter()
    theirs = plain(*arguments, given.looped)
    looped = (time.perf_counter() - began) / given.looped * given.tumours
    apart = float(np.abs(ours[: given.looped] - theirs).max())
    print(
        f"matrix products, 2 threads: {took:.2f} s (of 3: {', '.join(f'{t:.2f}' for t in times)}), peak {peak:.2f} GiB"
    )
    print(
        f"plain loop, 1 thread: {looped:.1f} s ({given.looped} tumours timed, multiplied up), without finding drivers"
    )
    print(f"ratio {looped / took:.0f} x; largest difference of a tumour's sum of posteriors {apart:.1e}")
    if given.curve:
        for name, sizes in (("genes", (1000, 3000, 10_000)), ("tumours", (1000, 3000, 10_000))):
            for size in sizes:
                shape = {"tumours": 1000, "alterations": 400, "genes": 1000, name: size}
                data = drawn(**shape)
                began = time.perf_counter()
                whole(*data, 2)
                print(f"{shape['tumours']:6d} tumours x {shape['alterations']} x {shape['genes']:6d} genes: "
                      f"{time.perf_counter() - began:.2f} s")  # fmt: skip


if __name__ == "__main__":
    main()
