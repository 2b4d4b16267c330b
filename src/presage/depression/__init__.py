"""Depression: transcripts, prosody, face, their alignment and fusion, from recorded interviews."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Resolved on first use, so that naming a marker does not import torch.
_EXPORTS = {
    "AudioKind": "presage.depression.kinds",
    "Transcript": "presage.depression.transcript",
    "TranscriptKind": "presage.depression.kinds",
    "Turn": "presage.depression.transcript",
    "VideoKind": "presage.depression.kinds",
    "Word": "presage.depression.transcript",
    "read_transcript": "presage.depression.transcripts",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'presage.depression' has no attribute {name!r}")
