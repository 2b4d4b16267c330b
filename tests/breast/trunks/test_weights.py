"""Weights: found, checked before they are opened, refused when they do not fit."""

from __future__ import annotations

import hashlib
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from presage.breast.trunks import trunk_named
from presage.breast.trunks import weights as weights_module
from presage.breast.trunks.convert import convert, main
from presage.breast.trunks.weights import PACKAGED, find_weights, weights_digest
from presage.cohort import InputError


@pytest.fixture
def googlenet_file(tmp_path: Path) -> Path:
    """Random weights under torchvision's names, auxiliary classifiers included."""
    torch.manual_seed(0)
    state = {key: value.contiguous() for key, value in trunk_named("googlenet").build().state_dict().items()}
    state["aux1.fc1.weight"] = torch.zeros(4, 4)
    save_file(state, tmp_path / "googlenet.safetensors")
    return tmp_path / "googlenet.safetensors"


def test_a_local_file_fills_the_network(googlenet_file: Path) -> None:
    network, found = trunk_named("googlenet").load(googlenet_file)
    torch.manual_seed(0)
    expected = trunk_named("googlenet").build()
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), expected.parameters(), strict=True))
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert found.digest == hashlib.sha256(googlenet_file.read_bytes()).hexdigest()
    assert weights_digest("googlenet", googlenet_file) == found.digest


def test_the_wrong_trunk_is_refused_with_the_first_mismatches(googlenet_file: Path) -> None:
    with pytest.raises(InputError, match=r"do not fit the trunk: .*is missing.*more") as caught:
        trunk_named("efficientnet-lite0").load(googlenet_file)
    assert caught.value.where == str(googlenet_file)


def test_another_width_is_refused_by_shape(tmp_path: Path) -> None:
    state = {key: value.contiguous() for key, value in trunk_named("efficientnet-lite2").build().state_dict().items()}
    save_file(state, tmp_path / "lite2.safetensors")
    with pytest.raises(InputError, match=r"has shape \(.*\) instead of \("):
        trunk_named("efficientnet-lite0").load(tmp_path / "lite2.safetensors")


def test_a_file_without_a_head_serves(tmp_path: Path) -> None:
    state = {k: v.contiguous() for k, v in trunk_named("googlenet").build().state_dict().items()}
    save_file({k: v for k, v in state.items() if not k.startswith("fc.")}, tmp_path / "headless.safetensors")
    trunk_named("googlenet").load(tmp_path / "headless.safetensors")


def test_weights_that_are_not_finite_are_refused(googlenet_file: Path, tmp_path: Path) -> None:
    state = dict(find_weights("googlenet", googlenet_file).tensors)
    state["conv1.conv.weight"] = torch.full_like(state["conv1.conv.weight"], torch.nan)
    save_file(state, tmp_path / "nan.safetensors")
    with pytest.raises(InputError, match=r"NaN or infinity: conv1\.conv\.weight"):
        trunk_named("googlenet").load(tmp_path / "nan.safetensors")


@pytest.mark.parametrize("content", [b"", b"not safetensors", pickle.dumps({"a": 1})])
def test_a_file_that_is_not_safetensors_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable safetensors file"):
        find_weights("googlenet", path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such weights file"):
        weights_digest("googlenet", tmp_path / "nowhere.safetensors")


def test_a_changed_package_is_refused_before_it_is_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packaged = PACKAGED["efficientnet-lite0"]
    changed = tmp_path / packaged.file
    changed.parent.mkdir(parents=True)
    changed.write_bytes(b"malice")
    monkeypatch.setattr(weights_module.resources, "files", lambda package: tmp_path)
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("opened before it was checked"))
    with pytest.raises(InputError, match="not the ones known here"):
        find_weights("efficientnet-lite0")


def test_googlenet_without_torchvision_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(InputError, match=r"presage\.breast\.trunks\.convert") as caught:
        find_weights("googlenet")
    assert "efficientnet-lite0" in caught.value.cure


def test_googlenet_from_torchvision(monkeypatch: pytest.MonkeyPatch, googlenet_file: Path) -> None:
    tensors = find_weights("googlenet", googlenet_file).tensors
    entry = SimpleNamespace(name="IMAGENET1K_V1", get_state_dict=lambda **settings: tensors)
    models = SimpleNamespace(GoogLeNet_Weights=SimpleNamespace(IMAGENET1K_V1=entry))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    network, found = trunk_named("googlenet").load()
    assert found.source == "torchvision IMAGENET1K_V1"
    assert torch.equal(network.state_dict()["fc.bias"], tensors["fc.bias"])


def published(tmp_path: Path, state: object) -> Path:
    """A file named after its own SHA-256, as PyTorch publishes them."""
    draft = tmp_path / "draft.pth"
    torch.save(state, draft)
    digest = hashlib.sha256(draft.read_bytes()).hexdigest()
    return draft.rename(tmp_path / f"googlenet-{digest[:8]}.pth")


def test_convert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = published(tmp_path, trunk_named("googlenet").build().state_dict())
    target = tmp_path / "googlenet.safetensors"
    assert main([str(source), str(target)]) == 0
    assert "written" in capsys.readouterr().out
    trunk_named("googlenet").load(target)


def test_convert_refuses_what_was_not_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out.safetensors"
    plain = tmp_path / "googlenet.pth"
    torch.save({}, plain)
    with pytest.raises(InputError, match="does not carry the SHA-256"):
        convert(plain, target)
    with pytest.raises(InputError, match="the name says 1378be20"):
        convert(plain.rename(tmp_path / "googlenet-1378be20.pth"), target)
    with pytest.raises(InputError, match="not a table of tensors"):
        convert(published(tmp_path, SimpleNamespace(code=print)), target)
    assert main([str(tmp_path / "nowhere-12345678.pth"), str(target)]) == 1
    assert main([]) == 2
    assert not target.exists()
    assert "usage" in capsys.readouterr().err
