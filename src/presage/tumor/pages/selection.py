"""The page of a cohort's test of selection: genes, QQ plot, and how the ranking agrees with known cancer genes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.findings.words import joined
from presage.tumor.pages.words import counted, expected_from, q_value

_NAMES = {"selection": "Test of selection", "length": "Length alone (Poisson)", "frequency": "Frequency alone"}
_STROKES = {"selection": "series-1", "length": "series-2", "frequency": "standard"}
_LISTED, _TOLD = 60, 15

_CARE = (
    "For research. A gene that a cohort selects for is not thereby the driver of any one tumour, nor a drug target.",
    "Selection is told by excess over a background. Genes that are hard to align or repetitive can exceed it for no "
    "biological reason: look at the reads before believing a surprise.",
    "A gene below the level may be selected for in a larger cohort. Copy number, fusions and expression are not looked "
    "at.",
)


def selection_page(found: Mapping[str, Any]) -> dict[str, Any]:
    """The document of the page, as `presage.report.documents` describes it, from a screen's document."""
    parts = [_genes(found), _quantiles(found)]
    if "known" in found:
        parts.append(_known(found))
    parts.append(_care(found))
    return {
        "phantom": found["phantom"],
        "version": found["version"],
        "source": "selection.json",
        "title": "Genes under selection",
        "sentence": _sentence(found),
        "also": f"{found['tested']:,} genes of {counted(found['patients'], 'patient')} were tested; each patient "
        "counts once for a gene and a class of change. Expectations follow "
        + expected_from(found)
        + " and the gene's silent changes"
        + (", and how dense those are in other cohorts." if found["covariates"] else "."),
        "facts": [
            ("Patients", f"{found['patients']:,}"),
            ("Genes tested", f"{found['tested']:,}"),
            (f"q below {found['q']:g}", f"{len(found['genes'])}"),
            ("Hypermutated", f"{found['hypermutated']}"),
        ],
        "parts": parts,
    }


def _sentence(found: Mapping[str, Any]) -> str:
    names = [row["gene"] for row in found["genes"]]
    if not names:
        return (
            f"No gene is mutated more often than its background explains (false discovery rate below {found['q']:g}). "
            "In a cohort of this size that rules out frequent drivers alone."
        )
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return (
        f"{counted(len(names), 'gene is', 'genes are')} mutated more often than the background explains (false "
        f"discovery rate below {found['q']:g}): {joined(names[:_TOLD])}{more}."
    )


def _genes(found: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        [
            row["gene"],
            row["patients"],
            f"{row['expected']:.1f}",
            row["missense"],
            row["truncating"],
            row["indel"],
            row["silent"],
            f"{row['peak']} at {row['peak_codon']}" if row["peak"] > 1 else "–",
            q_value(row["q"]),
            row["rank_length"],
            row["rank_frequency"],
        ]
        for row in found["genes"][:_LISTED]
    ]
    if not rows:
        return {"name": "genes", "title": "Genes", "blocks": [{"text": "None."}]}
    more = f", the first {_LISTED} of {len(found['genes'])}" if len(found["genes"]) > _LISTED else ""
    table = {
        "table": f"Genes with q below {found['q']:g}, the surest first{more}. Patients with a change of each kind, and "
        f"how many protein-changing ones the background expects; n = {counted(found['patients'], 'patient')}.",
        "columns": [
            "Gene",
            "Patients",
            "Expected changes",
            "Missense",
            "Truncating",
            "Indel",
            "Silent",
            "Most in one codon",
            "q",
            "Rank by length alone",
            "Rank by frequency",
        ],
        "rows": rows,
    }
    return {"name": "genes", "title": "Genes", "blocks": [table]}


def _quantiles(found: Mapping[str, Any]) -> dict[str, Any]:
    figure = {
        "figure": "quantiles",
        "name": "quantiles",
        "title": "Mutations against the background",
        "caption": "Each point is a gene. On the line: as often mutated as the background expects. Above it at the "
        f"right: more often. The bulk must lie on the line, else the background does not fit. "
        f"n = {found['tested']:,} genes.",
        "alt": f"QQ plot of {found['tested']} genes; {len(found['genes'])} have a false discovery rate below "
        f"{found['q']:g}.",
        "of": {"values": found["p"], "labels": found["named"]},
        "columns": ("p",),
        "data": [(p,) for p in found["p"][:2000]],
    }
    return {"name": "quantiles", "title": "Does the background fit?", "blocks": [figure]}


def _known(found: Mapping[str, Any]) -> dict[str, Any]:
    own = found["known"]
    rankings = own["rankings"]
    steps = [entry["k"] for entry in rankings["selection"]["at"]]
    table = {
        "table": f"Known genes ({own['list']}, {own['tested']} of {own['size']} tested) among the first of each "
        "ranking.",
        "columns": ["Ranking", *(f"first {k}" for k in steps), "Average precision"],
        "rows": [
            [
                _NAMES[name],
                *(f"{entry['known']} ({100 * entry['known'] / entry['k']:.0f} %)" for entry in given["at"]),
                f"{given['average_precision']:.3f}",
            ]
            for name, given in rankings.items()
        ],
    }
    first = max(0.02, *(given["at"][-1]["recall"] for given in rankings.values()))
    figure = {
        "figure": "curves",
        "name": "known",
        "title": "Precision and recall of each ranking",
        "caption": "Share of known genes among the first of a ranking, over the share of all known genes that were "
        f"found so far; up to {steps[-1]} genes of the best ranking.",
        "alt": "; ".join(
            f"{_NAMES[name]}: average precision {given['average_precision']:.3f}" for name, given in rankings.items()
        ),
        "of": {
            "curves": [
                {
                    "words": f"{_NAMES[name]}: average precision {given['average_precision']:.3f}",
                    "xs": [x for x in given["recall"] if x <= first],
                    "ys": given["precision"][: sum(x <= first for x in given["recall"])],
                    "stroke": _STROKES[name],
                }
                for name, given in rankings.items()
            ],
            "x_label": "Known genes found (recall)",
            "y_label": "Known among the ranked (precision)",
            "x_range": (0.0, first),
        },
        "columns": ("ranking", "recall", "precision"),
        "data": [
            (name, x, y)
            for name, given in rankings.items()
            for x, y in zip(given["recall"], given["precision"], strict=True)
        ],
    }
    blocks: list[dict[str, Any]] = [table, figure, {"notes": [own["caveat"]], "title": "What this does not show"}]
    return {"name": "known", "title": "Beside a list of known cancer genes", "blocks": blocks}


def _care(found: Mapping[str, Any]) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = []
    if found["limits"]:
        blocks.append({"notes": found["limits"], "title": "Of this cohort"})
    read = [f"{phrase}: {number:,}" for phrase, number in found["read"].items()]
    blocks += [{"notes": list(_CARE), "title": "Limits"}, {"notes": read, "title": "Rows of the mutation table"}]
    return {"name": "care", "title": "Read with care", "blocks": blocks}
