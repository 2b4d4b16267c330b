"""Which versions the numbers come from."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, entry_points, version

from presage.cohort import InputError
from presage.study.marker import Marker

#: What every study computes with.
_ALWAYS = ("presage", "numpy", "scipy", "pandas")


def versions(markers: Iterable[Marker], *, tuned: bool = False) -> dict[str, str]:
    """Version by package: the core, each marker's own package, those that the marker says matter, and the tuner.

    Raises
    ------
    InputError
        If a package that a marker names is not installed.
    """
    named = {*_ALWAYS, *(("optuna",) if tuned else ())}
    for marker in markers:
        named.update(marker.packages)
        named.update(_owners(type(marker).__module__.split(".")[0]))
    found = {}
    for name in sorted(named):
        try:
            found[name] = version(name)
        except PackageNotFoundError as error:
            raise InputError(
                f"the package {name!r}, which a marker of the study needs, is not installed",
                cure=f"pip install {name}, or the extra that brings it (e.g. presage[breast])",
            ) from error
    return found


def _owners(package: str) -> set[str]:
    """The distributions that register markers of this package; none for a marker that is not registered."""
    points = entry_points(group="presage.markers")
    return {point.dist.name for point in points if point.dist and point.module.split(".")[0] == package}
