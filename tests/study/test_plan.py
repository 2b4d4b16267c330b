from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from presage.cohort import InputError
from presage.study import Marker, Study
from presage.study.names import marker_class, marker_names, marker_reference

GOOD = """\
# A study
title: Slides
cohort: cohort
outcome: {column: cancer, label: breast cancer}
standard: {marker: level, name: First byte}
markers:
  - marker: learner
    name: Ridge
    penalty: 2.0
  - {marker: "labpack:Level", name: Right side, side: R}
  - learner
validation: {folds: 10, repeats: 3, group_by: site, seed: 9}
recordings: {side: [L, R], visit: 1}
report: {specificities: [0.8], people: women}
engine: {workers: 2}
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        path = tmp_path / "study.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


Write = Callable[[str], Path]


def test_a_study_is_read(write: Write, tmp_path: Path) -> None:
    study = Study.read(write(GOOD))
    assert study.cohort == str(tmp_path / "cohort")
    assert (study.outcome.column, study.outcome.label) == ("cancer", "breast cancer")
    assert [plan.name for plan in study.plans] == ["First byte", "Ridge", "Right side", "learner"]
    assert study.markers[0].settings == {"penalty": 2.0}
    assert type(study.markers[1].build()).__name__ == "Level"
    assert study.validation.model_dump() == {"folds": 10, "repeats": 3, "group_by": "site", "seed": 9, "splits": None}
    assert study.recordings == {"side": ["L", "R"], "visit": ["1"]}
    assert study.engine.n_workers() == 2
    assert study.with_workers(1).engine.workers == 1
    assert study.report["people"] == "women"


def test_yaml_and_python_are_the_same_object(write: Write, tmp_path: Path) -> None:
    study = Study.read(write(GOOD))
    assert Study.read(write(study.to_yaml())) == study
    made = Study(
        cohort=str(tmp_path / "cohort"),
        outcome="cancer",
        standard=marker_class("level")(),
        markers=[marker_class("learner")(penalty=2.0), "learner:x"][:1],
    )
    assert made.standard.marker == "level"
    assert made.markers[0].settings["penalty"] == 2.0
    made.check()
    assert Study.read(write(made.to_yaml())) == made


def test_paths_are_seen_from_the_file(write: Write, tmp_path: Path) -> None:
    text = GOOD.replace("seed: 9", "seed: 9, splits: mine/splits.csv")
    assert Study.read(write(text)).validation.splits == str(tmp_path / "mine" / "splits.csv")
    assert Study.read(write(GOOD.replace("cohort: cohort", "cohort: s3://b/c"))).cohort == "s3://b/c"
    assert Study.read(write(GOOD.replace("cohort: cohort", "cohort: /abs/c"))).cohort == "/abs/c"
    assert Study.read(write(GOOD.replace("cohort: cohort", "cohort: ."))).cohort == str(tmp_path)


MISTAKES = {
    "marker": ("marker: learner", "marker: lerner", 7, "there is no marker 'lerner'", "did you mean 'learner'?"),
    "class": ("labpack:Level", "labpack:Lavel", 10, "cannot be imported", "install"),
    "not a marker": ("labpack:Level", "labpack:Bytes", 10, "is not a marker", "subclass"),
    "setting": ("penalty: 2.0", "penaltty: 2.0", 9, "unknown setting 'penaltty' of marker learner", "'penalty'?"),
    "type": ("penalty: 2.0", "penalty: much", 9, "penalty = 'much': should be a valid number", ""),
    "choice": ("side: R}", "side: M}", 10, "side = 'M': should be 'L', 'R' or 'both'", ""),
    "key": ("title:", "titel:", 2, "unknown setting 'titel' of the study", "did you mean 'title'?"),
    "inner key": ("repeats: 3", "repeat: 3", 12, "unknown setting 'repeat' of validation", "did you mean 'repeats'?"),
    "missing": ("cohort: cohort\n", "", 2, "cohort is missing from the study", "add `cohort: ...`"),
    "range": ("folds: 10", "folds: 1", 12, "folds = 1: should be greater than or equal to 2", ""),
    "group": (
        "group_by: site",
        "group_by: hospital",
        12,
        "group_by = 'hospital': should be 'patient', 'match_set'",
        "",
    ),
    "twice": ("name: Ridge", "name: First byte", 8, "two markers are called 'First byte'", "give each a `name:`"),
    "two standards": (
        "standard: {marker: level, name: First byte}",
        "standard: [{marker: level}, {marker: level}]",
        5,
        "standard = [",
        "",
    ),
    "no marker": (GOOD[GOOD.index("markers:") : GOOD.index("validation")], "markers: []\n", 6, "at least 1 item", ""),
    "key twice": ("title: Slides", "title: Slides\ntitle: Slides", 3, "the key 'title' is given twice", "keep one"),
    "yaml": ("{folds: 10", "{folds: 10, ]", 12, "this is not YAML", "brackets"),
    "outcome": ("{column: cancer,", "{column: cancer, kind: scale,", 4, "has no cut-off", "add `cutoff: VALUE`"),
    "report": ("[0.8]", "[80]", 14, "option specificities must lie between 0 and 1", ""),
    "primary": ("people: women", "primary: Rigde", 14, "there is no marker called 'Rigde'", "the markers are 'Ridge'"),
    "engine": ("{workers: 2}", "{workers: two}", 15, "workers = 'two': should be a valid integer", ""),
    "settings of nothing": (
        "{marker: level, name: First byte}",
        "{marker: level, name: First byte, settings: }",
        5,
        "settings = None: these are no names with values",
        "settings: {NAME: VALUE}",
    ),
    "a list of settings": (
        "{marker: level, name: First byte}",
        "{marker: level, name: First byte, settings: [a]}",
        5,
        "settings = ['a']",
        "settings: {NAME: VALUE}",
    ),
    "pages of nothing": (
        "engine: {workers: 2}",
        "pages: [{pages: x, settings: }]",
        15,
        "settings = None",
        "settings: {NAME: VALUE}",
    ),
    "future engine": ("{workers: 2}", "{name: cloud}", 15, "name = 'cloud'", ""),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_told_with_its_line_and_cure(write: Write, mistake: str) -> None:
    old, new, line, what, cure = MISTAKES[mistake]
    assert GOOD.count(old) == 1
    with pytest.raises(InputError) as raised:
        Study.read(write(GOOD.replace(old, new)))
    assert f"study.yaml, line {line}" in raised.value.where
    assert what in raised.value.what
    assert cure in raised.value.cure


@pytest.mark.parametrize(("text", "message"), [("", "mapping"), ("- a\n", "mapping"), ("just words", "mapping")])
def test_a_file_that_is_no_study(write: Write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Study.read(write(text))
    with pytest.raises(InputError, match="there is no such study file"):
        Study.read(write("").parent / "none.yaml")


def test_mistakes_in_python_are_told_too() -> None:
    with pytest.raises(ValidationError, match="titel"):
        Study(cohort="c", outcome="y", standard="level", markers=["learner"], titel="x")  # type: ignore[call-arg]
    study = Study(cohort="c", outcome="y", standard="level", markers=["lerner"])
    with pytest.raises(InputError, match="there is no marker 'lerner'"):
        study.check()


def test_names_lead_to_classes_and_back() -> None:
    assert {"level", "learner", "percent-density"} <= set(marker_names())
    assert marker_reference(marker_class("level")) == "level"

    class Own(Marker):
        pass

    assert marker_reference(Own).endswith("test_plan:test_names_lead_to_classes_and_back.<locals>.Own")
