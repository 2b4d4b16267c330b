from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from study_running import run, study_of

from presage.cohort import InputError, make_splits
from presage.findings import TableError
from presage.study import Study
from presage.study.folder import folder_at
from presage.study.lease import held
from presage.study.local_engine import LocalEngine
from presage.study.progress import Progress
from presage.study.run import run_study

Make = Callable[..., Path]
LABPACK = Path(__file__).parent / "labpack"


def test_a_study_from_cohort_to_findings(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    findings = json.loads(run(study_of(folder, title="Slides and cancer"), tmp_path / "run"))
    assert findings["title"] == "Slides and cancer"
    assert findings["phantom"] is True
    assert findings["cohort"] | {"flow": []} == {
        "name": "Slides",
        "description": "",
        "n_patients": 40,
        "n_recordings": 40,
        "n_cases": 20,
        "flow": [],
        "characteristics": None,
    }
    assert [(m["name"], m["role"]) for m in findings["markers"]] == [("Level", "standard"), ("Learner", "marker")]
    assert findings["validation"]["folds"] == 4
    assert findings["validation"]["repeats"] == 2
    assert {"comparison", "discrimination"} <= set(findings["sections"])
    assert findings["software"]["labpack"] == "1.2"
    assert "pydantic" in findings["software"]

    scores = findings["scores"]
    assert scores["patients"] == sorted(scores["patients"])
    assert np.array(scores["scores"]["Learner"]).shape == (2, 40)
    assert np.array(scores["folds"]).min() == 0
    # The standard's score is the slide's first byte: it stands beside the right patient.
    key = dict(line.split(",") for line in (tmp_path / "run" / "key.csv").read_text().splitlines()[1:])
    for pid, code in key.items():
        first = (folder / "slides" / f"{pid[3:]}L.bin").read_bytes()[0]
        assert scores["scores"]["Level"][0][scores["patients"].index(code)] == first
        assert scores["outcome"][scores["patients"].index(code)] == int(pid[3:]) % 2


def test_findings_name_no_patient_path_or_date(make_cohort: Make, tmp_path: Path) -> None:
    run(study_of(make_cohort()), tmp_path / "run")
    text = (tmp_path / "run" / "findings.json").read_text()
    for secret in ("id-0", str(tmp_path), "slides/", ".bin", time.strftime("%Y-%m")):
        assert secret not in text
    cached = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert cached
    for path in cached:
        assert b"id-0" not in path.read_bytes()
        assert "id-0" not in str(path)


def test_codes_do_not_follow_the_order_of_ids(make_cohort: Make, tmp_path: Path) -> None:
    run(study_of(make_cohort()), tmp_path / "run")
    rows = [line.split(",") for line in (tmp_path / "run" / "key.csv").read_text().splitlines()[1:]]
    assert [code for _, code in rows] == [f"P{i:04d}" for i in range(1, 41)]
    assert [pid for pid, _ in rows] != sorted(pid for pid, _ in rows)


def test_the_gallery_explains_the_extreme_patients_out_of_fold(make_cohort: Make, tmp_path: Path) -> None:
    findings = json.loads(run(study_of(make_cohort()), tmp_path / "run"))
    gallery, scores = findings["gallery"], findings["scores"]
    order = np.argsort(scores["scores"]["Learner"][0])
    cases = [scores["patients"][i] for i in order if scores["outcome"][i] == 1]
    controls = [scores["patients"][i] for i in order if scores["outcome"][i] == 0]
    assert [e["code"] for e in gallery] == sorted(cases[-3:]) + sorted(controls[:3])
    for entry in gallery:
        assert (tmp_path / "run" / entry["file"]).read_bytes().startswith(b"\x89PNG")
        assert entry["caption"].endswith("L. Learner. Red raises it.")
    assert len(list((tmp_path / "run" / "examples").iterdir())) == 6


def test_one_and_two_workers_and_a_resumed_run_give_the_same_bytes(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    study = study_of(folder, {"marker": "learner", "name": "Learner", "noise": 5.0})
    one = run(study, tmp_path / "one", processes=True)
    assert run(study.with_workers(2), tmp_path / "two", processes=True) == one
    assert run(study, tmp_path / "here") == one
    for name in ("tasks/learner/r00-f01.json", "tasks/learner/r00-f02.safetensors", "tasks/level/r01-f03.json"):
        (tmp_path / "one" / name).unlink()
    (tmp_path / "one" / "tasks" / "learner" / "r01-f00.json").write_text('{"scores": [1.0')
    assert run(study, tmp_path / "one") == one
    assert json.loads((tmp_path / "one" / "run.json").read_text())["tasks_of_this_start"] == 4
    pictures = [sorted((tmp_path / r / "examples").iterdir()) for r in ("one", "two")]
    assert [p.read_bytes() for p in pictures[0]] == [p.read_bytes() for p in pictures[1]]


def test_a_finished_run_does_nothing_again(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort())
    before = run(study, tmp_path / "run")
    encoded = (tmp_path / "encoded.log").read_text().count("encoded")
    assert encoded == 40

    class Refusing(LocalEngine):
        def run(self, *arguments: Any) -> None:
            raise AssertionError("there is nothing to do")

    run_study(study, tmp_path / "run", progress=Progress(), engine=Refusing(1))
    assert (tmp_path / "run" / "findings.json").read_bytes() == before
    assert (tmp_path / "encoded.log").read_text().count("encoded") == encoded


@pytest.mark.parametrize(
    ("change", "redone"),
    [
        ({"markers": [{"marker": "learner", "name": "Learner", "penalty": 2.0}]}, {"learner"}),
        ({"validation": {"folds": 4, "repeats": 2, "seed": 12}}, {"learner", "level"}),
        ({"report": {"replicates": 200}}, set()),
    ],
)
def test_a_changed_study_reuses_exactly_what_still_holds(
    make_cohort: Make, tmp_path: Path, change: dict[str, Any], redone: set[str]
) -> None:
    folder = make_cohort()
    run(study_of(folder), tmp_path / "run")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "run" / "tasks").rglob("r*-f??.json")}
    changed = run(study_of(folder, **change), tmp_path / "run")
    assert {p.parent.name for p, stamp in before.items() if p.stat().st_mtime_ns != stamp} == redone
    assert changed == run(study_of(folder, **change), tmp_path / "fresh")


def test_a_corrected_outcome_or_file_is_not_answered_from_old_results(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    run(study_of(folder), tmp_path / "run")
    (folder / "slides" / "003L.bin").write_bytes(bytes(range(32)))
    assert run(study_of(folder), tmp_path / "run") == run(study_of(folder), tmp_path / "fresh1")
    table = (folder / "patients.csv").read_text().replace("id-000,0", "id-000,1")
    (folder / "patients.csv").write_text(table)
    assert run(study_of(folder), tmp_path / "run") == run(study_of(folder), tmp_path / "fresh2")


DRIVER = """
import sys
sys.path.insert(0, {labpack!r})
from presage.study import Study
from presage.study.progress import Progress
from presage.study.run import run_study
run_study(Study.read(sys.argv[1]), sys.argv[2], progress=Progress())
"""


def start(study: Path, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER.format(labpack=str(LABPACK)), str(study), str(folder)], stderr=subprocess.PIPE
    )


def descendants(pid: int) -> list[int]:
    """Children of any thread of the process: each worker is started by a thread of its own."""
    found = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in listing.read_text().split()]
    return found


@pytest.mark.slow
def test_killed_at_random_moments_the_run_ends_with_the_same_bytes(make_cohort: Make, tmp_path: Path) -> None:
    slow = {"marker": "moody", "name": "Slow", "mood": "slow"}
    study = study_of(make_cohort(), {"marker": "learner", "name": "Learner"}, slow, engine={"workers": 2})
    path = tmp_path / "study.yaml"
    path.write_text(study.to_yaml())
    expected = run(study.with_workers(1), tmp_path / "whole", processes=True)
    chance = random.Random(4)
    kills = 0
    for _ in range(5):
        process = start(path, tmp_path / "killed")
        deadline = time.monotonic() + 60
        moment = chance.random()
        n = len(list((tmp_path / "killed").glob("tasks/*/*.json")))
        # Killed once some more tasks are done, and a random moment later.
        while process.poll() is None and time.monotonic() < deadline:
            if len(list((tmp_path / "killed").glob("tasks/*/*.json"))) >= n + 1 + kills:
                time.sleep(0.2 * moment)
                break
            time.sleep(0.005)
        workers = descendants(process.pid)
        process.kill()
        kills += process.wait() == -signal.SIGKILL
        until = time.monotonic() + 10
        while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < until:
            time.sleep(0.02)
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()], "workers outlived their study"
    assert kills == 5
    process = start(path, tmp_path / "killed")
    assert process.wait(timeout=120) == 0, process.stderr.read() if process.stderr else ""
    assert (tmp_path / "killed" / "findings.json").read_bytes() == expected


@pytest.mark.slow
def test_ctrl_c_stops_workers_and_leaves_a_run_that_goes_on(make_cohort: Make, tmp_path: Path) -> None:
    slow = {"marker": "moody", "name": "Slow", "mood": "slow"}
    path = tmp_path / "study.yaml"
    path.write_text(study_of(make_cohort(), slow, engine={"workers": 2}).to_yaml())
    process = start(path, tmp_path / "run")
    while not list((tmp_path / "run").glob("tasks/*/*.json")):
        assert process.poll() is None
        time.sleep(0.01)
    workers = descendants(process.pid)
    assert len(workers) == 2
    for pid in [process.pid, *workers]:  # a terminal sends it to the whole group
        os.kill(pid, signal.SIGINT)
    _, messages = process.communicate(timeout=20)
    assert process.returncode != 0
    assert messages.decode().count("KeyboardInterrupt") == 1  # the workers stay silent
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    again = start(path, tmp_path / "run")
    assert again.wait(timeout=60) == 0


def test_a_cheating_marker_sees_its_fold_only(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    (folder / "slides" / "039L.bin").unlink()  # so that there is a flow with ids in it
    log = tmp_path / "seen.jsonl"
    study = study_of(folder, {"marker": "spy", "name": "Spy", "log": str(log)})
    run(study, tmp_path / "run")
    splits = {(f.train, f.test) for f in make_splits(study_cohort(study), folds=4, repeats=2, seed=11)}
    seen = [json.loads(line) for line in log.read_text().splitlines()]
    pairs = [(tuple(a["ids"]), tuple(b["ids"])) for a, b in zip(seen[::2], seen[1::2], strict=True)]
    assert set(pairs) == splits
    for line in seen:
        assert line["others"] == []
        assert line["flow"] == 0
        assert set(line["recorded"]) == set(line["ids"])
        if line["step"] == "score":
            assert "cancer" not in line["columns"]
            assert "no outcome" in line["outcomes"]


def study_cohort(study: Study) -> Any:
    from presage.study.prepare import read_selected

    return read_selected(study)


def test_outcomes_of_the_test_fold_cannot_reach_the_scores(make_cohort: Make, tmp_path: Path) -> None:
    """Turn the outcomes of one test fold around: its own scores stay, as nothing fitted for it saw them."""
    folder = make_cohort()
    cohort = study_cohort(study_of(folder))
    splits = make_splits(cohort, folds=4, seed=11)
    splits.write(str(tmp_path / "splits.csv"))
    fold = next(iter(splits))
    study = study_of(folder, validation={"splits": str(tmp_path / "splits.csv"), "seed": 11})
    before = json.loads(run(study, tmp_path / "before"))["scores"]
    lines = (folder / "patients.csv").read_text().splitlines()
    flipped = [
        line
        if line.split(",")[0] not in fold.test
        else line.replace(",0,", ",x,").replace(",1,", ",0,").replace("x", "1")
        for line in lines
    ]
    (folder / "patients.csv").write_text("\n".join(flipped) + "\n")
    after = json.loads(run(study, tmp_path / "after"))["scores"]
    held = np.array(before["folds"])[0] == fold.fold
    one, two = (np.array(s["scores"]["Learner"])[0] for s in (before, after))
    np.testing.assert_array_equal(one[held], two[held])
    assert (one[~held] != two[~held]).all()
    assert np.array(before["outcome"])[held].tolist() != np.array(after["outcome"])[held].tolist()


def test_a_fixed_split_scores_the_tested_patients_alone(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort()
    ids = [f"id-{i:03d}" for i in range(40)]
    rows = [f"0,0,{pid},{'train' if i < 28 else 'test'}" for i, pid in enumerate(ids)]
    (tmp_path / "official.csv").write_text("repeat,fold,patient_id,role\n" + "\n".join(rows) + "\n")
    study = study_of(folder, validation={"splits": str(tmp_path / "official.csv")})
    findings = json.loads(run(study, tmp_path / "run"))
    assert len(findings["scores"]["patients"]) == 12
    assert findings["validation"]["n_tested"] == 12
    assert findings["settings"]["validation"]["splits"] == "given"


def test_splits_edited_in_the_run_folder_are_refused_not_overwritten(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort())
    run(study, tmp_path / "run")
    path = tmp_path / "run" / "splits.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(InputError, match=r"this file was edited.*\nto use it: copy it"):
        run(study, tmp_path / "run")


def test_exclusions_on_the_way_in_are_counted(make_cohort: Make, tmp_path: Path) -> None:
    folder = make_cohort(both=True)
    (folder / "slides" / "001R.bin").write_bytes(b"not a slide, 1")
    (folder / "slides" / "002L.bin").write_bytes(b"blank, 2")
    (folder / "slides" / "004R.bin").unlink()
    right = {"marker": "level", "name": "Right", "side": "R"}
    findings = json.loads(run(study_of(folder, right), tmp_path / "run"))
    flow = [(row["step"], row["reason"], row["unit"], row["n"]) for row in findings["cohort"]["flow"]]
    assert flow == [
        ("read", "file not found", "recording", 1),
        ("inspect", "not a slide", "recording", 1),
        ("markers", "lacks a recording that Right needs", "patient", 2),
        ("encode", "blank slide", "recording", 1),
    ]
    assert findings["cohort"]["n_patients"] == 38
    only = study_of(folder, right, recordings={"side": "L"})
    with pytest.raises(InputError, match="no patient has the recordings that 'Right' needs"):
        run(only, tmp_path / "none")
    findings = json.loads(run(study_of(folder, recordings={"side": ["L"]}), tmp_path / "left"))
    flow = [(row["step"], row["reason"], row["unit"], row["n"]) for row in findings["cohort"]["flow"]]
    assert flow[1] == ("recordings", "side is not L", "recording", 39)
    assert flow[-1] == ("encode", "no usable recording left", "patient", 1)
    assert findings["cohort"]["n_patients"] == 39


@pytest.mark.parametrize(
    ("outcome", "section", "first"),
    [
        ({"column": "score", "kind": "scale", "cutoff": 15, "label": "severe"}, "discrimination", float),
        ({"column": "time", "kind": "time-to-event", "event": "event"}, "survival", list),
    ],
)
def test_scales_and_times_to_events_are_outcomes_too(
    make_cohort: Make, tmp_path: Path, outcome: dict[str, Any], section: str, first: type
) -> None:
    folder = make_cohort()
    rows = (folder / "patients.csv").read_text().splitlines()
    rows = [f"{row},{(7 * i) % 30},{1 + (5 * i) % 37},{i % 2}" for i, row in enumerate(rows)]
    rows[0] = "patient_id,cancer,age,site,score,time,event"
    (folder / "patients.csv").write_text("\n".join(rows) + "\n")
    findings = json.loads(run(study_of(folder, outcome=outcome), tmp_path / "run"))
    assert section in findings["sections"]
    assert isinstance(findings["scores"]["outcome"][0], first)
    assert findings["outcome"]["kind"] == outcome["kind"]


def test_leftovers_of_killed_tasks_are_cleared_away(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort())
    run(study, tmp_path / "run")
    tasks = tmp_path / "run" / "tasks" / "learner"
    (tasks / "r00-f00-0123456789ab.scratch").mkdir()
    (tasks / "r00-f00-0123456789ab.scratch" / "epoch-3").write_text("x")
    (tasks / ".r00-f00.json.abc.part").write_text("x")
    (tasks / "r00-f01.error.txt").write_text("x")
    run(study, tmp_path / "run")
    names = {p.name for p in tasks.rglob("*")}
    assert not [name for name in names if name.endswith((".scratch", ".part", ".txt"))]


def test_settings_in_the_findings_name_files_without_their_folder(make_cohort: Make, tmp_path: Path) -> None:
    log = {"marker": "spy", "name": "Spy", "log": str(tmp_path / "seen.jsonl")}
    findings = json.loads(run(study_of(make_cohort(), log), tmp_path / "run"))
    assert findings["markers"][1]["settings"]["log"] == "seen.jsonl"
    assert findings["settings"]["markers"][0]["log"] == "seen.jsonl"


@pytest.mark.parametrize(
    ("recordings", "message"),
    [({"sied": "L"}, "keeps recordings by 'sied'"), ({"side": "X"}, "no recording has side = X; there are L")],
)
def test_a_filter_that_keeps_nothing_is_refused(
    make_cohort: Make, tmp_path: Path, recordings: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(study_of(make_cohort(), recordings=recordings), tmp_path / "run")


def test_subgroups_nobody_recorded_are_refused_before_any_task(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort(), report={"subgroups": ["sites"]})
    with pytest.raises(TableError, match="did you mean 'site'"):
        run(study, tmp_path / "run")
    assert not list((tmp_path / "run").rglob("plan.json"))


def test_two_runs_in_one_folder_are_refused(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort())
    with (
        held(folder_at(tmp_path / "run")),
        pytest.raises(InputError, match="another process is running a study in this folder"),
    ):
        run(study, tmp_path / "run")
    run(study, tmp_path / "run")
