"""Looking into a recording at a few places: is there any sound, is the end there, and do the channels hold the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import UnusableRecording
from presage.depression.media import SILENCE, MediaFacts, decoded, facts_of, opened, sound_of

_PLACES, _SECONDS = 24, 0.5
_FRAME_SECONDS = 0.05
# FLAC without a table of places is searched, and the search may miss the last frames.
_STEPS_BACK = (1.0, 5.0, 60.0, float("inf"))
# Frames in which anybody speaks: within 30 dB of the loudest.
_ACTIVE_DB = 30.0
# In a room with two microphones the louder one stays the louder one; where each speaker has a channel of his own the
# difference swings by some 20 dB with every change of speaker, or by 10 dB where they hear each other.
_SWING_DB = 6.0


@dataclass(frozen=True)
class ChannelComparison:
    """How the channels of a recording differ.

    Attributes
    ----------
    peaks
        Largest absolute sample of each channel at the places looked at.
    swing_db
        Standard deviation, over frames with speech, of the difference in level between the first channel and the one
        that differs most from it; 0 for one channel.
    """

    peaks: tuple[float, ...]
    swing_db: float

    @property
    def live(self) -> tuple[int, ...]:
        """Channels that hold any sound."""
        return tuple(index for index, peak in enumerate(self.peaks) if peak > SILENCE)

    @property
    def differ(self) -> bool:
        """Whether the channels hold different things."""
        return len(self.live) > 1 and self.swing_db > _SWING_DB

    def chosen(self, path: str) -> int | None:
        """The channel to take where the table names none; None for the mean.

        Raises
        ------
        UnusableRecording
            If the channels differ strongly: one may be the interviewer's.
        """
        if self.differ:
            raise UnusableRecording(
                "channels differ and none was named",
                f"the level difference between the channels swings by {self.swing_db:.0f} dB: "
                "each speaker seems to have a channel",
                where=path,
                cure="write left or right (the participant's channel) or mix into a column channel of recordings.csv",
            )
        return self.live[0] if len(self.live) == 1 else None


def compare_channels(path: str) -> ChannelComparison:
    """Compare the channels of a recording at some places spread over it.

    Raises
    ------
    UnusableRecording
        If the file cannot be decoded.
    """
    with opened(path) as container:
        stream = sound_of(container, path)
        return _compare(list(_windows(container, stream, facts_of(container, path))), stream.rate)


def inspect_sound(path: str, channel: str = "") -> MediaFacts:
    """Say whether the sound of a file can be used, decoding a few seconds of it.

    Raises
    ------
    UnusableRecording
        If there is no sound, it is silent throughout, the end is not there, or the channels differ strongly and
        `channel` names none.
    """
    with opened(path) as container:
        facts = facts_of(container, path)
        stream = sound_of(container, path)
        windows = list(_windows(container, stream, facts))
        if not windows:
            raise UnusableRecording("no sound", "no sample could be decoded", where=path)
        if facts.length_is_exact and windows[-1].shape[1] == 0:
            raise UnusableRecording(
                "truncated file",
                f"the header says {facts.duration:.1f} s, and there is nothing at its end",
                where=path,
                cure="copy the file again from its source",
            )
        found = _compare(windows, stream.rate)
        if not found.live and not _any_sound(container, stream):
            raise UnusableRecording("silent audio", "no sample is above -80 dB of full scale", where=path)
    if facts.channels > 1 and not channel:
        found.chosen(path)
    return facts


def _windows(container: Any, stream: Any, facts: MediaFacts) -> Iterator[NDArray[np.float32]]:
    """Half-second pieces spread over the recording, shape (channels, samples); the last one lies at its end."""
    from av import AudioResampler

    last = max(0.0, facts.duration - _SECONDS)
    wanted = int(_SECONDS * stream.rate)
    # Short recordings need no more than one look per half second.
    for start in np.linspace(0.0, last, max(1, min(_PLACES, int(facts.duration / _SECONDS)))):
        _seek(container, stream, float(start))
        resampler = AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
        pieces, held = [np.zeros((stream.channels, 0), dtype=np.float32)], 0
        for frame in decoded(container, stream):
            if frame.time is not None and frame.time + frame.samples / stream.rate <= start:
                continue
            frame.pts = None
            for out in resampler.resample(frame):
                pieces.append(out.to_ndarray())
                held += pieces[-1].shape[1]
            if held >= wanted:
                break
        yield np.concatenate(pieces, axis=1)[:, :wanted]


def _seek(container: Any, stream: Any, seconds: float) -> None:
    """Go to a place, or to one before it where the format cannot find this one."""
    import av

    for back in (0.0, *_STEPS_BACK):
        try:
            container.seek(int(max(0.0, seconds - back) / stream.time_base), stream=stream)
            return
        except (av.error.FFmpegError, OSError):
            if back == _STEPS_BACK[-1]:
                raise


def _compare(windows: list[NDArray[np.float32]], rate: int) -> ChannelComparison:
    sound = np.concatenate(windows, axis=1)
    peaks = tuple(float(peak) for peak in np.abs(sound).max(axis=1, initial=0.0))
    size = max(1, int(_FRAME_SECONDS * rate))
    n = sound.shape[1] // size
    if n == 0 or len(peaks) < 2:
        return ChannelComparison(peaks, 0.0)
    power = np.square(sound[:, : n * size].reshape(len(peaks), n, size)).mean(axis=2)
    level = 10 * np.log10(power + SILENCE**2)
    loudest = level.max(axis=0)
    active = loudest > loudest.max() - _ACTIVE_DB
    swings = (level[1:, active] - level[0, active]).std(axis=1)
    return ChannelComparison(peaks, float(swings.max()))


def _any_sound(container: Any, stream: Any) -> bool:
    """Whether any sample of the whole file is above silence; only asked where no place looked at had any."""
    from av import AudioResampler

    container.seek(0, stream=stream)
    resampler = AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
    for frame in decoded(container, stream):
        frame.pts = None
        if any(np.abs(out.to_ndarray()).max(initial=0.0) > SILENCE for out in resampler.resample(frame)):
            return True
    return False
