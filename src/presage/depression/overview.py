"""Pictures of interviews over time: sound and turns of many sessions, and for a few all that is heard and seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from presage.cohort import Cohort, InputError, UnusableRecording, kind_named
from presage.depression.details import details, until
from presage.depression.media import blocks, check_covers, media_facts
from presage.depression.scripts import words_or_characters
from presage.depression.session import Session, sessions
from presage.depression.timeline import Envelope, Lane, Panel, Speakers, draw_panels
from presage.depression.transcript import Transcript
from presage.depression.transcripts.reader import read_transcript

# Enough to see speech; four times cheaper than the rate that markers use.
_RATE = 4000
_POINTS = 700
#: Up to so many sessions are drawn with words, pitch, pauses and face; of more, sound and turns alone.
DETAILED = 12
# Seconds of recordings that are looked at closely, all sessions together, and of one session at most.
_CLOSELY, _MOST = 720.0, 300.0
# Seconds in one row.
_ROW = 60.0


def overview(cohort: Cohort, kind: str, out: Path, *, limit: int = 48) -> Path:
    """Write a picture of at most `limit` sessions with a recording of that kind, spread evenly over the cohort.

    Of up to twelve sessions it shows words, speech and pauses, pitch, energy and face, for their first minutes (five
    minutes of one session, one minute of twelve); of more, sound and turns from beginning to end.

    Raises
    ------
    InputError
        If the cohort has none.
    """
    chosen = [session for session in sessions(cohort) if session.of(kind) is not None]
    if not chosen:
        raise InputError(f"the cohort has no recording of kind {kind}", where="recordings.csv")
    n = len(chosen)
    if n > limit:
        chosen = [chosen[index] for index in np.linspace(0, n - 1, limit).round().astype(int)]
    closely = min(_MOST, _CLOSELY / len(chosen)) if len(chosen) <= DETAILED else 0.0
    caption = f"{cohort.name or 'Cohort'}: {len(chosen)} of {n} sessions; blue: participant, orange: interviewer"
    if cohort.phantom:
        caption = f"MADE-UP DATA. {caption}"
    if not closely:
        caption += f". With --limit {DETAILED} or less: words, pauses, pitch and face"
    panels = [part for session in chosen for part in _rows(_panel(session, kind, closely), closely)]
    return draw_panels(panels, out, caption)


def _rows(panel: Panel, closely: float) -> list[Panel]:
    """A minute in a row where words are to be read."""
    if not closely or panel.duration <= _ROW:
        return [panel]
    starts = np.arange(0, panel.duration, _ROW).tolist()
    more = [replace(panel, title=f"{panel.title}, continued", warning="") for _ in starts[1:]]
    return [replace(part, start=start, duration=_ROW) for part, start in zip([panel, *more], starts, strict=True)]


def _panel(session: Session, kind: str, closely: float) -> Panel:
    """One session; what cannot be used is said in words. `closely`: seconds shown in detail, 0 for all in brief."""
    lanes: list[Lane] = []
    remarks: list[str] = []
    duration, facts, transcript = 0.0, None, None
    try:
        recording = session.of(kind)
        assert recording is not None
        kind_named(kind).inspect(recording)
        sound = session.sound if kind != "transcript" else None
        if sound is not None:
            facts = media_facts(sound.path)
            duration = facts.duration
            if facts.channels:
                shown = min(duration, closely or duration)
                points = _POINTS * max(1, round(shown / _ROW)) if closely else _POINTS
                lanes.append(envelope(sound.path, channel=sound.get("channel"), duration=shown, points=points))
        if session.transcript is not None:
            transcript = read_transcript(session.transcript)
            duration = duration or transcript.end or 0.0
            remarks += transcript.notes
            if transcript.end is not None:
                lanes.append(Speakers(transcript))
        if facts is not None and transcript is not None:
            check_covers(transcript, facts, session.title)
        if closely:
            # A sheet of transcripts shows what is written, and does not decode sound for it.
            looked_at = session if kind != "transcript" else replace(session, audio=None, video=None, face_track=None)
            usable = bool(facts and facts.channels)
            more, said = details(looked_at, transcript, min(duration, closely), sound=usable)
            lanes += more
            remarks += said
    except UnusableRecording as unusable:
        remarks.append(f"not used: {unusable.reason}")
    words = _words(transcript) if transcript is not None else ""
    length = f"{duration:.0f} s" if duration else ""
    if closely and duration > closely:
        length, duration = f"the first {closely:.0f} of {duration:.0f} s", closely
    title = ", ".join(part for part in (session.title, length, words) if part)
    return Panel(title, lanes, duration, "; ".join(remarks))


def _words(transcript: Transcript) -> str:
    return words_or_characters(transcript.participant().text) + ("" if transcript.timed else ", no times")


def envelope(path: str, *, channel: str, duration: float, points: int = _POINTS) -> Envelope:
    """Extremes of the sound around about so many times up to `duration` (seconds), reading block by block."""
    step = max(1, round(_RATE * duration / points))
    low, high, held = [], [], np.zeros(0, dtype=np.float32)
    for block in until(blocks(path, rate=_RATE, channel=channel), _RATE, duration + 1.0):
        held = np.concatenate([held, block])
        whole = len(held) - len(held) % step
        parts = held[:whole].reshape(-1, step)
        low.append(parts.min(axis=1))
        high.append(parts.max(axis=1))
        held = held[whole:]
    lows, highs = np.concatenate(low), np.concatenate(high)
    return Envelope((np.arange(len(lows)) + 0.5) * step / _RATE, lows, highs)
