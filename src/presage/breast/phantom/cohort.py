"""A folder of made-up women, written like any cohort and marked as made up everywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml

from presage.breast.phantom.dicom import Intent
from presage.breast.phantom.picture import VIEWS, write_picture
from presage.breast.phantom.risk import DENSITY_AUC, ORACLE_AUC, Woman, draw_women
from presage.breast.phantom.shape import View
from presage.cohort import Cohort, InputError

Size = Literal["demo", "full"]
SPACING_MM: dict[str, float] = {"demo": 0.25, "full": 0.1}

# Raise it whenever the same settings give another picture: an older cohort is then no longer taken for a finished one.
VERSION = 1
SETTINGS_FILE = "phantom.json"
ORACLE_FILE = "oracle.csv"

_DESCRIPTION = (
    "PHANTOM: {women} made-up women ({pairs} cases, {pairs} controls matched on age), one CC and one MLO view of one "
    "breast each, seed {seed}. Risk is planted in the texture of the tissue and weakly in its density: the best "
    "possible AUC is {oracle:.2f}, density alone reaches {density:.2f}. Nothing here says anything about people."
)


def make_phantom(
    folder: str | Path,
    *,
    women: int = 226,
    seed: int = 2020,
    size: Size = "demo",
    intent: Intent = "for-presentation",
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Cohort:
    """Write a phantom cohort, or go on with one that was interrupted, and read it.

    The folder gets ``patients.csv``, ``recordings.csv``, ``cohort.yaml`` (``phantom: true``), ``images/*.dcm``,
    ``oracle.csv`` (what only the maker knows: true risk and true density; never read by a study) and ``phantom.json``
    (the settings). Equal settings give equal bytes, whatever the number of workers.

    Parameters
    ----------
    folder
        Where to write; made if it is not there. A finished cohort of the same settings is read as it is.
    women
        Even; half of them are cases.
    seed
        Decides everything random.
    size
        ``demo``: 0.25 mm per pixel; ``full``: 0.1 mm per pixel.
    intent
        ``for-presentation``, or ``for-processing`` (linear exposure, as detectors give it).
    workers
        Threads; by default one per processor. (Almost all the work is done outside Python's lock.)
    progress
        Called with (pictures done, pictures in all) after each.

    Raises
    ------
    InputError
        If the number of women or the size cannot be, or the folder holds something else.
    """
    if size not in SPACING_MM:
        raise InputError(
            f"there is no phantom of size {size!r}", cure="size is demo (0.25 mm per pixel) or full (0.1 mm)"
        )
    if intent not in ("for-presentation", "for-processing"):
        raise InputError(f"there is no intent {intent!r}", cure="intent is for-presentation or for-processing")
    root = Path(folder)
    drawn = draw_women(women, seed)
    settings = {"version": VERSION, "women": women, "seed": seed, "size": size, "intent": intent}
    _claim(root, settings)
    if not _complete(root, drawn):
        (root / "images").mkdir(exist_ok=True)
        _write_pictures(root, drawn, settings, workers or os.cpu_count() or 1, progress)
        _write_tables(root, drawn, settings)
    return Cohort.read(str(root))


def _claim(root: Path, settings: dict[str, Any]) -> None:
    """Take the folder for these settings, unless it holds anything else."""
    path = root / SETTINGS_FILE
    if path.exists():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if found != settings:
            raise InputError(
                f"the folder holds a phantom cohort of other settings: {found}; asked for: {settings}",
                where=str(root),
                cure="name another folder, or delete this one",
            )
        return
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InputError("the folder is not empty", where=str(root), cure="name a new folder for the phantom cohort")
    root.mkdir(parents=True, exist_ok=True)
    _write_text(path, json.dumps(settings, indent=1) + "\n")


def _complete(root: Path, women: Sequence[Woman]) -> bool:
    # cohort.yaml is written last.
    return (root / "cohort.yaml").exists() and all((root / _image(w, view)).exists() for w in women for view in VIEWS)


def _image(woman: Woman, view: View) -> str:
    return f"images/{woman.patient_id}_{woman.laterality}_{view}.dcm"


def _write_pictures(
    root: Path,
    women: Sequence[Woman],
    settings: dict[str, Any],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    identity = json.dumps(settings, sort_keys=True)
    spacing, seed, intent = SPACING_MM[settings["size"]], settings["seed"], settings["intent"]
    todo = [(w, view) for w in women for view in VIEWS if not (root / _image(w, view)).exists()]
    total = len(women) * len(VIEWS)
    done = total - len(todo)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        waiting: set[Future[None]] = {
            pool.submit(write_picture, root / _image(w, view), w, view, seed, spacing, intent, identity)
            for w, view in todo
        }
        try:
            while waiting:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                    done += 1
                    if progress is not None:
                        progress(done, total)
        except BaseException as stopped:
            # A full disk or Ctrl-C: do not make the remaining pictures first. What is written stays for the next call.
            pool.shutdown(wait=False, cancel_futures=True)
            if isinstance(stopped, OSError):
                raise InputError(
                    f"a picture could not be written after {done} of {total}: {stopped.strerror or stopped}",
                    where=str(root),
                    cure="free some space (226 women need 0.7 GB at demo size, 4.5 GB at full size) and call it again: "
                    "it goes on where it stopped",
                ) from stopped
            raise
    # What a killed run left half written.
    for unfinished in (root / "images").glob(".*.part"):
        unfinished.unlink(missing_ok=True)


def _write_tables(root: Path, women: Sequence[Woman], settings: dict[str, Any]) -> None:
    patients = pd.DataFrame(
        {
            "patient_id": [w.patient_id for w in women],
            "cancer": [w.cancer for w in women],
            "age": [w.age for w in women],
            "bi_rads_density": [w.bi_rads_density for w in women],
            "site": [w.site for w in women],
            "match_set": [w.match_set for w in women],
        }
    )
    oracle = pd.DataFrame(
        {
            "patient_id": [w.patient_id for w in women],
            "oracle_risk": [round(w.oracle_risk, 6) for w in women],
            "percent_density": [round(100 * w.percent_density, 3) for w in women],
            "texture": [round(w.texture, 6) for w in women],
            "vendor": [w.vendor for w in women],
        }
    )
    recordings = pd.DataFrame(
        [
            {
                "patient_id": w.patient_id,
                "visit": "1",
                "kind": "mammogram",
                "path": _image(w, view),
                "laterality": w.laterality,
                "view": view,
                "spacing_mm": SPACING_MM[settings["size"]],
                "origin": settings["intent"],
            }
            for w in women
            for view in VIEWS
        ]
    )
    for name, table in (("patients.csv", patients), (ORACLE_FILE, oracle), ("recordings.csv", recordings)):
        _write_text(root / name, table.to_csv(index=False, lineterminator="\n"))
    about = {
        "name": "Phantom mammograms (made up)",
        "description": _DESCRIPTION.format(
            women=len(women), pairs=len(women) // 2, seed=settings["seed"], oracle=ORACLE_AUC, density=DENSITY_AUC
        ),
        "phantom": True,
        "outcomes": ["cancer"],
    }
    _write_text(root / "cohort.yaml", yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=120))


def _write_text(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)
