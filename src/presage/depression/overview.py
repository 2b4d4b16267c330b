"""The contact sheet of interviews: the sound and turns of each session."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from presage.cohort import Cohort, InputError, Recording, UnusableRecording, kind_named
from presage.depression.media import blocks, check_covers, media_facts
from presage.depression.scripts import words_or_characters
from presage.depression.session import Session, sessions
from presage.depression.timeline import Envelope, Lane, Panel, Speakers, draw_panels
from presage.depression.transcript import Transcript
from presage.depression.transcripts.reader import read_transcript

# Enough to see speech; four times cheaper than the rate that markers use.
_RATE = 4000
_POINTS = 700


def overview(cohort: Cohort, kind: str, out: Path, *, limit: int = 48) -> Path:
    """Write a picture of at most `limit` sessions with a recording of that kind, spread evenly over the cohort.

    Raises
    ------
    InputError
        If the cohort has none.
    """
    chosen = [session for session in sessions(cohort) if getattr(session, kind) is not None]
    if not chosen:
        raise InputError(f"the cohort has no recording of kind {kind}", where="recordings.csv")
    n = len(chosen)
    if n > limit:
        chosen = [chosen[index] for index in np.linspace(0, n - 1, limit).round().astype(int)]
    caption = f"{cohort.name or 'Cohort'}: {len(chosen)} of {n} sessions; blue: participant, orange: interviewer"
    return draw_panels([_panel(session, kind) for session in chosen], out, caption)


def _panel(session: Session, kind: str) -> Panel:
    """Sound and turns of one session; what cannot be used is said in words."""
    lanes: list[Lane] = []
    remarks: list[str] = []
    duration, facts, transcript = 0.0, None, None
    try:
        recording: Recording | None = getattr(session, kind)
        assert recording is not None
        kind_named(kind).inspect(recording)
        sound = session.sound if kind != "transcript" else None
        if sound is not None:
            facts = media_facts(sound.path)
            duration = facts.duration
            if facts.channels:
                lanes.append(envelope(sound.path, channel=sound.get("channel"), duration=duration))
        if session.transcript is not None:
            transcript = read_transcript(session.transcript)
            duration = duration or transcript.end or 0.0
            remarks += transcript.notes
            if transcript.end is not None:
                lanes.append(Speakers(transcript))
        if facts is not None and transcript is not None:
            check_covers(transcript, facts, session.title)
    except UnusableRecording as unusable:
        remarks.append(f"not used: {unusable.reason}")
    words = _words(transcript) if transcript is not None else ""
    title = ", ".join(part for part in (session.title, f"{duration:.0f} s" if duration else "", words) if part)
    return Panel(title, lanes, duration, "; ".join(remarks))


def _words(transcript: Transcript) -> str:
    return words_or_characters(transcript.participant().text) + ("" if transcript.timed else ", no times")


def envelope(path: str, *, channel: str, duration: float) -> Envelope:
    """Extremes of the sound around some hundred times, reading block by block."""
    step = max(1, round(_RATE * duration / _POINTS))
    low, high, held = [], [], np.zeros(0, dtype=np.float32)
    for block in blocks(path, rate=_RATE, channel=channel):
        held = np.concatenate([held, block])
        whole = len(held) - len(held) % step
        parts = held[:whole].reshape(-1, step)
        low.append(parts.min(axis=1))
        high.append(parts.max(axis=1))
        held = held[whole:]
    lows, highs = np.concatenate(low), np.concatenate(high)
    return Envelope((np.arange(len(lows)) + 0.5) * step / _RATE, lows, highs)
