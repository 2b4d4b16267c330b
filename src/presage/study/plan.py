"""The study: what is compared with what, on whom, and how it is validated. A YAML file or a Python object."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_serializer, model_validator

from presage.cohort import InputError, Outcome, storage
from presage.cohort.outcome import Kind
from presage.cohort.splits import GroupBy
from presage.study.marker import Marker
from presage.study.names import marker_class, marker_reference
from presage.study.pages import PagesPlan
from presage.study.placement import Placement
from presage.study.search_space import TunePlan
from presage.study.search_space import first_problem as tune_problem
from presage.study.yaml_lines import Location, Problem, gather_settings, problem_of, read_yaml


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OutcomePlan(_Strict):
    """Which column is predicted, and how to understand it; see :class:`presage.cohort.Outcome`."""

    column: str
    kind: Kind = "binary"
    cutoff: float | None = None
    event: str | None = None
    label: str = ""

    def outcome(self) -> Outcome:
        """The checked outcome. Raises InputError where the kind lacks what it needs."""
        return Outcome(self.column, self.kind, self.cutoff, self.event, self.label)


class MarkerPlan(_Strict):
    """One marker of a study: which, how it is called in the report, and its settings.

    In YAML the settings stand beside the name: ``{marker: percent-density, name: Percent density, views: [CC]}``. A
    :class:`Marker` may be given instead; only its settings are taken. ``place`` says what one task needs (see
    :class:`Placement`) where that is not what the marker itself says; ``tune`` which settings each training fold
    chooses for itself (see :class:`TunePlan`).
    """

    marker: str
    name: str = ""
    place: Placement | None = None
    tune: TunePlan | None = None
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_settings(cls, given: Any) -> Any:
        if isinstance(given, Marker):
            return {"marker": marker_reference(type(given)), "settings": given.model_dump(mode="json")}
        if isinstance(given, str):
            return {"marker": given}
        if not isinstance(given, dict):
            return given
        return gather_settings(given, ("marker", "name", "place", "tune", "settings"))

    @model_validator(mode="after")
    def _name_it(self) -> Self:
        self.name = self.name or self.marker
        return self

    @model_serializer
    def _flat(self) -> dict[str, Any]:
        place = {} if self.place is None else {"place": self.place.model_dump(exclude_unset=True)}
        tune = {} if self.tune is None else {"tune": self.tune.plain()}
        return {"marker": self.marker, "name": self.name, **place, **tune, **self.settings}

    def with_settings(self, settings: dict[str, Any]) -> MarkerPlan:
        """The plan with these settings instead of its own, and nothing left to tune."""
        return self.model_copy(update={"settings": {**self.settings, **settings}, "tune": None})

    def build(self) -> Marker:
        """A fresh, unfitted marker.

        Raises
        ------
        InputError
            If no such marker is installed.
        pydantic.ValidationError
            If a setting is unknown or wrong.
        """
        return marker_class(self.marker)(**self.settings)


class Validation(_Strict):
    """How the markers are validated.

    Attributes
    ----------
    folds, repeats
        Of the stratified cross-validation.
    group_by
        Who is never on both sides of a fold: the same ``patient``, ``match_set`` or ``site``.
    seed
        Of the splits, and of everything random in the markers.
    splits
        A ``splits.csv`` to use instead (made before, edited, or an official one); folds and repeats are then its own.
    """

    folds: int = Field(default=5, ge=2)
    repeats: int = Field(default=1, ge=1)
    group_by: GroupBy = "patient"
    seed: int = Field(default=0, ge=0)
    splits: str | None = None


class EnginePlan(_Strict):
    """Where the tasks run. Nothing here changes a number in the findings.

    Attributes
    ----------
    name
        ``local``: processes of this machine. ``ray``: a Ray cluster.
    workers
        How many; as many as there are processors by default. On a cluster that was there before: as many as fit.
    address
        Of a running Ray cluster that this machine is part of (``auto``, ``host:6379``); one on this machine is started
        where there is none.
    device
        ``cpu`` or a torch device, handed to the markers.
    cache
        Where encoder outputs are kept: a folder or an fsspec address that every machine reaches; ``PRESAGE_CACHE`` or
        ``~/.cache/presage`` by default.
    """

    name: Literal["local", "ray"] = "local"
    workers: int | None = Field(default=None, ge=1)
    address: str | None = None
    device: str = "cpu"
    cache: str | None = None

    def n_workers(self) -> int:
        """Worker processes to start."""
        return self.workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else self.workers or 1


class Study(_Strict):
    """Cohort + outcome + standard + markers + validation.

    Attributes
    ----------
    title
        Heading of the report.
    cohort
        The cohort folder: local path or fsspec address. In a file, relative to the file's own folder.
    outcome
        What is predicted: a column's name, or a mapping (column, kind, cutoff, event, label).
    standard
        The marker of today's practice, which every other is compared with.
    markers
        The markers to compare with it.
    validation
        How.
    recordings
        Which recordings enter: column -> value or list of values; the others are counted in the flow.
    report
        Options of the analyses and of the report, handed on as they are.
    engine
        Where it runs.
    pages
        What fields add below the run folder after the findings, which it does not change: for each its registered
        name and settings (see :mod:`presage.study.pages`). In a file, paths are relative to the file's own folder.
        :func:`presage.study.run.run_study` makes none: the command ``presage run`` does, once that is over.
    """

    title: str = ""
    cohort: str
    outcome: OutcomePlan
    standard: MarkerPlan
    markers: list[MarkerPlan] = Field(min_length=1)
    validation: Validation = Field(default_factory=Validation)
    recordings: dict[str, list[str]] = Field(default_factory=dict)
    report: dict[str, Any] = Field(default_factory=dict)
    engine: EnginePlan = Field(default_factory=EnginePlan)
    pages: list[PagesPlan] = Field(default_factory=list)

    @field_validator("outcome", mode="before")
    @classmethod
    def _column_alone(cls, given: Any) -> Any:
        return {"column": given} if isinstance(given, str) else given

    @field_validator("recordings", mode="before")
    @classmethod
    def _one_value_alone(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {k: [str(v) for v in (value if isinstance(value, list) else [value])] for k, value in given.items()}

    @property
    def plans(self) -> list[MarkerPlan]:
        """The standard and the markers, in the order of the report."""
        return [self.standard, *self.markers]

    @classmethod
    def read(cls, path: Path | str) -> Study:
        """Read a study file.

        Raises
        ------
        InputError
            With the line, the key and the cure: YAML that cannot be read, unknown keys, markers or settings, wrong
            types, two markers of one name.
        """
        where = str(path)
        document = read_yaml(where)
        try:
            study = cls.model_validate(document.content)
        except ValidationError as error:
            raise document.error(problem_of(error, cls)) from error
        above = where.rsplit("/", 1)[0] if "/" in where else "."
        # Files of pages are looked for where they are.
        study = study.model_copy(update={"pages": [plan.beside(partial(_beside, above)) for plan in study.pages]})
        problem = study.first_problem()
        if problem is not None:
            raise document.error(problem)
        return study.model_copy(
            update={
                "cohort": _beside(above, study.cohort),
                "validation": study.validation.model_copy(
                    update={"splits": study.validation.splits and _beside(above, study.validation.splits)}
                ),
                "engine": study.engine.model_copy(
                    update={"cache": study.engine.cache and _beside(above, study.engine.cache)}
                ),
            }
        )

    def first_problem(self) -> Problem | None:
        """What cannot work although every type is right: markers, settings, names, the outcome, report options."""
        from presage.findings import TableError
        from presage.findings.options import Options

        names: dict[str, Location] = {}
        for location, plan in self._located():
            if plan.name in names:
                return Problem(
                    (*location, "name"), f"two markers are called {plan.name!r}", "give each a `name:` of its own"
                )
            names[plan.name] = location
            try:
                marker = plan.build()
            except ValidationError as error:
                return problem_of(error, marker_class(plan.marker), location, f"marker {plan.marker}")
            except InputError as error:
                return Problem((*location, "marker"), error.what, error.cure)
            problem = plan.tune and tune_problem(plan.tune, marker, plan.settings, self.outcome.kind)
            if problem:
                return Problem((*location, "tune", *problem.location), problem.what, problem.cure)
        try:
            self.outcome.outcome()
        except InputError as error:
            return Problem(("outcome",), error.what, error.cure)
        try:
            options = Options.read(self.report)
        except (TableError, TypeError, ValueError) as error:
            return Problem(("report",), str(error), "")
        known = [plan.name for plan in self.markers]
        if options.primary is not None and options.primary not in known:
            # Found here and not by the analysis, hours later.
            cure = f"the markers are {', '.join(map(repr, known))}"
            return Problem(("report", "primary"), f"there is no marker called {options.primary!r}", cure)
        return self._pages_problem()

    def _pages_problem(self) -> Problem | None:
        named: set[str] = set()
        for place, plan in enumerate(self.pages):
            location: Location = ("pages", place)
            if plan.pages in named:
                return Problem((*location, "pages"), f"the pages {plan.pages!r} are named twice", "keep one of them")
            named.add(plan.pages)
            problem = plan.problem(location, self)
            if problem is not None:
                return problem
        return None

    def with_workers(self, workers: int) -> Study:
        """The study on so many worker processes; its findings are the same."""
        return self.model_copy(update={"engine": self.engine.model_copy(update={"workers": workers})})

    def on_engine(self, name: Literal["local", "ray"] | None, address: str | None, workers: int | None) -> Study:
        """The study on another engine; its findings are the same. An address says that the engine is Ray.

        Raises
        ------
        InputError
            If an address is given for this machine's own processes.
        """
        if address is not None and name == "local":
            raise InputError(
                "an address is that of a Ray cluster, and the engine is this machine",
                where=address,
                cure="give `--engine ray`, or no address",
            )
        name = name or ("ray" if address else self.engine.name)
        if address is None and name == "ray":
            address, workers = self.engine.address, workers or self.engine.workers
        changes = {"name": name, "address": address, "workers": workers}
        return self.model_copy(update={"engine": self.engine.model_copy(update=changes)})

    def check(self) -> None:
        """Raise InputError for the first problem of a study made in Python; a file's is found by :meth:`read`."""
        problem = self.first_problem()
        if problem is not None:
            raise InputError(problem.what, where=".".join(map(str, problem.location)), cure=problem.cure)

    def to_yaml(self) -> str:
        """The study as YAML with every setting written out; :meth:`read` gives the same study back."""
        plain = self.model_dump(mode="json", exclude=None if self.pages else {"pages"})
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)

    def _located(self) -> list[tuple[Location, MarkerPlan]]:
        return [(("standard",), self.standard), *((("markers", i), plan) for i, plan in enumerate(self.markers))]


def _beside(folder: str, path: str) -> str:
    """`path` as seen from the folder of the study file."""
    if storage.is_address(path) or path.startswith(("/", "~")):
        return path
    return storage.join(folder, path) if storage.is_address(folder) else os.path.abspath(os.path.join(folder, path))
