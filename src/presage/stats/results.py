"""What a statistic returns: the number, its interval, and how both were found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes
    ----------
    value, low, high
        The estimate and the limits of its interval, in the unit of the statistic.
    level
        Confidence level of the interval, 0.95 for 95 %.
    method
        How the interval was found, in words a reader can look up.
    """

    value: float
    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True)
class Comparison:
    """A difference between two numbers (first minus second), its interval and test.

    Attributes
    ----------
    difference, low, high
        The difference and the limits of its interval.
    statistic, p
        The test statistic (its reference distribution is in `method`) and the two-sided p-value.
    level
        Confidence level of the interval, 0.95 for 95 %.
    method
        How interval and p-value were found.
    """

    difference: float
    low: float
    high: float
    statistic: float
    p: float
    level: float
    method: str
