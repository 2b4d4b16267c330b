"""The power-law exponent of a picture's texture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from presage.cohort import InputError


def spectral_exponent(
    picture: NDArray[np.floating],
    inside: NDArray[np.bool_],
    spacing_mm: float,
    *,
    roi_mm: float = 25.6,
    band: tuple[float, float] = (0.15, 0.7),
) -> float:
    """Exponent beta of the power spectrum B / f^beta inside a breast.

    Square regions that lie wholly inside, half overlapping, each with its mean taken away and a Hann window laid on, as
    Burgess, Jacobson and Judy did (Med Phys 2001); the mean periodogram over regions is averaged over directions and a
    straight line fitted to its logarithms within `band`.

    Parameters
    ----------
    picture
        Grey levels, shape (rows, columns).
    inside
        Where the breast is, same shape.
    spacing_mm
        Edge of a pixel.
    roi_mm
        Edge of a region.
    band
        Lowest and highest frequency of the fit, cycles per mm.

    Raises
    ------
    InputError
        If no region fits inside.
    """
    size = round(roi_mm / spacing_mm)
    window = np.outer(np.hanning(size), np.hanning(size))
    total, regions = np.zeros((size, size)), 0
    for top in range(0, picture.shape[0] - size + 1, size // 2):
        for left in range(0, picture.shape[1] - size + 1, size // 2):
            part = np.s_[top : top + size, left : left + size]
            if inside[part].all():
                region = picture[part].astype(np.float64)
                total += np.abs(fft.fft2((region - region.mean()) * window)) ** 2
                regions += 1
    if not regions:
        raise InputError(f"no square of {roi_mm} mm fits inside the breast", cure="give a smaller roi_mm")
    along = fft.fftfreq(size, spacing_mm)
    frequency = np.hypot(along[:, None], along[None, :])
    ring = np.rint(frequency * size * spacing_mm).astype(int)
    count = np.bincount(ring.ravel())
    power = np.bincount(ring.ravel(), total.ravel()) / count
    mean_frequency = np.bincount(ring.ravel(), frequency.ravel()) / count
    used = (mean_frequency >= band[0]) & (mean_frequency <= band[1])
    slope = np.polyfit(np.log(mean_frequency[used]), np.log(power[used]), 1)[0]
    return float(-slope)
