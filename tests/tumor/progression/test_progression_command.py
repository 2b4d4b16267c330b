"""`presage tumor progression` as a person types it."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from html import unescape
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


def test_one_patient_counts_once_in_a_table_of_events(presage: Typed, tmp_path: Path) -> None:
    table = planted(60)
    table.index = pd.Index([f"TCGA-AA-{number:04d}-01A" for number in range(60)])
    again = table.iloc[:4].set_axis(
        [f"TCGA-AA-{number:04d}-{kind}" for number, kind in enumerate(("06A", "02A", "11A", "01B"))]
    )
    pd.concat([again, table]).to_csv(tmp_path / "events.csv", index_label="tumour")
    table.to_csv(tmp_path / "alone.csv", index_label="tumour")
    for name in ("events", "alone"):
        words = ("--events", tmp_path / f"{name}.csv", "--bootstrap", 2, "--penalty", 0.1, "--out", tmp_path / name)
        code, _, complained = presage("tumor", "progression", *words)
        assert code == 0, complained
        told = "4 further or normal sample(s) of patients were left out: one tumour of each patient counts"
        page = (tmp_path / name / "progression.html").read_text()
        for text in (complained, page):
            assert (told in text) is (name == "events")
        assert "TCGA" not in page
    # The primary counts, as if the others had never been there.
    for name in ("edges.tsv", "tumours.tsv", "key.csv"):
        assert (tmp_path / "events" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_patients_that_a_map_tells_count_once(presage: Typed, events: Path, tmp_path: Path) -> None:
    owners = "".join(f"PHANTOM-{number:04d},{number // 2}\n" for number in range(100))
    (tmp_path / "owners.csv").write_text("id,patient\n" + owners)
    words = ("--events", events, "--patients", tmp_path / "owners.csv", "--bootstrap", 2, "--penalty", 0.1)
    code, _, complained = presage("tumor", "progression", *words, "--out", tmp_path / "out")
    assert code == 0, complained
    assert "warning: 50 further or normal sample(s)" in complained
    assert json.loads((tmp_path / "out" / "progression.json").read_text())["n"] == 250
    kept = pd.read_csv(tmp_path / "out" / "key.csv")["tumour"]
    assert "PHANTOM-0098" in set(kept)
    assert "PHANTOM-0099" not in set(kept)


def test_doubts_of_mutations_are_those_of_the_drivers(presage: Typed, tmp_path: Path) -> None:
    from presage.tumor.phantom import draw_tumours
    from presage.tumor.phantom_files import write_phantom

    write_phantom(draw_tumours(60, drivers=3, passengers=5, genes=40, seed=3), tmp_path, seed=3)
    table = pd.read_csv(tmp_path / "mutations.maf", sep="\t", dtype=str)
    table["Tumor_Sample_Barcode"] = table["Tumor_Sample_Barcode"].str.replace("PHANTOM-", "TCGA-AA-") + "-01A"
    names = list(table["Tumor_Sample_Barcode"].unique())
    # One patient under two ids, a metastasis of another with a gene that its primary lacks, and very many mutations.
    own = pd.concat([table.iloc[:1]] * 950)
    own["Chromosome"], own["Hugo_Symbol"] = "1", [f"LOUD{number % 300}" for number in range(950)]
    own["Start_Position"] = [str(1000 + 7 * number) for number in range(950)]
    twins = [own.iloc[900:].assign(Tumor_Sample_Barcode=name) for name in names[:2]]
    more = [own.iloc[:900].assign(Tumor_Sample_Barcode=names[2]), *twins]
    met = table[table["Hugo_Symbol"] == "DRIVER01"].iloc[:1]
    without = next(
        n for n in names[3:] if "DRIVER01" not in set(table[table["Tumor_Sample_Barcode"] == n]["Hugo_Symbol"])
    )
    more.append(met.assign(Tumor_Sample_Barcode=without.replace("-01A", "-06A")))
    pd.concat([table, *more]).to_csv(tmp_path / "doubts.maf", sep="\t", index=False)
    rates = {}
    for name in ("mutations", "doubts"):
        maf = tmp_path / f"{name}.maf"
        words = ("--maf", maf, "--build", "hg19", "--genes", "DRIVER01,DRIVER02", "--bootstrap", 2, "--penalty", 0.05)
        code, _, complained = presage("tumor", "progression", *words, "--out", tmp_path / name)
        assert code == 0, complained
        rates[name] = pd.read_csv(tmp_path / name / "rates.tsv", sep="\t", comment="#")["tumours"].tolist()
    page = unescape((tmp_path / "doubts" / "progression.html").read_text())
    for told in (
        "1 further or normal sample(s) of patients was left out",
        "1 pair(s) of samples that count as different patients share so many mutations",
        "1 hypermutated patient was kept.",
        "The genome build could not be verified",
    ):
        assert told in page
        assert f"warning: {told}" in complained
    assert "several times: TCGA-AA-" in complained
    assert "TCGA" not in page
    # The metastasis lends its patient no event.
    assert rates["doubts"] == rates["mutations"]
    assert json.loads((tmp_path / "mutations" / "progression.json").read_text())["doubts"] == []
