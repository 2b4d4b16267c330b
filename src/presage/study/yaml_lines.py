"""Study files whose mistakes are told with their line: where each key stands, and pydantic's errors in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from presage.cohort import InputError, storage

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One mistake in a study.

    Attributes
    ----------
    location
        Keys and positions that lead to it, from the top of the document.
    what, cure
        As in :class:`presage.cohort.InputError`.
    """

    location: Location
    what: str
    cure: str = ""


@dataclass(frozen=True)
class Document:
    """A YAML file's content, and where in the file each part of it stands."""

    where: str
    content: Any
    root: yaml.Node

    def error(self, problem: Problem) -> InputError:
        """The problem with its line."""
        key = ".".join(map(str, problem.location))
        place = f"{self.where}, line {self.line(problem.location)}"
        return InputError(problem.what, where=f"{place}, {key}" if key else place, cure=problem.cure)

    def line(self, location: Location) -> int:
        """The line of what `location` leads to, or of the innermost part of it that is there."""
        node, line = self.root, self.root.start_mark.line
        for step in location:
            if isinstance(node, yaml.MappingNode):
                found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
                if found is None:
                    continue
                line, node = found[0].start_mark.line, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line
        return line + 1


def read_yaml(path: str) -> Document:
    """A YAML file that holds one mapping.

    Raises
    ------
    InputError
        If there is no such file, it is not YAML, not a mapping, or gives a key twice (YAML would keep the last).
    """
    try:
        text = storage.read_bytes(path).decode("utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError("there is no such study file", where=path, cure="check the path") from error
    except UnicodeDecodeError as error:
        raise InputError("the text is not UTF-8", where=path, cure="save the file as UTF-8") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        problem = error.problem or error.context or "unreadable"
        cure = "check indentation, brackets and quotes there; text with `: ` or `#` in it needs quotes"
        raise InputError(f"this is not YAML: {problem}", where=f"{path}{line}", cure=cure) from error
    except yaml.YAMLError as error:
        raise InputError(f"this is not YAML: {error}", where=path) from error
    if not isinstance(root, yaml.MappingNode):
        raise InputError("a study is a mapping of `key: value` lines", where=path, cure="begin with `cohort: FOLDER`")
    _refuse_repeated_keys(root, path)
    return Document(path, content, root)


def problem_of(
    error: ValidationError, model: type[BaseModel], above: Location = (), what: str = "the study"
) -> Problem:
    """The first of pydantic's errors in our words.

    Parameters
    ----------
    error
        What validation raised.
    model
        The class that was validated, for the names that there are.
    above
        Where the validated part stands in the document.
    what
        What is called so in the message.
    """
    first = error.errors()[0]
    location = (*above, *first["loc"])
    name = str(location[-1]) if location else ""
    if first["type"] == "extra_forbidden":
        known = list(_model_at(model, first["loc"][:-1]).model_fields)
        near = get_close_matches(name, known, n=1)
        cure = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}"
        inner = _model_at(model, first["loc"][:-1]) is not model
        return Problem(location, f"unknown setting {name!r} of {first['loc'][-2] if inner else what}", cure)
    if first["type"] == "missing":
        return Problem(location, f"{name} is missing from {what}", f"add `{name}: ...`")
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, InputError):
        return Problem(location, raised.what, raised.cure)
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return Problem(location, f"{name or what} = {first['input']!r}: {message[:1].lower()}{message[1:]}", "")


def gather_settings(given: Mapping[str, Any], own: Sequence[str]) -> dict[str, Any]:
    """An entry with the keys that are not its `own` under ``settings``, where those stand beside its name.

    Raises
    ------
    InputError
        If ``settings`` holds something else than names with values.
    """
    settings = given.get("settings", {})
    if not isinstance(settings, Mapping):
        raise InputError(
            f"settings = {settings!r}: these are no names with values",
            cure="write each setting beside the name, or settings: {NAME: VALUE}; without any leave the key out",
        )
    named = {key: value for key, value in given.items() if key in own}
    beside = {key: value for key, value in given.items() if key not in own}
    return {**named, "settings": {**settings, **beside}}


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
    """The model of the part of `model` that `location` leads to, as far as it is a model itself."""
    for step in location:
        field = model.model_fields.get(str(step))
        inner = field.annotation if field else None
        candidates = [inner, *getattr(inner, "__args__", ())]
        model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), model)
    return model


def _refuse_repeated_keys(node: yaml.Node, path: str) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise InputError(
                    f"the key {key.value!r} is given twice (first in line {seen[key.value]})",
                    where=f"{path}, line {line}",
                    cure="keep one of them",
                )
            seen[key.value] = line
            _refuse_repeated_keys(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_keys(value, path)
