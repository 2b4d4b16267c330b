"""Recordings from the layout of a folder: PERSON/file, or PERSON/VISIT/file."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import Any

from presage.cohort import InputError, storage
from presage.cohort.tables import some
from presage.depression.kinds import ANSWERS

ENDINGS = {
    **dict.fromkeys(("txt", "csv", "tsv", "srt", "vtt"), "transcript"),
    **dict.fromkeys(("wav", "flac", "mp3", "m4a", "ogg", "opus", "aac", "wma", "aiff", "amr"), "audio"),
    **dict.fromkeys(("mp4", "mov", "mkv", "avi", "mpg", "mpeg", "webm", "wmv", "m4v", "mts"), "video"),
}
# A folder of cases beside one of controls is no folder of persons, and its name would tell the outcome.
_CLASSES = frozenset(
    {"depressed", "depression", "mdd", "md", "case", "cases", "patient", "patients", "control", "controls", "hc"}
    | {"healthy", "normal", "positive", "negative", "nondepressed", "non-depressed", "train", "dev", "test", "0", "1"}
)
_DATE = re.compile(r"(?:19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d.*|[0-3]?\d[-_.][01]?\d[-_.](?:19|20)\d\d.*")
_DIGITS = re.compile(r"(\d+)")


def from_folders(
    root: str, files: list[str], *, allow_names: bool
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Rows of ``recordings.csv``, and files left out with the reason.

    Raises
    ------
    InputError
        If folders look like persons' names or like classes, or two files of a kind and a visit have one name.
    """
    excluded: list[tuple[str, str]] = []
    found: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        *folders, title = file.split("/")
        kind = kind_of(title)
        if title.startswith("."):
            excluded.append((file, "hidden file"))
        elif not kind:
            excluded.append((file, "no transcript, sound or pictures by its ending"))
        elif not folders:
            excluded.append((file, "not in a person's folder"))
        elif len(folders) > 2:
            excluded.append((file, "deeper than PERSON/VISIT"))
        else:
            found[folders[0]][folders[1] if len(folders) == 2 else ""].append((kind, file))
    _refuse_classes(set(found), root)
    if not allow_names:
        _refuse_names(set(found), root)
    rows = []
    for person in sorted(found):
        numbers = _visits(found[person])
        for folder, inside in sorted(found[person].items()):
            tasks = _tasks(person, inside)
            rows += [
                {
                    "patient_id": person,
                    "visit": numbers[folder],
                    "kind": kind,
                    "path": storage.join(root, file),
                    "task": tasks[file],
                    "answer": tasks[file] if tasks[file] in ANSWERS else "",
                }
                for kind, file in inside
            ]
    _refuse_twins(rows, root)
    return rows, excluded


def kind_of(title: str) -> str:
    """The kind of recording by a file's ending; empty where it is none."""
    return ENDINGS.get(title.rsplit(".", 1)[-1].lower() if "." in title else "", "")


def _refuse_classes(names: set[str], root: str) -> None:
    classes = sorted(name for name in names if name.casefold() in _CLASSES)
    if classes and len(names) < 5:
        raise InputError(
            f"the folders {some(classes)} look like classes and not like persons",
            where=root,
            cure="put one folder per person into the source, or list the files with --table",
        )


def _refuse_names(names: set[str], root: str) -> None:
    plain = sorted(name for name in names if not any(letter.isdigit() for letter in name))
    if plain:
        raise InputError(
            f"{len(plain)} of {len(names)} folders have names without any digit, which may be persons' names",
            where=root,
            cure="rename the folders to codes (P001 ...); where they are codes already, say --allow-names",
        )


def _visits(folders: dict[str, Any]) -> dict[str, str]:
    """Number or name of each visit by its folder; dates are replaced by their order."""
    ordered = sorted((name for name in folders if name), key=_natural)
    dated = bool(ordered) and all(_DATE.fullmatch(name) for name in ordered)
    numbers = {name: str(index) if dated else name for index, name in enumerate(ordered, start=1)}
    return {"": "1", **numbers}


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key by which ``week4`` comes before ``week12``."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in _DIGITS.split(name)]


def _tasks(person: str, inside: list[tuple[str, str]]) -> dict[str, str]:
    """Task of each file: empty where a visit has one file of each kind, else what its name says."""
    if max(Counter(kind for kind, _ in inside).values()) == 1:
        return {file: "" for _, file in inside}
    return {file: _stem(person, file) for _, file in inside}


def _stem(person: str, file: str) -> str:
    title = file.rsplit("/", 1)[-1].rsplit(".", 1)[0].lower()
    title = re.sub(rf"^{re.escape(person.lower())}[ _-]+", "", title)
    return re.sub(r"[ _-]+(?:audio|video|transcript|transcription|text)$", "", title)


def _refuse_twins(rows: list[dict[str, Any]], root: str) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for row in rows:
        key = (row["patient_id"], row["visit"], row["kind"], row["task"])
        if key in seen:
            raise InputError(
                f"{row['path'].removeprefix(root)} and {seen[key].removeprefix(root)} are both the {row['kind']} "
                "of one session",
                where=root,
                cure="keep one of them, or give them different names (their names tell the tasks apart)",
            )
        seen[key] = row["path"]
