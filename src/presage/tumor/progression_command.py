"""``presage tumor progression``: a mutual hazard network of a table of events, as tables and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from presage.tumor.events import Events


class FormName(StrEnum):
    """What influences there are, and how the penalty counts them."""

    classical = "classical"
    observation = "observation"
    symmetric = "symmetric"
    both = "observation-symmetric"


def progression(
    out: Annotated[Path, typer.Option(help="Folder for tables and the page.")],
    events: Annotated[
        Path | None, typer.Option(help="Table of 0 and 1, tumours x events, with ids or without.")
    ] = None,
    maf: Annotated[Path | None, typer.Option(help="In place of --events: mutations; needs --genes.")] = None,
    genes: Annotated[str, typer.Option(help="Of --maf: the genes that are events, with commas between.")] = "",
    build: Annotated[str | None, typer.Option(help="Of --maf: genome build, where the file does not say it.")] = None,
    patients: Annotated[
        Path | None, typer.Option(help="id, patient: whose tumour an id is that is no barcode; one of each counts.")
    ] = None,
    form: Annotated[
        FormName, typer.Option(help="Whether events change the rate of the look at the tumour, and the penalty's kind.")
    ] = FormName.classical,
    penalty: Annotated[float | None, typer.Option(help="By default chosen on held-out tumours.", min=0.0)] = None,
    one_error: Annotated[
        bool, typer.Option("--one-error", help="Choose the largest penalty within one standard error of the best.")
    ] = False,
    folds: Annotated[int, typer.Option(help="Of the held-out log-likelihood.", min=2, max=20)] = 5,
    bootstrap: Annotated[int, typer.Option(help="Draws of the tumours, for how sure influences are.", min=2)] = 100,
    seed: Annotated[int, typer.Option(help="Of folds, draws and codes.", min=0)] = 2020,
    threads: Annotated[int, typer.Option(help="That work at once; results do not depend on it.", min=1)] = 1,
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Learn in which order events come, and what each tumour's next one may be.

    Tumours are known by codes; `key.csv`, for its owner alone, says whose they are.
    """
    from presage.study.progress import terminal_progress
    from presage.tumor.charting import Choices, chart
    from presage.tumor.exports import write_progression
    from presage.tumor.pages.progression import progression_page
    from presage.tumor.progression import Form

    known, progress = _events(events, maf, genes, build, patients), terminal_progress()
    for doubt in known.doubts:
        progress.say(f"warning: {doubt.terminal}")
    choices = Choices(
        form=Form(observation="observation" in form.value, symmetric="symmetric" in form.value),
        penalty=penalty,
        one_error=one_error,
        folds=folds,
        bootstrap=bootstrap,
        seed=seed,
        threads=threads,
    )
    found = chart(known.table, choices, known.where, progress, [doubt.page for doubt in known.doubts])
    write_progression(found, out, [str(name) for name in known.table.index])
    yield out / "progression.html", progression_page(found)


def _events(events: Path | None, maf: Path | None, genes: str, build: str | None, patients: Path | None) -> Events:
    """Events from the one table that is given.

    Raises
    ------
    InputError
        Neither or both of the tables, no genes, or a bad file.
    """
    from presage.cohort import InputError
    from presage.tumor.events import given_events, mutated_genes

    if (events is None) == (maf is None):
        raise InputError(
            "a table of events or mutations are needed, one of them", cure="--events or --maf with --genes"
        )
    if events is not None:
        return given_events(events, patients)
    assert maf is not None
    names = list(dict.fromkeys(name.strip() for name in genes.split(",") if name.strip()))
    if not names:
        raise InputError("no genes were named", cure="--genes IDH1,TP53,ATRX: which of them are events is your choice")
    return mutated_genes(maf, names, build, patients)
