"""Importers: from other people's folders of interviews to a cohort folder."""

from __future__ import annotations

from presage.depression.importers.eatd import import_eatd

__all__ = ["import_eatd"]
