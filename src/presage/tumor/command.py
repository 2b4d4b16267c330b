"""``presage tumor drivers``: the drivers of every tumour of a cohort, as tables and as pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from presage.tumor.readers.clinical import YEAR

if TYPE_CHECKING:
    from presage.study.progress import Progress
    from presage.tumor.analysis import Settings
    from presage.tumor.gathering import Tumours
    from presage.tumor.ranks import Reference
    from presage.tumor.risk.individual import Risks


class ChangeRule(StrEnum):
    """When the expression of a gene counts as changed."""

    auto = "auto"
    normals = "normals"
    cohort = "cohort"
    given = "given"


class Evidence(StrEnum):
    """What the expression of a gene says."""

    changed = "changed"
    continuous = "continuous"


class Leak(StrEnum):
    """What explains a gene that no alteration of the tumour explains."""

    published = "published"
    driver = "driver"


class FollowUp(StrEnum):
    """What the risk is of."""

    os = "os"
    pfi = "pfi"


class Rows(StrEnum):
    """What the rows of the expression matrix are."""

    tumours = "tumours"
    genes = "genes"


File = Path | None


def drivers(
    out: Annotated[Path, typer.Option(help="Folder for tables and pages.")],
    expression: Annotated[
        File, typer.Option(help="Matrix of expression, tumours x genes or genes x tumours; without it, no programmes.")
    ] = None,
    maf: Annotated[File, typer.Option(help="Mutations; needs --build where the file does not say it.")] = None,
    alterations: Annotated[File, typer.Option(help="In place of --maf: a table of 0 and 1, tumours x genes.")] = None,
    copy_number: Annotated[File, typer.Option(help="Copy-number segments, log2 ratios.")] = None,
    gene_positions: Annotated[
        File, typer.Option(help="gene, chromosome, start, end; from the calls of --maf by default.")
    ] = None,
    clinical: Annotated[File, typer.Option(help="Follow-up: TCGA-CDR, GDC or cBioPortal columns.")] = None,
    patients: Annotated[File, typer.Option(help="id, patient: whose tumours ids are that are no barcodes.")] = None,
    build: Annotated[str | None, typer.Option(help="Genome build: hg18, hg19 or hg38.")] = None,
    gene_lengths: Annotated[
        File, typer.Option(help="Hugo_Symbol, aa.length: with it, selection is tested, too.")
    ] = None,
    coding_sequences: Annotated[
        File, typer.Option(help="FASTA: tests selection against what each gene's own sequence lets expect.")
    ] = None,
    genome: Annotated[
        File, typer.Option(help="Indexed FASTA: contexts of mutations whose file has no HGVSc column.")
    ] = None,
    gene_sets: Annotated[File, typer.Option(help="GMT file: sets that the drivers' programmes are rich in.")] = None,
    deg_rule: Annotated[
        ChangeRule,
        typer.Option(help="Changed against normal samples, against the cohort, or as given (a matrix of 0 and 1)."),
    ] = ChangeRule.auto,
    deg_threshold: Annotated[float, typer.Option(help="|z| from which a gene counts as changed.", min=0.1)] = 3.0,
    rows: Annotated[Rows | None, typer.Option(help="What the rows of the expression matrix are.")] = None,
    at_least: Annotated[int, typer.Option(help="Leave out genes altered in fewer tumours.", min=1)] = 2,
    evidence: Annotated[
        Evidence, typer.Option(help="Genes that changed or not (published), or expression without a threshold.")
    ] = Evidence.changed,
    leak: Annotated[Leak, typer.Option(help="Rule of the leak, see docs/explanation/tci.md.")] = Leak.published,
    leave_out: Annotated[bool, typer.Option("--leave-out", help="Leave a tumour out of its own sums.")] = False,
    permutations: Annotated[
        int, typer.Option(help="Draws that tell drivers from chance; even with --evidence changed.", min=2)
    ] = 20,
    alpha: Annotated[float, typer.Option(help="Share of what chance gives that may be called.")] = 0.01,
    fdr: Annotated[
        float | None,
        typer.Option(
            help="Share of the calls that may be wrong, on average over cohorts, in place of --alpha; with "
            "--evidence continuous."
        ),
    ] = None,
    repair_dates: Annotated[
        bool, typer.Option("--repair-dates", help="Undo gene symbols that a spreadsheet made into dates.")
    ] = False,
    outcome: Annotated[
        FollowUp, typer.Option(help="What the risk is of: death (os), or progression or death (pfi).")
    ] = FollowUp.os,
    horizon: Annotated[float, typer.Option(help="The risk is told by so many years.", min=0.1)] = 3.0,
    repeats: Annotated[int, typer.Option(help="Of the cross-validation of the risk.", min=1)] = 2,
    seed: Annotated[int, typer.Option(help="Of permutations, folds and codes.")] = 2020,
    threads: Annotated[int, typer.Option(help="That work at once; results do not depend on it.", min=1)] = 1,
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Call the drivers of every tumour and write tables, a page of the cohort and one of each tumour.

    With --maf and --clinical (follow-up, age, stage or grade) each page tells the patient's risk beside the standard's.

    Tumours are known by codes; `key.csv`, for its owner alone, says whose they are.
    """
    from presage.study.progress import terminal_progress
    from presage.tumor.analysis import Settings, refuse_settings
    from presage.tumor.gathering import gather, refuse_other_people
    from presage.tumor.prognosis import risks_of
    from presage.tumor.ranks import read_reference
    from presage.tumor.reading import Files

    files = Files(
        expression=expression,
        maf=maf,
        alterations=alterations,
        copy_number=copy_number,
        gene_positions=gene_positions,
        clinical=clinical,
        patients=patients,
        build=build,
    )
    settings = Settings(
        evidence=evidence.value,
        leak=leak.value,
        leave_out=leave_out,
        permutations=permutations,
        alpha=alpha,
        fdr=fdr,
        seed=seed,
        threads=threads,
    )
    # Before anything is read.
    refuse_settings(settings, expression=expression is not None)
    progress = terminal_progress()
    progress.start("Reading tables", 1)
    tumours = gather(
        files,
        deg_rule=deg_rule.value,
        deg_threshold=deg_threshold,
        at_least=at_least,
        rows=None if rows is None else rows.value,
        repair_dates=repair_dates,
        coding=coding_sequences is not None,
    )
    refuse_other_people(tumours, clinical)
    progress.advance()
    progress.finish()
    reference = read_reference(tumours.mutations, coding_sequences, genome)
    risks = risks_of(tumours, outcome.value, horizon=horizon * YEAR, repeats=repeats, seed=seed, progress=progress)
    return report(
        tumours,
        settings,
        out,
        gene_lengths=gene_lengths,
        gene_sets=gene_sets,
        reference=reference,
        risks=risks,
        progress=progress,
    )


def report(
    tumours: Tumours,
    settings: Settings,
    out: Path,
    *,
    gene_lengths: Path | None = None,
    gene_sets: Path | None = None,
    reference: Reference | None = None,
    risks: Risks | None = None,
    codes: Mapping[str, str] | None = None,
    progress: Progress,
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Analyse a cohort, write its tables, and give its pages: that of the cohort first.

    `codes` are by patient; by default they are dealt at random.
    """
    from presage.tumor.analysis import analyse, deal_codes, doubtful, refuse_too_few
    from presage.tumor.doubts import doubts_of
    from presage.tumor.exports import write_exports
    from presage.tumor.gene_sets import read_gene_sets
    from presage.tumor.pages.cohort import cohort_page
    from presage.tumor.pages.tumour import tumour_page
    from presage.tumor.selection import read_genes

    refuse_too_few(tumours)
    known_as = codes or dict(zip(tumours.patients, deal_codes(tumours.patients, settings.seed), strict=True))
    doubts = doubts_of(tumours.mutations)
    for text in (doubtful(settings), *(doubt.terminal for doubt in doubts)):
        if text:
            progress.say(f"warning: {text}")
    found = analyse(
        tumours,
        settings,
        gene_sets=None if gene_sets is None else read_gene_sets(gene_sets),
        genes=None if gene_lengths is None else read_genes(gene_lengths),
        reference=reference,
        risks=risks,
        codes=known_as,
        doubts=[doubt.page for doubt in doubts],
        progress=progress,
    )
    write_exports(found, out, [(patient, known_as[patient]) for patient in tumours.patients])
    yield out / "cohort.html", cohort_page(found)
    progress.start("Writing pages", len(found["tumours"]))
    for entry in found["tumours"]:
        yield out / "tumours" / f"{entry['code']}.html", tumour_page(entry, found)
        progress.advance()
    progress.finish()
