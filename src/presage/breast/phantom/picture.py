"""One picture of one woman, from the seed to the file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from presage.breast.phantom.acquisition import draw_letters, expose, on_detector, present
from presage.breast.phantom.dicom import Intent, stored_values, write_dicom
from presage.breast.phantom.fields import Plane
from presage.breast.phantom.parenchyma import Tissue, draw_tissue
from presage.breast.phantom.risk import Woman
from presage.breast.phantom.shape import Breast, Build, View, detector_shape, place_breast
from presage.breast.phantom.vendors import VENDORS

VIEWS: tuple[View, ...] = ("CC", "MLO")


def make_anatomy(woman: Woman, view: View, seed: int, spacing_mm: float) -> tuple[Breast, Tissue, np.random.Generator]:
    """The breast on the detector and its tissue, and the generator that the exposure goes on with.

    A woman's build is drawn from (seed, woman), a view's realisation from (seed, woman, view): neither knows of any
    other picture, so the order of making and the number of workers do not matter.
    """
    build = _build(woman, seed)
    generator = np.random.Generator(
        np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(2, woman.index, VIEWS.index(view))))
    )
    breast = place_breast(build, view, spacing_mm, generator)
    return breast, draw_tissue(breast, build, woman.percent_density, woman.texture, generator), generator


def make_picture(woman: Woman, view: View, seed: int, spacing_mm: float, intent: Intent = "for-presentation") -> Plane:
    """The picture as its maker stores it (right breasts with the chest wall right), before quantising.

    Returns
    -------
    Plane
        Shape (rows, columns) of the detector. For presentation: grey in [0, 1], bright = dense. For processing:
        exposure relative to air.
    """
    return _picture(woman, view, seed, spacing_mm, intent)[0]


def write_picture(
    path: Path, woman: Woman, view: View, seed: int, spacing_mm: float, intent: Intent, identity: str
) -> None:
    """Make one picture and write it as DICOM."""
    # OpenCV would start its own threads beside the pool's.
    cv2.setNumThreads(1)
    picture, thickness = _picture(woman, view, seed, spacing_mm, intent)
    stored, display = stored_values(picture, VENDORS[woman.vendor], intent)
    write_dicom(
        path, stored, display, woman, view, spacing_mm, thickness_mm=thickness, intent=intent, identity=identity
    )


def _build(woman: Woman, seed: int) -> Build:
    return Build.draw(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, woman.index))))


def _picture(woman: Woman, view: View, seed: int, spacing_mm: float, intent: Intent) -> tuple[Plane, float]:
    breast, tissue, generator = make_anatomy(woman, view, seed, spacing_mm)
    vendor = VENDORS[woman.vendor]
    picture = expose(breast, tissue.glandular, vendor, generator)
    air, lead = 1.0, 1e-4
    if intent == "for-presentation":
        picture, air, lead = present(breast, picture, vendor), 0.0, 0.95
    picture = on_detector(picture, detector_shape(_build(woman, seed), spacing_mm), air)
    right = woman.laterality == "R"
    if right:
        picture = np.ascontiguousarray(picture[:, ::-1])
    draw_letters(picture, f"{woman.laterality} {view}", lead, spacing_mm, at_left=right)
    return picture, float(breast.thickness_mm.max())
