"""Drivers of 84 glioblastomas (TCGA, as in the iClusterPlus package) from mutations, copy number and expression.

    python benchmarks/gbm_drivers.py [--out DIR] [--permutations 20]

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
from scipy import stats

from presage.commands.fields import write_pages
from presage.study.progress import Progress
from presage.tumor.analysis import Settings, analyse
from presage.tumor.command import report
from presage.tumor.drivers import call_drivers, chance_levels
from presage.tumor.gathering import Files, gather
from presage.tumor.tci import Inference

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


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--out", type=Path)
    options.add_argument("--permutations", type=int, default=20)
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
