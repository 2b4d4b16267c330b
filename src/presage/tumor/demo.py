"""The demonstration: phantom tumours with planted drivers, as the files of a cohort, and what is found in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from presage.study.progress import Progress

TUMOURS = 300


class TumorDemo:
    """Drivers of made-up tumours, ready to show."""

    summary: ClassVar[str] = "Drivers of each tumour and its patient's risk, on made-up tumours."

    def show(
        self,
        folder: Path,
        *,
        patients: int | None = None,
        seed: int = 2020,
        full: bool = False,
        progress: Progress | None = None,
    ) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Make the cohort's files, call drivers, write the tables, and give the pages, that of the cohort first.

        Parameters
        ----------
        folder
            Gets ``cohort`` (the files) and ``drivers`` (tables and pages).
        patients
            300 by default, 1,000 where `full`.
        seed
            Of the cohort, of the permutations and of the codes.
        full
            More tumours, passengers and genes.
        """
        from presage.tumor.analysis import Settings
        from presage.tumor.command import report
        from presage.tumor.gathering import gather
        from presage.tumor.phantom import draw_tumours
        from presage.tumor.phantom_files import write_phantom
        from presage.tumor.prognosis import risks_of

        told = progress or Progress()
        size = {"passengers": 400, "genes": 2000} if full else {}
        told.start("Making phantom tumours", 2)
        drawn = draw_tumours(patients or (1000 if full else TUMOURS), seed=seed, **size)
        files, lengths, sets = write_phantom(drawn, Path(folder) / "cohort", seed=seed)
        told.advance()
        tumours = gather(files)
        told.advance()
        told.finish()
        settings = Settings(leak="driver", seed=seed)
        risks = risks_of(tumours, seed=seed, progress=told)
        out = Path(folder) / "drivers"
        yield from report(tumours, settings, out, gene_lengths=lengths, gene_sets=sets, risks=risks, progress=told)
