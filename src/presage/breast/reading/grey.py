"""From stored values to one display scale: the DICOM grey-scale pipeline as one table of 16-bit codes.

Everything is computed once per possible stored value in float64, rounded to a 16-bit code, and looked up. Rounding
hides the last digit in which logarithms and exponentials differ between machines, so the same file gives the same
array everywhere.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from presage.breast.reading.header import number, numbers, sequence, text, texts
from presage.cohort import UnusableRecording

# Grey codes are 16-bit: 0 is black, this is white.
FULL_SCALE = 65535
# Bits of digital detectors; without window and table, the smallest that holds all values is the full scale.
DETECTOR_BITS = (8, 10, 12, 14, 16)
# A signal below exp(-6) of the open beam has passed a collimator blade, not a breast (5 cm at 0.8 per cm: exp(-4)).
_COLLIMATED = np.exp(-6.0)

Values = NDArray[np.float64]


def to_unit(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Grey codes as float32 in [0, 1]: one correctly rounded division, so the same on every machine."""
    unit: NDArray[np.float32] = np.divide(codes, np.float32(FULL_SCALE), dtype=np.float32)
    return unit


def full_scale_of(top: int) -> int:
    """The largest value of the narrowest usual detector that holds `top`."""
    return next((1 << bits) - 1 for bits in DETECTOR_BITS if top < 1 << bits)


def apply_table(table: Values, stored: NDArray[np.integer]) -> NDArray[np.uint16]:
    """Grey codes of stored values through a table of display values in [0, 1]."""
    codes = np.rint(table * FULL_SCALE).astype(np.uint16)
    found: NDArray[np.uint16] = codes[stored]
    return found


def presentation_table(dataset: Dataset, domain: Values, top: int, inverted: bool) -> Values:
    """Display value in [0, 1] of every value that a For Presentation image can store.

    Parameters
    ----------
    dataset
        The header: Modality LUT or rescale, then VOI LUT or window (DICOM PS3.3 C.11.1, C.11.2).
    domain
        Every value that can be stored, ascending.
    top
        The largest value that is stored; decides the scale where the header has neither VOI LUT nor window.
    inverted
        Whether low values are white (MONOCHROME1).

    Raises
    ------
    UnusableRecording
        If a table or window cannot be applied.
    """
    values = modality_values(dataset, domain)
    luts = sequence(dataset, "VOILUTSequence")
    centers = numbers(dataset, "WindowCenter")
    if luts:
        chosen = _named_normal([text(item, "LUTExplanation") for item in luts])
        looked_up, high = _through_lut(luts[chosen], values)
        shown = looked_up / high
    elif centers:
        shown = _windowed(dataset, centers, values)
    else:
        low, high = float(values.min()), float(values.max())
        if domain[0] >= 0:
            high = float(np.interp(full_scale_of(top), domain, values))
        shown = (values - low) / max(high - low, 1e-9)
    shown = np.clip(shown, 0.0, 1.0)
    return 1.0 - shown if inverted else shown


def modality_values(dataset: Dataset, domain: Values) -> Values:
    """Stored values through the Modality LUT or rescale slope and intercept (DICOM PS3.3 C.11.1)."""
    luts = sequence(dataset, "ModalityLUTSequence")
    if luts:
        return _through_lut(luts[0], domain)[0]
    slope = number(dataset, "RescaleSlope", default=1.0)
    intercept = number(dataset, "RescaleIntercept", default=0.0)
    if slope == 0.0:
        raise UnusableRecording("grey scale cannot be applied", "Rescale Slope (0028,1053) is 0")
    return domain * slope + intercept


def _named_normal(explanations: list[str]) -> int:
    """Index of the alternative that its vendor calls normal, else the first."""
    return next((index for index, name in enumerate(explanations) if "NORMAL" in name.upper()), 0)


def _through_lut(item: Dataset, values: Values) -> tuple[Values, float]:
    """Values through a lookup table, and the table's full scale. Outside its domain the first or last entry holds."""
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:
        raise UnusableRecording("grey scale cannot be applied", "LUT Descriptor (0028,3002) does not have three values")
    count, first, bits = (int(value) for value in descriptor)
    count = count or 65536
    entries = _lut_entries(item, count, bits)
    if first > 32767 and values.min() < 0:
        first -= 65536  # a signed first value that was written without its sign
    index = np.clip(np.floor(values) - first, 0, count - 1).astype(np.int64)
    # Some exports state fewer bits than their entries use.
    high = max((1 << bits) - 1, full_scale_of(int(entries.max())) if entries.max() >= 1 << bits else 0)
    return entries[index].astype(np.float64), float(high)


def _lut_entries(item: Dataset, count: int, bits: int) -> NDArray[np.uint16]:
    data = item.get("LUTData")
    if isinstance(data, bytes):
        little = getattr(item, "original_encoding", (None, None))[1] is not False
        packed = len(data) < 2 * count
        entries = np.frombuffer(
            data[: len(data) // (1 if packed else 2) * (1 if packed else 2)],
            "u1" if packed else "<u2" if little else ">u2",
        )
    else:
        entries = np.asarray([] if data is None else data).ravel().astype(np.int64) & 0xFFFF
    if not 1 <= bits <= 16 or not 0 < count <= len(entries):
        raise UnusableRecording(
            "grey scale cannot be applied",
            f"a lookup table says {count} entries of {bits} bits and holds {len(entries)}",
            cure="export the image again",
        )
    return entries[:count].astype(np.uint16)


def _windowed(dataset: Dataset, centers: list[float], values: Values) -> Values:
    """Values through the window (DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3)."""
    widths = numbers(dataset, "WindowWidth")
    chosen = _named_normal(texts(dataset, "WindowCenterWidthExplanation"))
    if len(widths) != len(centers):
        raise UnusableRecording(
            "grey scale cannot be applied",
            f"{len(centers)} window centers (0028,1050) but {len(widths)} widths (0028,1051)",
        )
    chosen = chosen if chosen < len(centers) else 0
    center, width = centers[chosen], widths[chosen]
    function = text(dataset, "VOILUTFunction").upper() or "LINEAR"
    if width < 1 if function == "LINEAR" else width <= 0:
        raise UnusableRecording("grey scale cannot be applied", f"Window Width (0028,1051) is {width:g}")
    if function == "LINEAR":
        if width == 1:
            return (values > center - 0.5).astype(np.float64)
        return (values - (center - 0.5)) / (width - 1) + 0.5
    if function == "LINEAR_EXACT":
        return (values - center) / width + 0.5
    if function == "SIGMOID":
        return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - center) / width, -700, 700)))
    raise UnusableRecording("grey scale cannot be applied", f"VOI LUT Function (0028,1056) {function!r} is not known")


def processing_table(
    values: Values, counts: NDArray[np.int64], relationship: Literal["LIN", "LOG"], sign: Literal[1, -1]
) -> Values:
    """Display value in [0, 1] of every value that a raw For Processing image can store.

    The signal s of a detector falls exponentially with the attenuation A that the beam met, ``A = ln(s_open / s)``
    (Beer-Lambert), where s_open is the signal of the open beam beside the breast. The display value is ``A / A_99.5``,
    cut to [0, 1]: black is air, white the attenuation that half a percent of the image exceeds. s_open is the 99th
    percentile of the signal; pixels below ``s_open exp(-6)`` lie behind a collimator and are black.

    Parameters
    ----------
    values
        Every value that can be stored, after rescale, ascending by stored value.
    counts
        How many pixels store each, padding left out.
    relationship
        ``LIN``: values are proportional to exposure; ``LOG``: to its logarithm.
    sign
        1 when values rise with exposure, -1 when they fall.

    Raises
    ------
    UnusableRecording
        "blank image" when the signal has no contrast.
    """
    if sign == -1:
        values = values.max() - values
    order = np.argsort(values, kind="stable")
    with np.errstate(divide="ignore"):
        log_signal = (
            np.where(values > 0, np.log(np.maximum(values, 1e-300)), -np.inf) if relationship == "LIN" else values
        )
    positive = np.where(values > 0, counts, 0) if relationship == "LIN" else counts
    if not positive.any():
        raise UnusableRecording("blank image", "no pixel holds a detector signal")
    opened = _percentile(log_signal, positive, order, 99, 100)
    attenuation = opened - log_signal
    through = attenuation <= -np.log(_COLLIMATED) if relationship == "LIN" else np.ones(len(values), dtype=bool)
    dense = opened - _percentile(log_signal, np.where(through, positive, 0), order, 1, 200)
    if not dense > (0.05 if relationship == "LIN" else 1.0):
        raise UnusableRecording("blank image", "the raw signal has no contrast between air and breast")
    return np.where(through, np.clip(attenuation / dense, 0.0, 1.0), 0.0)


def _percentile(levels: Values, counts: NDArray[np.int64], order: NDArray[np.int64], part: int, of: int) -> float:
    """The level below which ``part / of`` of the counted pixels lie; integers decide, so no rounding does."""
    cumulative = np.cumsum(counts[order])
    position = int(np.searchsorted(cumulative, -(-int(cumulative[-1]) * part // of)))
    return float(levels[order[min(position, len(order) - 1)]])
