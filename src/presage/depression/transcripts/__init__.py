"""Readers of transcripts, one module a format."""

from presage.depression.transcripts.reader import read_transcript

__all__ = ["read_transcript"]
