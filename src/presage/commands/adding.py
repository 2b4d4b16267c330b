"""The pages that a study ends with: made anew when their files, settings or findings have changed, else left alone."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from presage.cohort import InputError
from presage.commands.fields import write_pages
from presage.findings import Findings
from presage.study import Study
from presage.study.folder import Folder
from presage.study.pages import FOLDER, PagesPlan, stamp_of

_DONE = "pages.json"


def add_pages(study: Study, folder: Folder, findings: Findings) -> list[str]:
    """Make the pages that a study names, below ``pages/NAME`` of its run folder; the address of each main page.

    A stop at any moment leaves pages that the next start makes again; files are made aside and copied when whole. What
    lies below ``pages/`` and no entry names any more is removed first, with the key to its codes.

    Raises
    ------
    InputError
        If their files cannot be used: the findings are written all the same.
    """
    _remove_others(folder, {plan.pages for plan in study.pages})
    written = []
    for plan in study.pages:
        try:
            written.append(_added(plan, folder, findings))
        except InputError as error:
            kept = "the findings are written, and do not need these pages"
            cure = "\n".join(part for part in (error.cure, kept) if part)
            raise InputError(error.what, where=error.where or f"pages: {plan.pages}", cure=cure) from error
    return written


def _remove_others(folder: Folder, named: set[str]) -> None:
    """Remove pages that the study names no more; the fitted markers beside them stay while it names any."""
    from presage.study.fitted import FITTED

    kept = {*named, FITTED} if named else set()
    for name in sorted({name.split("/")[1] for name in folder.sizes(FOLDER)} - kept):
        folder.remove_tree(f"{FOLDER}/{name}")
        folder.remove(f"{FOLDER}/{name}")  # where it is a file
    if not named:
        folder.remove_tree(FOLDER)


def _added(plan: PagesPlan, folder: Folder, findings: Findings) -> str:
    from presage.study.finished import code_of
    from presage.study.finished_run import finished_run
    from presage.study.fitted import remove_stale
    from presage.study.progress import terminal_progress

    below = f"{FOLDER}/{plan.pages}"
    stamp = stamp_of(plan, findings.to_json(), code_of([plan.kind]))
    done = _done(folder, below)
    if done is not None and done["made_from"] == stamp:
        return folder.place(f"{below}/{done['main']}")
    progress = terminal_progress()
    with tempfile.TemporaryDirectory() as scratch:
        aside = Path(scratch)
        finished = finished_run(folder, findings)
        remove_stale(finished.run, FOLDER)
        pages = write_pages(plan.build().make(finished, aside, progress))
        main = pages[0].relative_to(aside).as_posix()
        names = sorted(path.relative_to(aside).as_posix() for path in aside.rglob("*") if path.is_file())
        # Pages of somebody who has left the study must not stay.
        folder.remove_tree(below)
        for name in names:
            folder.write(f"{below}/{name}", (aside / name).read_bytes())
    document = {"main": main, "made_from": stamp, "files": folder.sizes(below)}
    folder.write_text(f"{below}/{_DONE}", json.dumps(document, indent=1, sort_keys=True) + "\n")
    return folder.place(f"{below}/{main}")


def _done(folder: Folder, below: str) -> dict[str, str] | None:
    """What was made, where all of it is still there."""
    try:
        done = json.loads(folder.read(f"{below}/{_DONE}"))
        there = {name: size for name, size in folder.sizes(below).items() if not name.endswith(_DONE)}
        return done if done["files"] == there else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
