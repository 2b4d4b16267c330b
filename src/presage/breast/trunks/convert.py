"""Convert a published PyTorch weights file to safetensors.

``python -m presage.breast.trunks.convert googlenet-1378be20.pth googlenet.safetensors``
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

from presage.cohort import InputError

_USAGE = "usage: python -m presage.breast.trunks.convert NAME-<first 8 digits of SHA-256>.pth OUT.safetensors"


def convert(source: Path, target: Path) -> str:
    """Write the tensors of `source` to `target` and return the SHA-256 (hex) of `source`.

    PyTorch publishes its files with the first 8 hex digits of their SHA-256 in the name; the name must still carry them
    and they must agree, so that what is opened is what was published. Only tensors are unpickled (``weights_only``).

    Raises
    ------
    InputError
        If the file is missing, its name carries no digest, the digest differs, or it holds something other than
        tensors.
    """
    import torch
    from safetensors.torch import save_file

    if not source.is_file():
        raise InputError("there is no such file", where=str(source), cure=_USAGE)
    named = re.search(r"-([0-9a-f]{8,64})\.pth$", source.name)
    if named is None:
        raise InputError(
            "the name does not carry the SHA-256 under which the file was published",
            where=str(source),
            cure="keep the published name, for example googlenet-1378be20.pth",
        )
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    if not digest.startswith(named[1]):
        raise InputError(
            f"SHA-256 starts with {digest[:8]}, the name says {named[1]}",
            where=str(source),
            cure="the file is damaged or another one: download it again",
        )
    try:
        state = torch.load(source, map_location="cpu", weights_only=True)
        tensors = {key: value.contiguous() for key, value in state.items()}
    except Exception as error:
        raise InputError(f"this file is not a table of tensors ({type(error).__name__})", where=str(source)) from error
    save_file(tensors, target)
    return digest


def main(arguments: list[str]) -> int:
    """Command line of the module; returns the exit status."""
    if len(arguments) != 2:
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        digest = convert(Path(arguments[0]), Path(arguments[1]))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{arguments[1]} written; the source's SHA-256 is {digest}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
