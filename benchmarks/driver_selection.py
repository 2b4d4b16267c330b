"""Which genes are under selection in six cohorts, against the standards: mutation frequency and length-only Poisson.

    PRESAGE_DATA=... python benchmarks/driver_selection.py

Claims: at q < 0.1 at least 22 of the 23 genes of the AML paper (New England Journal of Medicine 2013;368:2059) with at
most 5 others; at least 16 known cancer genes among the first 20 in low-grade glioma and 12 in glioblastoma.
Known genes are those of the Cancer Gene Census; no list is used for the tests. The first table is the method as it
comes; "+ silent density" adds how dense the other MC3 cohorts' silent changes are in a gene as a covariate.

The second table asks whether the p-values are what they say: on cohorts drawn from the fitted background (everything
fitted anew), and on silent changes themselves, which nobody selects: those of every other patient are tested as if they
were missense, against a background from the others.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from presage.tumor.readers import Mutations, hypermutators, read_maf, tame
from presage.tumor.selection import (
    Counts,
    Genes,
    against_known,
    by_frequency,
    by_length,
    count,
    draw_null,
    randomised,
    read_genes,
    select_from_counts,
    select_genes,
    silent_density,
    uniformity,
)
from simulated import print_table

MC3 = ("LGG", "GBM", "HNSC", "PAAD", "KIRC")
AML = [
    "FLT3",
    "NPM1",
    "DNMT3A",
    "IDH2",
    "IDH1",
    "TET2",
    "RUNX1",
    "TP53",
    "NRAS",
    "CEBPA",
    "WT1",
    "PTPN11",
    "KIT",
    "U2AF1",
    "KRAS",
    "SMC1A",
    "SMC3",
    "PHF6",
    "STAG2",
    "RAD21",
    "FAM5C",
    "EZH2",
    "HNRNPK",
]
NULLS = 5


def main() -> None:
    folder = Path(os.environ.get("PRESAGE_DATA", "../shared/data")) / "tumor"
    genes = read_genes(folder / "laml" / "prot_len.txt.gz")
    # The list has CDKN2A under its two transcripts.
    known = {name.split(".")[0] for name in (folder / "reference" / "known_cancergenes.txt").read_text().split()}
    cohorts = {"LAML": read_maf(folder / "laml" / "tcga_laml.maf.gz")}
    cohorts |= {name: read_maf(folder / "mc3" / f"{name}.MC3.maf.tsv.gz", build="hg19") for name in MC3}
    plain = {name: count(tame(found, "exclude", hypermutators(found)), genes) for name, found in cohorts.items()}
    rows, checks = [], []
    for name, mutations in cohorts.items():
        chosen, others, check = one(name, mutations, genes, known, plain)
        rows += [chosen, others]
        checks += check
    heading = ["cohort", "way", "patients", "hyper", "q<0.1", "known", "in 20: test", "length", "frequency", "AP test",
               "AP length", "AP frequency"]  # fmt: skip
    note = against_known(["a"], {"a"}).caveat
    print_table("Genes under selection; known = Cancer Gene Census; AP = average precision", heading, rows, note)
    heading = ["cohort", "p-values of", "tests", "KS p", "median inflation", "<0.05", "<0.001", "q<0.1"]
    note = "Shares below a level are divided by it: 1 is right. Null draws: all together, and the smallest KS p."
    print_table("Are the p-values uniform without selection?", heading, checks, note)


def one(
    name: str, mutations: Mutations, genes: Genes, known: set[str], plain: dict[str, Counts]
) -> tuple[list, list, list]:
    found = select_genes(mutations, genes)
    length, frequency = list(by_length(found.counts)["gene"]), list(by_frequency(found.counts)["gene"])
    standards = [against_known(order, known) for order in (length, frequency)]

    def row(way: str, selection) -> list:
        test = against_known(list(selection.table["gene"]), known)
        chosen = selection.selected()
        return [
            name, way, found.counts.patients, len(found.hypermutators.patients), len(chosen),
            sum(gene in known for gene in chosen), test.at(20)[0], *(s.at(20)[0] for s in standards),
            test.average_precision, *(s.average_precision for s in standards),
        ]  # fmt: skip

    if name == "LAML":
        aml(found)
    others = [plain[other] for other in MC3 if other != name]
    dense = select_from_counts(found.counts, covariates=silent_density(others))
    print(f"{name}: {', '.join(g if g in known else g + '*' for g in found.selected())}   (* not in the census)")
    print(
        f"  shape {found.background.shape:.2f}, with silent density {dense.background.shape:.2f} "
        f"(coefficient {dense.background.coefficients['covariate 1']:.2f}); spread of missense "
        f"{found.background.spread:.3f}, "
        f"shape of indels {found.background.indel_shape:.3g}, codon weight {found.codon_weight:.3f}"
    )
    for limit in found.limits:
        print(f"  {limit}")
    return row("as it comes", found), row("+ silent density", dense), uniform(name, mutations, found)


def aml(found) -> None:
    for way, table in (("test", found.table), ("length-only Poisson", by_length(found.counts))):
        chosen = list(table.loc[table["q"] < 0.1, "gene"])
        missed = [gene for gene in AML if gene not in chosen]
        extra = [gene for gene in chosen if gene not in AML]
        print(f"AML 2013, {way}: {len(AML) - len(missed)} of {len(AML)} at q < 0.1; missed {missed}; others {extra}")


def uniform(name: str, mutations: Mutations, found) -> list:
    rows = []
    drawn = [draw_null(found.counts, found.background, found.codon_weight, seed=seed) for seed in range(NULLS)]
    tests = [randomised(counts, seed=seed) for seed, counts in enumerate(drawn)]
    calls = float(np.mean([len(select_from_counts(counts).selected()) for counts in drawn]))
    for what in ("excess", "hotspot", "all"):
        values = np.concatenate([test[what] for test in tests])
        ks = min(uniformity(test[what]).ks for test in tests)
        rows.append([name, f"null, {what}", len(values), ks, *levels(values), calls if what == "all" else "-"])
    control = halves(mutations, found.counts.genes)
    values = randomised(control, seed=0)["excess"]
    called = len(select_from_counts(control).selected())
    rows.append([name, "silent changes", len(values), uniformity(values).ks, *levels(values), called])
    return rows


def levels(values) -> list[float]:
    return [uniformity(values).inflation, float((values < 0.05).mean() / 0.05), float((values < 0.001).mean() / 0.001)]


def halves(mutations: Mutations, genes: Genes) -> Counts:
    """Silent changes of every other patient in the place of missense ones, those of the rest as the background."""
    kept = tame(mutations, "exclude", hypermutators(mutations))
    silent = kept.table[kept.table["class"] == "silent"]
    first = set(kept.patients[::2])
    one, other = (
        count(replace(kept, table=silent[silent["patient"].isin(first) == side].reset_index(drop=True)), genes)
        for side in (True, False)
    )
    nothing = np.zeros_like(one.silent)
    return replace(one, silent=other.silent, missense=one.silent, truncating=nothing, indel=nothing)


if __name__ == "__main__":
    main()
