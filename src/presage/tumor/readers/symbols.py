"""Gene symbols that a spreadsheet has turned into dates: found, named with the likely gene, repaired on request.

Spreadsheets read MARCH1, SEPT2 or DEC1 as days and keep `1-Mar`, `2-Sep`, `2024-09-02` or the day's serial
number. The month
tells the family; the day (or, in `Mar-01`, the number behind the month) tells the member. Serial numbers are days
since 1899-12-30, or since 1904-01-01 in files of old Macintosh versions, which moves a date by 1462 days; only
the first is tried.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

# Family by month, and the members that exist. The families were renamed in 2020 (MARCHF, SEPTIN, DELEC1) for
# this reason.
_FAMILIES: dict[int, tuple[str, int]] = {
    3: ("MARCH", 11),
    9: ("SEPT", 14),
    12: ("DEC", 2),
    10: ("OCT", 11),
    4: ("APR", 3),
}
_RENAMED = {3: "MARCHF", 9: "SEPTIN"}
_MONTHS = {
    name: number
    for number, names in {3: ("mar", "march"), 4: ("apr", "april"), 9: ("sep", "sept", "september"),
                          10: ("oct", "october"), 12: ("dec", "december")}.items()
    for name in names
}  # fmt: skip
_DAY_MONTH = re.compile(r"^(\d{1,2})[-/ ]([A-Za-z]{3,9})(?:[-/ ]\d{2,4})?$")
_MONTH_DAY = re.compile(r"^([A-Za-z]{3,9})[-/ ](\d{1,2})$")
_ISO = re.compile(r"^\d{4}-(\d{2})-(\d{2})(?:[ T].*)?$")
_SERIAL = re.compile(r"^[1-9]\d{4}(?:\.0)?$")
_EPOCH = date(1899, 12, 30)


def likely_gene(symbol: str) -> str | None:
    """The gene that a date once was, None where the symbol is no date.

    Parameters
    ----------
    symbol
        As the file has it.

    Returns
    -------
    str or None
        The symbol of before 2020 (MARCH1, SEPT2, DEC1), under which the files of that time have it; for a date that
        fits no known member, `?`.
    """
    text = symbol.strip()
    if match := _DAY_MONTH.match(text):
        return _member(_MONTHS.get(match[2].lower()), int(match[1]), known_month=match[2].lower() in _MONTHS)
    if match := _MONTH_DAY.match(text):
        return _member(_MONTHS.get(match[1].lower()), int(match[2]), known_month=match[1].lower() in _MONTHS)
    if match := _ISO.match(text):
        return _member(int(match[1]), int(match[2]), known_month=True)
    if _SERIAL.match(text):
        day = _EPOCH + timedelta(days=int(float(text)))
        return _member(day.month, day.day, known_month=True)
    return None


def new_name(gene: str) -> str:
    """The symbol since 2020 of a repaired gene (`SEPT2` -> `SEPTIN2`), for files of after that year."""
    for month, fresh in _RENAMED.items():
        family = _FAMILIES[month][0]
        if re.fullmatch(rf"{family}\d+", gene):
            return gene.replace(family, fresh, 1)
    return "DELEC1" if gene == "DEC1" else gene


def mangled(symbols: Sequence[str]) -> dict[str, str]:
    """The symbols that are dates or day numbers -> the likely gene (`?` where none fits)."""
    # Nearly all symbols start with a letter and have no dash: twenty thousand need not be matched four times.
    suspects = [symbol for symbol in symbols if symbol[:1].isdigit() or "-" in symbol or " " in symbol or "/" in symbol]
    found = {symbol: likely_gene(symbol) for symbol in suspects}
    return {symbol: gene for symbol, gene in found.items() if gene is not None}


def _member(month: int | None, number: int, *, known_month: bool) -> str | None:
    if month is None or month not in _FAMILIES:
        return "?" if known_month else None
    family, members = _FAMILIES[month]
    return f"{family}{number}" if 1 <= number <= members else "?"
