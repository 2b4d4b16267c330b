"""Recordings that end before their transcript does are left out of a cohort as it is made."""

from __future__ import annotations

from typing import Any

from presage.cohort import InputError, Recording, UnusableRecording
from presage.depression.media import check_covers, media_facts
from presage.depression.transcripts.reader import read_transcript

_CORE = ("patient_id", "visit", "kind", "path")


def without_uncovered(rows: list[dict[str, Any]], root: str) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Rows whose sound or pictures last as long as the session's transcript, and (file, reason) of the others.

    Files that cannot be read stay: checking the cohort counts them with their own reason.

    Parameters
    ----------
    rows
        Of ``recordings.csv``.
    root
        The source folder.
    """
    transcripts = {_session(row): row for row in rows if row["kind"] == "transcript"}
    kept, dropped = [], []
    for row in rows:
        partner = transcripts.get(_session(row))
        reason = _uncovered(row, partner) if partner is not None and row["kind"] != "transcript" else ""
        if reason:
            dropped.append((row["path"].removeprefix(root).lstrip("/"), reason))
        else:
            kept.append(row)
    return kept, dropped


def having_all_kinds(rows: list[dict[str, Any]]) -> set[str]:
    """Patients with a recording of every kind that there is."""
    by_kind: dict[str, set[str]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], set()).add(row["patient_id"])
    return set.intersection(*by_kind.values()) if by_kind else set()


def _session(row: dict[str, Any]) -> tuple[str, ...]:
    return row["patient_id"], row["visit"], row.get("task", ""), row.get("answer", "")


def _uncovered(row: dict[str, Any], partner: dict[str, Any]) -> str:
    try:
        transcript = read_transcript(as_recording(partner))
        facts = media_facts(row["path"])
    except InputError:
        return ""
    try:
        check_covers(transcript, facts, row["path"])
    except UnusableRecording as unusable:
        return f"{unusable.reason} ({unusable.what})"
    return ""


def as_recording(row: dict[str, Any]) -> Recording:
    """A row of ``recordings.csv`` that is still to be written."""
    about = {key: str(value) for key, value in row.items() if key not in _CORE and value}
    return Recording(row["patient_id"], row["visit"], row["kind"], row["path"], about)
