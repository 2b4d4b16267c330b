"""What installed packages register, by name."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Any

from presage.cohort import InputError


def plugin(group: str, name: str) -> Any:
    """Load what an installed package registered, or say what there is."""
    points = {point.name: point for point in entry_points(group=group)}
    if name not in points:
        near = get_close_matches(name, points, n=1)
        what = group.removeprefix("presage.")
        raise InputError(
            f"there is no {name!r} among the installed {what}",
            cure=(f"did you mean {near[0]!r}? " if near else "") + f"{what}: {', '.join(sorted(points)) or 'none'}",
        )
    try:
        return points[name].load()
    except ImportError as missing:
        raise InputError(
            f"{name!r} needs a library that is not installed ({missing.name})",
            cure=f"pip install 'presage[{points[name].value.split('.')[1].split(':')[0]}]'",
        ) from missing
