"""The model of Liljencrants and Fant of the derivative of the glottal flow, from its one shape parameter Rd.

Sources: G. Fant, J. Liljencrants, Q. Lin, "A four-parameter model of glottal flow", STL-QPSR 4 (1985), 1-13; G. Fant,
"The LF-model revisited. Transformations and frequency domain analysis", STL-QPSR 2-3 (1995), 119-156 (the four
parameters from Rd). Time is in periods, so that the period is 1; the derivative's minimum is -1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError

#: Pressed to breathy: where Fant's transformation holds.
RD_RANGE = (0.3, 2.7)


@dataclass(frozen=True)
class Pulse:
    """One period of the derivative of the glottal flow.

    Attributes
    ----------
    peak, closure, back
        When the flow is largest, when its derivative is least, and the constant of the return after it; periods.
    growth, frequency, decay
        Of the growing sinusoid (1/period, radians/period) and of the return (1/period).
    """

    peak: float
    closure: float
    back: float
    growth: float
    frequency: float
    decay: float

    @property
    def scale(self) -> float:
        """Amplitude with which the growing sinusoid ends at -1."""
        return float(-np.exp(-self.growth * self.closure) / np.sin(self.frequency * self.closure))

    def derivative(self, time: NDArray[np.float64]) -> NDArray[np.float64]:
        """The derivative of the flow at some times in [0, 1), of the same shape."""
        rising = self.scale * np.exp(self.growth * time) * np.sin(self.frequency * time)
        left = np.exp(-self.decay * (time - self.closure)) - np.exp(-self.decay * (1 - self.closure))
        return np.asarray(np.where(time <= self.closure, rising, -left / (self.decay * self.back)))

    def spectrum(self, harmonic: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Fourier transform of the period at multiples (not 0) of the fundamental frequency, of the same shape."""
        omega = 2 * np.pi * harmonic
        pole, closure, rest = self.growth - 1j * omega, self.closure, 1 - self.closure
        sine, cosine = np.sin(self.frequency * closure), np.cos(self.frequency * closure)
        ended = np.exp(pole * closure) * (pole * sine - self.frequency * cosine) + self.frequency
        rising = self.scale * ended / (pole**2 + self.frequency**2)
        fall = (1 - np.exp(-(self.decay + 1j * omega) * rest)) / (self.decay + 1j * omega)
        level = np.exp(-self.decay * rest) * (1 - np.exp(-1j * omega * rest)) / (1j * omega)
        return np.asarray(rising - np.exp(-1j * omega * closure) * (fall - level) / (self.decay * self.back))


@lru_cache(maxsize=256)
def pulse(rd: float) -> Pulse:
    """The pulse of a shape parameter.

    Raises
    ------
    InputError
        If Rd is not between 0.3 and 2.7.
    """
    if not RD_RANGE[0] <= rd <= RD_RANGE[1]:
        raise InputError(f"Rd must be between {RD_RANGE[0]} and {RD_RANGE[1]}, not {rd}")
    from scipy.optimize import brentq

    back = (4.8 * rd - 1) / 100
    skew = (22.4 + 11.8 * rd) / 100
    speed = skew / (4 * (0.11 * rd / (0.5 + 1.2 * skew) - back))
    peak = 1 / (2 * speed)
    closure = peak * (1 + skew)
    rest = 1 - closure
    decay = brentq(lambda e: e * back - 1 + np.exp(-e * rest), 1e-3 / back, 2 / back)
    area = ((1 - np.exp(-decay * rest)) / decay - rest * np.exp(-decay * rest)) / (decay * back)
    frequency = np.pi / peak

    def gained(growth: float) -> float:
        """Flow after a whole period, which must be none."""
        sine, cosine = np.sin(frequency * closure), np.cos(frequency * closure)
        risen = growth * sine - frequency * cosine + frequency * np.exp(-growth * closure)
        return float(-risen / sine / (growth**2 + frequency**2) - area)

    return Pulse(peak, closure, back, float(brentq(gained, -50, 200)), frequency, float(decay))
