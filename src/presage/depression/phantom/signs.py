"""Who is made up: severity over time, what each modality knows of it, and the best that can be done with it.

Everything here is drawn from normal distributions chosen for the demonstration. No number is estimated from people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from presage.stats.agreement import repeated_measures_correlation

MODALITIES = ("language", "prosody", "face")
#: Correlation of each modality's planted sign with the latent severity, within a visit.
PLANTED = {"language": 0.60, "prosody": 0.50, "face": 0.45}
#: Of the self-report questionnaire (PHQ-9) with severity: the standard of the demonstration.
SELF_REPORT = 0.75
# HAM-D of the made-up people: 13 on average, 7 points per standard deviation of severity; the case cut-off is 17.
_MEAN, _SPREAD = 13.0, 7.0
CUTOFF = 17
#: Weeks of the visits.
WEEKS = (0, 4, 8)


@dataclass(frozen=True)
class Person:
    """A made-up person at all visits.

    Attributes
    ----------
    number
        From 1.
    age, sex
        Unrelated to severity but for a small difference between the sexes.
    responds
        Whether treatment helps.
    severity
        Latent, standard normal at baseline, shape (visits,).
    signs
        By modality, standard normal at baseline, shape (visits,).
    hamd
        Clinician's total, 0 to 52, shape (visits,).
    phq9
        Self-report total, 0 to 27, shape (visits,).
    """

    number: int
    age: int
    sex: str
    responds: bool
    severity: NDArray[np.float64]
    signs: dict[str, NDArray[np.float64]]
    hamd: NDArray[np.int64]
    phq9: NDArray[np.int64]

    @property
    def patient_id(self) -> str:
        """As in the tables."""
        return f"D{self.number:04d}"


def draw_people(count: int, seed: int) -> list[Person]:
    """`count` people; the same for the same seed, and the first ones the same whatever the count."""
    return [_person(number, np.random.default_rng([seed, 0x1D, number])) for number in range(1, count + 1)]


def _person(number: int, generator: np.random.Generator) -> Person:
    sex = "female" if generator.random() < 0.6 else "male"
    start = generator.normal() * 0.98 + (0.1 if sex == "female" else -0.15)
    responds = bool(generator.random() < 0.6)
    weeks = np.array(WEEKS, dtype=np.float64)
    # Response halves the distance to "well" every four weeks; others drift.
    well = -1.3
    course = well + (start - well) * 0.5 ** (weeks / 4) if responds else start - 0.02 * weeks
    severity = course + np.concatenate([[0.0], generator.normal(scale=0.25, size=len(weeks) - 1)])
    signs = {}
    for name in MODALITIES:
        share = PLANTED[name]
        # Half of what a sign does not know of severity is the person's own way of speaking, half is the day's.
        own, day = generator.normal(), generator.normal(size=len(weeks))
        signs[name] = share * severity + np.sqrt((1 - share**2) / 2) * (own + day)
    reported = SELF_REPORT * severity + np.sqrt(1 - SELF_REPORT**2) * generator.normal(size=len(weeks))
    return Person(
        number=number,
        age=int(generator.integers(19, 70)),
        sex=sex,
        responds=responds,
        severity=severity,
        signs=signs,
        hamd=np.clip(np.rint(_MEAN + _SPREAD * severity), 0, 52).astype(np.int64),
        phq9=np.clip(np.rint(9 + 5.5 * reported), 0, 27).astype(np.int64),
    )


def oracle_weights(modalities: tuple[str, ...] = MODALITIES) -> NDArray[np.float64]:
    """Weights of the signs in the best linear guess of severity at one visit, shape (modalities,)."""
    shares = np.array([PLANTED[name] for name in modalities])
    return np.asarray(np.linalg.solve(np.outer(shares, shares) + np.diag(1 - shares**2), shares))


def oracle_auc(modalities: tuple[str, ...] = MODALITIES, *, draws: int = 400_000, seed: int = 1) -> float:
    """AUC of that guess for HAM-D at or above the cut-off at baseline, by simulation of so many people."""
    generator = np.random.default_rng(seed)
    female = generator.random(draws) < 0.6
    severity = 0.98 * generator.normal(size=draws) + np.where(female, 0.1, -0.15)
    shares = np.array([PLANTED[name] for name in modalities])[:, None]
    signs = shares * severity + np.sqrt(1 - shares**2) * generator.normal(size=(len(modalities), draws))
    guess = oracle_weights(modalities) @ signs
    case = np.clip(np.rint(_MEAN + _SPREAD * severity), 0, 52) >= CUTOFF
    ranks = np.empty(draws)
    ranks[np.argsort(guess)] = np.arange(1, draws + 1)
    n = int(case.sum())
    return float((ranks[case].sum() - n * (n + 1) / 2) / (n * (draws - n)))


def oracle_course(sign: str, *, visits: int = len(WEEKS), people: int = 4000, seed: int = 1) -> float:
    """Correlation within people of a sign and the HAM-D over the visits, by simulation of so many people.

    Parameters
    ----------
    sign
        A modality; ``all`` for the best linear guess from all of them, ``phq9`` for the self-report.
    visits
        At how many of the weeks they are seen.
    """
    drawn = draw_people(people, seed)
    weights = oracle_weights()
    values = []
    for person in drawn:
        if sign == "phq9":
            values.append(person.phq9[:visits].astype(np.float64))
        elif sign == "all":
            values.append((weights @ np.stack([person.signs[name] for name in MODALITIES]))[:visits])
        else:
            values.append(person.signs[sign][:visits])
    hamd = np.concatenate([person.hamd[:visits] for person in drawn]).astype(np.float64)
    return repeated_measures_correlation(hamd, np.concatenate(values), np.repeat(np.arange(people), visits)).value
