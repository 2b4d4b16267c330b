"""``presage import tumors``: a cohort from a mutation table and follow-up, with a study that ends with pages."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

from presage.cohort import InputError, storage
from presage.cohort.importing import ImportSummary
from presage.tumor.readers.clinical import YEAR
from presage.tumor.risk.individual import EVENTS
from presage.tumor.risk.tables import make_risk_cohort

_STUDY = """\
# A study, written by `presage import tumors`; edit it and run it with: presage run {where}
# The risk of each patient from mutations, beside the standard: docs/explanation/tumor-risk.md
title: {title}
cohort: .
outcome: {{column: {outcome}_days, event: {outcome}_event, kind: time-to-event, label: {label}}}

# Today's practice, which the marker is compared with. Risks are by the horizon, in days.
standard: {{marker: stage-age, name: Stage and age, horizon: {horizon}}}
markers:
  - {{marker: tumor-risk, name: Tumour risk, horizon: {horizon}}}
validation: {{folds: {folds}, repeats: {repeats}, seed: 2020}}
report: {{horizon: {horizon}}}

# After the findings: a page for every tumour, with the study's own risks. Paths are relative to this file.
# Every setting: docs/how-to/tumor.md
pages:
  - pages: tumors
{files}"""

_NO_EXPRESSION = "    # expression: expression.tsv.gz  (without it no driver is called and no programme is told)\n"
_NO_LENGTHS = "    # gene_lengths: lengths.txt.gz     (without it selection is not tested)\n"


def import_tumors(
    source: str,
    cohort: str,
    *,
    clinical: Path | None = None,
    build: str = "",
    outcome: str = "os",
    horizon: float = 3.0,
    least: float = 0.02,
    expression: Path | None = None,
    copy_number: Path | None = None,
    gene_positions: Path | None = None,
    gene_lengths: Path | None = None,
    gene_sets: Path | None = None,
) -> ImportSummary:
    """Make a cohort of tumours: one row per patient with follow-up, stage or grade, age, burden and mutated genes.

    Writes `study.yaml` beside it, which compares the individual risk with stage and age and ends with a page for every
    tumour. The files stay where they are.

    Parameters
    ----------
    source
        Mutations, a MAF.
    cohort
        Folder to make.
    clinical
        Follow-up with age and stage or grade: TCGA-CDR, GDC or cBioPortal columns.
    build
        Genome build, hg19 or hg38, where the MAF does not say it.
    outcome
        os (death) or pfi (progression or death).
    horizon
        Years by which the risk is told.
    least
        Share of patients in whom a gene must be mutated, amplified or lost to have a column.
    copy_number, gene_positions
        Segments (log2 ratios), and where genes lie (gene, chromosome, start, end; by default from the first to the last
        call): amplified and lost genes get columns, and are alterations on the pages.
    expression, gene_lengths, gene_sets
        For the pages alone: programmes of drivers, selection, gene sets.

    Raises
    ------
    InputError
        A file that is not there, no clinical table, an outcome without follow-up or with fewer than two events, a
        folder with a cohort in it.
    """
    if clinical is None:
        raise InputError("no clinical table", cure="--clinical FILE with follow-up, age and stage or grade")
    if outcome not in EVENTS:
        raise InputError(f"--outcome is os or pfi, not {outcome!r}")
    if not 0 < horizon < math.inf:
        raise InputError(f"--horizon is a number of years above 0, not {horizon:g}", cure="for example --horizon 3")
    files = {
        "maf": Path(source),
        "clinical": clinical,
        "expression": expression,
        "copy_number": copy_number,
        "gene_positions": gene_positions,
        "gene_lengths": gene_lengths,
        "gene_sets": gene_sets,
    }
    for name, path in files.items():
        if path is not None and not path.is_file():
            raise InputError("there is no such file", where=str(path), cure=f"check the path of {name}")
    made = make_risk_cohort(
        source,
        clinical,
        cohort,
        build=build or None,
        least=least,
        outcome=outcome,
        copy_number=copy_number,
        gene_positions=gene_positions,
    )
    cases, controls = made.facts["cases"], made.facts["controls"]
    folds = min(5, cases, controls)
    if folds < 2:
        note = f"{cases} of {cases + controls} patients have the event: too few for a study, none was written."
        return replace(made, notes=[*made.notes, note])
    root = cohort if storage.is_address(cohort) else str(Path(cohort).expanduser().absolute())
    where = storage.join(root, "study.yaml")
    text = _text(where, Path(source).name, outcome, horizon, folds, build, files)
    storage.write_bytes(where, text.encode())
    return made


def _text(
    where: str, name: str, outcome: str, horizon: float, folds: int, build: str, files: dict[str, Path | None]
) -> str:
    lines = [f"    {key}: {json.dumps(str(path.absolute()))}\n" for key, path in files.items() if path is not None]
    if build:
        lines.insert(1, f"    build: {build}\n")
    if files["expression"] is None:
        lines.append(_NO_EXPRESSION)
    if files["gene_lengths"] is None:
        lines.append(_NO_LENGTHS)
    return _STUDY.format(
        where=where,
        title=json.dumps(f"Risk of {EVENTS[outcome]} from stage, age and mutations: {name}"),
        outcome=outcome,
        label=json.dumps(EVENTS[outcome]),
        horizon=f"{YEAR * horizon:g}",
        folds=folds,
        repeats=4,
        files="".join(lines),
    )
