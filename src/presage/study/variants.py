"""What a tuned marker may turn into: what some choice of its settings reads is prepared before any task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from presage.cohort import InputError
from presage.study.marker import Marker
from presage.study.plan import MarkerPlan
from presage.study.search_space import Values, whole_numbers


def variants(plan: MarkerPlan) -> dict[str, Marker]:
    """Fresh markers by name: those of :func:`variant_plans`."""
    return {name: variant.build() for name, variant in variant_plans(plan).items()}


def variant_plans(plan: MarkerPlan) -> dict[str, MarkerPlan]:
    """What the marker may turn into, by name: as the study gives it, then every combination of tuning's choices.

    Combinations that the marker refuses are left out: they will be failed trials.

    Raises
    ------
    InputError
        If a range changes what is computed from recordings, or the choices multiply to too many.
    """
    found = {plan.name: plan}
    if plan.tune is None:
        return found
    _refuse_ranges_of_encoders(plan)
    own = plan.build()
    for choice in plan.tune.choices():
        marker = _built(plan, choice)
        if choice and marker is not None and marker != own:
            name = f"{plan.name} ({', '.join(f'{name} = {value}' for name, value in choice.items())})"
            found[name] = plan.with_settings(choice)
    return found


def fingerprints(marker: Marker) -> list[str]:
    """What the marker's encoders are, as digests."""
    return sorted(encoder.fingerprint() for encoder in marker.encoders())


def _built(plan: MarkerPlan, settings: dict[str, Any]) -> Marker | None:
    try:
        return plan.with_settings(settings).build()
    except (ValidationError, InputError):
        return None


def _refuse_ranges_of_encoders(plan: MarkerPlan) -> None:
    assert plan.tune is not None
    ranges = {name: values for name, values in plan.tune.space.items() if values.choice is None}
    for beside in ({}, *_single_choices(plan)):
        base = _built(plan, beside)
        if base is None:
            continue
        for name, values in ranges.items():
            whole = whole_numbers(type(base), name, values)
            tried = (_built(plan, {**beside, name: value}) for value in _probes(values, whole))
            if any(marker is not None and fingerprints(marker) != fingerprints(base) for marker in tried):
                raise InputError(
                    f"{name} changes what is computed from recordings, which is done before any task: a range has too "
                    "many values for that",
                    where=f"marker {plan.name!r}, tune, space, {name}",
                    cure=f"list the values to try: {name}: {{choice: [...]}}",
                )


def _single_choices(plan: MarkerPlan) -> Iterator[dict[str, Any]]:
    assert plan.tune is not None
    for name, values in plan.tune.space.items():
        for value in values.choice or ():
            yield {name: value}


def _probes(values: Values, whole: bool) -> list[float | int]:
    low, high = values.ends()
    middle = (low + high) / 2
    return [low, round(middle) if whole else middle, high]
