"""The decoder process: reads streams on its standard input, answers with pixels, and may die of either."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from presage.breast.reading.decode import receive, send


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


def main(memory: int) -> None:
    """Answer requests until the other side closes the pipe."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except ImportError:  # no such limits on Windows; the time limit still holds
        pass
    # Native libraries print to the standard output: keep it for answers alone.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            request, data = receive(sys.stdin.buffer)
        except Exception:
            return
        try:
            if available(request):
                send(answers, {}, decoded(request, data))
            else:
                send(answers, {"missing": request["plugin"]}, b"")
        except Exception as error:
            send(answers, {"error": type(error).__name__}, b"")


if __name__ == "__main__":
    main(int(sys.argv[1]))
