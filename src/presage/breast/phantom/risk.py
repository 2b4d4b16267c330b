"""Who the made-up women are, and where their risk sits.

The latent model is the binormal one, so its operating characteristics are known in closed form. Each woman has two
latents: ``texture`` and ``density``. Given the outcome they are independent normals of unit variance whose means differ
between cases and controls by ``TEXTURE_SHIFT`` and ``DENSITY_SHIFT``. A latent with shift m alone has the AUC
Phi(m / sqrt 2), the best possible score (the log-likelihood ratio, here linear) the AUC
Phi(sqrt(TEXTURE_SHIFT^2 + DENSITY_SHIFT^2) / sqrt 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from presage.breast.phantom.vendors import VENDORS
from presage.cohort import InputError

ORACLE_AUC = 0.80
DENSITY_AUC = 0.54
DENSITY_SHIFT = float(np.sqrt(2) * ndtri(DENSITY_AUC))
TEXTURE_SHIFT = float(np.sqrt(2 * ndtri(ORACLE_AUC) ** 2 - DENSITY_SHIFT**2))

# BI-RADS-like classes of about 10, 40, 40 and 10 % of women, as thresholds of the standard normal density latent.
CLASS_EDGES = (float(ndtri(0.1)), 0.0, float(ndtri(0.9)))

SITES = ("site-1", "site-2")


@dataclass(frozen=True)
class Woman:
    """One made-up woman.

    Attributes
    ----------
    patient_id, cancer, age, site, match_set
        As in ``patients.csv``; `age` in years, shared by the pair.
    laterality
        Which breast was imaged, shared by the pair.
    vendor
        The made-up maker of the picture, shared by the pair, so that no maker is associated with the outcome.
    texture, density
        The latents, about standard normal.
    index
        Her place in the cohort: with the seed it decides everything random about her pictures.
    """

    patient_id: str
    cancer: int
    age: int
    site: str
    match_set: str
    laterality: str
    vendor: str
    texture: float
    density: float
    index: int

    @property
    def percent_density(self) -> float:
        """True share of the breast's area that is dense, in (0, 1)."""
        return float(percent_density(np.array(self.density)))

    @property
    def bi_rads_density(self) -> str:
        """Density class A to D."""
        return "ABCD"[int(np.searchsorted(CLASS_EDGES, self.density))]

    @property
    def oracle_risk(self) -> float:
        """Probability of being a case given both latents, at one case per control."""
        return float(oracle_risk(np.array(self.texture), np.array(self.density)))


def percent_density(density: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the breast's area that is dense: median 0.26, classes A and D beyond about 0.10 and 0.52."""
    return np.asarray(expit(-1.05 + 0.89 * density))


def oracle_risk(texture: NDArray[np.float64], density: NDArray[np.float64]) -> NDArray[np.float64]:
    """Posterior probability of being a case, at one case per control: the best any marker can do."""
    return np.asarray(expit(TEXTURE_SHIFT * texture + DENSITY_SHIFT * density))


def draw_latents(
    cases: int, controls: int, generator: np.random.Generator, *, stratified: bool = True
) -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.float64]]:
    """Outcome, texture and density of `cases` + `controls` women, cases first, each of shape (cases + controls,).

    Stratified draws (Latin hypercube sampling within each outcome: McKay, Beckman, Conover, Technometrics 1979) keep
    the marginal distributions of a small cohort near those of the population, so that the demonstration does not hang
    on a lucky seed. Independent draws are there for checks of the model itself.
    """
    outcome = np.repeat(np.array([1, 0], dtype=np.int8), [cases, controls])
    latents = []
    for shift in (TEXTURE_SHIFT, DENSITY_SHIFT):
        parts = []
        for count, sign in ((cases, 0.5), (controls, -0.5)):
            if stratified:
                strata = generator.permutation(count)
                normal = ndtri((strata + generator.random(count)) / count)
            else:
                normal = generator.standard_normal(count)
            parts.append(normal + sign * shift)
        latents.append(np.concatenate(parts))
    return outcome, latents[0], latents[1]


def draw_women(women: int, seed: int) -> Sequence[Woman]:
    """`women` made-up women, half of them cases, in an order that says nothing about the outcome.

    Raises
    ------
    InputError
        If `women` is odd or below 4.
    """
    if women < 4 or women % 2:
        raise InputError(
            f"a phantom cohort needs an even number of at least 4 women (one control per case), not {women}",
            cure="give women=226 for the size of the paper's cohort, or another even number",
        )
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    pairs = women // 2
    outcome, texture, density = draw_latents(pairs, pairs, generator)
    # Density falls with age; both women of a pair have one age, so age itself says nothing about the outcome.
    of_pair = (density[:pairs] + density[pairs:]) / np.sqrt(2)
    standard_age = -0.35 * of_pair + np.sqrt(1 - 0.35**2) * generator.standard_normal(pairs)
    age = np.clip(np.rint(57 + 8.5 * standard_age), 40, 74).astype(int)
    makers = tuple(VENDORS)
    vendor = generator.permutation(np.arange(pairs) % len(makers))
    site = generator.permutation(np.arange(pairs) % len(SITES))
    left = generator.permutation(np.arange(pairs) % 2)
    order = generator.permutation(women)
    drawn = []
    for index, member in enumerate(order):
        pair = int(member) % pairs
        drawn.append(
            Woman(
                patient_id=f"P{index + 1:04d}",
                cancer=int(outcome[member]),
                age=int(age[pair]),
                site=SITES[site[pair]],
                match_set=f"M{pair + 1:04d}",
                laterality="LR"[left[pair]],
                vendor=makers[vendor[pair]],
                texture=float(texture[member]),
                density=float(density[member]),
                index=index,
            )
        )
    return drawn
