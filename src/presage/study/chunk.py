"""One chunk of recordings as the worker that encodes it sees it; :mod:`presage.study.encoding` hands them out."""

from __future__ import annotations

import json
import time
from functools import lru_cache

from presage.cohort import InputError, Recording
from presage.study.cache import EncoderCache
from presage.study.encoder import Encoder
from presage.study.folder import folder_at
from presage.study.plan import MarkerPlan
from presage.study.task import Task

#: Below the run folder.
FOLDER = "encode"


def encode_chunk(task: Task) -> None:
    """Do a task of :class:`presage.study.encoding.EncodeAsTasks` and write why recordings could not be used."""
    folder = folder_at(task.run)
    done = answer_of(task.digest)
    if folder.exists(done):
        return  # whoever did it died before it could say so
    began = time.monotonic()
    document = json.loads(folder.read(f"{FOLDER}/{task.digest}.json"))
    known_by = {entry["path"]: entry.pop("known_by") for entry in document["recordings"]}
    recordings = [Recording(**entry) for entry in document["recordings"]]
    encoder = _built(json.dumps(document["marker"]), document["encoder"])
    if encoder.fingerprint() != document["fingerprint"]:
        raise InputError(
            "this encoder is another one here than where the study was started",
            where=f"encoder {encoder.name!r}",
            cure="install the same versions and the same weights on every machine",
        )
    unusable = _cache(document["cache"]).encode_missing(encoder, recordings, threads=max(1, int(task.cpus)))
    reasons = {known_by[path]: error.reason for path, error in unusable.items()}
    answer = {"unusable": reasons, "seconds": round(time.monotonic() - began, 3)}
    folder.write_text(done, json.dumps(answer) + "\n")


def answer_of(digest: str) -> str:
    """The file that says that a chunk is done, and which of its recordings cannot be used."""
    return f"{FOLDER}/{digest}.done.json"


@lru_cache(maxsize=8)
def _built(plan: str, place: int) -> Encoder:
    """Kept: it may hold a network."""
    return MarkerPlan.model_validate_json(plan).build().encoders()[place]


@lru_cache(maxsize=1)
def _cache(address: str) -> EncoderCache:
    return EncoderCache(address)
