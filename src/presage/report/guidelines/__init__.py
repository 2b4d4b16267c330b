"""Reporting guidelines, filled in where the findings know the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from presage.report.parts import Part


def guideline_parts(document: Mapping[str, Any]) -> list[Part]:
    """One part for each bundled guideline."""
    return []
