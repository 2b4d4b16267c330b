"""What a reader may choose about the analyses, checked once. Other labs' analyses read their own keys beside these."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Self

from presage.findings.table import TableError


@dataclass(frozen=True)
class Options:
    """The choices that the bundled analyses read.

    Attributes
    ----------
    level
        Confidence level of every interval.
    alpha
        Two-sided error rate of a verdict, after adjustment for several markers.
    specificities
        Where sensitivity is reported.
    primary
        The marker named in advance as the one to judge; None judges all of them together.
    people
        What the rows are called in a sentence ("women", "patients").
    prevalence
        Share of cases where the marker will be used; a case-control study has none of its own, so utility and
        predictive values need it.
    case_control
        Whether cases and controls were sampled separately; None: assumed where the table has match sets.
    subgroups
        Names of covariates whose groups are reported apart.
    adjust
        Names of numeric covariates that an AUC is adjusted for (beside match sets).
    smallest_subgroup
        Fewest cases, and fewest controls, below which a subgroup is called too few to say.
    non_inferiority
        Loss of AUC that would still be acceptable; None: not examined.
    thresholds
        Risks at which the decision curve is drawn; None: chosen around the prevalence.
    horizon
        Time at which a time-to-event outcome is judged, in its own unit; None: the median follow-up.
    absolute_years, age, rates
        Length of an absolute risk (None: not computed), the covariate with the age, and the rates of the population
        (ages, incidence, other_deaths, disease, population, source; None: the bundled example).
    on_scale
        Scale outcome: names of the scores that are in its points; None takes those whose values fit the scale.
    bands
        Scale outcome: where its bands of severity begin, rising.
    scale_spread, scale_reliability
        Scale outcome: standard deviation and reliability in its norm population, for reliable change over visits.
    replicates, seed
        Bootstrap replicates and their seed.
    """

    level: float = 0.95
    alpha: float = 0.05
    specificities: tuple[float, ...] = (0.8, 0.9)
    primary: str | None = None
    people: str = "patients"
    prevalence: float | None = None
    case_control: bool | None = None
    subgroups: tuple[str, ...] = ()
    adjust: tuple[str, ...] = ()
    smallest_subgroup: int = 10
    non_inferiority: float | None = None
    thresholds: tuple[float, ...] | None = None
    horizon: float | None = None
    absolute_years: float | None = None
    age: str = "age"
    rates: Mapping[str, Any] | None = None
    on_scale: tuple[str, ...] | None = None
    bands: tuple[float, ...] = ()
    scale_spread: float | None = None
    scale_reliability: float | None = None
    replicates: int = 1000
    seed: int = 0

    @classmethod
    def read(cls, chosen: Mapping[str, Any]) -> Self:
        """From the mapping that a study hands over; keys that belong to other analyses are left alone.

        Raises
        ------
        TableError
            If a value is out of range, or a key is a near miss of an option; the option is named.
        """
        known = {field.name for field in fields(cls)}
        for key in chosen:
            near = get_close_matches(key, known, n=1, cutoff=0.8)
            if near and key not in known:
                raise TableError(f"there is no option {key!r}; did you mean {near[0]!r}?")
        values = {key: value for key, value in chosen.items() if key in known and value is not None}
        for key in ("specificities", "subgroups", "adjust", "thresholds", "on_scale", "bands"):
            if key in values:
                given = values[key]
                values[key] = (given,) if isinstance(given, str | float | int) else tuple(given)
        options = cls(**values)
        options._check()
        return options

    def refuse_missing(self, covariates: Collection[str]) -> None:
        """Refuse subgroups of, or adjustment for, what nobody recorded, before anything long has been computed.

        Raises
        ------
        TableError
            With the name that was probably meant.
        """
        for name in (*self.subgroups, *self.adjust):
            if name not in covariates:
                near = get_close_matches(name, covariates, n=1)
                guess = f"; did you mean {near[0]!r}?" if near else ""
                listed = ", ".join(sorted(covariates)) or "none"
                raise TableError(f"there is no covariate {name!r} (there are: {listed}){guess}")

    def draws(self, n: int, most: int) -> int:
        """Bootstrap replicates for `n` rows: as chosen, at most `most`, fewer where each takes long, at least 100."""
        return max(100, min(self.replicates, most, 5_000_000 // n))

    def _check(self) -> None:
        shares: list[tuple[str, Any]] = [("level", self.level), ("alpha", self.alpha)]
        shares += [("specificities", value) for value in self.specificities]
        shares += [("thresholds", value) for value in self.thresholds or ()]
        shares += [
            (n, v)
            for n in ("prevalence", "non_inferiority", "scale_reliability")
            if (v := getattr(self, n)) is not None
        ]
        for name, value in shares:
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
                raise TableError(
                    f"option {name} must lie between 0 and 1 (a share, not a percentage), but it is {value!r}"
                )
        for name in ("horizon", "absolute_years", "scale_spread"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not value > 0):
                raise TableError(f"option {name} must be a number above 0, but it is {value!r}")
        for name, least in (("smallest_subgroup", 2), ("replicates", 100), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise TableError(f"option {name} must be a whole number of at least {least}, but it is {value!r}")
