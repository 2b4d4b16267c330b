"""Selection in made-up cohorts with known drivers, and in cohorts without any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from presage.cohort import InputError
from presage.tumor.readers import Mutations, read_maf
from presage.tumor.selection import (
    Counts,
    Genes,
    against_known,
    by_frequency,
    by_length,
    draw_null,
    fit_background,
    genes_of,
    randomised,
    read_covariates,
    read_genes,
    select_from_counts,
    select_genes,
    silent_density,
    uniformity,
)
from presage.tumor.selection.background import negative_binomial, upper_tail
from presage.tumor.selection.combined import _exact, excess
from presage.tumor.selection.hotspots import hotspots
from presage.tumor.selection.selection import benjamini_hochberg

SIZE, PATIENTS = 1500, 80
DRIVERS = {"G7": "missense", "G100": "truncating", "G400": "indel"}


@pytest.fixture(scope="module")
def genes() -> Genes:
    lengths = np.random.default_rng(0).lognormal(6.1, 0.7, SIZE).round() + 30
    return genes_of([f"G{number}" for number in range(SIZE)], lengths)


def _mutations(table: pd.DataFrame, patients: int = PATIENTS) -> Mutations:
    everyone = tuple(f"P{number:03d}" for number in range(patients))
    return Mutations(
        table.assign(sample=table["patient"]), "hg19", everyone, tuple(sorted({*everyone, *table["patient"]}))
    )


def _calls(genes: Genes, seed: int, hotspot: bool = True) -> pd.DataFrame:
    """Silent and changing calls at a rate that varies between genes, and three drivers in 10 patients each."""
    rng = np.random.default_rng(seed)
    rate = genes.lengths * rng.gamma(3.0, 1 / 3.0, SIZE)
    rows = []
    for effect, number in (("silent", 1500), ("missense", 3500), ("truncating", 300), ("indel", 200)):
        for gene in rng.choice(SIZE, number, p=rate / rate.sum()):
            codon = int(rng.integers(genes.lengths[gene])) + 1
            rows.append((genes.names[gene], f"P{rng.integers(PATIENTS):03d}", effect, codon))
    for name, effect in DRIVERS.items():
        rows += [(name, f"P{patient:03d}", effect, 61 if hotspot else 10 * patient + 1) for patient in range(10)]
    return pd.DataFrame(rows, columns=["gene", "patient", "class", "codon"])


@pytest.fixture(scope="module")
def counts(genes: Genes) -> Counts:
    return select_genes(_mutations(_calls(genes, seed=1)), genes).counts


def test_drivers_are_found_and_little_else(genes: Genes) -> None:
    found = select_genes(_mutations(_calls(genes, seed=1)), genes)
    chosen = found.selected()
    assert set(DRIVERS) <= set(chosen)
    assert len(chosen) <= 5
    rows = found.table.set_index("gene")
    assert rows.loc["G7", "peak_codon"] == 61
    assert rows.loc["G7", "p_hotspot"] < 1e-6
    for name, effect in DRIVERS.items():
        assert rows.loc[name, f"p_{effect}"] == rows.loc[name, ["p_missense", "p_truncating", "p_indel"]].min()


def test_a_patient_counts_once(genes: Genes) -> None:
    table = _calls(genes, seed=1)
    metastases = pd.DataFrame({"gene": ["G9"] * 20, "patient": "P000", "class": "missense", "codon": 5})
    alone = select_genes(_mutations(table), genes).table.set_index("gene")
    found = select_genes(_mutations(pd.concat([table, metastases])), genes).table.set_index("gene")
    assert found.loc["G9", "missense"] <= alone.loc["G9", "missense"] + 1
    assert found.loc["G9", "q"] > 0.1


def test_a_hypermutator_does_not_rule(genes: Genes) -> None:
    table = _calls(genes, seed=1)
    rng = np.random.default_rng(5)
    loud = pd.DataFrame(
        {"gene": [f"G{number}" for number in rng.integers(SIZE, size=20000)], "patient": "LOUD",
         "class": rng.choice(["silent", "missense", "truncating"], 20000), "codon": rng.integers(1, 300, 20000)}
    )  # fmt: skip
    both = _mutations(pd.concat([table, loud], ignore_index=True))
    plain = select_genes(_mutations(table), genes)
    found = select_genes(both, genes)
    pd.testing.assert_frame_equal(found.table, plain.table)
    assert found.hypermutators is not None
    assert found.hypermutators.patients == ("LOUD",)
    assert "1 hypermutated patient was left out (--hypermutated exclude)." in found.limits
    assert set(DRIVERS) <= set(select_genes(both, genes, hypermutated="thin").selected())


@pytest.mark.parametrize("seed", range(3))
def test_p_values_are_uniform_without_selection(counts: Counts, seed: int) -> None:
    background = fit_background(counts)
    drawn = draw_null(counts, background, 0.1, seed=seed)
    found = randomised(drawn, seed=seed)
    for name, values in found.items():
        assert uniformity(values).ks > 1e-3, name
        # How uneven codons are is learned from a dozen pairs here, which the median of the hotspots feels.
        assert 0.8 < uniformity(values).inflation < 1.25, name
    assert len(select_from_counts(drawn).selected()) <= 1


def test_excess_is_exact(counts: Counts) -> None:
    """Against a simulation of the same three counts for one gene."""
    background = fit_background(counts)
    gene = int(np.argmax(counts.genes.lengths))
    above, equal = excess(counts, background)
    rng = np.random.default_rng(0)
    shape = background.shapes[gene]
    rate = rng.gamma(shape, 1 / shape, 400_000)
    statistic = np.zeros(len(rate))
    observed = 0.0
    for name, factor, k in (
        ("missense", rate, shape),
        ("truncating", rate, shape),
        ("indel", rng.gamma(background.indel_shape, 1 / background.indel_shape, len(rate)), background.indel_shape),
    ):
        mean = background.expected[name][gene]
        values = rng.poisson(mean * factor)
        for number, into in ((values, "all"), (np.array([getattr(counts, name)[gene]]), "one")):
            tail, mass = upper_tail(number, np.full(len(number), mean), k)
            if into == "all":
                statistic -= np.log(tail - mass / 2)
            else:
                observed -= float(np.log(tail - mass / 2)[0])
    assert above[gene] + equal[gene] == pytest.approx((statistic >= observed - 1e-9).mean(), abs=0.004)


def test_excess_of_many_independent_counts_is_fishers() -> None:
    """With counts in the hundreds and rates that do not vary the statistic is nearly continuous, far into the tail."""
    above, equal = _exact(30.0, (400.0, 300.0, 200.0), 1e5, 1e5)
    assert above + equal / 2 == pytest.approx(stats.chi2.sf(60.0, 6), rel=0.15)
    assert _exact(90.0, (400.0, 300.0, 200.0), 1e5, 1e5)[0] == pytest.approx(stats.chi2.sf(180.0, 6), rel=0.5)


def test_a_shared_rate_makes_the_tail_heavier_than_fishers() -> None:
    assert _exact(22.0, (10.0, 1.5, 0.5), 1.2, 2.0)[0] > 100 * stats.chi2.sf(44.0, 6)


def test_hotspots_of_two_changes_are_exact(counts: Counts) -> None:
    """Two changes share a codon with probability (1 + w) / (1 + w L)."""
    placed, peak = np.zeros(SIZE, int), np.zeros(SIZE, int)
    placed[0], peak[0] = 2, 2
    above, equal = hotspots(replace(counts, placed=placed, peak=peak), weight=0.5)
    assert above[0] == 0
    assert equal[0] == pytest.approx(1.5 / (1 + 0.5 * counts.genes.lengths[0]))
    assert (above[1], equal[1]) == (0, 1)


def test_negative_binomial_regression_finds_what_was_drawn() -> None:
    rng = np.random.default_rng(0)
    x, offset = rng.normal(size=6000), np.log(rng.uniform(0.5, 3, 6000))
    mean = np.exp(offset + 0.4 + 0.7 * x)
    drawn = rng.poisson(mean * rng.gamma(2.5, 1 / 2.5, 6000))
    fitted, shape, values = negative_binomial(drawn, np.column_stack([np.ones(6000), x]), offset)
    assert values == pytest.approx([0.4, 0.7], abs=0.05)
    assert shape == pytest.approx(2.5, rel=0.12)
    assert fitted.sum() == pytest.approx(drawn.sum(), rel=0.02)


def test_upper_tail_against_scipy() -> None:
    number, mean = np.array([0, 1, 4, 30]), np.array([0.3, 0.3, 2.0, 5.0])
    tail, mass = upper_tail(number, mean, 1.7)
    reference = stats.nbinom(1.7, 1.7 / (1.7 + mean))
    assert tail == pytest.approx(reference.sf(number - 1))
    assert mass == pytest.approx(reference.pmf(number))


def test_what_cannot_be_computed_is_said(genes: Genes) -> None:
    table = _calls(genes, seed=1)
    without = select_genes(_mutations(table[table["class"] != "silent"]), genes)
    assert any("No silent calls" in limit for limit in without.limits)
    assert not without.background.learned
    assert set(DRIVERS) <= set(without.selected())
    with pytest.raises(InputError, match="too few"):
        select_genes(_mutations(table.head(60)), genes)
    one = _mutations(table.assign(patient="P000"), patients=1)
    with pytest.raises(InputError, match="1 patients"):
        select_genes(one, genes)


def test_a_panel(genes: Genes) -> None:
    panel = genes.panel([f"G{number}" for number in range(0, 500)])
    table = _calls(genes, seed=1)
    found = select_genes(_mutations(table[table["gene"].isin(panel.names)]), panel)
    assert len(found.table) == 500
    assert set(DRIVERS) <= set(found.selected())
    assert genes.panel(["G1", "G2"]).names == ("G1", "G2")
    with pytest.raises(InputError, match="no protein length: XYZ"):
        genes.panel(["G1", "XYZ"])


def test_unknown_genes_are_counted(genes: Genes) -> None:
    table = pd.concat(
        [
            _calls(genes, seed=1),
            pd.DataFrame({"gene": ["LOST"] * 4, "patient": "P001", "class": "missense", "codon": 1}),
        ]
    )
    found = select_genes(_mutations(table), genes)
    assert found.counts.unknown == {"LOST": 4}
    assert "4 coding call(s) in 1 symbol(s) without a protein length are not tested." in found.limits


def test_two_symbols_of_one_protein_are_one_gene(tmp_path: Path) -> None:
    path = tmp_path / "lengths.tsv"
    path.write_text(
        "Hugo_Symbol\tprotein.ID\taa.length\nFAM5C\tNP_1\t766\nBRINP3\tNP_1\t766\nTP53\tNP_2\t393\nTP53\tNP_3\t341\n"
    )
    found = read_genes(path)
    assert found.names == ("BRINP3", "TP53")
    assert found.lengths.tolist() == [766, 393]
    assert found.named_as(["FAM5C"]).names == ("FAM5C", "TP53")


def test_covariates_need_symbols(tmp_path: Path, genes: Genes) -> None:
    (tmp_path / "bare.csv").write_text("PC1,PC2\n0.1,0.2\n0.3,0.4\n")
    with pytest.raises(InputError, match="without gene symbols"):
        read_covariates(tmp_path / "bare.csv", genes)
    (tmp_path / "named.csv").write_text("gene,PC1\nG0,1\nG1,3\n")
    values, missing = read_covariates(tmp_path / "named.csv", genes)
    assert values[:2, 0].tolist() == [-1, 1]
    assert len(missing) == SIZE - 2


def test_silent_density_of_other_cohorts_explains_silent_changes(genes: Genes, counts: Counts) -> None:
    background = fit_background(counts)
    rng = np.random.default_rng(3)
    rate = rng.gamma(2.0, 0.5, SIZE)
    one, other = (replace(counts, silent=rng.poisson(background.silent * rate)) for _ in range(2))
    covariate = silent_density([other])
    assert fit_background(one, covariate).shape > 1.3 * fit_background(one).shape


def test_standards_and_evaluation(counts: Counts) -> None:
    assert by_frequency(counts)["patients"].is_monotonic_decreasing
    assert by_length(counts)["p"].is_monotonic_increasing
    found = against_known(["a", "b", "c", "d"], {"a", "c", "zzz"})
    assert found.at(3) == (2, pytest.approx(2 / 3), 1.0)
    assert found.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert "no truth" in found.caveat
    with pytest.raises(InputError, match="ranked twice"):
        against_known(["a", "a"], {"a"})


def test_benjamini_hochberg_against_its_definition() -> None:
    values = np.array([0.01, 0.02, 0.03, 0.5])
    assert benjamini_hochberg(values) == pytest.approx([0.04, 0.04, 0.04, 0.5])


@pytest.mark.data
def test_the_genes_of_the_aml_paper(research_data: Path) -> None:
    """New England Journal of Medicine 2013;368:2059: 23 genes recurrently mutated beyond chance."""
    folder = research_data / "tumor" / "laml"
    found = select_genes(read_maf(folder / "tcga_laml.maf.gz"), read_genes(folder / "prot_len.txt.gz"))
    paper = (
        "FLT3 NPM1 DNMT3A IDH2 IDH1 TET2 RUNX1 TP53 NRAS CEBPA WT1 PTPN11 KIT U2AF1 KRAS SMC1A SMC3 PHF6 STAG2 RAD21 "
        "FAM5C EZH2 HNRNPK"
    )
    chosen = set(found.selected())
    assert len(chosen & set(paper.split())) >= 22
    assert len(chosen - set(paper.split())) <= 5
