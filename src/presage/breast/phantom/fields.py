"""Random fields: filtered noise with a power-law spectrum, plain and stretched towards the nipple."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

Plane = NDArray[np.float32]


def power_law_noise(
    generator: np.random.Generator,
    shape: tuple[int, int],
    spacing_mm: float,
    exponent: float,
    *,
    knee_mm: float = 60.0,
    stretch: float = 1.0,
) -> Plane:
    """Gaussian noise whose power spectrum falls as frequency to the power ``-exponent``, mean 0, variance 1.

    Mammograms have exponents near 3 (Burgess, Med Phys 1999 and 2001; 3.17 in CC and 3.30 in MLO: Chen et al., Med Phys
    2012, doi 10.1118/1.3685462); Heine et al. (Med Phys 1999, doi 10.1118/1.598739) show that such a filtered random
    field has many of a mammogram's statistics.

    Parameters
    ----------
    generator
        Source of randomness.
    shape
        Rows and columns.
    spacing_mm
        Edge of a pixel.
    exponent
        Of the power (not amplitude) spectrum.
    knee_mm
        Period above which the spectrum is flat, so that one blob does not fill the breast.
    stretch
        How much longer structures are along the columns (axis 1) than along the rows.
    """
    rows, columns = (fft.next_fast_len(n, real=True) for n in shape)
    vertical = np.fft.fftfreq(rows, spacing_mm).astype(np.float32)[:, None]
    horizontal = np.fft.rfftfreq(columns, spacing_mm).astype(np.float32)[None, :] * np.float32(stretch)
    squared = vertical**2 + horizontal**2 + np.float32(knee_mm**-2)
    squared **= np.float32(-exponent / 4)
    squared[0, 0] = 0
    parts = generator.standard_normal((rows, columns // 2 + 1, 2), dtype=np.float32)
    spectrum = parts.view(np.complex64)[..., 0] * squared
    field = fft.irfft2(spectrum, s=(rows, columns), overwrite_x=True)[: shape[0], : shape[1]]
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def band_noise(
    generator: np.random.Generator, shape: tuple[int, int], spacing_mm: float, scale_mm: float, *, stretch: float = 1.0
) -> Plane:
    """Gaussian noise with one dominant period `scale_mm` (across the columns), mean 0, variance 1."""
    rows, columns = (fft.next_fast_len(n, real=True) for n in shape)
    vertical = np.fft.fftfreq(rows, spacing_mm).astype(np.float32)[:, None] * np.float32(scale_mm)
    horizontal = np.fft.rfftfreq(columns, spacing_mm).astype(np.float32)[None, :] * np.float32(scale_mm * stretch)
    squared = vertical**2 + horizontal**2
    parts = generator.standard_normal((rows, columns // 2 + 1, 2), dtype=np.float32)
    spectrum = parts.view(np.complex64)[..., 0] * (squared * np.exp(-squared))
    field = fft.irfft2(spectrum, s=(rows, columns), overwrite_x=True)[: shape[0], : shape[1]]
    return np.asarray(field / field.std(), dtype=np.float32)


def around_nipple(polar: Plane, radius_mm: Plane, angle: Plane, reference_mm: float, spacing_mm: float) -> Plane:
    """A field drawn on (angle, radius) laid around the nipple: what is stretched along radius now runs to the nipple.

    Parameters
    ----------
    polar
        Shape (angles, radii), sampled every `spacing_mm`; angle is measured as arc at `reference_mm`.
    radius_mm, angle
        Distance (mm) and direction (radians, -pi to pi) of each pixel from the nipple; same shape as the result.
    """
    column = radius_mm / np.float32(spacing_mm)
    row = angle * np.float32(reference_mm / spacing_mm) + np.float32(polar.shape[0] / 2)
    return np.asarray(cv2.remap(polar, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101), np.float32)
