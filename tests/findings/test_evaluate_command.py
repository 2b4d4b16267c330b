"""`presage evaluate` and `presage plan` as a person types them."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from presage.cli import app
from presage.findings import TableError

ASK = ["--outcome", "cancer", "--standard", "density", "--markers", "mirai, ours", "--patient", "patient_id"]


@pytest.fixture
def spreadsheet(tmp_path):
    """As a spreadsheet in a country of comma decimals writes it."""
    random = np.random.default_rng(3)
    cancer = (random.random(240) < 0.3).astype(int)
    lines = ["patient_id;cancer;density;mirai;ours;age;site"]
    for i, case in enumerate(cancer):
        numbers = [random.normal() + 0.1 * case, 1 / (1 + np.exp(1 - random.normal() - 1.2 * case)), random.normal()]
        cells = ";".join(f"{value:.4f}" for value in numbers).replace(".", ",")
        lines.append(f"Nr {i};{case};{cells};{int(random.normal(60, 8))};{'NS'[i % 2]}")
    path = tmp_path / "scores.csv"
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("utf-8-sig"))
    return path


def run(*words: str):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_hand_made_table_becomes_an_answer_findings_and_a_page(spreadsheet, tmp_path):
    done = run("evaluate", spreadsheet, *ASK, "--decimal", ",", "--probabilities", "mirai", "--primary", "mirai",
               "--subgroups", "site", "--people", "women", "--out", tmp_path / "out")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.output.startswith("In these 240 women")
    assert "mirai told cases from controls better than density" in done.output
    document = json.loads((tmp_path / "out" / "findings.json").read_text(encoding="utf-8"))
    assert document["sections"]["comparison"]["primary"] == "mirai"
    assert {"calibration", "utility", "subgroups", "characteristics"} <= set(document["sections"])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "In these 240 women" in page
    assert "TRIPOD+AI" in page
    assert "Nr 17" not in page + json.dumps(document)


def test_the_same_command_gives_the_same_bytes(spreadsheet, tmp_path):
    for name in ("one", "two"):
        assert run("evaluate", spreadsheet, *ASK, "--decimal", ",", "--out", tmp_path / name).exit_code == 0
    for file in ("findings.json", "report.html"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_broken_file_ends_in_a_message_and_writes_nothing(spreadsheet, tmp_path):
    done = run("evaluate", spreadsheet, *ASK, "--out", tmp_path / "out")
    assert isinstance(done.exception, TableError)
    assert "--decimal ," in str(done.exception)
    assert not (tmp_path / "out").exists()
    assert isinstance(run("evaluate", spreadsheet, *ASK, "--kind", "survival").exception, TableError)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["auc", "0.73", "--width", "0.1"], "193 cases and 193 controls"),
        (["difference", "0.54", "0.73", "--correlation", "0.3", "--power", "0.9"], "58 cases and 58 controls"),
        (["model", "10", "0.05", "--auc", "0.7"], "by criterion: shrinkage"),
    ],
)
def test_plan_says_how_many(words, said):
    done = run("plan", *words)
    assert done.exit_code == 0
    assert said in done.output


def test_nothing_heavy_is_imported():
    code = (
        "import sys, presage.findings, presage.findings.reading, presage.report; "
        "from importlib.metadata import entry_points; "
        "[p.load() for g in ('presage.analyses', 'presage.sections') for p in entry_points(group=g)]; "
        "print([m for m in ('torch', 'sklearn', 'pydicom', 'onnxruntime', 'cv2', 'lifelines', 'presage.cohort', "
        "'presage.study') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
