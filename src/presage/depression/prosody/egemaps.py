"""The extended Geneva minimalistic acoustic parameter set, eGeMAPSv02, computed by openSMILE.

Source: F. Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for voice research and affective
computing", IEEE Transactions on Affective Computing 7 (2016), 190-202. openSMILE is under audEERING's research licence:
it may be in no commercial product, so it is behind an extra and nothing else needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from presage.cohort import InputError, Recording
from presage.depression.media import RATE, blocks
from presage.depression.prosody.egemaps_names import (
    DESCRIPTORS,
    FUNCTIONALS,
    MIDDLES,
    NOT_VOICED,
    OF_VOICE,
    PITCH,
    VOICED,
)
from presage.depression.prosody.pieces import counted, equal_pieces, stretches_of, with_margins
from presage.study.encoder import Arrays, Encoder

Floats = NDArray[np.float64]

LICENCE = (
    "openSMILE (eGeMAPSv02) is under audEERING's research licence: for research and private use, and in no "
    "commercial product"
)
_HOP = 0.01
_BLOCK_SECONDS = 10.0
# With so much sound on either side a block's frames are those of the whole recording.
_MARGIN_SECONDS = 1.0
# openSMILE gives nothing for less than one of its longest frames.
SHORTEST = 0.06
_LONGEST_PIECE = 60.0
_TURNS = "turns"


class EgemapsFrames(Encoder):
    """The 25 low-level descriptors of the participant's sound, a frame every 10 ms.

    Arrays: ``frames`` (frames, 25) float32, columns :data:`DESCRIPTORS`; ``times`` (frames, 2), openSMILE's begin and
    end of each frame, seconds; ``duration`` (1,), seconds. No frames where the sound is shorter than 60 ms.
    """

    name: ClassVar[str] = "egemaps-frames"
    version: ClassVar[int] = 1
    kind: ClassVar[str] = "audio"

    def identity(self) -> dict[str, Any]:
        """With the version of openSMILE. Raises InputError where it is not installed."""
        return {**super().identity(), "opensmile": opensmile_version()}

    def encode(self, recording: Recording) -> Arrays:
        """See the class. Raises UnusableRecording if the sound cannot be decoded."""
        smile = _smile("LowLevelDescriptors")
        values: list[NDArray[np.float32]] = [np.zeros((0, len(DESCRIPTORS)), dtype=np.float32)]
        times: list[Floats] = [np.zeros((0, 2))]
        seconds = 0.0
        for sound, margin, begins, last in with_margins(_sound(recording), round(_MARGIN_SECONDS * RATE)):
            first, began = round(margin / RATE / _HOP), begins / RATE
            # Of the last block all frames, of the others those that begin in it.
            count = None if last else first + round(_BLOCK_SECONDS / _HOP)
            seconds = began + len(sound) / RATE
            if len(sound) < SHORTEST * RATE:
                continue
            table = smile.process_signal(sound, RATE)
            values.append(table.to_numpy(dtype=np.float32)[first:count])
            spans = [table.index.get_level_values(name).total_seconds() for name in ("start", "end")]
            times.append(began + np.stack(spans, axis=1)[first:count])
        return {"frames": np.concatenate(values), "times": np.concatenate(times), "duration": np.array([seconds])}


class EgemapsTurns(Encoder):
    """The 88 functionals of stretches of the participant's sound; of the whole where none are named.

    :func:`with_turns` names the stretches in the recording's attributes, which are part of the key of a cache. A
    stretch of more than a minute is cut into equal pieces, whose functionals are averaged: so memory does not grow
    with it.

    Arrays: ``turns`` (stretches, 88), columns :data:`FUNCTIONALS`; ``known`` of the same shape, whether there is such a
    number: none of a stretch of less than 60 ms, none of a voice where nothing was voiced; ``duration`` (1,) of the
    recording, seconds.
    """

    name: ClassVar[str] = "egemaps-turns"
    version: ClassVar[int] = 1
    kind: ClassVar[str] = "audio"

    def identity(self) -> dict[str, Any]:
        """With the version of openSMILE. Raises InputError where it is not installed."""
        return {**super().identity(), "opensmile": opensmile_version()}

    def encode(self, recording: Recording) -> Arrays:
        """See the class. Raises UnusableRecording if the sound cannot be decoded."""
        smile = _smile("Functionals")
        turns = _named(recording)
        length = [0]
        sound = counted(_sound(recording), length)
        if turns:
            pieces = stretches_of(sound, turns, RATE, _LONGEST_PIECE)
        else:
            pieces = ((0, piece) for piece in equal_pieces(sound, round(_LONGEST_PIECE * RATE)))
        sums, weights = (np.zeros((max(1, len(turns)), len(FUNCTIONALS))) for _ in range(2))
        for number, piece in pieces:
            if len(piece) >= SHORTEST * RATE:
                row = _missing_as_nan(smile.process_signal(piece, RATE).to_numpy(dtype=np.float64)[0])
                sums[number] += np.where(np.isfinite(row), row, 0) * len(piece)
                weights[number] += np.isfinite(row) * len(piece)
        return {
            "turns": sums / np.maximum(weights, 1),
            "known": weights > 0,
            "duration": np.array([length[0] / RATE]),
        }


def with_turns(recording: Recording, turns: Sequence[tuple[float, float]]) -> Recording:
    """The recording with stretches (start and stop in seconds, at least one) whose functionals are asked for."""
    named = " ".join(f"{max(0.0, start):.3f}-{max(0.0, start, stop):.3f}" for start, stop in turns)
    attributes = {**recording.attributes, _TURNS: named}
    return Recording(recording.patient_id, recording.visit, recording.kind, recording.path, attributes)


def turn_rows(arrays: Mapping[str, NDArray[Any]]) -> Floats:
    """Functionals of each stretch, shape (stretches, 88); NaN where missing (of a voice, where there is none)."""
    return np.where(arrays["known"], arrays["turns"], np.nan)


def descriptors_between(arrays: Mapping[str, NDArray[Any]], start: float, stop: float) -> Floats:
    """Means over a stretch (seconds), shape (26,): the share of frames with voice, and each descriptor.

    What only a voice has is averaged over frames with voice; NaN where there are none. Each descriptor counts where the
    middle of the sound that it was computed of lies in the stretch.
    """
    frames, begins = arrays["frames"].astype(np.float64), arrays["times"][:, 0]
    inside = (begins[:, None] + MIDDLES >= start) & (begins[:, None] + MIDDLES < stop)
    voiced = inside & (frames[:, PITCH] > 0)[:, None]
    counted = np.where(OF_VOICE, voiced, inside)
    number = counted.sum(axis=0)
    mean = np.where(number > 0, np.where(counted, frames, 0).sum(axis=0) / np.maximum(number, 1), np.nan)
    here = inside[:, PITCH].sum()
    share = voiced[:, PITCH].sum() / here if here else np.nan
    return np.concatenate([[share], mean])


def opensmile_version() -> str:
    """The version of openSMILE that is installed.

    Raises
    ------
    InputError
        If there is none; it says how to install it, and the licence.
    """
    try:
        return metadata.version("opensmile")
    except metadata.PackageNotFoundError as error:
        raise InputError(
            f"feature_set: egemaps needs the package opensmile. {LICENCE}",
            where="study, markers",
            cure="pip install 'presage[opensmile]' if the licence suits you, or take feature_set: own or covarep",
        ) from error


def _smile(level: Literal["LowLevelDescriptors", "Functionals"]) -> Any:
    """An extractor; InputError where its features are not those that are named here."""
    version = opensmile_version()
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel[level])
    if tuple(smile.feature_names) != (DESCRIPTORS if level == "LowLevelDescriptors" else FUNCTIONALS):
        raise InputError(
            f"openSMILE {version} names the features of eGeMAPSv02 otherwise", cure="pip install 'presage[opensmile]'"
        )
    return smile


def _named(recording: Recording) -> list[tuple[float, float]]:
    """The stretches that :func:`with_turns` named."""
    pairs = (turn.split("-") for turn in recording.get(_TURNS).split())
    return [(float(start), float(stop)) for start, stop in pairs]


def _sound(recording: Recording) -> Iterator[NDArray[np.float32]]:
    return blocks(recording.path, channel=recording.get("channel"), seconds=_BLOCK_SECONDS)


def _missing_as_nan(row: Floats) -> Floats:
    """What needs a voice is NaN where no frame has one, and what needs a pause where there is none."""
    pitch = row[0]
    gap = row[FUNCTIONALS.index("MeanUnvoicedSegmentLength")]
    return np.where((VOICED & (pitch == 0)) | (NOT_VOICED & (gap == 0)), np.nan, row)
