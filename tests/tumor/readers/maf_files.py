"""Mutation tables written for the tests."""

from __future__ import annotations

import gzip
from pathlib import Path

GDC = ("Hugo_Symbol", "NCBI_Build", "Chromosome", "Start_Position", "End_Position", "Variant_Classification",
       "Variant_Type", "Reference_Allele", "Tumor_Seq_Allele2", "Tumor_Sample_Barcode", "HGVSp_Short")  # fmt: skip


def row(gene: str = "TP53", **given: str) -> dict[str, str]:
    """One call in GDC's columns."""
    values = (
        "GRCh38",
        "chr17",
        "7674220",
        "7674220",
        "Missense_Mutation",
        "SNP",
        "C",
        "T",
        "TCGA-AA-0001-01A",
        "p.R248Q",
    )
    return {"Hugo_Symbol": gene, **dict(zip(GDC[1:], values, strict=True)), **given}


def write(path: Path, rows: list[dict[str, str]], *, comments: int = 0, separator: str = "\t") -> Path:
    """Write rows as a MAF, gzipped where the name says so."""
    names = list(rows[0])
    lines = [f"#version {number}" for number in range(comments)] + [separator.join(names)]
    lines += [separator.join(one[name] for name in names) for one in rows]
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        with gzip.open(path, "wt") as stream:
            stream.write(text)
    else:
        path.write_text(text)
    return path
