"""Where the chest wall is, by the image itself; mirrored and trimmed so that it is the left edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from presage.cohort import UnusableRecording

Side = Literal["left", "right"]

# Analysis happens on every n-th pixel, so that the longer side has about this many.
_THUMBNAIL = 256
# How much taller the breast must be at one end than at the other for the image to overrule what its header says.
_CLEAR = 1.25
# A region that floats within the image must be cut off clearly at one end. On mini-MIAS film the ratio is 2.1 or more.
_CLEAR_FLOATING = 1.5
# The chest wall cuts the breast off: in the outermost columns it must reach over this part of the rows.
_CONTACT = 0.10
# A breast covers at least this part of the image. The smallest on mini-MIAS film covers 0.15.
_SMALLEST = 0.02


@dataclass(frozen=True)
class Outline:
    """The largest bright region of a thumbnail: the breast, where there is one.

    Attributes
    ----------
    mask
        Shape (rows, columns) of the thumbnail, boolean.
    step
        File pixels per thumbnail pixel.
    threshold
        Grey codes above it count as bright.
    """

    mask: NDArray[np.bool_]
    step: int
    threshold: int

    @property
    def columns(self) -> tuple[int, int]:
        """First and last thumbnail column of the region."""
        filled = np.flatnonzero(self.mask.any(axis=0))
        return int(filled[0]), int(filled[-1])

    def heights(self) -> tuple[int, int]:
        """Pixels in the outer eighth of the region's width, at its left and right end."""
        first, last = self.columns
        width = max(1, (last - first + 1) // 8)
        profile = self.mask.sum(axis=0)
        return int(profile[first : first + width].sum()), int(profile[last - width + 1 : last + 1].sum())

    def contact(self, side: Side) -> float:
        """Part of the rows over which the region reaches in its two outermost columns (0 to 1)."""
        first, last = self.columns
        edge = self.mask[:, first : first + 2] if side == "left" else self.mask[:, last - 1 : last + 1]
        return float(edge.any(axis=1).mean())

    def pieces_by_row(self) -> NDArray[np.int64]:
        """Into how many separate pieces each row of the region falls, holes filled; rows without any left out."""
        from scipy import ndimage

        solid = ndimage.binary_opening(ndimage.binary_fill_holes(self.mask), np.ones((3, 3)))
        starts = np.diff(np.pad(solid, ((0, 0), (1, 0))).astype(np.int8), axis=1) == 1
        pieces = starts.sum(axis=1)
        return pieces[pieces > 0] if pieces.any() else np.zeros(1, dtype=np.int64)


def outline(codes: NDArray[np.uint16], path: str) -> Outline:
    """The largest bright region; integers only, so that it is the same everywhere.

    Raises
    ------
    UnusableRecording
        "blank image" when there is one grey level only, "no breast found" without a bright region of a breast's size.
    """
    from scipy import ndimage

    step = max(1, -(-max(codes.shape) // _THUMBNAIL))
    small = codes[step // 2 :: step, step // 2 :: step] >> 6
    low, high = int(small.min()), int(small.max())
    if high - low < 8:
        raise UnusableRecording(
            "blank image",
            "all pixels have the same grey level, or nearly so",
            where=path,
            cure="check the exposure and the export of this image",
        )
    counts = np.bincount(small.ravel(), minlength=1024)
    # Between fat and dense tissue lies Otsu's threshold; half-way down to the background lies the edge of the breast.
    background = int(np.searchsorted(np.cumsum(counts), small.size // 100))
    threshold = background + (_otsu(counts) - background) // 2
    labels, _ = ndimage.label(small > threshold)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    mask = labels == int(sizes.argmax())
    if sizes.max() < _SMALLEST * small.size:
        raise UnusableRecording(
            "no breast found",
            "no bright region is as large as a breast",
            where=path,
            cure="check that this is a mammogram and not a test image",
        )
    return Outline(mask, step, threshold << 6)


def _otsu(counts: NDArray[np.int64]) -> int:
    """Otsu's threshold of a histogram (IEEE Trans SMC 1979;9:62-66)."""
    levels = np.arange(len(counts), dtype=np.int64)
    below, total = np.cumsum(counts), int(counts.sum())
    weighted = np.cumsum(counts * levels)
    above = total - below
    valid = (below > 0) & (above > 0)
    difference = weighted * total - below * int(weighted[-1])
    between = np.zeros(len(counts))
    between[valid] = difference[valid].astype(np.float64) ** 2 / (below[valid] * above[valid])
    return int(between.argmax())


def chest_wall(found: Outline, said: Side | None) -> Side:
    """The side of the chest wall: where the breast is cut off, not tapered; `said` where the image is unclear."""
    left, right = found.heights()
    if left > _CLEAR * right:
        return "left"
    if right > _CLEAR * left:
        return "right"
    return said or ("left" if left >= right else "right")


def check_breast(found: Outline, side: Side, path: str) -> None:
    """Refuse an image in which nothing looks like a breast cut off by a chest wall, or the background is bright.

    Lenient on purpose: all films of mini-MIAS stay far from each limit.

    Raises
    ------
    UnusableRecording
        "no breast found" or "background brighter than the breast", with what was seen.
    """
    mask = found.mask
    if all(mask[row, column] for row in (0, -1) for column in (0, -1)):
        raise UnusableRecording(
            "background brighter than the breast",
            "all four corners of the image are bright: no dark background is to be seen beside the breast",
            where=path,
            cure="its grey scale may be inverted, or it is a magnified detail; export it as MONOCHROME2",
        )
    first, last = found.columns
    gap = first if side == "left" else mask.shape[1] - 1 - last
    floating = gap > 0.02 * mask.shape[1] and max(found.heights()) < _CLEAR_FLOATING * min(found.heights())
    pieces = found.pieces_by_row()
    fingers = (pieces >= 3).mean() > 0.10 or (pieces >= 2).mean() > 0.40
    if floating or fingers or found.contact(side) < _CONTACT:
        seen = "has several parts side by side" if fingers else f"reaches no chest wall at the {side} edge"
        raise UnusableRecording(
            "no breast found",
            f"the largest bright region {seen}, unlike a breast",
            where=path,
            cure="check that this is a whole-breast mammogram and not another part of the body",
        )


def face_left(codes: NDArray[np.uint16], found: Outline, side: Side) -> tuple[NDArray[np.uint16], bool]:
    """The image with the chest wall as its left edge, and whether it was mirrored.

    Dark columns beyond the chest wall (padding around a scanned film) are cut off.
    """
    flipped = side == "right"
    facing = codes[:, ::-1] if flipped else codes
    first, last = found.columns
    edge = (first if side == "left" else found.mask.shape[1] - 1 - last) * found.step
    # The thumbnail knows the edge to a few pixels; the full image says where its columns become bright.
    start = max(0, edge - 2 * found.step)
    band = facing[:, start : edge + 2 * found.step] > found.threshold
    rows = int(found.contact(side) * codes.shape[0]) // 2
    bright = np.flatnonzero(band.sum(axis=0) >= max(1, rows))
    cut = start + int(bright[0]) if len(bright) else 0
    if cut < 2 * found.step:
        cut = 0
    return np.ascontiguousarray(facing[:, cut:]), flipped
