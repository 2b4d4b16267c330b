"""The pages of the tumours that a study ends with: the same as `presage tumor drivers`, with the study's own risks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from presage.cohort import InputError
from presage.study.finished_run import FinishedRun
from presage.study.pages import Pages
from presage.study.progress import Progress
from presage.study.yaml_lines import Problem
from presage.tumor.risk.individual import Risks, gathered, no_risks, told


class TumorPages(Pages):
    """Pages of the tumours of a study whose outcome is a time: `pages: [{pages: tumors, maf: FILE, build: hg19}]`.

    Patients are found by their ids; they keep the codes of the run. Tumours of patients who are not in the study get
    codes that begin with X, and no risk.

    Attributes
    ----------
    maf, build, expression, copy_number, gene_positions, clinical, patients, gene_lengths, coding_sequences, genome,
    gene_sets
        Files of the cohort, as `presage tumor drivers` takes them. Without expression no driver is called.
    deg_rule, deg_threshold, at_least, rows, repair_dates, evidence, leak, leave_out, permutations, alpha, fdr, seed
        As its options.
    marker
        Name of the marker whose risk is told; by default the primary one, else the first.
    unit
        Of the follow-up.
    """

    summary: ClassVar[str] = "A page for every tumour: its drivers, the order of events and the patient's risk."

    maf: Path
    build: str | None = None
    expression: Path | None = None
    copy_number: Path | None = None
    gene_positions: Path | None = None
    clinical: Path | None = None
    patients: Path | None = None
    gene_lengths: Path | None = None
    coding_sequences: Path | None = None
    genome: Path | None = None
    gene_sets: Path | None = None
    deg_rule: Literal["auto", "normals", "cohort", "given"] = "auto"
    deg_threshold: float = Field(default=3.0, ge=0.1)
    at_least: int = Field(default=2, ge=1)
    rows: Literal["tumours", "genes"] | None = None
    repair_dates: bool = False
    evidence: Literal["changed", "continuous"] = "changed"
    leak: Literal["published", "driver"] = "published"
    leave_out: bool = False
    permutations: int = Field(default=20, ge=2)
    alpha: float = Field(default=0.01, gt=0, lt=1)
    fdr: float | None = Field(default=None, gt=0, lt=1)
    seed: int = Field(default=2020, ge=0)
    marker: str | None = None
    unit: Literal["days", "months", "years"] = "days"

    @field_validator("permutations")
    @classmethod
    def _halves(cls, number: int, others: ValidationInfo) -> int:
        # Changed genes are judged by two halves of the permutations, the number of explained genes by the second.
        if number % 2 and others.data.get("evidence") == "changed":
            raise ValueError("with evidence: changed it should be an even number")
        return number

    @field_validator("evidence")
    @classmethod
    def _has_expression(cls, evidence: str, others: ValidationInfo) -> str:
        if evidence == "continuous" and others.data.get("expression") is None:
            raise InputError("evidence: continuous judges expression, and none is named", cure="expression: FILE")
        return evidence

    @field_validator("fdr")
    @classmethod
    def _has_p_values(cls, rate: float | None, others: ValidationInfo) -> float | None:
        if rate is not None and others.data.get("evidence") == "changed":
            raise InputError("a false discovery rate needs p-values", cure="evidence: continuous, or alpha")
        return rate

    def check(self, study: Any) -> Problem | None:
        """See :mod:`presage.tumor.checking` for what is read."""
        from presage.tumor.checking import files_problem

        names = [plan.name for plan in study.markers]
        if self.marker is not None and self.marker not in names:
            cure = f"the markers are {', '.join(map(repr, names))}"
            return Problem(("marker",), f"there is no marker called {self.marker!r} beside the standard", cure)
        return files_problem(self)

    def check_patients(self, patients: Sequence[str]) -> Problem | None:
        """Whether anybody of the mutations is in the study."""
        from presage.tumor.checking import patients_problem

        return patients_problem(self, patients)

    def make(self, run: FinishedRun, folder: Path, progress: Progress) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """See :class:`presage.study.pages.Pages`."""
        from presage.tumor.analysis import Settings
        from presage.tumor.command import report
        from presage.tumor.gathering import gather, refuse_other_people
        from presage.tumor.ranks import read_reference
        from presage.tumor.reading import Files

        names = ("expression", "maf", "copy_number", "gene_positions", "clinical", "patients", "build")
        progress.start("Reading tables", 1)
        tumours = gather(
            Files(**{name: getattr(self, name) for name in names}),
            deg_rule=self.deg_rule,
            deg_threshold=self.deg_threshold,
            at_least=self.at_least,
            rows=self.rows,
            repair_dates=self.repair_dates,
            coding=self.coding_sequences is not None,
        )
        progress.advance()
        progress.finish()
        codes = _codes(tumours.patients, run.codes, self.seed)
        refuse_other_people(tumours, self.clinical)
        settings = Settings(
            evidence=self.evidence,
            leak=self.leak,
            leave_out=self.leave_out,
            permutations=self.permutations,
            alpha=self.alpha,
            fdr=self.fdr,
            seed=self.seed,
        )
        yield from report(
            tumours,
            settings,
            folder,
            gene_lengths=self.gene_lengths,
            reference=read_reference(tumours.mutations, self.coding_sequences, self.genome),
            gene_sets=self.gene_sets,
            risks=risks_of_run(run, self.marker, self.unit, progress),
            codes=codes,
            progress=progress,
        )


def _codes(patients: tuple[str, ...], of_run: Mapping[str, str], seed: int) -> dict[str, str]:
    from presage.tumor.analysis import deal_codes
    from presage.tumor.checking import refuse_strangers

    refuse_strangers(patients, of_run)
    strangers = [patient for patient in patients if patient not in of_run]
    dealt = deal_codes(tuple(strangers), seed)
    more = {patient: f"X{code.removeprefix('T')}" for patient, code in zip(strangers, dealt, strict=True)}
    return {patient: of_run.get(patient) or more[patient] for patient in patients}


def risks_of_run(run: FinishedRun, marker: str | None, unit: str, progress: Progress) -> Risks:
    """The study's own out-of-fold risks, and its own section on them.

    Without risks, and with the reason, where the outcome is no time, the marker's scores are no risks, or nobody was
    left out of the fit.

    Raises
    ------
    InputError
        No such marker.
    """
    document = run.findings.document
    section, standard = document["sections"].get("survival"), document["standard"]["name"]
    if section is None:
        return no_risks(f"the study's outcome ({document['outcome']['title']}) is no time to an event")
    table = run.table()
    others = [name for name in table.scores if name != standard]
    name = marker or section["primary"] or others[0]
    if name not in others:
        raise InputError(
            f"there is no marker called {name!r} beside the standard in the findings",
            where="pages, marker",
            cure=f"the markers are {', '.join(map(repr, others))}",
        )
    for one in (name, standard):
        if one not in table.probabilities:
            return no_risks(f"the scores of {one} are no risks")
    if table.folds is None:
        return no_risks("the study has one test set, and no patient has a risk from models fitted without the others")
    horizons = {entry["settings"].get("horizon") for entry in document["markers"] if entry["name"] in (name, standard)}
    if horizons - {None, section["horizon"]}:
        told_ = " and ".join(f"{horizon:g}" for horizon in sorted(h for h in horizons if h is not None))
        return no_risks(
            f"the markers tell risks by {told_} {unit}, and the study judges them at {section['horizon']:g}: give "
            f"`report: {{horizon: ...}}` the markers' horizon"
        )
    reasons = {code: told(parts) for code, parts in run.reasons(name, progress).items()}
    found = gathered(
        table,
        section,
        name,
        reasons,
        event=document["outcome"]["title"],
        unit=unit,
        repeats=document["validation"]["repeats"],
        folds=document["validation"]["folds"],
    )
    whose = {code: patient for patient, code in run.codes.items()}
    patients = {whose[code]: own for code, own in found.patients.items()}
    return Risks(found.document, patients, "the patient is not in the study")
