"""Importers: from other people's folders of interviews to a cohort folder."""

from __future__ import annotations

from presage.depression.importers.daic_woz import import_daic_woz
from presage.depression.importers.eatd import import_eatd
from presage.depression.importers.interviews import import_interviews

__all__ = ["import_daic_woz", "import_eatd", "import_interviews"]
