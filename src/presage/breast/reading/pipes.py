"""Messages between the reader and its decoder process. Imports nothing heavy: the process must start fast."""

from __future__ import annotations

import json
import struct
from typing import IO, Any


def send(stream: IO[bytes], message: dict[str, Any], payload: bytes) -> None:
    """Write one message: two lengths, JSON, bytes."""
    header = json.dumps(message).encode()
    stream.write(struct.pack("<IQ", len(header), len(payload)) + header)
    stream.write(payload)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Read one message. Raises EOFError or struct.error where the other side ended."""
    header_size, payload_size = struct.unpack("<IQ", stream.read(12))
    message = json.loads(stream.read(header_size))
    payload = stream.read(payload_size)
    if len(payload) != payload_size:
        raise EOFError("the other side ended within a message")
    return message, payload
