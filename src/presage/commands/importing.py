"""``presage import``: options are read off the importer's own signature, so that a field needs no code here."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import typer

from presage.cohort import InputError
from presage.commands.plugins import plugin

_USAGE = "presage import NAME SOURCE COHORT [--option value]"


def run_import(arguments: list[str]) -> None:
    """Parse the words after ``presage import`` and run the importer that they name."""
    words = [word for word in arguments if word not in ("-h", "--help")]
    wants_help = len(words) < len(arguments)
    if not words:
        _list_importers()
        if wants_help:
            return
        raise InputError("no importer named", cure=_USAGE)
    importer = plugin("presage.importers", words[0])
    if wants_help:
        _describe(words[0], importer)
        return
    positional, options = _parse(words[0], words[1:], importer)
    if len(positional) != 2:
        raise InputError(
            f"two folders are needed, the source and the cohort to write; found {len(positional)}", cure=_USAGE
        )
    summary = importer(positional[0], positional[1], **options)
    _tell(summary, positional[1])


def _parameters(importer: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    found = list(inspect.signature(importer, eval_str=True).parameters.values())[2:]
    # A parameter whose name starts with progress is for programs, not for people.
    return {p.name.replace("_", "-"): p for p in found if not p.name.startswith("progress")}


def _parse(name: str, words: list[str], importer: Callable[..., Any]) -> tuple[list[str], dict[str, Any]]:
    known = _parameters(importer)
    positional: list[str] = []
    options: dict[str, Any] = {}
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if not word.startswith("--"):
            positional.append(word)
            continue
        key, _, value = word[2:].partition("=")
        parameter = known.get(key.removeprefix("no-")) if key not in known else known[key]
        if parameter is None:
            raise InputError(
                f"importer {name!r} has no option --{key}",
                cure="its options: " + (", ".join(f"--{option}" for option in known) or "none"),
            )
        if isinstance(parameter.default, bool):
            options[parameter.name] = key in known
            continue
        if not value:
            if not queue:
                raise InputError(f"--{key} needs a value", cure=f"see presage import {name} --help")
            value = queue.pop(0)
        options[parameter.name] = _convert(key, value, parameter)
    return positional, options


def _convert(key: str, text: str, parameter: inspect.Parameter) -> Any:
    kind = type(parameter.default) if parameter.default is not None else parameter.annotation
    wanted = next((t for t in (int, float) if t is kind or t.__name__ in str(kind).replace("|", " ").split()), str)
    if "Path" in str(kind):
        return Path(text)
    try:
        return wanted(text)
    except ValueError:
        raise InputError(f"--{key} must be a number, not {text!r}") from None


def _describe(name: str, importer: Callable[..., Any]) -> None:
    typer.echo(f"Usage: presage import {name} SOURCE COHORT [--option value]\n")
    # What follows is for those who call it from Python.
    typer.echo((inspect.getdoc(importer) or "").partition("\nReturns\n---")[0].partition("\nRaises\n---")[0].rstrip())
    typer.echo("\nOptions:")
    for option, parameter in _parameters(importer).items():
        default = parameter.default
        shown = "" if default in (None, "", False, inspect.Parameter.empty) else f"  [default: {default}]"
        typer.echo(f"  --{option}{shown}")


def _list_importers() -> None:
    typer.echo(f"Usage: {_USAGE}\n\nImporters (presage import NAME --help tells more):")
    for point in sorted(entry_points(group="presage.importers"), key=lambda p: p.name):
        typer.echo(f"  {point.name}")


def _tell(summary: Any, cohort: str) -> None:
    typer.echo(f"{summary.n_patients} patients, {summary.n_recordings} recordings -> {cohort}")
    reasons: dict[str, int] = {}
    for _, reason in summary.excluded:
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in sorted(reasons.items(), key=lambda item: -item[1]):
        typer.echo(f"  {count} excluded: {reason}")
    for note in summary.notes:
        typer.echo(note)
    study = Path(cohort) / "study.yaml"
    if study.exists():
        typer.echo(f"next: presage check {cohort}; presage show {cohort}; presage run {study}")
    else:
        typer.echo(f"next: presage check {cohort}; presage show {cohort}")
