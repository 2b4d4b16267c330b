"""Markers by name: the entry point ``presage.markers``, or ``package.module:Class`` for one that is not registered."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from presage.cohort import InputError
from presage.study.marker import Marker


def marker_names() -> list[str]:
    """The names of every registered marker."""
    return sorted(_points())


def marker_class(name: str) -> type[Marker]:
    """The class behind a name; its package is imported now and not before.

    Raises
    ------
    InputError
        If there is no such marker, its package cannot be imported, or it is no marker.
    """
    points = _points()
    try:
        if name in points:
            found = points[name].load()
        elif ":" in name:
            module, _, attribute = name.partition(":")
            found = getattr(import_module(module), attribute)
        else:
            near = get_close_matches(name, points, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise InputError(
                f"there is no marker {name!r}",
                cure=f"{hint}installed markers: {', '.join(sorted(points)) or 'none'}; or write package.module:Class",
            )
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"the marker {name!r} cannot be imported: {error}", cure="install what it needs (e.g. presage[breast])"
        ) from error
    if not (isinstance(found, type) and issubclass(found, Marker)):
        raise InputError(f"{name!r} is not a marker", cure="name a subclass of presage.Marker")
    return found


def marker_reference(kind: type[Marker]) -> str:
    """The name under which :func:`marker_class` finds this class."""
    for name, point in _points().items():
        if point.value == f"{kind.__module__}:{kind.__qualname__}" or point.value.endswith(f":{kind.__qualname__}"):
            try:
                if point.load() is kind:
                    return name
            except (ImportError, AttributeError):
                continue
    return f"{kind.__module__}:{kind.__qualname__}"


@cache
def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="presage.markers")}
