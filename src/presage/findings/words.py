"""Numbers in a clinician's words: the same digits in a sentence, in a table and in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a page is written from findings that are there, without loading the statistics
    from presage.stats import Comparison, Estimate

MINUS = "−"


def number(value: float | None, digits: int = 2) -> str:
    """`value` with a fixed number of decimals and a true minus; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = f"{0:.{digits}f}"
    return text.replace("-", MINUS)


def signed(value: float, digits: int = 2) -> str:
    """`value` with its sign, + included."""
    text = number(value, digits)
    return text if text.startswith(MINUS) or float(text) == 0 else f"+{text}"


def percent(share: float, digits: int = 0) -> str:
    """A share in [0, 1] as a percentage."""
    return f"{number(100 * share, digits)} %"


def level_words(level: float) -> str:
    """What an interval of this level is called: ``95 % CI``."""
    return f"{100 * level:g} % CI"


def limits(estimate: Mapping[str, Any], digits: int = 2) -> str:
    """The two limits, ``0.66 to 0.79``."""
    return f"{number(estimate['low'], digits)} to {number(estimate['high'], digits)}"


def with_interval(estimate: Mapping[str, Any], digits: int = 2, *, bracket: bool = True) -> str:
    """An estimate as it stands in a sentence: ``0.73 (95 % CI 0.66 to 0.79)``, or with a comma inside a bracket."""
    interval = f"{level_words(estimate['level'])} {limits(estimate, digits)}"
    return f"{number(estimate['value'], digits)}" + (f" ({interval})" if bracket else f", {interval}")


def cell(estimate: Mapping[str, Any] | None, digits: int = 2) -> str:
    """An estimate in a table whose caption says what interval it is: ``0.73 (0.66 to 0.79)``; a dash for none."""
    return "–" if estimate is None else f"{number(estimate['value'], digits)} ({limits(estimate, digits)})"


def difference_with_interval(difference: Mapping[str, Any], digits: int = 2) -> str:
    """A difference as it stands in a sentence, with its sign."""
    return f"{signed(difference['value'], digits)} ({level_words(difference['level'])} {limits(difference, digits)})"


def p_value(p: float) -> str:
    """A p-value as journals print it."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.095 else f"p = {p:.2f}"


def joined(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def as_json(estimate: Estimate | Comparison) -> dict[str, Any]:
    """An estimate or a difference as findings keep it: ``value``, ``low``, ``high``, ``level``, ``method``."""
    from presage.stats import Estimate

    value = estimate.value if isinstance(estimate, Estimate) else estimate.difference
    return {
        "value": float(value),
        "low": float(estimate.low),
        "high": float(estimate.high),
        "level": float(estimate.level),
        "method": estimate.method,
    }
