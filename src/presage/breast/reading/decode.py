"""Compressed pixels, decoded in a guarded process: a damaged stream may crash a native decoder, never the study."""

from __future__ import annotations

import atexit
import os
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from presage.breast.reading.header import text, whole
from presage.breast.reading.pipes import receive, send
from presage.cohort import InputError, UnusableRecording

#: One decoder for each transfer syntax, and no other in its place: two may differ in the last bit of a lossy stream.
DECODERS = {
    "1.2.840.10008.1.2.5": "pydicom",  # RLE lossless
    "1.2.840.10008.1.2.4.50": "gdcm",  # JPEG baseline, 8 bit
    "1.2.840.10008.1.2.4.51": "gdcm",  # JPEG extended, of 8 bits alone
    "1.2.840.10008.1.2.4.57": "gdcm",  # JPEG lossless, process 14
    "1.2.840.10008.1.2.4.70": "gdcm",  # JPEG lossless, process 14, selection value 1
    "1.2.840.10008.1.2.4.80": "pyjpegls",  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.81": "pyjpegls",  # JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.90": "pylibjpeg",  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91": "pylibjpeg",  # JPEG 2000
    "1.2.840.10008.1.2.4.201": "pylibjpeg",  # High-throughput JPEG 2000 lossless
    "1.2.840.10008.1.2.4.202": "pylibjpeg",
    "1.2.840.10008.1.2.4.203": "pylibjpeg",
}
_JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
_NUMBERS = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")
# Good files take about 0.3 microseconds a pixel; a damaged stream may keep a decoder busy for ever.
SECONDS, SECONDS_PER_PIXEL = 15.0, 3e-6
# Beyond what the process needs by itself: decoders hold the image a few times over, as 32-bit numbers.
MEMORY_BYTES, MEMORY_BYTES_PER_PIXEL = 256 << 20, 40

# Lossless compression of a mammogram reaches 2 to 20 pixels a byte; an empty film under 1000.
_MOST_PIXELS_PER_BYTE = 4000

_idle: list[_Helper] = []
_of_parent: list[_Helper] = []
_lock = threading.Lock()


def is_compressed(transfer_syntax: str) -> bool:
    """Whether pixels of this transfer syntax are decoded here."""
    return transfer_syntax in DECODERS


def decode(dataset: Dataset, transfer_syntax: str, rows: int, columns: int) -> NDArray[np.uint16]:
    """Stored values (rows, columns) of the single frame, as unsigned words.

    Raises
    ------
    UnusableRecording
        "pixels cannot be decoded" when the decoder refuses the stream, crashes, or exceeds its time or memory.
    InputError
        When the decoding package is not installed.
    """
    data = dataset.PixelData
    if not isinstance(data, bytes) or not data:
        raise UnusableRecording("no pixel data", "Pixel Data (7FE0,0010) is empty")
    if rows * columns > _MOST_PIXELS_PER_BYTE * len(data):
        raise UnusableRecording(
            "absurd image size",
            f"the header says {rows} x {columns} pixels, and the compressed stream has {len(data)} bytes",
            cure="the file is damaged; copy it again from its source",
        )
    if transfer_syntax == _JPEG_EXTENDED and whole(dataset, "BitsStored", default=8) != 8:
        raise UnusableRecording(
            "12-bit lossy JPEG",
            "JPEG Extended with more than 8 bits has no decoder of a licence that this package can use",
            cure="convert the file first, e.g. with dcmdjpeg of the DICOM toolkit DCMTK",
        )
    seconds = SECONDS + SECONDS_PER_PIXEL * rows * columns
    request: dict[str, Any] = {name: whole(dataset, name, default=0) for name in _NUMBERS} | {
        "syntax": transfer_syntax,
        "plugin": DECODERS[transfer_syntax],
        "memory": MEMORY_BYTES + MEMORY_BYTES_PER_PIXEL * rows * columns,
        "PhotometricInterpretation": text(dataset, "PhotometricInterpretation").upper(),
    }
    helper = _take()
    try:
        reply, payload = helper.ask(request, data, seconds)
    except (OSError, EOFError, struct.error, ValueError) as error:
        late = helper.end()
        what = f"took more than {seconds:.0f} s" if late else "crashed on it"
        raise _undecodable(f"the decoder {what}") from error
    except BaseException:
        helper.end()
        raise
    _give_back(helper)
    if "missing" in reply:
        raise InputError(
            f"the decoder {reply['missing']} for transfer syntax {transfer_syntax} is not installed",
            cure="pip install 'presage[breast]'",
        )
    if "error" in reply:
        raise _undecodable(f"the decoder refuses the stream ({reply['error']})")
    if len(payload) != 2 * rows * columns:
        raise _undecodable("the stream holds another number of pixels than the header says")
    return np.frombuffer(payload, "<u2").reshape(rows, columns)


def _undecodable(what: str) -> UnusableRecording:
    return UnusableRecording(
        "pixels cannot be decoded", what, cure="copy the file again from its source; it may be damaged"
    )


class _Helper:
    """A decoder process and the pipes to it; used by one thread at a time."""

    def __init__(self) -> None:
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "presage.breast.reading.decoder_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self.timed_out = False

    def ask(self, request: dict[str, Any], data: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Send one stream and wait for its pixels."""
        watchdog = threading.Timer(seconds, self._expire)
        watchdog.daemon = True
        watchdog.start()
        try:
            send(cast(IO[bytes], self.process.stdin), request, data)
            return receive(cast(IO[bytes], self.process.stdout))
        finally:
            watchdog.cancel()

    def _expire(self) -> None:
        self.timed_out = True
        self.process.kill()

    def end(self) -> bool:
        """End the process; say whether it was ended for its time."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # what was still to be sent has no reader any more
                cast(IO[bytes], pipe).close()
        return self.timed_out


def _take() -> _Helper:
    with _lock:
        return _idle.pop() if _idle else _Helper()


def _give_back(helper: _Helper) -> None:
    with _lock:
        _idle.append(helper)


@atexit.register
def _end_all() -> None:
    with _lock:
        while _idle:
            _idle.pop().end()


def _after_fork() -> None:
    """Leave the parent's helpers to the parent; another of its threads may hold the lock."""
    global _lock
    _lock = threading.Lock()
    _of_parent.extend(_idle)
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
