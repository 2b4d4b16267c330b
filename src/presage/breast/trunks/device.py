"""Whether torch can use the device that a study names."""

from __future__ import annotations

from presage.cohort import InputError


def check_device(device: str) -> None:
    """Raise InputError unless torch can put a number on `device`."""
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # a torch without CUDA asserts
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"the device {device!r} cannot be used: {reason}",
            where="device",
            cure="write `device: cpu`, or install a torch for this GPU and its driver",
        ) from error
