"""Drivers of 84 glioblastomas (TCGA, as in the iClusterPlus package) from mutations, copy number and expression.

    python benchmarks/gbm_drivers.py [--out DIR] [--permutations 20] [--graded-permutations 100]

Reads ``tumor/gbm_icluster`` below PRESAGE_DATA (research only). The mutation table is 0/1 for 306 genes and has neither
positions nor silent calls, so selection cannot be tested here. Where genes lie is not in these data either: the few
genes below, known targets of copy-number change in glioblastoma, have their hg18 places written here; no other gene's
copy number is looked at. Known drivers are named to look at, and nothing is chosen by them: every rule and threshold
that was tried is printed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from presage.commands.fields import write_pages
from presage.study.progress import Progress
from presage.tumor.analysis import Settings, analyse
from presage.tumor.command import report
from presage.tumor.drivers import call_drivers, chance_levels
from presage.tumor.gathering import Tumours, gather
from presage.tumor.reading import Files
from presage.tumor.significance import judge
from presage.tumor.tci import Continuous, Inference, frequency_prior

# RefSeq genes of the UCSC browser in hg18 (1-based).
PLACES = """gene,chromosome,start,end
CDK4,12,56428270,56432431
CDKN2A,9,21957751,21984490
EGFR,7,55054219,55242525
MDM2,12,67488238,67520481
MDM4,1,202752132,202793871
NF1,17,26446121,26728821
PDGFRA,4,54790021,54859169
PTEN,10,89613175,89718512
RB1,13,47775884,47954027
TP53,17,7512464,7531642
"""
NAMED = ("CDKN2A", "EGFR", "PTEN", "NF1", "TP53", "IDH1", "PDGFRA", "CDK4", "MDM2", "RB1")


def continuous(tumours: Tumours, permutations: int) -> None:
    """What the evidence without a threshold calls, by each rule, and in which tumours."""
    print(
        f"\nwithout a threshold, {permutations} permutations (settings chosen on phantom tumours, none by these data):"
    )
    for name, more in (("p <= 0.01", {}), ("FDR 0.1", {"fdr": 0.1})):
        found = analyse(tumours, Settings(evidence="continuous", permutations=permutations, **more))  # type: ignore[arg-type]
        known = {entry["gene"]: entry for entry in found["genes"]}
        calls, pairs = (sum(entry[what] for entry in found["genes"]) for what in ("called", "altered"))
        having = sum(any(one["called"] for one in entry["alterations"]) for entry in found["tumours"])
        told = "  ".join(f"{g} {known[g]['called']}/{known[g]['altered']}" if g in known else f"{g} -" for g in NAMED)
        print(f"  {name}: {calls} of {pairs} pairs, in {having} tumours; {told}")
        others = [f"{e['gene']} {e['called']}/{e['altered']}" for e in found["genes"] if e["called"]]
        print(f"    all that are called: {', '.join(others) or 'none'}")
        if not more:
            each = [
                f"{entry['code']}: {', '.join(one['gene'] for one in entry['alterations'] if one['called'])}"
                for entry in found["tumours"]
                if any(one["called"] for one in entry["alterations"])
            ]
            print("    by tumour: " + "; ".join(each))
            for gene in NAMED:
                p = [one["p"] for e in found["tumours"] for one in e["alterations"] if one["gene"] == gene]
                if p:
                    print(f"    {gene:8s}p: smallest {min(p):.4f}, median {np.median(p):.3f}, largest {max(p):.3f}; "
                          f"genes: {', '.join(one['gene'] for one in known[gene]['programme'][:8])}")  # fmt: skip
    graded = Continuous(tumours.altered.to_numpy(), tumours.expression.to_numpy())  # type: ignore[union-attr]
    chance = [judge(graded.permuted(np.random.default_rng([7, n])), permutations=10, seed=n)[1] for n in range(20)]
    print(f"  in 20 permuted cohorts: p <= 0.01 in {np.mean([c.driver.mean() for c in chance]):.4f} of pairs, any call "
          f"at FDR 0.1 in {np.mean([(c.q <= 0.1).any() for c in chance]):.2f} of cohorts")  # fmt: skip
    print("  variants that were tried (p <= 0.01, 40 permutations):")
    altered, x = tumours.altered.to_numpy(), tumours.expression.to_numpy()  # type: ignore[union-attr]
    names = list(tumours.altered.columns)
    for leak_prior, effect, leak in ((0.9, 2, "driver"), (0.9, 2, "published"), (0.9, 1, "driver"), (0.9, 4, "driver"),
                                     (0.5, 2, "driver"), (0.1, 2, "driver"), (0.99, 2, "driver")):  # fmt: skip
        other = Continuous(altered, x, frequency_prior(altered, leak_prior), leak=leak, effect=effect)  # type: ignore[arg-type]
        calls = judge(other, permutations=40, seed=2020)[1]
        told = "  ".join(
            f"{g} {int(calls.driver[calls.alteration == names.index(g)].sum())}" for g in NAMED if g in names
        )
        print(f"    leak {leak_prior} {leak:9s} effect {effect}: {int(calls.driver.sum()):3d} calls, "
              f"{int((calls.q <= 0.1).sum())} at FDR 0.1; {told}")  # fmt: skip


def why_few(tumours: Tumours) -> None:
    """What the published method sees of these data."""
    changed, plain = tumours.changed.to_numpy(), Inference(tumours.altered.to_numpy(), tumours.changed.to_numpy())
    levels = chance_levels(plain, seed=2020)
    print("\nwhy the published method calls so little:")
    share = changed.mean(axis=0)
    print(f"  a changed gene is changed in {100 * np.median(share[share > 0]):.1f} % of tumours (median)")
    number = np.sort(changed.sum(axis=1))
    print(f"  changed genes of a tumour: quartiles {np.percentile(number, [25, 50, 75])}, most {number[-1]}; five of "
          f"{len(number)} tumours have {100 * number[-5:].sum() / number.sum():.0f} % of all")  # fmt: skip
    assert tumours.z is not None
    ranks = np.apply_along_axis(stats.rankdata, 0, tumours.z.to_numpy())
    generator = np.random.default_rng(0)
    for gene in NAMED:
        if gene not in tumours.altered:
            continue
        column = list(tumours.altered.columns).index(gene)
        own = tumours.altered[gene].to_numpy()
        over = int((plain.pairs.evidence[column] > plain.pairs.leak[0]).sum())
        null = np.array([_differing(ranks, generator.permutation(own)) for _ in range(1000)])
        p = (1 + (null >= _differing(ranks, own)).sum()) / 1001
        assert levels.targets is not None
        print(f"  {gene:8s}genes with evidence over the leak {over:3d} of {changed.shape[1]}; a posterior counts from "
              f"{levels.posterior[column]:.2f}, {levels.targets[column]} needed; genes that differ (p < 0.001): p by "
              f"permutation {p:.3f}")  # fmt: skip


def _differing(ranks: NDArray[np.float64], own: NDArray[np.integer]) -> int:
    """Genes whose rank sum lies beyond 3.29 standard deviations."""
    n, size = int(own.sum()), len(own)
    z = (own @ ranks - n * (size + 1) / 2) / np.sqrt(n * (size - n) * (size + 1) / 12)
    return int((np.abs(z) > 3.29).sum())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--out", type=Path)
    options.add_argument("--permutations", type=int, default=20)
    options.add_argument("--graded-permutations", type=int, default=100, help="for the evidence without a threshold")
    given = options.parse_args()
    data = Path(os.environ.get("PRESAGE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    folder = data / "tumor" / "gbm_icluster"
    with tempfile.TemporaryDirectory() as scratch:
        places = Path(scratch) / "places.csv"
        places.write_text(PLACES)
        files = Files(
            expression=folder / "gbm_exp_84x1740.csv.gz",
            alterations=folder / "gbm_mut_84x306.csv.gz",
            copy_number=folder / "gbm_seg.csv.gz",
            gene_positions=places,
            build="hg18",
        )
        print(
            "each rule and threshold: calls of altered genes, share called in permuted tumours, named genes as "
            "called/altered"
        )
        print(f"{'|z| >':>6}{'leak':>11}{'changed':>9}{'calls':>7}{'of':>6}{'chance':>8}  " + "  ".join(NAMED))
        for threshold in (2.0, 2.5, 3.0):
            tumours = gather(files, deg_threshold=threshold)
            for leak in ("published", "driver"):
                settings = Settings(leak=leak, permutations=given.permutations)
                found = analyse(tumours, settings)
                known = {entry["gene"]: entry for entry in found["genes"]}
                told = "  ".join(
                    f"{known[gene]['called']}/{known[gene]['altered']}".rjust(len(gene))
                    if gene in known
                    else "-".rjust(len(gene))
                    for gene in NAMED
                )
                inference = Inference(tumours.altered.to_numpy(), tumours.changed.to_numpy(), leak=leak)
                levels = chance_levels(inference, permutations=given.permutations, seed=settings.seed)
                chance = [
                    call_drivers(inference.permuted(np.random.default_rng([7, number])), levels).driver.mean()
                    for number in range(5)
                ]
                calls = sum(entry["called"] for entry in found["genes"])
                of = sum(entry["altered"] for entry in found["genes"])
                print(
                    f"{threshold:6.1f}{leak:>11}{found['cohort']['changed_a_tumour']:9.0f}{calls:7d}{of:6d}"
                    f"{np.mean(chance):8.4f}  {told}"
                )
        tumours = gather(files)
        continuous(tumours, given.graded_permutations)
        why_few(tumours)
        found = analyse(tumours, Settings(permutations=given.permutations))
        print(
            f"\nwith the defaults (|z| > 3, published leak), {found['cohort']['tumours']} tumours; "
            f"lost: {found['cohort']['flow'] or 'none'}"
        )
        number = sum(any(one["called"] for one in entry["alterations"]) for entry in found["tumours"])
        print(f"tumours with a called driver: {number}")
        for entry in found["genes"]:
            if entry["called"]:
                genes = ", ".join(f"{one['gene']}{'+' if one['up'] >= 0.5 else '-'}" for one in entry["programme"][:6])
                kinds = ", ".join(f"{kind} {number}" for kind, number in entry["kinds"].items())
                print(f"  {entry['gene']:8s} called {entry['called']:2d} of {entry['altered']:2d} ({kinds}): {genes}")
        assert tumours.z is not None
        print("\ngenes that differ with an alteration at p < 0.001 (rank-sum test), whatever counts as changed:")
        for gene in NAMED:
            if gene in tumours.altered:
                having = tumours.altered[gene].to_numpy() == 1
                p = stats.mannwhitneyu(tumours.z[having], tumours.z[~having]).pvalue
                print(f"  {gene:8s}{int((p < 0.001).sum()):5d} of {len(p)}, {0.001 * len(p):.1f} expected")
        if given.out is not None:
            pages = write_pages(
                report(tumours, Settings(permutations=given.permutations), given.out, progress=Progress())
            )
            print(f"pages: {pages[0]} and {len(pages) - 1} of tumours")


if __name__ == "__main__":
    main()
