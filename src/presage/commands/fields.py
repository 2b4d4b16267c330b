"""Commands that installed fields bring: ``presage FIELD COMMAND``, loaded when they are used.

A field registers a function under ``presage.commands`` with the name ``FIELD.COMMAND``. Its annotations are Typer's;
its first line of help is what the list shows. What it returns, if anything, is an iterable of pages, each a path and a
document as `presage.report.documents` describes it: a field is below the report and writes no HTML.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

GROUP = "presage.commands"
Pages = Iterable[tuple[Path, Mapping[str, Any]]]


class Fields(TyperGroup):
    """The root of the command line: its own commands, then one group for each field that brings some."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all; reads what packages say of themselves and loads nothing."""
        return [*super().list_commands(ctx), *sorted(_points())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command of its own, or what stands for a field in the list."""
        own = super().get_command(ctx, cmd_name)
        if own is None and cmd_name in _points():
            return TyperCommand(cmd_name, help=f"Commands of the field `{cmd_name}`: `presage {cmd_name} --help`.")
        return own

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that was typed; a field's are loaded now."""
        if args and args[0] in _points() and super().get_command(ctx, args[0]) is None:
            return args[0], typer.main.get_command(_field(args[0])), args[1:]
        return super().resolve_command(ctx, args)


def write_pages(pages: Pages) -> list[Path]:
    """Render pages and write them, each whole or not at all; the paths."""
    from presage.report.documents import page_of

    written = []
    for path, document in pages:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
        unfinished.write_text(page_of(document), encoding="utf-8", newline="\n")
        os.replace(unfinished, path)
        written.append(path)
    return written


@functools.cache
def _points() -> dict[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name.partition(".")[0], []).append(point)
    return found


def _field(name: str) -> typer.Typer:
    from presage.commands.plugins import plugin

    app = typer.Typer(
        name=name,
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        help=f"Commands of the field `{name}`.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def _several() -> None:
        """A field with one command is still a group."""

    for point in sorted(_points()[name], key=lambda point: point.name):
        app.command(point.name.partition(".")[2])(_showing(plugin(GROUP, point.name)))
    return app


def _showing(command: Callable[..., Pages | None]) -> Callable[..., None]:
    """The same command, whose pages are written and named."""

    @functools.wraps(command)
    def shown(*args: Any, **options: Any) -> None:
        pages = command(*args, **options)
        if pages is None:
            return
        written = write_pages(pages)
        if written:
            more = f" and {len(written) - 1} more pages beside it" if len(written) > 1 else ""
            typer.echo(f"report: {written[0]}{more}")

    return shown
