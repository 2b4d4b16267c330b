"""PHANTOM tumours as the files that a cohort comes in: mutations, copy number, expression, follow-up.

Every patient is called PHANTOM-..., so that whatever is made of the files says that they are made up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from presage.tumor.phantom import PhantomTumours
from presage.tumor.readers.clinical import YEAR
from presage.tumor.reading import Files

# Every so many-th driver is a copy-number change and no mutation.
_COPY = 4
# A passenger with this share of tumours has the length of a usual protein; more frequent ones are longer.
_USUAL_SHARE, _USUAL_LENGTH = 0.03, 400
_SILENT = 0.35


def write_phantom(tumours: PhantomTumours, folder: Path, *, seed: int = 2020) -> tuple[Files, Path, Path]:
    """Write the files.

    Parameters
    ----------
    folder
        Gets ``mutations.maf``, ``segments.tsv``, ``gene_positions.tsv``, ``gene_lengths.tsv``, ``expression.csv``,
        ``clinical.tsv`` and ``gene_sets.gmt``.
    seed
        Of what the drawn tumours leave open: kinds of mutations, silent ones, sizes of changes.

    Returns
    -------
    files, gene_lengths, gene_sets
        As :func:`presage.tumor.gathering.gather` and the command take them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng([seed, 0xF11E])
    number, width = len(tumours.altered), len(str(len(tumours.altered)))
    patients = [f"PHANTOM-{row + 1:0{max(4, width)}d}" for row in range(number)]
    genes = _genes(tumours, generator)
    _maf(tumours, patients, genes, generator).to_csv(folder / "mutations.maf", sep="\t", index=False)
    _segments(tumours, patients, genes, generator).to_csv(folder / "segments.tsv", sep="\t", index=False)
    genes[["gene", "chromosome", "start", "end"]].to_csv(folder / "gene_positions.tsv", sep="\t", index=False)
    lengths = genes.rename(columns={"gene": "Hugo_Symbol", "length": "aa.length"})[["Hugo_Symbol", "aa.length"]]
    lengths.to_csv(folder / "gene_lengths.tsv", sep="\t", index=False)
    names = [f"GENE{column + 1:04d}" for column in range(tumours.expressed.shape[1])]
    direction = generator.choice([-1.0, 1.0], size=len(names))
    values = generator.normal(size=tumours.expressed.shape)
    values += tumours.expressed * direction * generator.uniform(5.0, 8.0, size=values.shape)
    expression = pd.DataFrame(values.round(4), index=pd.Index(patients, name="tumour"), columns=names)
    expression.to_csv(folder / "expression.csv")
    clinical = {
        "patient_id": patients,
        "OS": tumours.events.astype(int),
        "OS.time": np.maximum((tumours.times * YEAR).round(), 1).astype(int),
        "age": tumours.age.round(1),
        "stage": [f"Stage {'I' * stage if stage < 4 else 'IV'}" for stage in tumours.stage.tolist()],
    }
    pd.DataFrame(clinical).to_csv(folder / "clinical.tsv", sep="\t", index=False)
    _gene_sets(tumours, names, generator, folder / "gene_sets.gmt")
    files = Files(
        expression=folder / "expression.csv",
        maf=folder / "mutations.maf",
        copy_number=folder / "segments.tsv",
        gene_positions=folder / "gene_positions.tsv",
        clinical=folder / "clinical.tsv",
        build="hg19",
    )
    return files, folder / "gene_lengths.tsv", folder / "gene_sets.gmt"


def _by_copies(tumours: PhantomTumours) -> np.ndarray[Any, Any]:
    """Which alterations are changes of copy number."""
    column = np.arange(tumours.altered.shape[1])
    return np.asarray((column < tumours.drivers) & (column % _COPY == _COPY - 1))


def _genes(tumours: PhantomTumours, generator: np.random.Generator) -> pd.DataFrame:
    """Places and lengths: passengers are as frequent as they are long."""
    size = tumours.altered.shape[1]
    share = tumours.altered.mean(axis=0)
    length = _USUAL_LENGTH * share / _USUAL_SHARE * np.exp(generator.normal(scale=0.1, size=size))
    length[: tumours.drivers] = _USUAL_LENGTH
    start = 1_000_000 + 2_000_000 * (np.arange(size) // 22)
    return pd.DataFrame(
        {
            "gene": tumours.names,
            "chromosome": [str(column % 22 + 1) for column in range(size)],
            "start": start,
            "end": start + 60_000,
            "length": np.clip(length, 100, None).round().astype(int),
        }
    )


def _maf(
    tumours: PhantomTumours, patients: list[str], genes: pd.DataFrame, generator: np.random.Generator
) -> pd.DataFrame:
    rows, columns = np.nonzero(tumours.altered * ~_by_copies(tumours)[None])
    driving = columns < tumours.drivers
    truncating = generator.random(len(rows)) < np.where(driving, 0.6, 0.07)
    indel = generator.random(len(rows)) < 0.04
    effect = np.where(indel, "In_Frame_Del", np.where(truncating, "Nonsense_Mutation", "Missense_Mutation"))
    # Silent mutations fall on a gene as often as its length says, whatever it drives.
    each = _SILENT * _USUAL_SHARE * genes["length"].to_numpy() / _USUAL_LENGTH
    quiet_rows, quiet_columns = np.nonzero(generator.random(tumours.altered.shape) < each)
    table = pd.DataFrame(
        {
            "row": np.concatenate([rows, quiet_rows]),
            "column": np.concatenate([columns, quiet_columns]),
            "Variant_Classification": np.concatenate([effect, np.full(len(quiet_rows), "Silent")]),
        }
    )
    codon = (generator.random(len(table)) * genes["length"].to_numpy()[table["column"]]).astype(int) + 1
    start = genes["start"].to_numpy()[table["column"]] + 3 * codon
    return pd.DataFrame(
        {
            "Hugo_Symbol": genes["gene"].to_numpy()[table["column"]],
            "Chromosome": genes["chromosome"].to_numpy()[table["column"]],
            "Start_Position": start,
            "End_Position": start,
            "Variant_Classification": table["Variant_Classification"],
            "Variant_Type": np.where(table["Variant_Classification"] == "In_Frame_Del", "DEL", "SNP"),
            "Reference_Allele": "C",
            "Tumor_Seq_Allele2": "T",
            "Tumor_Sample_Barcode": np.asarray(patients)[table["row"]],
            "HGVSp_Short": [f"p.A{place}V" for place in codon],
        }
    )


def _segments(
    tumours: PhantomTumours, patients: list[str], genes: pd.DataFrame, generator: np.random.Generator
) -> pd.DataFrame:
    """One segment a chromosome, broken where a driver is amplified."""
    copied = np.flatnonzero(_by_copies(tumours))
    found = []
    for row, patient in enumerate(patients):
        for chromosome in range(1, 23):
            found.append((patient, str(chromosome), 1, 900_000, generator.normal(scale=0.05)))
        for column in copied:
            if tumours.altered[row, column]:
                place = genes.iloc[column]
                ends = (int(place["start"]) - 50_000, int(place["end"]) + 50_000)
                found.append((patient, place["chromosome"], *ends, generator.normal(1.8, 0.2)))
    return pd.DataFrame(found, columns=["Sample", "Chromosome", "Start", "End", "Segment_Mean"])


def _gene_sets(tumours: PhantomTumours, names: list[str], generator: np.random.Generator, path: Path) -> None:
    """Sets as a collection has them: some overlap with what a driver changes, most do not."""
    lines = []
    half = len(names) // 2
    for driver in range(tumours.drivers):
        own = [names[gene] for gene in range(half) if gene % tumours.drivers == driver]
        others = generator.choice(names, size=len(own), replace=False).tolist()
        genes = sorted({*own[: 2 * len(own) // 3], *others[: len(own) // 3]})
        lines.append("\t".join([f"PHANTOM PATHWAY {driver + 1}", "made up", *genes]))
    for number in range(20):
        genes = sorted(generator.choice(names, size=25, replace=False).tolist())
        lines.append("\t".join([f"PHANTOM SET {number + 1}", "made up", *genes]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
