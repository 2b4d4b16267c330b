"""Drivers of phantom tumours against the planted truth: precision, recall, calibration, false positives.

    python benchmarks/tci_phantom.py [--cohorts 5] [--kinds clear graded small strong] [--permutations 40]
    python benchmarks/tci_phantom.py --rates [--first 500] [--cohorts 12] [--kinds strong]

Each cohort is drawn anew. *clear*: changes of 5 to 8 standard deviations, every altered driver acts. *graded*: changes
of 1 to 2, correlated genes, tumours with many changes of no cause, 30 % of altered drivers do nothing in their tumour.
*small*: the same with 84 tumours. *strong*: the same with 150 tumours and changes of 2 to 4. *sparse*: two drivers in
place of ten. *burdened*: seven tumours have half of all passengers. *together*: ten passengers go with a driver each
(three times as frequent with it as on average). *permuted*, *permuted-small*: expression dealt out anew, so that
nothing drives.

With `--rates` the table is that of the false discovery rate: share of wrong calls at 0.1, its mean and spread over
cohorts, by exchanged pairs (in use) and by permuted expression (as it was before). Otherwise drivers are called by the
published method on changed genes (|z| > 3 against the cohort), by the evidence without a threshold, by frequency (as
many calls as that makes), and by an oracle that knows each driver's genes, directions, the noise and the size of
changes. Beside the rules in use stand those that were tried. The settings in use were chosen on cohorts 300 to 302 and
400 to 413; here are others. PHANTOM data: the figures show how methods behave where the truth is known, and nothing of
patients.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from presage.tumor import significance
from presage.tumor.drivers import call_drivers, chance_levels
from presage.tumor.phantom import PhantomTumours, draw_expression, draw_tumours
from presage.tumor.significance import judge
from presage.tumor.tci import Continuous, Evidence, Inference, Posterior, frequency_prior

UNEVEN = {"silent": 0.3, "uneven": 1.0, "leak": 0.04}
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "clear": ({"tumours": 400}, {"shift": (5.0, 8.0)}),
    "graded": ({"tumours": 200, **UNEVEN}, {"shift": (1.0, 2.0), "shared": 0.3}),
    "small": ({"tumours": 84, "genes": 1000, **UNEVEN}, {"shift": (1.0, 2.0), "shared": 0.3}),
}
KINDS["strong"] = ({"tumours": 150, **UNEVEN}, {"shift": (2.0, 4.0), "shared": 0.3})
KINDS["sparse"] = ({**KINDS["strong"][0], "drivers": 2}, KINDS["strong"][1])
# Of the false discovery rate alone.
VARIANTS = ("burdened", "together", "permuted", "permuted-small")
Row = dict[str, float]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Truth:
    """Pairs of a tumour and an altered gene by what is planted."""

    def __init__(self, phantom: PhantomTumours) -> None:
        self.tumour, self.alteration = np.nonzero(phantom.altered)
        driver = self.alteration < phantom.drivers
        self.acts = np.zeros(len(driver), dtype=bool)
        self.acts[driver] = phantom.acting[self.tumour[driver], self.alteration[driver]]
        self.silent, self.passenger = driver & ~self.acts, ~driver

    def row(self, called: Bools, permuted: float | None = None) -> Row:
        def share(of: Bools) -> float:
            return float(called[of].mean()) if of.any() else np.nan

        precision = float(self.acts[called].mean()) if called.any() else np.nan
        found = {"calls": float(called.sum()), "precision": precision, "recall": share(self.acts)}
        found |= {"silent": share(self.silent), "passengers": share(self.passenger)}
        return found | {"permuted": np.nan if permuted is None else permuted}


def net(found: Posterior) -> Floats:
    return significance.score(found)


def share(found: Posterior) -> Floats:
    return np.asarray(found.probability[:-1].sum(axis=1) / max(1, len(found.genes)))


def number(found: Posterior) -> Floats:
    return np.asarray((found.probability[:-1] > 0.5).sum(axis=1).astype(float))


def acting(found: Posterior) -> Floats:
    return np.asarray(found.probability[:-1].sum(axis=1))


def positive(found: Posterior) -> Floats:
    assert found.against is not None
    return np.asarray(np.maximum(found.probability[:-1] - found.against, 0).sum(axis=1))


def strata(number: NDArray[np.int64], least: int = 30) -> NDArray[np.int64]:
    """Alterations of as many tumours, joined upwards until `least` pairs: what permuted pairs were compared by."""
    place, stratum, pairs = np.zeros(len(number), dtype=np.int64), 0, 0
    for one in np.unique(number):
        if pairs >= least:
            stratum, pairs = stratum + 1, 0
        place[number == one] = stratum
        pairs += int(number[number == one].sum())
    if pairs < least and stratum:
        place[place == stratum] = stratum - 1
    return place


def p_values(
    inference: Evidence, score: Callable[[Posterior], Floats], permutations: int, seed: int | list[int]
) -> Floats:
    """Of any score by permuted expression, for the rules that were tried."""
    generator = np.random.default_rng(seed)
    place = strata(inference.altered.sum(axis=0, dtype=np.int64))[np.nonzero(inference.altered)[1]]

    def scores(of: Evidence) -> Floats:
        return np.concatenate([score(found) for found in of.posteriors()])

    own, chance = scores(inference), [scores(inference.permuted(generator)) for _ in range(permutations)]
    p = np.ones(len(own))
    for one in np.unique(place):
        rows = place == one
        pool = np.sort(np.concatenate([drawn[rows] for drawn in chance]))
        p[rows] = (1 + len(pool) - np.searchsorted(pool, own[rows])) / (1 + len(pool))
    return p


def oracle(phantom: PhantomTumours, x: Floats, direction: Floats, shift: tuple[float, float], share: float) -> Floats:
    """Log ratio of acting against not, with everything known but the hidden factors; of the pairs of drivers."""
    rate, half = 1 - 0.35, len(direction) // 2
    y = x * direction
    width = shift[1] - shift[0]
    changed = (stats.norm.cdf(y - shift[0]) - stats.norm.cdf(y - shift[1])) / width
    density = stats.norm.pdf(y)
    leak = np.full((len(y), 1), share)
    plain = (1 - leak) * density + leak * changed
    acted = (1 - rate) * plain + rate * changed
    ratio = np.log(np.maximum(acted, 1e-300)) - np.log(np.maximum(plain, 1e-300))
    tumour, alteration = np.nonzero(phantom.altered)
    found = np.full(len(tumour), -np.inf)
    for pair in np.flatnonzero(alteration < phantom.drivers):
        genes = np.arange(half)[np.arange(half) % phantom.drivers == alteration[pair]]
        found[pair] = ratio[tumour[pair], genes].sum()
    return found


def cohort(kind: str, seed: int, permutations: int, tried: bool) -> tuple[dict[str, Row], dict[str, Any]]:
    """Every rule on one cohort."""
    drawn, expression = KINDS[kind]
    phantom = draw_tumours(seed=seed, **drawn)
    x, direction = draw_expression(phantom, seed=seed, **expression)
    centre = np.median(x, axis=0)
    changed = (np.abs(x - centre) > 3 * 1.4826 * np.median(np.abs(x - centre), axis=0)).astype(np.uint8)
    truth, rows, said = Truth(phantom), {}, {}
    for leak in ("published", "driver"):
        plain = Inference(phantom.altered, changed, leak=leak)
        levels = chance_levels(plain, permutations=20, seed=seed)
        permuted = call_drivers(plain.permuted(np.random.default_rng(seed)), levels).driver.mean()
        rows[f"changed, {leak} leak"] = truth.row(call_drivers(plain, levels).driver, float(permuted))
        said[f"changed, {leak} leak"] = _pairs(phantom, plain)
        if tried:
            for score in (share, number):
                p = p_values(plain, score, 20, seed)
                rows[f"tried: changed, {leak} leak, p of {score.__name__}"] = truth.row(p <= 0.01)
    graded = Continuous(phantom.altered, x)
    _, calls = judge(graded, permutations=permutations, seed=seed)
    chance = [judge(graded.permuted(np.random.default_rng([seed, n])), permutations=10, seed=seed)[1] for n in range(3)]
    rows["continuous, p <= 0.01"] = truth.row(calls.driver, float(np.mean([c.driver.mean() for c in chance])))
    by_rate = float(np.mean([(c.q <= 0.1).mean() for c in chance]))
    rows["continuous, FDR 0.1"] = truth.row(calls.q <= 0.1, by_rate)
    permuted_p = p_values(graded, net, permutations, [seed, 0x7C2])
    rows["continuous, permuted expression, p <= 0.01"] = truth.row(permuted_p <= 0.01)
    rows["continuous, permuted expression, FDR 0.1"] = truth.row(stats.false_discovery_control(permuted_p) <= 0.1)
    said["continuous"] = _pairs(phantom, graded)
    said["any"] = float(np.mean([(c.q <= 0.1).any() for c in chance]))
    many = int(calls.driver.sum())
    rows["frequency, as many"] = truth.row(_first(phantom.altered.mean(axis=0)[truth.alteration], many))
    known = oracle(phantom, x, direction, expression["shift"], drawn.get("leak", 0.03))
    rows["oracle"] = truth.row(known > 0)
    if tried:
        for leak_prior, effect, leak in ((0.1, 1, "driver"), (0.5, 2, "driver"), (0.9, 1, "driver"), (0.9, 4, "driver"),
                                         (0.99, 2, "driver"), (0.9, 2, "published")):  # fmt: skip
            prior = frequency_prior(phantom.altered, leak_prior)
            other = Continuous(phantom.altered, x, prior, effect=effect, leak=leak)
            name = f"tried: continuous, leak {leak_prior} {leak}, effect {effect}"
            rows[name] = truth.row(p_values(other, net, 20, seed) <= 0.01)
        for score in (acting, number, positive):
            p = p_values(graded, score, 20, seed)
            rows[f"tried: continuous, p of {score.__name__}"] = truth.row(p <= 0.01)
    return rows, said


def variant(kind: str, seed: int) -> tuple[Truth, Continuous]:
    """A cohort of the table of rates."""
    drawn, expression = KINDS["small"] if kind == "permuted-small" else KINDS.get(kind, KINDS["strong"])
    phantom = draw_tumours(seed=seed, **drawn)
    x, _ = draw_expression(phantom, seed=seed, **expression)
    generator, altered = np.random.default_rng([seed, 5]), phantom.altered.copy()
    passengers = np.arange(phantom.drivers, altered.shape[1])
    if kind == "burdened":
        loud = generator.choice(len(altered), 7, replace=False)
        altered[np.ix_(loud, passengers)] = generator.random((7, len(passengers))) < 0.5
    if kind == "together":
        for driver, passenger in zip(range(phantom.drivers), passengers[::5], strict=False):
            rate = altered[:, passenger].mean()
            with_it = np.where(altered[:, driver] == 1, min(0.8, 3 * rate), rate / 2)
            altered[:, passenger] = generator.random(len(altered)) < with_it
    inference = Continuous(altered, x)
    truth = Truth(replace(phantom, altered=altered))
    if kind.startswith("permuted"):
        inference = inference.permuted(generator)
        truth.acts[:] = False
    return truth, inference


def rates(kind: str, seeds: range, permutations: int) -> None:
    """Print the share of wrong calls at a false discovery rate of 0.1, over cohorts."""
    found: dict[str, list[list[float]]] = {}
    for seed in seeds:
        truth, inference = variant(kind, seed)
        start = time.perf_counter()
        calls = judge(inference, permutations=permutations, seed=seed)[1]
        middle = time.perf_counter()
        permuted = p_values(inference, net, permutations, seed)
        took = (middle - start, time.perf_counter() - middle)
        idle = ~truth.passenger & ~truth.acts
        by_permutation = stats.false_discovery_control(permuted)
        for name, p, q, seconds in (("exchanged pairs (in use)", calls.p, calls.q, took[0]),
                                    ("permuted expression", permuted, by_permutation, took[1])):  # fmt: skip
            called = q <= 0.1
            number = max(1, int(called.sum()))
            shares = [(called & wrong).sum() / number for wrong in (~truth.acts, truth.passenger, idle)]
            level = [(p[of] <= 0.01).mean() if of.any() else np.nan for of in (truth.passenger, idle, truth.acts)]
            recall = called[truth.acts].mean() if truth.acts.any() else np.nan
            found.setdefault(name, []).append([called.sum(), *shares, recall, *level, seconds])
    print(f"\nPHANTOM, {kind}: {len(seeds)} cohorts, seeds {seeds[0]} to {seeds[-1]}, {permutations} permutations")
    print(f"{'FDR 0.1':26s}{'calls':>7s}{'wrong':>8s}{'+-SE':>7s}{'SD':>7s}{'most':>7s}{'any':>6s}"
          f"{'passeng.':>10s}{'idle':>7s}{'recall':>8s} | p <= 0.01: "
          f"{'passeng.':>9s}{'idle':>7s}{'acting':>8s}{'seconds':>9s}")  # fmt: skip
    for name, rows in found.items():
        table = np.array(rows)
        mean = [np.nanmean(column) if np.isfinite(column).any() else np.nan for column in table.T]
        wrong = table[:, 1]
        spread = wrong.std(ddof=1) if len(wrong) > 1 else np.nan
        error = spread / np.sqrt(len(wrong))
        print(f"{name:26s}{mean[0]:7.0f}{mean[1]:8.3f}{error:7.3f}{spread:7.3f}{wrong.max():7.3f}"
              f"{(table[:, 0] > 0).mean():6.2f}{mean[2]:10.3f}{mean[3]:7.3f}{mean[4]:8.3f} |            "
              f"{mean[5]:9.4f}{mean[6]:7.4f}{mean[7]:8.3f}{mean[8]:9.1f}", flush=True)  # fmt: skip


def _first(value: Floats, many: int) -> Bools:
    found = np.zeros(len(value), dtype=bool)
    found[np.argsort(-value, kind="stable")[:many]] = True
    return found


def _pairs(phantom: PhantomTumours, inference: Evidence) -> tuple[Floats, Bools]:
    """Posteriors of alterations being the cause, and whether they were."""
    probability, true = [], []
    for tumour, found in enumerate(inference.posteriors()):
        probability.append(found.probability[:-1].ravel())
        true.append((phantom.cause[tumour, found.genes][None] == found.alterations[:, None]).ravel())
    return np.concatenate(probability), np.concatenate(true)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--cohorts", type=int, default=5)
    options.add_argument("--kinds", nargs="+", default=["clear", "graded", "small"], choices=[*KINDS, *VARIANTS])
    options.add_argument("--permutations", type=int, default=40)
    options.add_argument("--no-tried", action="store_true", help="only the rules in use")
    options.add_argument("--rates", action="store_true", help="share of wrong calls at a false discovery rate of 0.1")
    options.add_argument("--first", type=int, default=100, help="seed of the first cohort")
    given = options.parse_args()
    if given.rates:
        for kind in given.kinds:
            rates(kind, range(given.first, given.first + given.cohorts), given.permutations)
        return
    if not set(given.kinds) <= set(KINDS):
        options.error(f"{', '.join(VARIANTS)}: with --rates alone")
    for kind in given.kinds:
        rows: dict[str, list[Row]] = {}
        said: dict[str, list[Any]] = {}
        for seed in range(given.first, given.first + given.cohorts):
            found, told = cohort(kind, seed, given.permutations, not given.no_tried)
            for name, row in found.items():
                rows.setdefault(name, []).append(row)
            for name, value in told.items():
                said.setdefault(name, []).append(value)
        print(f"\nPHANTOM, {kind}: {given.cohorts} cohorts from seed {given.first} on, mean of the cohorts")
        heads = ["calls", "precision", "recall", "silent", "passengers", "permuted"]
        print(f"{'':52s}" + "".join(f"{head:>11s}" for head in heads))
        for name, values in rows.items():
            table = np.array([[value[head] for head in heads] for value in values])
            means = [np.nanmean(column) if np.isfinite(column).any() else np.nan for column in table.T]
            print(f"{name:52s}{means[0]:11.0f}" + "".join(f"{mean:11.3f}" for mean in means[1:]))
        print(f"permuted cohorts with any call at FDR 0.1: {np.mean(said.pop('any')):.2f} (expected 0.10 at the most)")
        print("calibration: mean posterior -> share that was the cause (pairs)")
        for name, pairs in said.items():
            p, was = (np.concatenate([pair[part] for pair in pairs]) for part in (0, 1))
            bins = np.clip((p * 10).astype(int), 0, 9)
            told = [f"{p[bins == n].mean():.2f}->{was[bins == n].mean():.2f} ({(bins == n).sum():,})"
                    for n in range(10) if (bins == n).any()]  # fmt: skip
            print(f"  {name}: " + "  ".join(told))


if __name__ == "__main__":
    main()
