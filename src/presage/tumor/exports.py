"""What was found, as open files: tables by tab, JSON, and the private key of the codes."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any


def write_exports(found: dict[str, Any], folder: Path, key: Sequence[tuple[str, str]]) -> list[Path]:
    """Write `drivers.tsv`, `genes.tsv`, `programmes.tsv`, `tumours.json` and, for its owner alone, `key.csv`.

    Parameters
    ----------
    found
        As :func:`presage.tumor.analysis.analyse` gives it.
    key
        (patient, code).
    """
    folder.mkdir(parents=True, exist_ok=True)
    made_up = [["# PHANTOM: made-up tumours"]] if found["phantom"] else []
    drivers = [
        [
            entry["code"],
            one["gene"],
            "+".join(one["kinds"]),
            one["targets"],
            "" if one["needed"] is None else one["needed"],
            f"{one['share']:.4f}",
            "yes" if one["called"] else "no",
            f"{one['score']:.3f}",
            "" if one["p"] is None else f"{one['p']:.3g}",
            "" if one["pair_q"] is None else f"{one['pair_q']:.3g}",
        ]
        for entry in found["tumours"]
        for one in entry["alterations"]
    ]
    heads = ["tumour", "alteration", "kind", "targets", "targets_needed", "expression_explained", "called"]
    heads += ["score", "p", "q"]
    ranks = ("rank_calls", "rank_selection", "q", "rank_frequency", "rank_length")
    genes = [
        [one["gene"], one["altered"], one["called"], *("" if one[name] is None else one[name] for name in ranks)]
        for one in found["genes"]
    ]
    programmes = [
        [one["gene"], target["gene"], f"{target['share']:.4f}", "" if target["up"] is None else f"{target['up']:.4f}"]
        for one in found["genes"]
        for target in one["programme"]
    ]
    written = [
        _write(folder / "drivers.tsv", _table([*made_up, heads, *drivers], "\t")),
        _write(folder / "genes.tsv", _table([*made_up, ["gene", "altered", "called", *ranks], *genes], "\t")),
        _write(
            folder / "programmes.tsv",
            _table([*made_up, ["alteration", "gene", "share_of_altered_tumours", "share_raised"], *programmes], "\t"),
        ),
        _write(folder / "tumours.json", json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"),
    ]
    rows = [["patient_id", "code"], *sorted(([*pair] for pair in key), key=lambda pair: pair[1])]
    return [*written, _write(folder / "key.csv", _table(rows, ","), mode=0o600)]


def _table(rows: Iterable[Sequence[Any]], separator: str) -> str:
    text = StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _write(path: Path, text: str, mode: int = 0o666) -> Path:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    # Rights are given when the file is made: the key is at no moment open to others.
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(unfinished, path)
    return path
