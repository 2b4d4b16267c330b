"""The command line. Heavy libraries are imported inside the commands, so that ``presage --help`` is instant."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from presage.commands.costing import cost
from presage.commands.evaluating import evaluate
from presage.commands.fetching import fetch
from presage.commands.fields import Fields
from presage.commands.following import course, patient
from presage.commands.naming import run_name
from presage.commands.planning import plan
from presage.commands.watching import status


class Engine(StrEnum):
    """Where a study runs."""

    local = "local"
    ray = "ray"


app = typer.Typer(
    name="presage",
    cls=Fields,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Early-disease markers from raw clinical recordings, each compared honestly with the standard of today.\n\n"
        "**First time?** `presage demo breast` makes a phantom cohort, runs the whole study and writes the page.\n\n"
        "**Your own cohort:** `presage import dicom DIR COHORT`, `presage check COHORT`, `presage show COHORT`, "
        "`presage run COHORT/study.yaml`.\n\n"
        "**Only a table of scores:** `presage evaluate scores.csv --outcome cancer --standard density`."
    ),
)

Workers = Annotated[int, typer.Option(help="Worker processes; results do not depend on it. 0: one per core.", min=0)]

EngineName = Annotated[
    Engine | None, typer.Option("--engine", help="This machine's processes, or Ray; as the study says by default.")
]
Address = Annotated[
    str | None, typer.Option(help="Of a running Ray cluster (`auto`, `host:6379`); without one, Ray starts here.")
]

Track = Annotated[
    bool,
    typer.Option(
        "--track",
        help="Keep parameters, curves and results in MLflow: `mlruns.db` beside the run folder, or --track-to.",
    ),
]
TrackTo = Annotated[
    str | None,
    typer.Option(help="MLflow server or database: `http://host:5000`, `sqlite:///runs.db`."),
]


def _version(show: bool) -> None:
    if show:
        from presage import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the command."""


@app.command()
def demo(
    name: Annotated[str, typer.Argument(help="Which demonstration (`presage list` names them).")] = "breast",
    out: Annotated[Path, typer.Option(help="Folder for the cohort, the run and the report.")] = Path("demo"),
    women: Annotated[int | None, typer.Option(help="Size of the phantom cohort.", min=20)] = None,
    seed: Annotated[int, typer.Option(help="Seed of the phantom cohort.")] = 2020,
    full: Annotated[bool, typer.Option("--full", help="Full image size and folds: hours, not minutes.")] = False,
    workers: Workers = 0,
    engine: EngineName = None,
    address: Address = None,
    track: Track = False,
    track_to: TrackTo = None,
) -> None:
    """Make a phantom (made-up) cohort, run its study and write the report."""
    from presage.commands.fields import write_pages
    from presage.commands.plugins import plugin
    from presage.study.progress import terminal_progress

    watch = terminal_progress()
    told = 0

    def made(done: int, total: int) -> None:
        nonlocal told
        if told == 0:
            watch.start("Making phantom recordings", total)
        watch.advance(done - told)
        told = done
        if done == total:
            watch.finish()

    demonstration = plugin("presage.demos", name)()
    if hasattr(demonstration, "show"):  # no study: it writes its results itself and gives its pages
        written = write_pages(demonstration.show(out, patients=women, seed=seed, full=full, progress=watch))
        typer.echo(f"report: {written[0]}")
        return
    study_file = demonstration.build(out, women=women, seed=seed, full=full, progress=made)
    _run(study_file, out / "run", workers, engine, address, _tracked(track, track_to))


@app.command(
    "import",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def import_(context: typer.Context) -> None:
    """Turn a folder of recordings into a cohort: `presage import NAME SOURCE COHORT [--option value]`.

    `presage import --help` lists the importers, `presage import NAME --help` the options of one.
    """
    from presage.commands.importing import run_import

    run_import(list(context.args))


@app.command()
def check(
    cohort: Annotated[
        str, typer.Argument(help="Cohort folder (patients.csv, recordings.csv), local or fsspec address.")
    ],
) -> None:
    """Check a cohort: counts, outcomes, what was excluded, why and who."""
    from rich.console import Console

    from presage.cohort.check import check_cohort

    Console().print(check_cohort(cohort))


@app.command()
def show(
    cohort: Annotated[str, typer.Argument(help="Cohort folder.")],
    out: Annotated[Path, typer.Option(help="PNG to write, one for each kind of recording.")] = Path(
        "contact-sheet.png"
    ),
    limit: Annotated[int, typer.Option(help="At most so many recordings.", min=1)] = 48,
) -> None:
    """Draw a contact sheet, so that a person sees in a minute whether reading went wrong."""
    from presage.cohort import Cohort, kind_named

    read = Cohort.read(cohort)
    for kind in sorted(set(read.recordings["kind"])):
        path = out if read.recordings["kind"].nunique() == 1 else out.with_stem(f"{out.stem}-{kind}")
        typer.echo(f"wrote {kind_named(kind).show(read, path, limit=limit)}")


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="The study, a YAML file.")],
    out: Annotated[
        str | None,
        typer.Option(help="Run folder, local or fsspec address; `runs/NAME` by default. Run again to resume."),
    ] = None,
    workers: Workers = 0,
    engine: EngineName = None,
    address: Address = None,
    track: Track = False,
    track_to: TrackTo = None,
) -> None:
    """Run a study, or go on with one that was stopped, and write its findings and report."""
    _run(study, out or str(Path("runs") / run_name(Path(study))), workers, engine, address, _tracked(track, track_to))


@app.command()
def report(
    run_folder: Annotated[str, typer.Argument(help="A run folder (local or fsspec address), or a findings.json.")],
    markdown: Annotated[Path | None, typer.Option(help="Also write the tables as Markdown, for a supplement.")] = None,
) -> None:
    """Write the page of a finished run again; needs neither the images nor the cohort."""
    from presage.findings import Findings
    from presage.report import render, to_markdown

    findings = Findings.read(run_folder)
    folder = run_folder.rsplit("/", 1)[0] if "/" in run_folder and run_folder.endswith(".json") else run_folder
    folder = "." if folder.endswith(".json") else folder
    typer.echo(f"wrote {render(findings, folder)}")
    if markdown is not None:
        markdown.write_text(to_markdown(findings), encoding="utf-8")
        typer.echo(f"wrote {markdown}")


app.command()(cost)
app.command()(status)
app.command()(evaluate)
app.command()(course)
app.command()(patient)
app.command()(fetch)
app.add_typer(plan, name="plan")


@app.command()
def fit(
    study: Annotated[str, typer.Argument(help="The study, a YAML file.")],
    marker: Annotated[str, typer.Argument(help="Name of one marker of the study.")],
    out: Annotated[str, typer.Argument(help="Folder for the saved marker.")],
) -> None:
    """Fit one marker on every patient of a study and save it (safetensors and JSON, no pickle)."""
    from presage.study import Study
    from presage.study.saved import fit_and_save

    typer.echo(f"wrote {fit_and_save(Study.read(study), marker, out)}")


@app.command()
def score(
    model: Annotated[str, typer.Argument(help="A folder written by `presage fit`.")],
    cohort: Annotated[str, typer.Argument(help="Cohort folder; outcomes are not needed and not read.")],
    out: Annotated[Path | None, typer.Option(help="CSV to write; the terminal by default.")] = None,
) -> None:
    """Score the patients of a cohort with a saved marker."""
    from presage.cohort import Cohort
    from presage.study.saved import score_cohort

    table = score_cohort(model, Cohort.read(cohort))
    for note in table.attrs["notes"]:
        typer.echo(note, err=True)
    if out is None:
        typer.echo(table.to_csv(index=False), nl=False)
    else:
        table.to_csv(out, index=False)
        typer.echo(f"wrote {out}")


@app.command("list")
def list_() -> None:
    """List the installed markers, kinds of recordings, importers, demonstrations and commands of fields."""
    from importlib.metadata import entry_points

    for group in ("markers", "kinds", "importers", "demos", "commands", "analyses", "pages"):
        names = sorted(point.name for point in entry_points(group=f"presage.{group}"))
        typer.echo(f"{group + ':':<12}{', '.join(names) or '(none)'}")


def _tracked(track: bool, address: str | None) -> str | None:
    """Where runs are tracked; empty for the default place, None for nowhere."""
    return address or "" if track or address else None


def _run(
    study_file: Path | str,
    folder: Path | str,
    workers: int,
    engine: Engine | None = None,
    address: str | None = None,
    track_to: str | None = None,
) -> None:
    from presage.report import render
    from presage.study import Study
    from presage.study.folder import folder_at
    from presage.study.run import run_study

    study = Study.read(study_file)
    study = study.on_engine(engine.value if engine else None, address, workers or None)
    if study.engine.address is None:  # a cluster that was there takes as many as fit
        study = study.with_workers(workers or os.cpu_count() or 1)
    tracker = None
    if track_to is not None:
        from presage.study.tracking import tracker_at

        tracker = tracker_at(track_to, folder)
    try:
        findings = run_study(study, folder, tracker=tracker)
    except KeyboardInterrupt:
        # Said here: the library above ends the command without a word.
        typer.echo("stopped; the same command goes on from the finished tasks", err=True)
        raise typer.Exit(130) from None
    page = render(findings, folder)
    if tracker is not None:
        tracker.complete(findings, folder_at(folder))
    _answer(findings)
    typer.echo(f"report: {page}")
    from presage.commands.adding import add_pages

    for main in add_pages(study, folder_at(folder), findings):
        typer.echo(f"pages: {main}")
    if findings.document.get("incomplete"):
        from presage.study.holes import incomplete

        raise incomplete(findings.document["incomplete"], str(folder))


def _answer(findings: Any) -> None:
    from presage.report import answer, missing

    typer.echo("")
    if missing(findings):
        typer.echo(f"Incomplete: {missing(findings)}\n")
    typer.echo(answer(findings))


def main() -> None:
    """Run the command line; a bad input ends in a message, not in a traceback."""
    # Convolutions allocate and free large blocks; by default each returns to the system and is faulted in again, which
    # costs over a third of the time. Worker processes inherit these.
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(4 << 30))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(16 << 30))
    try:
        app()
    except ValueError as error:
        # InputError, StatsError and TableError are messages to the reader; any other ValueError is a defect of ours.
        if type(error).__module__.split(".")[0] != "presage":
            raise
        _refuse(str(error))
    except OSError as error:
        # A folder that is not there, a file that may not be written, a disk that is full: no defect either.
        place = f"{error.filename}: " if error.filename else ""
        _refuse(f"{place}{error.strerror or error}\ncheck the path, the rights and the free space, and start again")


def _refuse(message: str) -> NoReturn:
    typer.echo(typer.style("error: ", fg=typer.colors.RED, bold=True) + message, err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
