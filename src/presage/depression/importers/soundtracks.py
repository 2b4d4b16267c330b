"""The sound of videos: where a session has no sound of its own, the video's counts as a recording of it, too."""

from __future__ import annotations

from typing import Any

from presage.cohort import InputError
from presage.depression.media import media_facts


def with_soundtracks(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of ``recordings.csv`` with one of kind ``audio`` behind each video that has sound and no partner.

    A video that cannot be read stays alone: checking the cohort counts it with the reason.
    """
    heard = {_session(row) for row in rows if row["kind"] == "audio"}
    found = []
    for row in rows:
        found.append(row)
        if row["kind"] == "video" and _session(row) not in heard and _has_sound(row["path"]):
            found.append({**row, "kind": "audio"})
    return found


def _session(row: dict[str, Any]) -> tuple[str, ...]:
    return row["patient_id"], row["visit"], row.get("task", ""), row.get("answer", "")


def _has_sound(path: str) -> bool:
    try:
        return media_facts(path).channels > 0
    except InputError:
        return False
