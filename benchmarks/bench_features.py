"""How fast sound and video become features on one core, and whether memory grows with the recording.

    OMP_NUM_THREADS=1 python benchmarks/bench_features.py [--seconds 60] [--minutes 20]

Prints times real time (seconds of recording for one second of work) for each set of acoustic features (own,
eGeMAPSv02 as frames and as functionals of turns of 20 s, after COVAREP), voice activity and face landmarks, and the
peak memory of a process that encodes one minute of made-up voice and one that encodes `--minutes`. The load average is
printed with them. eGeMAPSv02 needs openSMILE (extra ``opensmile``, research licence).
Faces need a video of a person: ``face_speech/baseline.mp4`` below PRESAGE_DATA, and the networks of ``presage fetch
face``; without them that row says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

RATE = 16_000


def voice(path: Path, seconds: float) -> Path:
    """Made-up speech, written piece by piece."""
    import soundfile

    from presage.depression.phantom.voice import Manner, say

    how = Manner(pitch=150, melody=2.0, syllables_per_second=4.5, pause=0.5, level=0.2, breath=0.05)
    sentences = ["I usually have coffee in the morning.", "We went for a walk by the river and had a good laugh."] * 6
    piece, _ = say(sentences, how, np.random.default_rng(1))
    left = round(seconds * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        while left > 0:
            file.write(piece[:left])
            left -= len(piece)
    return path


def prosody(path: Path) -> None:
    from presage.cohort import Recording
    from presage.depression.prosody.encoder import ProsodyFrames

    ProsodyFrames().encode(Recording("X", "1", "audio", str(path)))


def covarep(path: Path) -> None:
    from presage.cohort import Recording
    from presage.depression.prosody.covarep_encoder import CovarepFrames

    CovarepFrames().encode(Recording("X", "1", "audio", str(path)))


def egemaps_frames(path: Path) -> None:
    from presage.cohort import Recording
    from presage.depression.prosody.egemaps import EgemapsFrames

    EgemapsFrames().encode(Recording("X", "1", "audio", str(path)))


def egemaps_turns(path: Path) -> None:
    import soundfile

    from presage.cohort import Recording
    from presage.depression.prosody.egemaps import EgemapsTurns, with_turns

    seconds = soundfile.info(str(path)).duration
    turns = [(start, min(start + 20, seconds)) for start in np.arange(0, seconds, 20).tolist()]
    EgemapsTurns().encode(with_turns(Recording("X", "1", "audio", str(path)), turns))


def activity(path: Path) -> None:
    from presage.depression.media import blocks
    from presage.depression.speech.activity import speech_probability, stretches

    stretches(speech_probability(blocks(str(path))))


def face(path: Path) -> None:
    from presage.cohort import Recording
    from presage.depression.face.encoder import FaceTrack

    FaceTrack(fps=30).encode(Recording("X", "1", "video", str(path)))


def timed(work: Callable[[Path], None], path: Path) -> tuple[float, float]:
    """Wall and processor seconds of the second call: the first one loads libraries and networks."""
    work(path)
    wall, processor = time.perf_counter(), time.process_time()
    work(path)
    return time.perf_counter() - wall, time.process_time() - processor


def peak(work: str, path: Path) -> float:
    """Peak memory (MiB) of a fresh process that does this."""
    done = subprocess.run(
        [sys.executable, __file__, "--only", work, str(path)], capture_output=True, text=True, check=True, timeout=3600
    )
    return float(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--only", nargs=2, default=None, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    works: dict[str, Callable[[Path], None]] = {
        "prosody (own)": prosody,
        "covarep": covarep,
        "egemaps, frames": egemaps_frames,
        "egemaps, turns": egemaps_turns,
        "activity": activity,
        "face": face,
    }
    heard = [name for name in works if name != "face" and (_has_opensmile() or not name.startswith("egemaps"))]
    if chosen.only:
        works[chosen.only[0]](Path(chosen.only[1]))
        # Not getrusage: a child begins with its parent's peak.
        status = Path("/proc/self/status").read_text()
        print(float(status.split("VmHWM:")[1].split()[0]) / 1024)
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as scratch:
        short, minute = voice(Path(scratch) / "a.wav", chosen.seconds), voice(Path(scratch) / "m.wav", 60)
        long = voice(Path(scratch) / "b.wav", 60 * chosen.minutes)
        print(f"one core; {chosen.seconds:g} s of made-up voice; load average {_load()}\n")
        print("| features | x real time (wall) | x real time (processor) |\n|---|---|---|")
        for name in heard:
            wall, processor = timed(works[name], short)
            print(f"| {name} | {chosen.seconds / wall:.1f} | {chosen.seconds / processor:.1f} |", flush=True)
        if not _has_opensmile():
            print("| egemaps | openSMILE is not installed | |")
        print(_face_row())
        print(f"\nload average {_load()}")
        print(f"\n| peak memory, MiB | 1 min | {chosen.minutes:g} min | ratio |\n|---|---|---|---|")
        for name in heard:
            small, large = peak(name, minute), peak(name, long)
            print(f"| {name} | {small:.0f} | {large:.0f} | {large / small:.2f} |", flush=True)


def _has_opensmile() -> bool:
    return importlib.util.find_spec("opensmile") is not None


def _load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def _face_row() -> str:
    from presage.cohort import InputError
    from presage.depression.media import media_facts

    data = os.environ.get("PRESAGE_DATA")
    video = Path(data or "") / "face_speech" / "baseline.mp4"
    if not data or not video.exists():
        return "| face, 30 fps | no video (PRESAGE_DATA) | |"
    try:
        wall, processor = timed(face, video)
    except InputError as error:
        return f"| face, 30 fps | {error.what} | |"
    facts = media_facts(str(video))
    name = f"face, {facts.fps:g} fps, {facts.width} x {facts.height}"
    return f"| {name} | {facts.duration / wall:.2f} | {facts.duration / processor:.2f} |"


if __name__ == "__main__":
    main()
