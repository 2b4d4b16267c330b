"""How fast a MAF is read and checked, against its floor and against `pandas.read_csv`, in the same run.

    python benchmarks/bench_maf.py [--rows 600000]

The file is made up: the 15 columns of an MC3 MAF, then the 120 of a GDC one, most of them annotation that nobody asks
for. Reading includes every check: build, positions, dates, classes, repeats. The floor is what no reader with this
parser can go below: the file unpacked and cut into its fields, one column of numbers kept and nothing checked.
Processor seconds (of all threads) depend little on what else the machine does; seconds on the clock do.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from presage.tumor.readers import read_maf
from simulated import print_table, quickest

REPEATS = 5


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


def floor(path: Path) -> None:
    kept = csv.ConvertOptions(include_columns=["Start_Position"], column_types={"Start_Position": pa.int64()})
    cut = csv.ParseOptions(delimiter="\t", quote_char=False)
    with pa.input_stream(str(path), compression="gzip" if path.suffix == ".gz" else None) as source:
        csv.read_csv(source, parse_options=cut, convert_options=kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=600_000)
    asked = parser.parse_args().rows
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        kinds = (("15 columns", 2, ""), ("15 columns, gzip", 2, ".gz"), ("120 columns", 107, ""),
                 ("120 columns, gzip", 107, ".gz"))  # fmt: skip
        for what, extra, packed in kinds:
            number = asked if extra < 10 else asked // 4
            path = Path(folder) / f"made-up.maf{packed}"
            made_up(number, extra).to_csv(path, sep="\t", index=False)
            ours, used = quickest(lambda path=path: read_maf(path), REPEATS)
            least, least_used = quickest(lambda path=path: floor(path), REPEATS)
            theirs, _ = quickest(lambda path=path: pd.read_csv(path, sep="\t", low_memory=False), 1)
            rows.append(
                [what, number, ours, f"{number / ours:,.0f}", used, f"{number / used:,.0f}", f"{number / least:,.0f}",
                 f"{number / least_used:,.0f}", used / least_used, theirs / ours]
            )  # fmt: skip
            path.unlink()
    heading = ["file", "rows", "s", "rows/s", "processor s", "rows/processor s", "floor: rows/s", "rows/processor s",
               "ours/floor", "read_csv/ours"]  # fmt: skip
    note = f"Quickest of {REPEATS} readings (read_csv: one), warm file cache; ours/floor in processor seconds."
    print_table("Reading a made-up MAF with all checks", heading, rows, note)


if __name__ == "__main__":
    main()
