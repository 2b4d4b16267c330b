"""What a marker has fitted as files: arrays as safetensors, facts as JSON. No pickle is written or read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from presage.cohort import InputError
from presage.study.folder import Folder
from presage.study.marker import Marker


def write_state(marker: Marker, folder: Folder, base: str) -> list[str]:
    """What a marker has fitted, beside the result of its task; the names of the files."""
    arrays, facts = marker.state()
    folder.write(f"{base}.safetensors", packed(arrays))
    folder.write_text(f"{base}.facts.json", json.dumps(facts, allow_nan=False) + "\n")
    return [f"{base}.safetensors", f"{base}.facts.json"]


def restore_state(marker: Marker, folder: Folder, base: str) -> None:
    """Take back what :func:`write_state` wrote."""
    restore(marker, folder, f"{base}.safetensors", json.loads(folder.read(f"{base}.facts.json")))


def packed(arrays: dict[str, Any]) -> bytes:
    """Arrays by name in the format of safetensors, in the order of their names."""
    return bytes(save({name: np.asarray(array, order="C") for name, array in sorted(arrays.items())}))


def restore(marker: Marker, folder: Folder, name: str, facts: dict[str, Any]) -> None:
    """Give a marker the arrays of a file. Raises InputError where they do not fit it."""
    try:
        marker.restore(load(folder.read(name)), facts)
    except InputError as error:
        raise InputError(error.what, where=error.where or folder.place(name), cure=error.cure) from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(
            f"the saved arrays do not fit the marker: {error}",
            where=folder.place(name),
            cure="copy the folder again, or fit it again",
        ) from error
