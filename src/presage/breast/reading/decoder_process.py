"""The decoder process: reads streams on its standard input, answers with pixels, and may die of either."""

from __future__ import annotations

import os
import struct
import sys
from typing import Any

import numpy as np

from presage.breast.reading.pipes import receive, send


def decoded(request: dict[str, Any], data: bytes) -> bytes:
    """The pixels of one stream as little-endian 16-bit words, signed values in two's complement."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.pixels.utils import pixel_array

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = request["syntax"]
    for name in (
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PhotometricInterpretation",
    ):
        setattr(dataset, name, request[name])
    dataset.SamplesPerPixel = 1
    dataset.PixelData = data
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    values = pixel_array(dataset, raw=True, decoding_plugin=request["plugin"])
    if values.shape != (request["Rows"], request["Columns"]):
        raise ValueError(f"decoded shape {values.shape}")
    unsigned = values.view(f"u{values.dtype.itemsize}")
    return np.ascontiguousarray(unsigned, dtype="<u2").tobytes()


def available(request: dict[str, Any]) -> bool:
    """Whether the decoder that the request names is installed."""
    from pydicom.pixels.decoders.base import get_decoder

    return request["plugin"] in get_decoder(request["syntax"]).available_plugins


def limit_memory(extra: int) -> None:
    """Let the process grow by `extra` bytes of address space and no more (Linux; elsewhere only time is limited)."""
    if not sys.platform.startswith("linux"):
        return
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + extra, hard))


def answer(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    """What to reply to one request."""
    try:
        if not available(request):
            return {"missing": request["plugin"]}, b""
        limit_memory(request["memory"])
        return {}, decoded(request, data)
    except Exception as error:  # whatever a decoder makes of a damaged stream
        return {"error": type(error).__name__}, b""


def main() -> None:
    """Answer requests until the other side closes the pipe."""
    # Native libraries print to the standard output: keep it for answers alone.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            request, data = receive(sys.stdin.buffer)
        except (EOFError, struct.error):
            return
        send(answers, *answer(request, data))


if __name__ == "__main__":
    main()
