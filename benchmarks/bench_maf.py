"""How fast a MAF is read and checked, against `pandas.read_csv` of the whole file in the same run.

    python benchmarks/bench_maf.py [--rows 600000]

The file is made up: the 120 columns of a GDC MAF, most of them annotation that nobody asks for; then the 15
columns of an
MC3 one, where there is nothing to leave out. Reading includes every check: build, positions, dates, classes, repeats.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from presage.tumor.readers import read_maf
from simulated import print_table

REPEATS = 3


def made_up(rows: int, extra: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    residue = rng.integers(1, 900, rows)
    effects = ["Missense_Mutation", "Silent", "Nonsense_Mutation", "Frame_Shift_Del", "Splice_Site", "3'UTR"]
    table = {
        "Hugo_Symbol": [f"GENE{number}" for number in rng.integers(0, 18000, rows)],
        "NCBI_Build": ["GRCh38"] * rows,
        "Chromosome": [f"chr{number}" for number in rng.integers(1, 21, rows)],
        "Start_Position": rng.integers(1, 46_000_000, rows),
        "Variant_Classification": rng.choice(effects, rows, p=[0.6, 0.2, 0.05, 0.04, 0.03, 0.08]),
        "Variant_Type": ["SNP"] * rows,
        "Reference_Allele": rng.choice(list("ACGT"), rows),
        "Tumor_Seq_Allele2": rng.choice(list("ACGT"), rows),
        "Tumor_Sample_Barcode": [f"TCGA-AA-{number:04d}-01A-11D-1410-08" for number in rng.integers(0, 500, rows)],
        "HGVSp_Short": [f"p.{a}{n}{b}" for a, n, b in zip(rng.choice(list("RGKL"), rows), residue,
                                                         rng.choice(list("HCWS"), rows), strict=True)],
        "t_ref_count": rng.integers(10, 200, rows),
        "t_alt_count": rng.integers(4, 90, rows),
    }  # fmt: skip
    table["End_Position"] = table["Start_Position"]
    words = ["", "tolerated(0.2)", "benign", "0.0013"]
    table |= {f"annotation_{number}": rng.choice(words, rows) for number in range(extra)}
    return pd.DataFrame(table)


def seconds(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=600_000)
    asked = parser.parse_args().rows
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for what, extra, packed in (("15 columns", 2, ""), ("15 columns, gzip", 2, ".gz"), ("120 columns", 107, "")):
            number = asked if extra < 10 else asked // 4
            path = Path(folder) / f"made-up.maf{packed}"
            made_up(number, extra).to_csv(path, sep="\t", index=False)
            ours = seconds(lambda path=path: read_maf(path))
            theirs = seconds(lambda path=path: pd.read_csv(path, sep="\t", low_memory=False))
            rows.append([what, number, ours, f"{number / ours:,.0f}", theirs, f"{number / theirs:,.0f}", theirs / ours])
            path.unlink()
    heading = ["file", "rows", "read_maf s", "rows/s", "read_csv s", "rows/s", "times faster"]
    note = f"Median of {REPEATS} readings, warm file cache."
    print_table("Reading a made-up MAF with all checks", heading, rows, note)


if __name__ == "__main__":
    main()
