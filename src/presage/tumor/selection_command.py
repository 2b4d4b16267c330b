"""``presage tumor selection``: which genes a cohort selects for, from a mutation table alone."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class Hypermutated(StrEnum):
    """What happens to hypermutated patients."""

    exclude = "exclude"
    thin = "thin"
    keep = "keep"


File = Path | None


def selection(
    maf: Annotated[Path, typer.Option(help="Mutations, silent ones included; --build where the file does not say it.")],
    out: Annotated[Path, typer.Option(help="Folder for tables and the page.")],
    build: Annotated[str | None, typer.Option(help="Genome build: hg18, hg19 or hg38.")] = None,
    gene_lengths: Annotated[
        File, typer.Option(help="Hugo_Symbol, aa.length: of every gene that was looked at.")
    ] = None,
    coding_sequences: Annotated[
        File, typer.Option(help="FASTA of coding sequences: expectations by context, in the place of length.")
    ] = None,
    genome: Annotated[File, typer.Option(help="Indexed FASTA, for contexts that the MAF does not tell.")] = None,
    panel: Annotated[
        File, typer.Option(help="Genes of a panel, one symbol a line: nothing else was looked at.")
    ] = None,
    megabases: Annotated[
        float | None, typer.Option(help="Coding sequence that was looked at; of an exome by default.", min=0.01)
    ] = None,
    others: Annotated[
        list[Path] | None,
        typer.Option(help="MAF of another cohort (again for more): its silent changes tell how mutable a gene is."),
    ] = None,
    patients: Annotated[File, typer.Option(help="id, patient: whose sample an id is that is no barcode.")] = None,
    hypermutated: Annotated[Hypermutated, typer.Option(help="What happens to such patients.")] = Hypermutated.exclude,
    known: Annotated[
        File, typer.Option(help="Known cancer genes, one a line: the ranking is judged by them, never made.")
    ] = None,
    q: Annotated[float, typer.Option(help="False discovery rate below which a gene is told.", min=0.0, max=1.0)] = 0.1,
    repair_dates: Annotated[
        bool, typer.Option("--repair-dates", help="Undo gene symbols that a spreadsheet made into dates.")
    ] = False,
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Test every gene for more protein-changing mutations than its background explains.

    Writes `selection.tsv` (every gene: counts, expectations, p of each class, hotspot, q, and its ranks by frequency
    and by length), `selection.json` and `selection.html` with the QQ plot. Nothing in them names a patient.
    """
    from presage.study.progress import terminal_progress
    from presage.tumor.pages.selection import selection_page
    from presage.tumor.screening import Sources, screen, write_screen

    progress = terminal_progress()
    progress.start("Testing genes", 3 + len(others or ()))
    found = screen(
        Sources(maf, gene_lengths, coding_sequences, genome, panel, tuple(others or ()), patients, known),
        build=build,
        megabases=megabases,
        hypermutated=hypermutated.value,
        dates="repair" if repair_dates else "refuse",
        q=q,
        progress=progress.advance,
    )
    write_screen(found, out)
    progress.finish()
    yield out / "selection.html", selection_page(found.document)
