from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from study_running import Here, run, study_of
from typer.testing import CliRunner

from presage.cli import app
from presage.cohort import InputError
from presage.study.cost import MarkerTasks, enough, forecast, longest, on_faster
from presage.study.measure import encoding_cost, measure
from presage.study.placement import Placement
from presage.study.progress import Progress
from presage.study.schedule import Machines

Make = Callable[..., Path]
CARD = Placement(gpus=1)


def cards(*numbers: int) -> list[Machines]:
    return [Machines(cpus=8 * k, gpus=k) for k in numbers]


def test_tasks_of_equal_length_by_hand() -> None:
    # 10 tasks of an hour on 1, 4 and 16 cards: 10, 3 and 1 hours; nothing to draw, so no range.
    rows = forecast([MarkerTasks("a", 10, CARD, (3600.0,))], cards(1, 4, 16))
    assert [(row.hours, row.low, row.high) for row in rows] == [(10, 10, 10), (3, 3, 3), (1, 1, 1)]
    assert [row.gpu_hours for row in rows] == [10, 12, 16]
    assert [row.busy for row in rows] == [1.0, 10 / 12, 10 / 16]


def test_loading_is_added_once() -> None:
    (row,) = forecast([MarkerTasks("a", 10, CARD, (3600.0,), loading=360.0)], cards(10))
    assert row.hours == pytest.approx(1.1)


def test_without_cards_it_reckons_with_processors() -> None:
    (row,) = forecast([MarkerTasks("a", 4, Placement(cpus=2), (60.0,))], [Machines(cpus=4)])
    assert row.hours == pytest.approx(2 / 60)
    assert row.gpu_hours == 0
    assert row.busy == 1.0


def test_two_measured_durations_give_shortest_to_longest() -> None:
    (row,) = forecast([MarkerTasks("a", 1000, CARD, (10.0, 20.0))], cards(1))
    assert row.low == pytest.approx(1000 * 10 / 3600)
    assert row.high == pytest.approx(1000 * 20 / 3600)
    assert row.low < row.hours < row.high


@given(
    seconds=st.lists(st.floats(0.1, 100), min_size=1, max_size=6).map(tuple),
    n_tasks=st.integers(1, 40),
    gpus=st.sampled_from([0.25, 0.5, 1.0]),
)
@settings(max_examples=30, deadline=None)
def test_bounds_hold_for_any_durations(seconds: tuple[float, ...], n_tasks: int, gpus: float) -> None:
    rows = forecast([MarkerTasks("a", n_tasks, Placement(gpus=gpus), seconds)], cards(1, 4, 64), draws=20)
    for row in rows:
        assert min(seconds) / 3600 - 1e-12 <= row.low <= row.hours <= row.high
        assert row.high <= n_tasks * max(seconds) / 3600 + 1e-9
        assert row.low >= n_tasks * gpus * min(seconds) / 3600 / row.machines.gpus - 1e-9
        assert 0 < row.busy <= 1 + 1e-9
    # A card more never costs time where all tasks ask for the same.
    assert rows[0].hours + 1e-12 >= rows[1].hours >= rows[2].hours - 1e-12


def test_the_longest_task_and_the_number_of_cards_from_which_it_decides() -> None:
    groups = [MarkerTasks("short", 100, CARD, (36.0,)), MarkerTasks("long", 1, CARD, (3600.0,))]
    assert longest(groups).marker == "long"
    assert enough(groups) == 2
    assert [row.hours for row in forecast(groups, cards(2, 64))] == [1.0, 1.0]


def test_a_speed_up_holds_for_what_runs_on_cards() -> None:
    groups = [MarkerTasks("deep", 2, CARD, (80.0,)), MarkerTasks("plain", 2, Placement(), (8.0,))]
    assert [group.seconds for group in on_faster(groups, 8)] == [(10.0,), (8.0,)]
    assert [group.seconds for group in on_faster(groups[1:], 8)] == [(1.0,)]
    for factor in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="give a positive number"):
            on_faster(groups, factor)


def test_a_marker_without_a_measured_task_is_refused() -> None:
    with pytest.raises(InputError, match="no task of this marker was measured"):
        forecast([MarkerTasks("a", 1, CARD, ())], cards(1))


def test_what_is_measured_is_kept_and_the_run_ends_with_the_same_bytes(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort())
    known = measure(study, tmp_path / "measured", Progress(), tasks=2, recordings=4, engine=Here())
    assert [(group.marker, group.n_tasks) for group in known.markers] == [("Level", 8), ("Learner", 8)]
    assert all(len(group.seconds) >= 2 for group in known.markers)
    assert known.device == "cpu"
    assert known.done == 6
    assert [(cost.encoder, cost.recordings, cost.measured) for cost in known.encoding] == [("bytes", 40, 4)]
    assert known.encoding[0].seconds > 0

    again = measure(study, tmp_path / "measured", Progress(), tasks=2, recordings=4, engine=Here())
    assert again.markers == known.markers
    assert run(study, tmp_path / "measured") == run(study, tmp_path / "run")
    assert json.loads((tmp_path / "measured" / "run.json").read_text())["tasks_of_this_start"] < 16 + 3


def test_encoding_is_timed_for_what_markers_read(make_cohort: Make) -> None:
    study = study_of(make_cohort(both=True), standard={"marker": "level", "name": "Level", "side": "L"})
    (cost,) = encoding_cost(study, Progress(), 5)
    assert (cost.recordings, cost.measured) == (80, 5)


def test_a_task_that_fails_stops_the_forecast_with_its_reason(make_cohort: Make, tmp_path: Path) -> None:
    study = study_of(make_cohort(), {"marker": "moody", "name": "Moody", "mood": "raises"})
    with pytest.raises(ZeroDivisionError):
        measure(study, tmp_path / "run", Progress(), tasks=1, recordings=1, engine=Here())


def test_the_command_prints_a_table_and_json(make_cohort: Make, tmp_path: Path) -> None:
    cohort = make_cohort()
    study = study_of(cohort, {"marker": "learner", "name": "Learner", "place": {"gpus": 0.5}})
    (tmp_path / "study.yaml").write_text(study.to_yaml())
    given_ = ["cost", str(tmp_path / "study.yaml"), "--out", str(tmp_path / "run"), "--gpus", "1,4"]
    given_ += ["--price-per-hour", "1.5", "--recordings", "3", "--measure", "1"]
    printed = CliRunner().invoke(app, given_, env={"COLUMNS": "200"}, catch_exceptions=False)
    for words in ("GPUs", "GPU-hours", "price", "measured on CPUs", "--speed-up FACTOR", "nothing is faster than that"):
        assert words in " ".join(printed.stdout.split())
    given_ += ["--json", "--speed-up", "4"]
    document = json.loads(CliRunner().invoke(app, given_, catch_exceptions=False).stdout)
    assert [row["gpus"] for row in document["rows"]] == [1, 4]
    assert document["measured_on"] == "cpu"
    assert document["rows"][0]["price"] == pytest.approx(1.5 * document["rows"][0]["gpu_hours"])
    assert document["no_faster_beyond"]["unit"] == "gpus"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--gpus", "1,x", "not a list of positive"),
        ("--cpus", "0", "not a list of positive"),
        ("--cpus", "1,2,3", "rows"),
    ],
)
def test_numbers_that_are_none_are_refused(
    make_cohort: Make, tmp_path: Path, option: str, value: str, words: str
) -> None:
    study = study_of(make_cohort(), {"marker": "learner", "place": {"gpus": 1}})
    (tmp_path / "study.yaml").write_text(study.to_yaml())
    given_ = ["cost", str(tmp_path / "study.yaml"), "--out", str(tmp_path / "run"), "--gpus", "1,2", option, value]
    with pytest.raises(InputError, match=words):
        CliRunner().invoke(app, given_, catch_exceptions=False)
