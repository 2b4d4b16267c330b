"""Sound and pictures of any file that PyAV decodes, streamed: hours need no more memory than minutes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError, UnusableRecording, storage
from presage.depression.wav_header import wav_seconds

if TYPE_CHECKING:
    from presage.depression.transcript import Transcript

RATE = 16_000
CHANNELS = ("left", "right", "mix")
# Below -80 dB of full scale nothing was recorded: one step of 16 bits is -90 dB.
SILENCE = 1e-4
# Formats whose header does not say how long the file is; FFmpeg guesses it from the bit rate.
_GUESSED_LENGTH = frozenset({"mp3", "aac"})
_SHORTER_SECONDS, _SHORTER_SHARE = 1.0, 0.02
_DAMAGED_SHARE = 0.01


@dataclass(frozen=True)
class MediaFacts:
    """What a file says of itself; nothing is decoded for it.

    Attributes
    ----------
    duration
        Seconds.
    rate, channels
        Samples per second and number of channels of the sound; 0 without sound.
    width, height, fps
        Pixels and frames per second of the pictures; 0 without pictures.
    container, codecs
        Names that FFmpeg gives them.
    """

    duration: float
    rate: int = 0
    channels: int = 0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    container: str = ""
    codecs: tuple[str, ...] = ()

    @property
    def length_is_exact(self) -> bool:
        """Whether the duration stands in the file and is not guessed from its bit rate."""
        return not _GUESSED_LENGTH & set(self.container.split(","))


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """The file as a PyAV container; whatever goes wrong inside becomes an UnusableRecording with the file's name."""
    try:
        import av
    except ImportError as error:
        raise InputError("sound and video need PyAV", cure="pip install 'presage[depression]'") from error
    remote = storage.is_address(path)
    try:
        source = storage.open_file(path) if remote else f"file:{path}"
        # A playlist must not make the reader fetch anything.
        with av.open(source, options={"protocol_whitelist": "file,pipe"}) as container:
            yield container
    except InputError:
        raise
    except FileNotFoundError:
        raise UnusableRecording("file missing", "there is no such file", where=path) from None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UnusableRecording(
            "cannot be decoded", f"{type(error).__name__}: {error}", where=path, cure="copy or export the file again"
        ) from error


def media_facts(path: str) -> MediaFacts:
    """Duration, sound and pictures from the header alone.

    Raises
    ------
    UnusableRecording
        If the file is missing, cannot be decoded, or holds neither sound nor pictures.
    """
    with opened(path) as container:
        return facts_of(container, path)


def facts_of(container: Any, path: str) -> MediaFacts:
    """The facts of an open container; see :func:`media_facts`."""
    sound, pictures = _known(container.streams.audio), _known(container.streams.video)
    if sound is None and pictures is None:
        raise UnusableRecording("neither sound nor pictures", "no stream of either can be decoded", where=path)
    fps = pictures.average_rate or pictures.guessed_rate if pictures else None
    streams = [stream for stream in (sound, pictures) if stream is not None]
    return MediaFacts(
        duration=wav_seconds(path) or _duration(container, streams),
        rate=sound.rate if sound else 0,
        channels=sound.channels if sound else 0,
        width=pictures.width if pictures else 0,
        height=pictures.height if pictures else 0,
        fps=float(fps) if fps else 0.0,
        container=container.format.name,
        codecs=tuple(stream.codec_context.name for stream in streams),
    )


def _known(streams: Sequence[Any]) -> Any:
    """The first stream for which there is a decoder, or None; a damaged header may name none."""
    return next((stream for stream in streams if stream.codec_context is not None), None)


def _duration(container: Any, streams: list[Any]) -> float:
    """Seconds: the container's, else the longest stream's; 0 where nothing says."""
    if container.duration:
        return float(container.duration) / 1_000_000
    return max((float(s.duration * s.time_base) for s in streams if s.duration), default=0.0)


def blocks(path: str, *, rate: int = RATE, channel: str = "", seconds: float = 10.0) -> Iterator[NDArray[np.float32]]:
    """The sound of a recording (of a video too), one channel, block by block.

    Parameters
    ----------
    path
        Local path or fsspec address.
    rate
        Samples per second of the blocks; the sound is resampled to it.
    channel
        ``left``, ``right`` or ``mix`` (the mean). Empty: the only channel; of several channels their mean where they
        hold the same, the live one where the others are silent.
    seconds
        Length of a block.

    Yields
    ------
    numpy.ndarray
        float32, shape (rate * seconds,), full scale 1; the last one is shorter.

    Raises
    ------
    UnusableRecording
        If there is no sound, it cannot be decoded, the file ends before its header says, or the channels differ
        strongly and `channel` names none.
    """
    from av import AudioResampler

    size = round(rate * seconds)
    pending: list[NDArray[np.float32]] = []
    held = total = 0
    with opened(path) as container:
        facts = facts_of(container, path)
        chosen = _channel_index(path, channel, facts)
        stream = sound_of(container, path)
        resampler = AudioResampler(format="fltp", layout=stream.layout, rate=rate)
        for frames in _resampled(container, stream, resampler):
            part = frames.mean(axis=0) if chosen is None else frames[chosen]
            pending.append(np.asarray(part, dtype=np.float32))
            held += len(part)
            total += len(part)
            if held >= size:
                whole = np.concatenate(pending)
                cut = len(whole) - len(whole) % size
                yield from np.split(whole[:cut], cut // size)
                pending, held = [whole[cut:]], len(whole) - cut
        if held:
            yield np.concatenate(pending)
        if total == 0:
            raise UnusableRecording("no sound", "no sample could be decoded", where=path)
        refuse_truncated(total / rate, facts, path)


def decoded(container: Any, stream: Any) -> Iterator[Any]:
    """The frames of a stream; single packets that are damaged (a cut file's last) are left out.

    Raises
    ------
    av.error.InvalidDataError
        If more than a few packets are damaged.
    """
    from av.error import InvalidDataError

    good = bad = 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except InvalidDataError:
            bad += 1
            if bad > max(3, _DAMAGED_SHARE * good):
                raise
            continue
        good += 1
        yield from frames


def _resampled(container: Any, stream: Any, resampler: Any) -> Iterator[NDArray[np.float32]]:
    """Decoded sound, shape (channels, samples)."""
    for frame in decoded(container, stream):
        frame.pts = None  # gaps in time stamps must not make the resampler refuse
        for out in resampler.resample(frame):
            yield out.to_ndarray()
    for out in resampler.resample(None):
        yield out.to_ndarray()


def sound_of(container: Any, path: str) -> Any:
    """The stream of sound. Raises UnusableRecording where there is none."""
    stream = _known(container.streams.audio)
    if stream is None or not stream.rate:
        raise UnusableRecording("no sound", "the file has no sound that can be decoded", where=path)
    return stream


def refuse_truncated(decoded: float, facts: MediaFacts, path: str) -> None:
    """Refuse a file that holds less (seconds) than its header says."""
    lacking = facts.duration - decoded
    if facts.length_is_exact and lacking > max(_SHORTER_SECONDS, _SHORTER_SHARE * facts.duration):
        raise UnusableRecording(
            "truncated file",
            f"the header says {facts.duration:.1f} s, and {decoded:.1f} s can be decoded",
            where=path,
            cure="copy the file again from its source",
        )


def _channel_index(path: str, channel: str, facts: MediaFacts) -> int | None:
    """The channel to take, None for the mean of all."""
    if channel not in ("", *CHANNELS):
        raise InputError(
            f"channel must be {', '.join(CHANNELS)} or empty, not {channel!r}", where=f"recordings.csv, {path}"
        )
    if facts.channels < 2:
        return 0
    if channel:
        return {"left": 0, "right": 1, "mix": None}[channel]
    from presage.depression.channels import compare_channels

    return compare_channels(path).chosen(path)


def read_audio(path: str, *, rate: int = RATE, channel: str = "") -> NDArray[np.float32]:
    """All of :func:`blocks` in one array, shape (samples,): for short recordings."""
    return np.concatenate(list(blocks(path, rate=rate, channel=channel)))


def frames(path: str, *, every: float = 0.0, height: int = 0) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """The pictures of a video as (seconds, RGB array of shape (height, width, 3)).

    Parameters
    ----------
    every
        Seconds between pictures at least; 0 for all of them.
    height
        Rows of the pictures, their shape kept; 0 for those of the file.

    Raises
    ------
    UnusableRecording
        If there are no pictures or they cannot be decoded.
    """
    with opened(path) as container:
        stream = _known(container.streams.video)
        if stream is None:
            raise UnusableRecording("no pictures", "the file has no pictures that can be decoded", where=path)
        stream.thread_type = "AUTO"
        due = -1.0
        for frame in decoded(container, stream):
            time = float(frame.time or 0.0)
            if time < due:
                continue
            due = time + every
            if height and height != frame.height:
                # Even sizes: most pixel formats have half the colour rows.
                width = max(2, round(frame.width * height / frame.height / 2) * 2)
                yield time, frame.to_ndarray(format="rgb24", width=width, height=height)
            else:
                yield time, frame.to_ndarray(format="rgb24")


def check_covers(transcript: Transcript, facts: MediaFacts, where: str) -> None:
    """Refuse a recording that ends before its transcript does; both durations are named.

    Raises
    ------
    UnusableRecording
        If the last turn stops more than a second after the recording.
    """
    end = transcript.end
    if end is not None and facts.duration and end > facts.duration + _SHORTER_SECONDS:
        raise UnusableRecording(
            "audio shorter than its transcript",
            f"the recording lasts {facts.duration:.1f} s, its transcript ends at {end:.1f} s",
            where=where,
            cure="the recording is cut, or the transcript is another interview's",
        )
