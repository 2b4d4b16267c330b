"""How long a WAV file says it is: FFmpeg tells how long it came out, so that a cut copy would look whole."""

from __future__ import annotations

import struct

from presage.cohort import storage

_HEAD = 1 << 16
# What recorders write that do not know the length yet.
_UNKNOWN = 0x7FFFF000


def wav_seconds(path: str) -> float | None:
    """Seconds by the header of a WAV file; None where it is another format or the header does not know."""
    try:
        with storage.open_file(path) as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    position, bytes_per_second = 12, 0
    while position + 8 <= len(head):
        name, size = head[position : position + 4], struct.unpack_from("<I", head, position + 4)[0]
        if name == b"fmt " and position + 20 <= len(head):
            bytes_per_second = struct.unpack_from("<I", head, position + 16)[0]
        elif name == b"data":
            return size / bytes_per_second if bytes_per_second and 0 < size < _UNKNOWN else None
        position += 8 + size + size % 2
    return None
