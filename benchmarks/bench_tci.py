"""Tumour-specific causal inference against a plain compiled loop over the same sums, and its cost as data grow.

    python benchmarks/bench_tci.py [--tumours 1000] [--alterations 800] [--genes 3000] [--evidence changed] [--curve]

The loop is numba's, one thread, and goes over tumours, genes and the tumour's alterations, counting tumours anew for
each of them as the equations are written. It is timed on some of the tumours and multiplied up: each is as much
work as another. Both kinds of evidence are measured, each against a loop of its own; without a threshold every gene
of every tumour is asked for, ten times as many. The load of the machine is printed: with other work beside it, ratios
of times are rough. Data are drawn at random (phantom tumours, 40 alterations and 300 expressed genes each).
"""

from __future__ import annotations

import argparse
import os
import resource
import time

import numpy as np
from numba import njit
from numpy.typing import NDArray

from presage.tumor.tci import Continuous, Evidence, Inference

Bits = NDArray[np.uint8]


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


@njit(cache=False)
def group_likelihood(n, s, m, u, size, squares, t2):  # type: ignore[no-untyped-def]
    """Of a group of n tumours with sum s, another of m with sum u, and the rest; the whole sum is 0."""
    a, b = 1.0 + t2 * n, 1.0 + t2 * m
    precision = n / a + m / b + (size - n - m)
    mean = s / a + u / b - s - u
    left = squares - t2 * (s * s / a + u * u / b) - mean * mean / precision
    return -0.5 * np.log(a * b * precision) - 0.5 * (size - 1) * np.log(left)


@njit(cache=False)
def plain_continuous(a, x, prior, first, second, t2, stop):  # type: ignore[no-untyped-def]
    """For and against of the first tumours, summed over genes and alterations: (stop, 2)."""
    size, alterations = a.shape
    checks = np.zeros((stop, 2))
    acting, idle = np.empty(alterations), np.empty(alterations)
    for t in range(stop):
        for j in range(x.shape[1]):
            squares = 0.0
            for r in range(size):
                squares += x[r, j] * x[r, j]
            # The leak shares the better driver that this tumour lacks.
            d = first[j]
            if d >= 0 and a[t, d]:
                d = second[j]
            if d >= 0 and a[t, d]:
                d = -1
            n, s = 0, 0.0
            if d >= 0:
                for r in range(size):
                    if a[r, d]:
                        n += 1
                        s += x[r, j]
            leak = np.log(prior[t, alterations]) + group_likelihood(n, s, 0, 0.0, size, squares, t2)
            top = leak
            for i in range(alterations):
                if a[t, i] == 0:
                    continue
                d = second[j] if first[j] == i else first[j]
                n, m, s, u = 0, 0, 0.0, 0.0
                for r in range(size):
                    if a[r, i]:
                        n += 1
                        s += x[r, j]
                    elif d >= 0 and a[r, d]:
                        m += 1
                        u += x[r, j]
                half = np.log(prior[t, i]) + np.log(0.5)
                acting[i] = half + group_likelihood(n, s, m, u, size, squares, t2)
                if d >= 0 and a[t, d]:
                    m += 1
                    u += x[t, j]
                idle[i] = half + group_likelihood(n - 1, s - x[t, j], m, u, size, squares, t2)
                top = max(top, acting[i], idle[i])
            whole = np.exp(leak - top)
            for i in range(alterations):
                if a[t, i]:
                    whole += np.exp(acting[i] - top) + np.exp(idle[i] - top)
            for i in range(alterations):
                if a[t, i]:
                    checks[t, 0] += np.exp(acting[i] - top) / whole
                    checks[t, 1] += np.exp(idle[i] - top) / whole
    return checks


def drawn(tumours: int, alterations: int, genes: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    generator = np.random.default_rng(1)
    rate = generator.beta(0.6, 12, size=alterations)
    altered = (generator.random((tumours, alterations)) < rate * 40 / rate.sum()).astype(np.uint8)
    cause = generator.integers(alterations, size=genes)
    noise = generator.random((tumours, genes)) < 0.09
    expressed = noise | ((generator.random((tumours, genes)) < 0.5) & (altered[:, cause] > 0))
    return altered, expressed.astype(np.uint8)


def largest(inference: Evidence) -> NDArray[np.float64]:
    """Sum over genes of each tumour's largest posterior."""
    return np.array([p.probability[:-1].max(axis=0, initial=0).sum() for p in inference.posteriors()])


def summed(inference: Evidence) -> NDArray[np.float64]:
    """For and against of each tumour, shape (tumours, 2)."""
    found = ((p.probability[:-1].sum(), 0.0 if p.against is None else p.against.sum()) for p in inference.posteriors())
    return np.array(list(found))


def made(evidence: str, altered: Bits, expressed: Bits, threads: int) -> Evidence:
    """Either kind; expression of the same tumours, shifted by 2 standard deviations where a gene is expressed."""
    if evidence == "changed":
        return Inference(altered, expressed, threads=threads)
    return Continuous(altered, graded(expressed), threads=threads)


def graded(expressed: Bits) -> NDArray[np.float64]:
    return np.random.default_rng(2).normal(size=expressed.shape) + 2.0 * expressed


def measure(evidence: str, altered: Bits, expressed: Bits, looped: int) -> None:
    """One kind of evidence: whole time, the loop's, the difference, a permutation's."""
    run = largest if evidence == "changed" else summed
    run(made(evidence, altered[:50], expressed[:50, :50], 2))
    times, parts = [], []
    for _ in range(3):
        began = time.perf_counter()
        inference = made(evidence, altered, expressed, 2)
        start = time.perf_counter()
        ours = run(inference)
        times.append(time.perf_counter() - began)
        parts.append(start - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    began = time.perf_counter()
    run(inference.permuted(np.random.default_rng(0)))
    permutation = time.perf_counter() - began
    pairs = inference.pairs
    if isinstance(inference, Inference):
        arguments = (altered, expressed, inference.prior, pairs.driver, pairs.second, inference._log)
        loop = plain
    else:
        assert isinstance(inference, Continuous)
        # By gene in memory, as the loop goes.
        x = np.asfortranarray(inference.expression)
        arguments = (np.asfortranarray(altered), x, inference.prior, pairs.driver, pairs.second, inference.effect**2)
        loop = plain_continuous
    loop(*arguments, 1)
    began = time.perf_counter()
    theirs = loop(*arguments, looped)
    alone = (time.perf_counter() - began) / looped * len(altered)
    apart = float(np.abs(ours[:looped] - theirs).max())
    took = min(times)
    print(f"\n{evidence}, load {' '.join(f'{load:.1f}' for load in os.getloadavg())} on {os.cpu_count()} core(s)")
    print(
        f"matrix products, 2 threads: {took:.2f} s (of 3: {', '.join(f'{t:.2f}' for t in times)}), peak {peak:.2f} GiB"
    )
    print(f"plain loop, 1 thread: {alone:.1f} s ({looped} tumours timed, multiplied up), without finding drivers")
    print(f"ratio {alone / took:.0f} x; largest difference of a tumour's sum of posteriors {apart:.1e}")
    print(
        f"one more permutation: {permutation:.2f} s; what rests on alterations or single genes, {min(parts):.2f} s, "
        f"is not reckoned again"
    )


def curve(evidence: str) -> None:
    """Cost by genes and by tumours, and the exponent that it grows with."""
    for name, sizes in (("genes", (1000, 3000, 10_000)), ("tumours", (1000, 3000, 10_000))):
        took = []
        for size in sizes:
            shape = {"tumours": 1000, "alterations": 400, "genes": 1000, name: size}
            data = drawn(**shape)
            began = time.perf_counter()
            for found in made(evidence, *data, 2).posteriors():
                del found
            took.append(time.perf_counter() - began)
            print(
                f"{shape['tumours']:6d} tumours x {shape['alterations']} x {shape['genes']:6d} genes: {took[-1]:.2f} s"
            )
        slope = np.polyfit(np.log(sizes), np.log(took), 1)[0]
        print(f"  grows as {name} to the power {slope:.2f}")
    print(f"  peak of all: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--tumours", type=int, default=1000)
    options.add_argument("--alterations", type=int, default=800)
    options.add_argument("--genes", type=int, default=3000)
    options.add_argument("--looped", type=int, default=10, help="tumours that the plain loop is timed on")
    options.add_argument("--evidence", nargs="+", default=["changed", "continuous"], help="changed, continuous")
    options.add_argument("--curve", action="store_true", help="also the cost up to 10,000 tumours and genes")
    given = options.parse_args()
    altered, expressed = drawn(given.tumours, given.alterations, given.genes)
    print(f"{given.tumours} tumours x {given.alterations} alterations x {given.genes} genes; phantom, seed 1")
    print(f"a tumour has {altered.sum(1).mean():.0f} alterations and {expressed.sum(1).mean():.0f} expressed genes")
    for evidence in given.evidence:
        measure(evidence, altered, expressed, given.looped)
        if given.curve:
            curve(evidence)


if __name__ == "__main__":
    main()
