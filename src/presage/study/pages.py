"""Pages that a study ends with: what a field adds below the run folder once the findings are written.

A package registers a subclass of :class:`Pages` under the entry point ``presage.pages``, and a study names it:
``pages: [{pages: NAME, setting: value}]``. Nothing here changes the findings.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_serializer, model_validator

from presage.cohort import InputError, storage
from presage.study.yaml_lines import Location, Problem, gather_settings, problem_of

#: Below the run folder: one folder for each entry of the study's `pages`.
FOLDER = "pages"
GROUP = "presage.pages"


class Pages(BaseModel, ABC):
    """Pages of a finished run. Settings are the fields (validated, unknown ones refused); those of type Path are files,
    in a study file relative to its folder, and are there before anything runs.
    """

    model_config = ConfigDict(extra="forbid")

    #: One sentence for whoever waits for them.
    summary: ClassVar[str] = ""

    @abstractmethod
    def make(self, run: Any, folder: Path, progress: Any) -> Iterable[tuple[Path, Mapping[str, Any]]]:
        """The pages of `run` (a :class:`presage.study.finished_run.FinishedRun`), the main one first.

        Each is a path below `folder` and a document as `presage.report.documents` describes it. Tables and other open
        files it writes below `folder` itself.

        Raises
        ------
        InputError
            Files that cannot be used; nothing of an earlier version is lost then.
        """

    def check(self, study: Any) -> Problem | None:
        """What is seen to be wrong before `study` (a :class:`presage.study.Study`) runs; None where nothing is.

        It is called once the files are known to be there, by every command that reads the study, and must be quick:
        seconds. The location of a problem begins with the setting.
        """
        return None

    def check_patients(self, patients: Sequence[str]) -> Problem | None:
        """The same, once the study's cohort is read and before anything is encoded or fitted: its patients' ids."""
        return None

    @classmethod
    def files(cls) -> list[str]:
        """Names of the settings that are files."""
        return [name for name, field in cls.model_fields.items() if "Path" in str(field.annotation)]


class PagesPlan(BaseModel):
    """One entry of a study's ``pages``: which, and its settings beside the name, as for a marker."""

    model_config = ConfigDict(extra="forbid")

    pages: str
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_settings(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"pages": given}
        if not isinstance(given, dict):
            return given
        return gather_settings(given, ("pages", "settings"))

    @field_validator("pages")
    @classmethod
    def _is_known(cls, name: str) -> str:
        points = _points()
        if name not in points:
            near = get_close_matches(name, points, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(f"there are no such pages; {hint}installed pages: {', '.join(sorted(points)) or 'none'}")
        return name

    @model_serializer
    def _flat(self) -> dict[str, Any]:
        return {"pages": self.pages, **self.settings}

    @property
    def kind(self) -> type[Pages]:
        """The class behind the name.

        Raises
        ------
        InputError
            If its package cannot be imported, or it makes no pages.
        """
        try:
            found = _points()[self.pages].load()
        except (ImportError, AttributeError) as error:
            raise InputError(
                f"the pages {self.pages!r} cannot be made: {error}", cure="install what they need (e.g. presage[tumor])"
            ) from error
        if not (isinstance(found, type) and issubclass(found, Pages)):
            raise InputError(f"{self.pages!r} makes no pages", cure="name a subclass of presage.study.pages.Pages")
        return found

    def build(self) -> Pages:
        """With its settings checked. Raises InputError and pydantic.ValidationError."""
        return self.kind(**self.settings)

    def beside(self, resolved: Any) -> Self:
        """The plan with its files as `resolved` says where they are."""
        try:
            files = set(self.kind.files())
        except InputError:
            return self  # :meth:`problem` says what is wrong
        settings = {k: resolved(v) if k in files and isinstance(v, str) else v for k, v in self.settings.items()}
        return self.model_copy(update={"settings": settings})

    def problem(self, above: Location, study: Any) -> Problem | None:
        """What cannot work in `study`: settings, files that are not there, and what the pages themselves see."""
        try:
            built = self.build()
        except ValidationError as error:
            return problem_of(error, self.kind, above, f"the pages {self.pages}")
        except InputError as error:
            return Problem((*above, "pages"), error.what, error.cure)
        return self._files_problem(built, above) or _within(built.check(study), above)

    def patients_problem(self, above: Location, patients: Sequence[str]) -> Problem | None:
        """What cannot work with these patients; the plan has no other :meth:`problem`."""
        return _within(self.build().check_patients(patients), above)

    def _files_problem(self, built: Pages, above: Location) -> Problem | None:
        for name in built.files():
            path = getattr(built, name)
            if path is None:
                continue
            if storage.is_address(str(self.settings[name])):
                return Problem((*above, name), f"{self.settings[name]} is not on this machine", "fetch the file first")
            if not Path(path).is_file():
                return Problem((*above, name), f"there is no file {path}", "a path is relative to the study file")
        return None


def _within(problem: Problem | None, above: Location) -> Problem | None:
    return None if problem is None else Problem((*above, *problem.location), problem.what, problem.cure)


def stamp_of(plan: PagesPlan, findings: str, code: Any) -> str:
    """SHA-256 (hex) of what pages are made from: settings, the bytes of their files, the findings and the code."""
    built = plan.build()
    contents = {}
    for name in built.files():
        path = getattr(built, name)
        if path is not None:
            with open(path, "rb") as stream:
                contents[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    rest = {key: value for key, value in built.model_dump(mode="json").items() if key not in contents}
    parts = [plan.pages, rest, contents, hashlib.sha256(findings.encode()).hexdigest(), code]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@cache
def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
