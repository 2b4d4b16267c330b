"""What a study says about tuning: which settings of a marker are tried, how often, and on which inner score."""

from __future__ import annotations

import math
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.util import find_spec
from itertools import product
from types import UnionType
from typing import Any, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_serializer, model_validator

from presage.cohort import InputError
from presage.cohort.outcome import Kind
from presage.study.marker import Marker
from presage.study.yaml_lines import Location, Problem, problem_of

Score = Literal["auc", "brier", "log-loss", "mae", "concordance"]

#: Kinds of outcome that each score judges.
_JUDGES: dict[str, tuple[Kind, ...]] = {
    "auc": ("binary", "scale"),
    "brier": ("binary",),
    "log-loss": ("binary",),
    "mae": ("scale",),
    "concordance": ("time-to-event",),
}
#: Scores that read the marker's numbers as risks.
_OF_RISKS = ("brier", "log-loss")
#: Combinations of choices whose recordings are prepared before any task.
MOST_VARIANTS = 256


class Values(BaseModel):
    """The values of one setting: a range (`low`, `high`, perhaps `log` or `step`), or a list (`choice`).

    Attributes
    ----------
    low, high
        Ends of the range, both tried. Whole numbers where the setting is one, or where both are and it may be either.
    log
        Whether equal ratios are as likely as each other, instead of equal differences.
    step
        Distance between the values tried.
    choice
        The values to try, instead of a range.
    """

    model_config = ConfigDict(extra="forbid")

    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    step: float | int | None = Field(default=None, gt=0)
    choice: list[Any] | None = None

    @model_validator(mode="after")
    def _range_or_choice(self) -> Self:
        ends = (self.low, self.high)
        if self.choice is not None:
            if ends != (None, None) or self.log or self.step is not None:
                raise InputError("a choice and a range are given together", cure="keep `choice`, or `low` and `high`")
            if len(self.choice) < 2 or any(self.choice.count(value) > 1 for value in self.choice):
                raise InputError("a choice is a list of at least two different values", cure="e.g. {choice: [CC, MLO]}")
            return self
        if self.low is None or self.high is None:
            raise InputError("a range has a `low` and a `high`", cure="{low: 1, high: 10} or {choice: [a, b]}")
        if not (math.isfinite(self.low) and math.isfinite(self.high)) or self.low >= self.high:
            raise InputError(f"the range from {self.low:g} to {self.high:g} is empty", cure="low must be below high")
        if self.log and self.low <= 0:
            raise InputError(f"a logarithmic range cannot begin at {self.low:g}", cure="low must be above 0")
        if self.log and self.step is not None:
            raise InputError("a logarithmic range has no step", cure="leave out `step` or `log`")
        return self

    @model_serializer
    def _given(self) -> dict[str, Any]:
        told = {"low": self.low, "high": self.high, "step": self.step, "choice": self.choice}
        return {key: value for key, value in told.items() if value is not None} | ({"log": True} if self.log else {})

    def ends(self) -> tuple[float | int, float | int]:
        """Low and high of a range."""
        assert self.low is not None
        assert self.high is not None
        return self.low, self.high

    def place_of(self, value: Any) -> float | int | None:
        """The value as the sampler knows it: itself, or its position in the list; None where it is not among them."""
        if self.choice is not None:
            return self.choice.index(value) if value in self.choice else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        low, high = self.ends()
        steps = 0.0 if self.step is None else (value - low) / self.step
        return value if low <= value <= high and abs(steps - round(steps)) < 1e-9 else None

    def words(self) -> str:
        """The values as a reader sees them: ``2 to 40, logarithmic``, or ``CC, MLO, both``."""
        if self.choice is not None:
            return ", ".join(map(str, self.choice))
        extra = ", logarithmic" if self.log else f", in steps of {self.step:g}" if self.step is not None else ""
        return f"{self.low:g} to {self.high:g}{extra}"


class TunePlan(BaseModel):
    """How settings of a marker are chosen inside each training fold; ``tune:`` of a marker.

    Attributes
    ----------
    trials
        How many sets of settings are tried; the first is the marker as the study gives it.
    folds, repeats
        Of the inner cross-validation, by the study's own ``group_by``, stratified.
    score
        What inner test patients are judged by; by default the AUC, for a time-to-event outcome the concordance.
    prune
        Whether a trial is given up when it falls behind on the first inner folds: ``median`` (true), ``halving``
        (successive halving) or false.
    space
        Values by setting.
    """

    model_config = ConfigDict(extra="forbid")

    trials: int = Field(default=20, ge=2)
    folds: int = Field(default=3, ge=2)
    repeats: int = Field(default=1, ge=1)
    score: Score | None = None
    prune: Literal["median", "halving", False] = "median"
    space: dict[str, Values] = Field(min_length=1)

    @field_validator("prune", mode="before")
    @classmethod
    def _yes_or_no(cls, given: Any) -> Any:
        return "median" if given is True else given

    def plain(self) -> dict[str, Any]:
        """The plan as JSON; validating it gives the same plan."""
        return self.model_dump(mode="json", exclude_none=True)

    def scored_by(self, kind: Kind) -> Score:
        """The inner score for an outcome of this kind."""
        return self.score or ("concordance" if kind == "time-to-event" else "auc")

    def choices(self) -> Iterator[dict[str, Any]]:
        """Every combination of the settings that are given as lists.

        Raises
        ------
        InputError
            If there are more than MOST_VARIANTS.
        """
        listed = {name: values.choice for name, values in sorted(self.space.items()) if values.choice is not None}
        if math.prod(map(len, listed.values())) > MOST_VARIANTS:
            raise InputError(
                f"the choices of {', '.join(listed)} multiply to more than {MOST_VARIANTS} combinations",
                where="tune, space",
                cure="give numbers as a range (`low`, `high`), or try fewer values",
            )
        for values in product(*listed.values()):
            yield dict(zip(listed, values, strict=True))


def whole_numbers(kind: type[Marker], name: str, values: Values) -> bool:
    """Whether a range gives whole numbers: by the setting's type, by the ends where it may be either."""
    types = set(_plain_types(kind.model_fields[name].annotation))
    if int in types and float not in types:
        return True
    if float in types and int not in types:
        return False
    return isinstance(values.low, int) and isinstance(values.high, int)


def first_problem(tune: TunePlan, marker: Marker, settings: dict[str, Any], kind: Kind) -> Problem | None:
    """What of the plan cannot work with this marker and outcome, located below ``tune``."""
    if find_spec("optuna") is None:
        return Problem((), "settings are tuned with Optuna, which is not installed", 'pip install "presage[tune]"')
    score = tune.scored_by(kind)
    if kind not in _JUDGES[score]:
        usable = ", ".join(name for name, kinds in _JUDGES.items() if kind in kinds)
        return Problem(("score",), f"the score {score} does not judge a {kind} outcome", f"there are: {usable}")
    if score in _OF_RISKS and not marker.gives_probability:
        what = f"the score {score} needs probabilities, and this marker's scores are none"
        return Problem(("score",), what, "use `score: auc`")
    for name, values in tune.space.items():
        problem = _problem_with(name, values, type(marker), settings)
        if problem is not None:
            return problem
    return None


def _problem_with(name: str, values: Values, kind: type[Marker], settings: dict[str, Any]) -> Problem | None:
    here: Location = ("space", name)
    if name not in kind.model_fields:
        near = get_close_matches(name, kind.model_fields, n=1)
        cure = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(kind.model_fields) or 'none'}"
        return Problem(here, f"the marker has no setting {name!r} to tune", cure)
    if values.choice is not None:
        tried: list[tuple[Location, Any]] = [((*here, "choice", i), value) for i, value in enumerate(values.choice)]
    else:
        if bool in _plain_types(kind.model_fields[name].annotation):
            return Problem(here, f"{name} is yes or no, not a range", "write {choice: [true, false]}")
        whole = whole_numbers(kind, name, values)
        for key, end in (("low", values.low), ("high", values.high), ("step", values.step)):
            if whole and end is not None and end != int(end):
                return Problem((*here, key), f"{name} is a whole number, and {key} is {end:g}", "round it")
        tried = [((*here, "low"), values.low), ((*here, "high"), values.high)]
    for location, value in tried:
        try:
            kind(**{**settings, name: value})
        except ValidationError as error:
            # Only what the marker says of this very setting: two settings that do not go together are found by a trial.
            if error.errors()[0]["loc"][:1] == (name,):
                told = problem_of(error, kind, (), "the marker")
                return Problem(location, f"the marker refuses this value: {told.what}", told.cure)
        except InputError:
            continue
    return None


def _plain_types(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows, without unions and what is annotated to them."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from _plain_types(part)
    elif hasattr(annotation, "__metadata__"):
        yield from _plain_types(get_args(annotation)[0])
    else:
        yield annotation
