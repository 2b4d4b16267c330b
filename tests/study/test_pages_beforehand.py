"""Pages that a study ends with: what they see to be wrong is refused before the study runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from study_running import study_of

from presage.cohort import InputError
from presage.study import Study, pages
from presage.study.prepare import read_selected
from presage.study.yaml_lines import Problem


class Plain(pages.Pages):
    """Pages that look at nothing beforehand."""

    def make(self, run: Any, folder: Path, progress: Any) -> list[Any]:
        return []


class Choosy(Plain):
    """Pages that do."""

    table: Path
    most: int = 3

    def check(self, study: Study) -> Problem | None:
        if len(study.markers) > self.most:
            return Problem(("most",), f"{len(study.markers)} markers", "raise it")
        wrong = self.table.read_text() != "good"
        return Problem(("table",), f"{self.table.name}: is not good", "write it anew") if wrong else None

    def check_patients(self, patients: Sequence[str]) -> Problem | None:
        return Problem(("table",), f"nobody of {patients[0]}", "take theirs") if self.most == 2 else None


class _Point:
    def __init__(self, kind: type[pages.Pages]) -> None:
        self.kind = kind

    def load(self) -> type[pages.Pages]:
        return self.kind


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_points", lambda: {"plain": _Point(Plain), "choosy": _Point(Choosy)})


def test_what_pages_see_is_said_with_its_line_before_anything_runs(
    make_cohort: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "table.txt").write_text("good")
    study = study_of(make_cohort(), pages=[{"pages": "plain"}, {"pages": "choosy", "table": "table.txt"}])
    file = tmp_path / "study.yaml"
    file.write_text(study.to_yaml())
    assert Study.read(file).pages[1].settings["table"] == str(tmp_path / "table.txt")
    (tmp_path / "table.txt").write_text("bad")
    with pytest.raises(InputError, match=r"pages.1.table: table.txt: is not good\nwrite it anew") as raised:
        Study.read(file)
    line = next(n for n, one in enumerate(file.read_text().splitlines(), start=1) if "table.txt" in one)
    assert f"line {line}," in str(raised.value)
    # Of a study made in Python, too; and what they are told of it.
    made = study.model_copy(update={"pages": [pages.PagesPlan(pages="choosy", settings={"table": file, "most": 0})]})
    with pytest.raises(InputError, match=r"pages.0.most: 1 markers"):
        made.check()


def test_patients_are_shown_to_the_pages_once_they_are_read(make_cohort: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "table.txt").write_text("good")
    given = {"pages": "choosy", "table": str(tmp_path / "table.txt")}
    cohort = make_cohort()
    read_selected(study_of(cohort, pages=[given]))
    study = study_of(cohort, pages=[{"pages": "plain"}, {**given, "most": 2}])
    study.check()
    with pytest.raises(InputError, match=r"pages.1.table: nobody of .*\ntake theirs"):
        read_selected(study)
