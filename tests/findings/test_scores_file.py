"""Scores files as people make them: understood, or refused in a message that a clinician can act on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from presage.findings import TableError
from presage.findings.reading import read_scores

ASK = {"outcome": "cancer", "standard": "density", "markers": ["mirai"]}


def rows(n: int = 12) -> list[dict[str, object]]:
    random = np.random.default_rng(5)
    return [
        {
            "patient_id": f"A{i}",
            "cancer": i % 2,
            "density": round(random.random(), 4),
            "mirai": round(random.random(), 4),
        }
        for i in range(n)
    ]


def text(table: list[dict[str, object]], separator: str = ",", end: str = "\n", decimal: str = ".") -> str:
    lines = [separator.join(table[0])]
    for row in table:
        cells = [str(v).replace(".", decimal) if isinstance(v, float) else str(v) for v in row.values()]
        lines.append(separator.join(cells))
    return end.join(lines) + end


@pytest.fixture
def written(tmp_path):
    def write(content: str | bytes, name: str = "scores.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("encoded", "options"),
    [
        (text(rows()).encode(), {}),
        (text(rows(), ";", "\r\n").encode("utf-8-sig"), {}),
        (text(rows(), ";", "\r\n", ",").encode("cp1252"), {"decimal": ","}),
        (text(rows(), "\t").encode("utf-16"), {}),
        (text(rows(), "\t", "\r").encode(), {}),
        (("sep=;\r\n" + text(rows(), ";", "\r\n")).encode(), {}),
        (text(rows()).replace("\n", ",,\n").encode() + b",,,,,\n\n", {}),
        (text(rows(), "|").encode(), {"separator": "|"}),
    ],
    ids=["plain", "semicolons-bom", "comma-decimals", "utf16-tabs", "old-mac", "sep-line", "padded", "bars"],
)
def test_every_way_of_writing_the_same_table_is_the_same_table(written, encoded, options):
    table = read_scores(written(encoded), **ASK, **options)
    assert table.patient.tolist() == [row["patient_id"] for row in rows()]
    assert table.outcome.tolist() == [row["cancer"] for row in rows()]
    assert table.scores["mirai"].shape == (1, 12)
    np.testing.assert_array_equal(table.scores["mirai"][0], [row["mirai"] for row in rows()])
    np.testing.assert_array_equal(table.scores["density"][0], [row["density"] for row in rows()])
    assert not table.clustered


def test_parquet_keeps_every_digit(tmp_path):
    frame = pd.DataFrame(rows())
    frame["mirai"] = np.random.default_rng(1).random(len(frame))
    frame.to_parquet(tmp_path / "scores.parquet")
    table = read_scores(tmp_path / "scores.parquet", **ASK)
    np.testing.assert_array_equal(table.scores["mirai"][0], frame["mirai"])


def test_other_columns_become_covariates_with_their_type(written):
    table = rows()
    for i, row in enumerate(table):
        row |= {"age": 40 + i, "site": "Nürnberg" if i % 3 else "Fürth"}
    found = read_scores(written(text(table).encode("cp1252")), **ASK).covariates
    assert list(found.columns) == ["age", "site"]
    assert pd.api.types.is_numeric_dtype(found["age"])
    assert set(found["site"]) == {"Nürnberg", "Fürth"}


def change(index: int, **cells: object) -> list[dict[str, object]]:
    table = rows()
    table[index] |= cells
    return table


BROKEN = {
    "empty": ("", {}, ["empty"]),
    "only the heading": ("patient_id,cancer,density,mirai\n", {}, ["no rows"]),
    "a spreadsheet": (b"PK\x03\x04 and so on", {}, ["spreadsheet", "Save as"]),
    "not text": (b"\x89PNG\r\n\x00\x00\x00\x0d", {}, ["not a text file"]),
    "a marker misspelt": (text(rows()), {"markers": ["miray"]}, ["no column 'miray'", "did you mean 'mirai'"]),
    "wrong separator": (text(rows()), {"separator": ";"}, ["one column", "--separator"]),
    "a missing score": (text(change(3, mirai="")), {}, ["'mirai'", "missing", "1 patient (A3)"]),
    "NaN in words": (text(change(4, density="NaN")), {}, ["missing", "A4"]),
    "infinite": (text(change(4, density="inf")), {}, ["infinite", "A4"]),
    "a patient twice": (text([*rows(), rows()[2]]), {}, ["several rows", "A2", "--cluster"]),
    "nobody's row": (text(change(5, patient_id="")), {}, ["no patient_id", "row 7"]),
    "constant": (text([row | {"mirai": 0.5} for row in rows()]), {}, ["'mirai'", "0.5 for everyone"]),
    "one class": (text([row | {"cancer": 0} for row in rows()]), {}, ["one class", "no row is a case"]),
    "all cases": (text([row | {"cancer": 1} for row in rows()]), {}, ["one class", "every row is a case"]),
    "outcome 2": (text(change(1, cancer=2)), {}, ["0 or 1", "A1", "(2)"]),
    "outcome 1 and 2": (text([row | {"cancer": 1 + i % 2} for i, row in enumerate(rows())]), {}, ["subtract 1"]),
    "yes and no": (
        text([row | {"cancer": "yes" if i % 2 else "no"} for i, row in enumerate(rows())]),
        {},
        ["1 for those"],
    ),
    "a questionnaire": (text([row | {"cancer": i} for i, row in enumerate(rows())]), {}, ["--kind scale"]),
    "percentages": (
        text([row | {"mirai": 10 + 5 * i} for i, row in enumerate(rows())]),
        {"probabilities": ["mirai"]},
        ["probability", "divide by 100"],
    ),
    "negative risks": (
        text([row | {"mirai": i - 6} for i, row in enumerate(rows())]),
        {"probabilities": ["mirai"]},
        ["probability", "do not name it as a probability"],
    ),
    "text in a number": (text(change(6, density="high")), {}, ["'high' in row 8"]),
    "comma decimals": (text(rows(), ";", decimal=","), {}, ["comma decimals", "--decimal ,"]),
    "comma decimals between commas": (text(rows(), ",", decimal=","), {}, ["row 2", "decimals written with a comma"]),
    "a short row": (text(rows()) + "A99,1\n", {}, ["row 14", "2 cells"]),
    "a column twice": (text(rows()).replace("density", "mirai"), {}, ["two columns called 'mirai'"]),
    "one column for two roles": (text(rows()), {"markers": ["density"]}, ["named twice", "standard", "marker"]),
    "no marker": (text(rows()), {"markers": []}, ["no marker"]),
    "time 0": (
        text([row | {"years": i} for i, row in enumerate(rows())]),
        {"outcome": "years", "kind": "time-to-event", "event": "cancer"},
        ["follow-up", "A0"],
    ),
    "time without event": (text(rows()), {"kind": "time-to-event"}, ["--event"]),
    "scale without cut-off": (text(rows()), {"kind": "scale"}, ["cut-off"]),
    "strange probability": (text(rows()), {"probabilities": ["cancer"]}, ["no score"]),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_says_what_is_wrong_and_what_to_do(written, what):
    content, options, expected = BROKEN[what]
    with pytest.raises(TableError) as refused:
        read_scores(written(content), **(ASK | options))
    message = str(refused.value)
    for words in expected:
        assert words in message
    assert "Traceback" not in message
    assert len(message) < 500


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(TableError, match="there is no file"):
        read_scores(tmp_path / "nothing.csv", **ASK)
    with pytest.raises(TableError, match="is a folder"):
        read_scores(tmp_path, **ASK)
    (tmp_path / "scores.xlsx").write_bytes(b"anything")
    with pytest.raises(TableError, match="spreadsheet"):
        read_scores(tmp_path / "scores.xlsx", **ASK)


def test_clusters_scales_times_and_folds(written):
    path = written(text([*rows(), *rows()]))
    assert read_scores(path, **ASK, cluster=True).clustered
    table = [row | {"phq": 3 * i, "years": i + 1, "fold": i % 3} for i, row in enumerate(rows())]
    path = written(text(table))
    scale = read_scores(path, **(ASK | {"outcome": "phq"}), kind="scale", cutoff=10)
    assert scale.cases.sum() == 8
    timed = read_scores(path, **(ASK | {"outcome": "years"}), kind="time-to-event", event="cancer", fold="fold")
    assert timed.outcome["time"].tolist() == list(range(1, 13))
    assert timed.cases.sum() == 6
    assert timed.folds.tolist() == [[i % 3 for i in range(12)]]


def test_many_missing_are_counted_and_the_first_named(written):
    table = rows()
    for row in table[:8]:
        row["mirai"] = "NA"
    with pytest.raises(TableError, match=r"8 patients \(A0, A1, A2, A3, A4 and 3 more\)"):
        read_scores(written(text(table)), **ASK)
