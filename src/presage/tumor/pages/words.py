"""Words that both pages use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

#: What every page says of itself.
CARE = (
    "For research. No result here was shown to help anybody decide about a treatment, and a called driver is not a "
    "drug "
    "target.",
    "Explained means: over the whole cohort the gene changes more often in tumours with the alteration, and no other "
    "alteration of this tumour accounts for it better. It is an inference from many tumours, not an experiment.",
    "Alterations that always come together (neighbours in one amplified stretch) cannot be told apart: they share what "
    "they explain, and each may stay below the level.",
    "An alteration that works without changing the expression of genes, or that too few tumours have, is not called. "
    "Not called is not the same as harmless.",
)


def kinds_of(entry: Mapping[str, Any]) -> str:
    """What kind of alteration, in words."""
    return " and ".join(entry["kinds"]) if entry["kinds"] else "altered"


def counted(number: int, one: str, more: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def percent(share: float) -> str:
    """A share for a reader."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 or value == 0 else f"{value:.1f} %"


def q_value(q: float | None) -> str:
    """A false discovery rate for a reader."""
    if q is None:
        return "–"
    return "< 0.001" if q < 0.001 else f"{q:.3f}" if q < 0.1 else f"{q:.2f}"


def has_expression(found: Mapping[str, Any]) -> bool:
    """Whether the cohort came with expression: without it nothing is known of what an alteration does."""
    return bool(found["cohort"]["rule"])


#: Said wherever a reader would look for drivers and their programmes.
NO_EXPRESSION = (
    "What each alteration does in a tumour is not told: that is learnt from gene expression, and none was given "
    "(the option or setting `expression`)."
)


def continuous(found: Mapping[str, Any]) -> bool:
    """Whether expression was judged without a threshold: every measured gene was asked for."""
    return has_expression(found) and bool(found["settings"].get("evidence") == "continuous")


def asked(found: Mapping[str, Any]) -> str:
    """What the genes are that alterations explain."""
    return "measured gene" if continuous(found) else "changed gene"


def expected_from(selection: Mapping[str, Any]) -> str:
    """What, beside silent changes, tells how often a gene would be mutated by chance."""
    by_context = selection.get("by_context", False)
    return "each gene's own sequence and the contexts of mutation" if by_context else "protein length"


def unjudged(entry: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Which genes of a tumour were not judged; empty where all were."""
    own = entry.get("unjudged") or {"n": 0, "genes": []}
    if not own["n"]:
        return ""
    more = f" and {own['n'] - len(own['genes'])} more" if own["n"] > len(own["genes"]) else ""
    fewer = found["cohort"]["at_least"]
    return (
        f"And {counted(own['n'], 'gene')} altered in fewer than {fewer} tumours {'was' if own['n'] == 1 else 'were'} "
        f"not judged: {', '.join(own['genes'])}{more}."
    )


def frame(found: Mapping[str, Any]) -> dict[str, Any]:
    """What both documents begin with."""
    return {"phantom": found["phantom"], "version": version("presage"), "source": "tumours.json"}


def care(found: Mapping[str, Any], *more: str) -> dict[str, Any]:
    """The part that closes a page."""
    own = [*(CARE if has_expression(found) else CARE[:1]), *more]
    if continuous(found):
        own.append(
            "Expression was judged by its order within this cohort, without a threshold. What all tumours share is not "
            "seen, and neither is a driver that nearly all of them have. A call needs that the tumour's own expression "
            "is like that of the others with the alteration; which single genes show it is far less sure than the call."
        )
    elif "this cohort's" in found["cohort"]["rule"]:
        own.append(
            "Without normal tissue a gene counts as changed where it is unusual among these tumours. What most of them "
            "share, and a driver that most of them have, is not seen."
        )
    return {"name": "care", "title": "Read with care", "blocks": [{"notes": own, "title": "Limits"}]}
