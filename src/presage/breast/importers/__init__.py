"""Importers: from other people's folders of mammograms to a cohort folder."""

from __future__ import annotations

from presage.breast.importers.dicom_folder import import_dicom
from presage.breast.importers.mini_mias import import_mini_mias
from presage.cohort.importing import ImportSummary

__all__ = ["ImportSummary", "import_dicom", "import_mini_mias"]
