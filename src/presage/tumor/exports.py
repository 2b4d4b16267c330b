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
    """Write tables of drivers, genes, programmes and risks, `tumours.json`, and `key.csv` for its owner alone.

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
            *_known(one["targets"], one["needed"], None if one["share"] is None else f"{one['share']:.4f}"),
            # Without expression nothing is called, and nothing is said not to be.
            "" if one["share"] is None else "yes" if one["called"] else "no",
            *_known(*(None if one.get(name) is None else f"{one[name]:.3g}" for name in ("score", "p", "pair_q"))),
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
    risks = [
        [entry["code"], *_known(*(own.get(name) for name in _RISKS)), own.get("not_computed", "")]
        for entry in found["tumours"]
        for own in [entry.get("risk") or {}]
    ]
    written = [
        write_text(folder / "drivers.tsv", _table([*made_up, heads, *drivers], "\t")),
        write_text(folder / "genes.tsv", _table([*made_up, ["gene", "altered", "called", *ranks], *genes], "\t")),
        write_text(
            folder / "programmes.tsv",
            _table([*made_up, ["alteration", "gene", "share_of_altered_tumours", "share_raised"], *programmes], "\t"),
        ),
        write_text(folder / "risk.tsv", _table([*made_up, *_about_risk(found), _RISK_HEADS, *risks], "\t")),
        write_text(folder / "tumours.json", json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"),
    ]
    rows = [["patient_id", "code"], *sorted(([*pair] for pair in key), key=lambda pair: pair[1])]
    return [*written, write_text(folder / "key.csv", _table(rows, ","), mode=0o600)]


_RISKS = ("marker", "standard", "place", "place_standard", "known")
_RISK_HEADS = [
    "tumour", "risk", "risk_standard", "share_with_lower_risk", "share_with_lower_risk_standard",
    "follow_up_known", "why_not",
]  # fmt: skip


def _about_risk(found: dict[str, Any]) -> list[list[str]]:
    """A line that says which risk it is: a table that is passed on must not lose it."""
    about = found.get("risk") or {}
    if "event" not in about:
        return []
    return [
        [
            f"# risk of {about['event']} by {about['horizon']:g} {about['unit']} from {about['marker']}, beside "
            f"{about['standard']}; each by models fitted without the patient"
        ]
    ]


def _known(*values: Any) -> list[Any]:
    """Cells; empty where nothing is known."""
    return ["" if value is None else f"{value:.6g}" if isinstance(value, float) else value for value in values]


def _table(rows: Iterable[Sequence[Any]], separator: str) -> str:
    text = StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue()


def write_text(path: Path, text: str, mode: int = 0o666) -> Path:
    """Write a file in one step, under a name of this process first."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    # Rights are given when the file is made: the key is at no moment open to others.
    with os.fdopen(
        os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w", encoding="utf-8", newline="\n"
    ) as stream:
        stream.write(text)
    os.replace(unfinished, path)
    return path


def write_progression(found: dict[str, Any], folder: Path, ids: Sequence[str]) -> list[Path]:
    """Write `edges.tsv`, `rates.tsv`, `tumours.tsv`, `progression.json` and, for its owner alone, `key.csv`.

    Parameters
    ----------
    found
        As :func:`presage.tumor.charting.chart` gives it.
    ids
        The tumours as their owner knows them, in the order of the table.
    """
    from presage.tumor.analysis import deal_codes

    folder.mkdir(parents=True, exist_ok=True)
    made_up = [["# PHANTOM: made-up tumours"]] if found["phantom"] else []
    heads = ["source", "target", "influence", "same_sign", "nonzero", "low", "high"]
    edges = [_known(*(edge[name] for name in heads)) for edge in found["edges"]]
    own = ["event", "tumours", "rate", "observation", "position"]
    rates = [_known(*(entry[name] for name in own)) for entry in found["events"]]
    names = [entry["event"] for entry in found["events"]]
    tumours = []
    for entry in found["tumours"]:
        chances = {one["event"]: one["chance"] for one in entry["next"]}
        order = [" > ".join(entry["order"]), *_known(entry["order_chance"])]
        tumours.append([entry["code"], len(entry["events"]), *order, *_known(*(chances.get(name) for name in names))])
    columns = ["tumour", "events", "likeliest_order", "order_chance", *(f"next_{name}" for name in names)]
    key = sorted(zip(ids, deal_codes(tuple(ids), found["seed"]), strict=True), key=lambda pair: pair[1])
    return [
        write_text(folder / "edges.tsv", _table([*made_up, heads, *edges], "\t")),
        write_text(folder / "rates.tsv", _table([*made_up, own, *rates], "\t")),
        write_text(folder / "tumours.tsv", _table([*made_up, columns, *tumours], "\t")),
        write_text(
            folder / "progression.json", json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        ),
        write_text(folder / "key.csv", _table([["tumour", "code"], *key], ","), mode=0o600),
    ]
