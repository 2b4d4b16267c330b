"""GISTIC's tables: peaks with their genes, scores along the genome, and which sample has which peak."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from presage.cohort import InputError
from presage.tumor.readers.barcodes import plain_id
from presage.tumor.readers.build import plain_chromosomes

_REGION = re.compile(r"^(chr[0-9XY]+:\d+-\d+)")


@dataclass(frozen=True)
class Peak:
    """A recurrently gained or lost region: its band, q-value, wide boundaries (`chr1:100-200`) and genes.

    `nearest` is set where GISTIC found no gene inside and names the nearest in brackets.
    """

    band: str
    q: float
    region: str
    genes: tuple[str, ...]
    nearest: bool = False


def read_peaks(path: Path | str) -> list[Peak]:
    """Read `amp_genes.conf_*.txt` or `del_genes.conf_*.txt`: one peak per column.

    Ensembl ids behind `|` are dropped from the symbols.
    """
    where = Path(path).name
    rows = [
        line.rstrip("\n").split("\t") for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    heads = [row[0].strip().lower() for row in rows]
    if heads[:4] != ["cytoband", "q value", "residual q value", "wide peak boundaries"] or len(rows) < 5:
        raise InputError("is no GISTIC table of peaks and genes", where=where, cure="Give amp_genes or del_genes.")
    peaks = []
    for column in range(1, len(rows[0])):
        if not rows[0][column].strip():
            continue
        names = [row[column].strip() for row in rows[4:] if len(row) > column and row[column].strip()]
        nearest = bool(names) and all(name.startswith("[") for name in names)
        genes = tuple(dict.fromkeys(name.strip("[]").split("|")[0] for name in names))
        peaks.append(Peak(rows[0][column].strip(), float(rows[1][column]), rows[3][column].strip(), genes, nearest))
    return peaks


def read_scores(path: Path | str) -> pd.DataFrame:
    """Read `scores.gistic`.

    Returns
    -------
    pandas.DataFrame
        `type` (Amp, Del), `chromosome`, `start`, `end`, `q` (not its logarithm), `score`, `amplitude`, `frequency`.
    """
    table = pd.read_csv(path, sep="\t", dtype={"Chromosome": str})
    names = ["type", "chromosome", "start", "end", "log_q", "score", "amplitude", "frequency"]
    if [str(name).strip().lower() for name in table.columns[:4]] != names[:4] or table.shape[1] != len(names):
        raise InputError("is no scores.gistic", where=Path(path).name, cure="Give GISTIC's own file.")
    table.columns = names
    table["chromosome"] = plain_chromosomes(table["chromosome"].str.strip())
    table.insert(4, "q", 10.0 ** -table.pop("log_q").astype(float))
    return table


def read_lesions(path: Path | str) -> pd.DataFrame:
    """Read `all_lesions.conf_*.txt`: samples x peaks, 0, 1 (low) or 2 (high), negative for losses.

    Columns are the wide boundaries as :func:`read_peaks` has them.
    """
    table = pd.read_csv(path, sep="\t")
    if "Unique Name" not in table or "Wide Peak Limits" not in table or "Amplitude Threshold" not in table:
        raise InputError("is no all_lesions table", where=Path(path).name, cure="Give GISTIC's own file.")
    # The second half of the file repeats every peak with its actual copy change.
    table = table[~table["Unique Name"].str.contains("CN values")]
    sign = np.where(table["Unique Name"].str.startswith("Amp"), 1, -1)
    first = list(table.columns).index("Amplitude Threshold") + 1
    cells = table.iloc[:, first:].dropna(axis=1, how="all")
    regions = [match[1] if (match := _REGION.match(text.strip())) else text for text in table["Wide Peak Limits"]]
    values = cells.to_numpy(float).astype(np.int8) * sign[:, None]
    index = pd.Index([plain_id(name) for name in cells.columns], name="sample")
    return pd.DataFrame(values.T.astype(np.int8), index=index, columns=regions)


def peak_genes(lesions: pd.DataFrame, peaks: list[Peak], kind: Literal["gain", "loss"]) -> pd.DataFrame:
    """Samples x genes: the state of the peak in which a gene lies (0 to 2 for gains, 0 to -2 for losses).

    Parameters
    ----------
    lesions, peaks
        Of one run of GISTIC.

    Raises
    ------
    InputError
        When a peak is not among the lesions.
    """
    missing = [peak.region for peak in peaks if peak.region not in lesions]
    if missing:
        raise InputError(f"peak {missing[0]} is not among the lesions", cure="Take both tables from one run of GISTIC.")
    columns: dict[str, np.ndarray] = {}
    for peak in peaks:
        both = lesions[peak.region]
        states = (both.iloc[:, 0] if isinstance(both, pd.DataFrame) else both).to_numpy()
        states = np.maximum(states, 0) if kind == "gain" else np.minimum(states, 0)
        for gene in peak.genes:
            before = columns.get(gene)
            columns[gene] = states if before is None else np.where(np.abs(states) > np.abs(before), states, before)
    return pd.DataFrame(columns, index=lesions.index)
