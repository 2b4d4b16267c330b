"""Small changes to a training image that leave its texture and its outcome alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field


class Augmentation(BaseModel):
    """How far a training image may be changed; every change is drawn anew for each copy.

    Attributes
    ----------
    flip
        Mirror head to foot in half of the copies (never left to right: the chest wall stays at the left).
    rotation_degrees, shift_pixels
        Largest turn around the image's centre and largest shift along each axis.
    contrast, brightness
        Largest relative change of contrast and largest added grey level.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flip: bool = True
    rotation_degrees: float = Field(default=8.0, ge=0, le=45)
    shift_pixels: float = Field(default=8.0, ge=0, le=64)
    contrast: float = Field(default=0.1, ge=0, le=0.5)
    brightness: float = Field(default=0.05, ge=0, le=0.5)

    def apply(self, image: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
        """A changed copy of `image`, grey levels in [0, 1], shape (rows, columns); the background stays black."""
        return self.changed(image, self.drawn(generator))

    @staticmethod
    def drawn(generator: np.random.Generator) -> NDArray[np.float64]:
        """One change: whether to flip (below 0.5), then five shares in [-1, 1] of what may be changed at most."""
        return np.array([generator.random(), *generator.uniform(-1, 1, 5)])

    def changed(self, image: NDArray[np.float32], change: NDArray[np.float64]) -> NDArray[np.float32]:
        """A copy of `image` changed as :meth:`drawn` gave it."""
        import cv2

        flip = change[0] < 0.5
        turn, down, right, contrast, brightness = change[1:]
        rows, columns = image.shape
        matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), float(turn * self.rotation_degrees), 1.0)
        matrix[:, 2] = matrix[:, 2] + np.array([right, down]) * self.shift_pixels
        source = image[::-1] if flip and self.flip else image
        moved = cv2.warpAffine(np.ascontiguousarray(source), matrix, (columns, rows), flags=cv2.INTER_LINEAR)
        changed = moved * np.float32(1 + contrast * self.contrast) + np.float32(brightness * self.brightness)
        return np.where(moved > 0, np.clip(changed, 0, 1), 0).astype(np.float32)
