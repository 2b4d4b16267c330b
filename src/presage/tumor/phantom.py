"""PHANTOM tumours: alterations that follow a known hazard network, genes that known drivers change, and passengers.

Everything is drawn; no number is estimated from patients. What is planted is returned with it, for tests and for the
demonstration, and no study may read it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.uint8]


@dataclass(frozen=True)
class PhantomTumours:
    """A made-up cohort of tumours.

    Attributes
    ----------
    altered
        Shape (tumours, alterations): the drivers first, then the passengers.
    expressed
        Whether a gene is differentially expressed, shape (tumours, genes).
    cause
        For each tumour and gene the alteration that changed it, -1 where it was the leak or it did not change, shape
        (tumours, genes).
    acting
        Whether a driver changes genes in a tumour that has it, shape (tumours, drivers).
    drivers
        How many of the alterations drive.
    hazards
        Log-parameters of the network that the drivers arose by, shape (drivers, drivers); see Schill et al. 2020.
    times, events
        Years to death or to the end of observation, and whether it was death, shape (tumours,).
    risk
        True log hazard ratio of each tumour, shape (tumours,).
    age
        Years, shape (tumours,).
    stage
        1 to 4, shape (tumours,): it says something of the hazard, as the drivers do.
    """

    altered: Matrix
    expressed: Matrix
    cause: NDArray[np.int64]
    acting: NDArray[np.bool_]
    drivers: int
    hazards: NDArray[np.float64]
    times: NDArray[np.float64]
    events: NDArray[np.bool_]
    risk: NDArray[np.float64]
    age: NDArray[np.float64]
    stage: NDArray[np.int64]

    @property
    def names(self) -> list[str]:
        """Of the alterations: DRIVER01 ..., PASSENGER001 ..."""
        passengers = self.altered.shape[1] - self.drivers
        drivers = [f"DRIVER{n + 1:02d}" for n in range(self.drivers)]
        return drivers + [f"PASSENGER{n + 1:03d}" for n in range(passengers)]


def draw_tumours(
    tumours: int = 400,
    *,
    drivers: int = 10,
    passengers: int = 120,
    genes: int = 600,
    leak: float = 0.03,
    noise: float = 0.35,
    silent: float = 0.0,
    uneven: float = 0.0,
    seed: int = 2020,
) -> PhantomTumours:
    """Draw a cohort.

    Parameters
    ----------
    passengers
        Alterations that change nothing. A fifth of them are as frequent as drivers (long genes are), so that frequency
        alone misleads.
    genes
        Half of them belong to the programme of one driver each, the others to none.
    leak
        Chance that a gene changes without a cause.
    noise
        Chance that a gene of an altered driver's programme does not change.
    silent
        Chance that an altered driver changes nothing in its tumour: it is there and does not drive.
    uneven
        Standard deviation, over tumours, of the logarithm of the leak: some tumours have many changed genes for no
        cause.
    """
    generator = np.random.default_rng([seed, 0x7A])
    hazards = _network(drivers, generator)
    driving = np.stack([_progress(hazards, generator) for _ in range(tumours)])
    rate = np.where(np.arange(passengers) % 5 == 0, generator.uniform(0.08, 0.3, passengers), 0.03)
    burden = np.exp(generator.normal(scale=0.5, size=(tumours, 1)))
    passing = generator.random((tumours, passengers)) < np.clip(rate * burden, 0, 0.8)
    altered = np.concatenate([driving, passing], axis=1).astype(np.uint8)
    # From a stream of their own, so that a cohort without them is what it was before there were any.
    extra = np.random.default_rng([seed, 0x51])
    acting = driving & (extra.random(driving.shape) >= silent)
    leaks = np.clip(leak * np.exp(extra.normal(scale=uneven, size=(tumours, 1)) if uneven else np.zeros(1)), 0, 0.5)
    of_driver = np.concatenate([np.arange(genes // 2) % drivers, np.full(genes - genes // 2, -1)])
    cause = np.where((of_driver >= 0) & acting[:, np.maximum(of_driver, 0)], of_driver, -1)
    cause = np.where(generator.random(cause.shape) < noise, -1, cause)
    expressed = (cause >= 0) | (generator.random(cause.shape) < leaks)
    age = generator.normal(62, 10, size=tumours)
    effect = generator.normal(scale=0.9, size=drivers)
    # Drawn apart, so that what else is drawn does not depend on it.
    stage = np.random.default_rng([seed, 0x57]).choice(4, size=tumours, p=[0.35, 0.3, 0.2, 0.15]) + 1
    risk = driving @ effect + 0.03 * (age - 62) + 0.35 * (stage - 2)
    death = generator.exponential(4.0 / np.exp(risk - risk.mean()))
    end = generator.uniform(1.0, 8.0, size=tumours)
    return PhantomTumours(
        altered=altered,
        expressed=expressed.astype(np.uint8),
        cause=cause,
        acting=acting,
        drivers=drivers,
        hazards=hazards,
        times=np.minimum(death, end),
        events=np.asarray(death <= end),
        risk=risk,
        age=age,
        stage=stage,
    )


def draw_expression(
    phantom: PhantomTumours, *, shift: tuple[float, float] = (5.0, 8.0), shared: float = 0.0, seed: int = 2020
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw the expression of a cohort on a continuous scale: standard normal, and shifted where a gene changed.

    Parameters
    ----------
    shift
        Smallest and largest shift of a changed gene, in standard deviations; each gene has one direction.
    shared
        Share of the variance that five hidden factors of the tumours make, so that genes go together as they do in
        tissue (purity, cell types, proliferation).

    Returns
    -------
    values
        Shape (tumours, genes).
    direction
        1 or -1, shape (genes,).
    """
    generator = np.random.default_rng([seed, 0xE1])
    size = phantom.expressed.shape
    direction = generator.choice([-1.0, 1.0], size=size[1])
    values = generator.normal(size=size) * np.sqrt(1 - shared)
    loading = generator.normal(size=(5, size[1]))
    values += np.sqrt(shared) * generator.normal(size=(size[0], 5)) @ (loading / np.linalg.norm(loading, axis=0))
    return values + phantom.expressed * direction * generator.uniform(*shift, size=size), direction


def _network(events: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Base rates on the diagonal; a few events that promote or hinder others."""
    hazards = np.zeros((events, events))
    np.fill_diagonal(hazards, generator.uniform(-3.0, -0.8, size=events))
    for row, column in generator.integers(events, size=(2 * events, 2)):
        if row != column:
            hazards[row, column] = generator.choice([-1.5, 1.5])
    return hazards


def _progress(hazards: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.bool_]:
    """The events of one tumour at its diagnosis, which comes after an exponential time of mean 1."""
    state = np.zeros(len(hazards), dtype=bool)
    left = generator.exponential()
    while not state.all():
        rates = np.where(state, 0.0, np.exp(np.diag(hazards) + (hazards - np.diag(np.diag(hazards))) @ state))
        wait = generator.exponential() / rates.sum()
        if wait > left:
            break
        left -= wait
        state[generator.choice(len(hazards), p=rates / rates.sum())] = True
    return state
