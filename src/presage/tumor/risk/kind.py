"""The kind ``mutations`` of recordings: the somatic mutations of one tumour, a small table."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from presage.cohort import Cohort, Recording, UnusableRecording, storage

#: Columns of the table, tab-separated with a header; a tumour without mutations has the header alone.
COLUMNS = ("gene", "class", "chromosome", "start")


class MutationsKind:
    """The kind ``mutations``."""

    name = "mutations"
    #: What its picture shows.
    caption = "The genes with a mutation."
    required: Mapping[str, Sequence[str]] = {}
    optional: Sequence[str] = ()

    def inspect(self, recording: Recording) -> None:
        """Say whether the table can be used."""
        self.read(recording)

    def read(self, recording: Recording) -> pd.DataFrame:
        """One row per mutation, with the columns :data:`COLUMNS`."""
        try:
            text = storage.read_bytes(recording.path).decode("utf-8")
            table = pd.read_csv(io.StringIO(text), sep="\t", dtype={"chromosome": str})
        except (UnicodeDecodeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise UnusableRecording("not a table of mutations", reason, where=recording.path) from None
        missing = [name for name in COLUMNS if name not in table.columns]
        if missing:
            raise UnusableRecording(
                "not a table of mutations", f"it has no column {', '.join(missing)}", where=recording.path
            )
        return table

    def show(self, cohort: Cohort, out: Path, *, limit: int = 48) -> Path:
        """The genes that are mutated in most tumours, as bars."""
        from matplotlib.figure import Figure

        recordings = cohort.iter_recordings(self.name)
        tables = [self.read(recording) for recording in recordings]
        genes = pd.concat([table["gene"].drop_duplicates() for table in tables]).value_counts().head(limit)[::-1]
        figure = Figure(figsize=(6, 1 + 0.18 * max(len(genes), 4)), layout="constrained")
        axes = figure.subplots()
        axes.barh(genes.index.astype(str), 100 * genes.to_numpy() / max(len(tables), 1), color="#0072b2")
        axes.set_xlabel(f"share of {len(tables)} tumours with a mutation, %")
        axes.tick_params(axis="y", labelsize=7)
        figure.savefig(out, dpi=120)
        return out
