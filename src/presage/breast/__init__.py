"""Breast: mammogram readers, tissue, encoders, markers and a phantom."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Resolved on first use, so that naming a marker does not import torch.
_EXPORTS = {
    "GoogLeNet": "presage.breast.googlenet",
    "GoogLeNetLDA": "presage.breast.googlenet_lda",
    "Mammogram": "presage.breast.mammogram",
    "MammogramKind": "presage.breast.kind",
    "PercentDensity": "presage.breast.density",
    "Tissue": "presage.breast.tissue",
    "TissueEncoder": "presage.breast.density",
    "TissueMeasures": "presage.breast.density",
    "make_phantom": "presage.breast.phantom",
    "read_mammogram": "presage.breast.reading.reader",
    "segment": "presage.breast.tissue",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'presage.breast' has no attribute {name!r}")
