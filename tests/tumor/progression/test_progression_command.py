"""`presage tumor progression` as a person types it."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from presage.tumor.progression import Network, Parameters

Typed = Callable[..., tuple[int, str, str]]
EVENTS = ("A", "B", "C")


def planted(tumours: int = 300, seed: int = 1) -> pd.DataFrame:
    """A brings B about, and holds C back."""
    influence = np.array([[-0.3, 0, 0], [2.5, -2.5, 0], [-2.5, 0, -0.3]])
    network = Network(Parameters(influence, np.zeros(3)), EVENTS)
    drawn = network.sample(tumours, np.random.default_rng(seed))
    return pd.DataFrame(drawn, index=[f"PHANTOM-{n:04d}" for n in range(tumours)], columns=list(EVENTS))


@pytest.fixture
def events(tmp_path: Path) -> Path:
    planted().to_csv(tmp_path / "events.csv", index_label="tumour")
    return tmp_path / "events.csv"


def test_planted_influences_are_in_the_tables_and_on_the_page(presage: Typed, events: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said, complained = presage("tumor", "progression", "--events", events, "--out", out, "--bootstrap", 10)
    assert code == 0, complained
    assert f"report: {out / 'progression.html'}" in said
    edges = pd.read_csv(out / "edges.tsv", sep="\t", comment="#").set_index(["source", "target"])
    assert edges.loc[("A", "B"), "influence"] > 0.5
    # Which of two came first is learnt less surely than that they go together.
    assert edges.loc[("A", "B"), "same_sign"] >= 0.6
    assert edges.loc[("A", "C"), "influence"] < -0.5
    found = json.loads((out / "progression.json").read_text())
    assert found["phantom"]
    assert found["held_out"]["difference"]["low"] > 0
    assert found["held_out"]["difference"]["value"] == pytest.approx(
        found["held_out"]["network"]["value"] - found["held_out"]["independent"]["value"]
    )
    tumours = pd.read_csv(out / "tumours.tsv", sep="\t", comment="#", dtype={"likeliest_order": str}).set_index(
        "tumour"
    )
    key = pd.read_csv(out / "key.csv").set_index("tumour")["code"]
    given = planted()
    both = given.index[(given["A"] == 1) & (given["B"] == 1) & (given["C"] == 0)][0]
    assert tumours.loc[key[both], "likeliest_order"] == "A > B"
    nothing = given.index[given.sum(axis=1) == 0][0]
    assert tumours.loc[key[nothing], ["next_A", "next_B", "next_C"]].sum() == pytest.approx(1, abs=1e-4)
    assert stat.S_IMODE((out / "key.csv").stat().st_mode) == 0o600
    page = (out / "progression.html").read_text()
    for words in ("foretells tumours that it has not seen better", "B after A", "Made-up data", "C after A"):
        assert words in page
    for path in out.iterdir():
        assert path.name == "key.csv" or "PHANTOM-0" not in path.read_text()


def test_same_seed_same_bytes_and_events_that_go_their_own_way_are_a_null_result(
    presage: Typed, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame((random.random((80, 3)) < 0.4).astype(int), columns=list(EVENTS))
    table.to_csv(tmp_path / "events.csv", index=False)
    words = ["tumor", "progression", "--events", tmp_path / "events.csv", "--bootstrap", 3, "--penalty", 0.1]
    for out in ("one", "two"):
        assert presage(*words, "--form", "observation-symmetric", "--out", tmp_path / out)[0] == 0
    for name in ("edges.tsv", "rates.tsv", "tumours.tsv", "progression.json", "progression.html", "key.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    found = json.loads((tmp_path / "one" / "progression.json").read_text())
    assert found["penalties"] is None
    assert found["held_out"]["penalties"] == [0.1] * 5
    assert found["form"] == {"observation": True, "symmetric": True}
    assert found["held_out"]["difference"]["low"] < 0
    assert "foretells tumours that it has not seen better" not in (tmp_path / "one" / "progression.html").read_text()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t.assign(A=t["A"].replace(1, 2)), "0 or 1 was expected"),
        (lambda t: t.assign(D=0), "no tumour has D"),
        (lambda t: t.assign(D=1), "every tumour has D"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "is there twice"),
        (lambda t: t.iloc[:20], "20 tumours; a network needs 30"),
        (lambda t: t[["A"]], "a network takes 2 to 40"),
        (lambda t: t.assign(**{f"E{n}": [n % 2] + [1 - n % 2] * (len(t) - 1) for n in range(60)}), "2 to 40"),
        (lambda t: t.assign(**{f"E{n}": [1] + [0] * (len(t) - 1) for n in range(30)}), "25"),
    ],
)
def test_a_table_that_cannot_be_is_refused(
    presage: Typed, tmp_path: Path, spoil: Callable[[pd.DataFrame], pd.DataFrame], words: str
) -> None:
    spoil(planted(60)).to_csv(tmp_path / "bad.csv", index_label="tumour")
    code, _, complained = presage("tumor", "progression", "--events", tmp_path / "bad.csv", "--out", tmp_path / "out")
    assert code == 2, complained
    assert words in complained
    assert not (tmp_path / "out").exists()


def test_mutations_need_named_genes(presage: Typed, tmp_path: Path) -> None:
    from presage.tumor.phantom import draw_tumours
    from presage.tumor.phantom_files import write_phantom

    write_phantom(draw_tumours(60, drivers=3, passengers=5, genes=40, seed=3), tmp_path, seed=3)
    words = ["tumor", "progression", "--maf", tmp_path / "mutations.maf", "--build", "hg19", "--out", tmp_path / "out"]
    for more, told in (
        ([], "no genes were named"),
        (["--genes", "DRIVER01,NONE"], "changes NONE"),
        (["--events", "x.csv"], "one of them"),
    ):
        code, _, complained = presage(*words, *more)
        assert code == 2
        assert told in complained
    code, _, complained = presage(*words, "--genes", "DRIVER01, DRIVER02", "--bootstrap", 2, "--penalty", 0.05)
    assert code == 0, complained
    assert set(pd.read_csv(tmp_path / "out" / "rates.tsv", sep="\t", comment="#")["event"]) == {"DRIVER01", "DRIVER02"}
