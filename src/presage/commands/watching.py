"""``presage status``: how far a run is, from another terminal, after a kill, or when it is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from presage.study.folder import Folder

#: Errors that are shown; the others are counted.
_SHOWN = 5


def status(
    run_folder: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, local or fsspec address.")],
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again until the run is over.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks, for --watch.", min=0.5)] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else, for scripts.")] = False,
) -> None:
    """Show how far a run is: tasks by marker, what runs where, throughput, time left, errors. Changes nothing.

    Reads the run folder alone, so it works while the study runs, after a kill and when it is finished, from any machine
    that sees the folder.

    Exit code: 0 finished, 3 running, 4 stopped (the same `presage run` goes on), 5 ended with failed tasks, 2 no run.
    """
    import json

    from presage.study.folder import folder_at
    from presage.study.status import EXIT, RUNNING, read_status

    folder = folder_at(run_folder)
    document = read_status(folder)
    if as_json:
        while True:
            typer.echo(json.dumps({**document, "exit": EXIT[document["state"]]}, indent=None if watch else 1))
            if not watch or document["state"] != RUNNING:
                break
            time.sleep(every)
            document = read_status(folder)
    elif watch:
        document = _watch(folder, document, every)
    else:
        from rich.console import Console

        Console().print(_page(folder, document))
    raise typer.Exit(EXIT[document["state"]])


def _watch(folder: Folder, document: dict[str, Any], every: float) -> dict[str, Any]:
    from rich.console import Console
    from rich.live import Live

    from presage.study.status import RUNNING, read_status

    console = Console()
    try:
        with Live(_page(folder, document), console=console, auto_refresh=False, vertical_overflow="crop") as live:
            while document["state"] == RUNNING:
                time.sleep(every)
                document = read_status(folder)
                live.update(_page(folder, document), refresh=True)
    except KeyboardInterrupt:  # whoever watches may stop watching; the run goes on
        pass
    return document


def _page(folder: Folder, document: dict[str, Any]) -> RenderableType:
    from rich.console import Console, Group
    from rich.text import Text

    from presage.study.live import view
    from presage.study.status import RUNNING, errors_of

    now = time.time()
    running = document["state"] == RUNNING
    shown = document if running else _over(document)
    parts: list[Any] = [Text(_first(document, now), style="bold")]
    if document["stage"]["name"]:
        seen_at = now if running else document["beat"] or now
        parts.append(view(shown, Console().height - 8, seen_at))
    errors = errors_of(folder, document)
    parts += [
        Text(f"failed: {entry['marker']}, repeat {entry['repeat']}, fold {entry['fold']}: {text}", style="red")
        for entry, text in errors[:_SHOWN]
    ]
    if len(errors) > _SHOWN:
        parts.append(Text(f"and {len(errors) - _SHOWN} more; tracebacks: tasks/*/*.error.txt", style="red"))
    parts.append(Text(_private(folder), style="dim"))
    return Group(*parts)


def _over(document: dict[str, Any]) -> dict[str, Any]:
    """What to show of a run that runs no more: all of its tasks, whatever stage was the last."""
    rows, stage = document["markers"], document["stage"]
    if rows:
        counts = {"total": "tasks", "done": "done", "failed": "failed"}
        sums = {name: sum(row[key] for row in rows) for name, key in counts.items()}
        stage = {**stage, "name": "Tasks", **sums}
    return {**document, "stage": stage, "per_minute": None, "left": {**document["left"], "words": "not running"}}


def _first(document: dict[str, Any], now: float) -> str:
    """The state in one line, and what to do."""
    from presage.study.progress import clock, duration
    from presage.study.status import FAILED, FINISHED, RUNNING

    state, beat = document["state"], document["beat"]
    ago = "" if beat is None else duration(max(0.0, now - beat))
    if state == RUNNING:
        host = document["host"].split(" ")[0]
        return f"running since {clock(document['began'])} on {host} (process {document['pid']}); sign of life {ago} ago"
    if state == FINISHED:
        return "finished" + (f" at {clock(beat)}" if beat else "") + ": `presage report RUN` draws the page again"
    if state == FAILED:
        return f"ended with failed tasks{f' at {clock(beat)}' if beat else ''}: after the cure the same command goes on"
    if document["why"] == "no sign of life":
        return f"no sign of life for {ago}: the run was probably stopped; the same command goes on"
    why = f" ({document['why']}{f', {ago} ago' if ago else ''})" if document["why"] else ""
    return f"stopped{why}: the same command goes on"


def _private(folder: Folder) -> str:
    from presage.study.pages import FOLDER as PAGES

    private = [name for name in ("key.csv", "splits.csv", "study.yaml") if folder.exists(name)]
    share = [name for name in ("report.html", "findings.json") if folder.exists(name)]
    private += ["cohort/", "tasks/", *(["pages/"] if folder.sizes(PAGES) else [])]
    lines = f"private: {', '.join(private)}"
    return lines + (f"; may be shared: {', '.join([*share, 'examples/'])}" if share else "")
