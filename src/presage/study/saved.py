"""Saved markers: settings and facts as JSON, arrays as safetensors. No pickle is written or read, no patient named.

A folder holds ``marker.json`` (the card: which marker, its settings, what it was fitted on) and ``state.safetensors``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from presage.cohort import Cohort, InputError
from presage.study.cache import EncoderCache
from presage.study.folder import folder_at
from presage.study.marker import Marker, Resources
from presage.study.plan import MarkerPlan, Study
from presage.study.prepare import prepared, with_encoded
from presage.study.progress import Progress
from presage.study.runfolder import seed_of
from presage.study.scored import checked_scores
from presage.study.software import versions
from presage.study.state import packed, restore
from presage.study.tuning import tuned

SCHEMA = "presage-marker/1"
#: Stands for repeat and fold in the seed of a fit on everybody.
_WHOLE = -1


def fit_and_save(study: Study, marker_name: str, folder: Path | str, *, progress: Progress | None = None) -> str:
    """Fit one marker of a study on the whole cohort and save it; the folder.

    Raises
    ------
    InputError
        If the study has no marker of that name, the marker cannot be saved, or the cohort cannot be used.
    """
    study.check()
    plan = next((plan for plan in study.plans if plan.name == marker_name), None)
    if plan is None:
        raise InputError(
            f"the study has no marker called {marker_name!r}",
            cure=f"its markers are {', '.join(repr(plan.name) for plan in study.plans)}",
        )
    cache = EncoderCache(study.engine.cache)
    cohort = prepared(study, {plan.name: plan.build()}, cache, progress or Progress())
    seed = seed_of(study.validation.seed, plan.name, _WHOLE, _WHOLE)
    resources = Resources(cache=cache, seed=seed, device=study.engine.device)
    marker, tuning = tuned(plan, cohort, resources, study.validation.group_by)
    marker.fit(cohort, resources)
    arrays, facts = marker.state()
    outcome = study.outcome.outcome()
    card = {
        "schema": SCHEMA,
        **{key: plan.model_dump(mode="json")[key] for key in ("marker", "name")},
        "settings": marker.model_dump(mode="json"),
        "facts": facts,
        "phantom": cohort.phantom,
        "fitted_on": {"cohort": cohort.name, "n_patients": len(cohort), "n_cases": int(cohort.cases().sum())},
        "outcome": {"title": outcome.title, "kind": outcome.kind, "cutoff": outcome.cutoff},
        "software": versions([marker], tuned=tuning is not None),
        **({} if tuning is None else {"tuning": tuning.plain()}),
    }
    target = folder_at(folder)
    target.write("state.safetensors", packed(arrays))
    target.write_text("marker.json", json.dumps(card, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    return str(folder)


def read_card(folder: Path | str) -> dict[str, Any]:
    """``marker.json`` of a saved marker: which it is, its settings, on whom it was fitted, whether on phantoms.

    Raises
    ------
    InputError
        If the folder holds no saved marker.
    """
    source = folder_at(folder)
    path = source.place("marker.json")
    try:
        card = json.loads(source.read("marker.json"))
    except FileNotFoundError as error:
        raise InputError(
            "this folder holds no saved marker", where=str(folder), cure="write one: presage fit"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"this is not a saved marker: {error}", where=path) from error
    if not isinstance(card, dict) or card.get("schema") != SCHEMA:
        raise InputError(f"this is not a saved marker of the form {SCHEMA}", where=path, cure="fit it again")
    return card


def load_marker(folder: Path | str) -> Marker:
    """The fitted marker of a folder that :func:`fit_and_save` wrote.

    Raises
    ------
    InputError
        If there is none, its class is not installed, or card and arrays do not fit it.
    """
    card = read_card(folder)
    marker = _unfitted(card, str(folder))
    restore(marker, folder_at(folder), "state.safetensors", card["facts"])
    return marker


def score_cohort(folder: Path | str, cohort: Cohort, *, progress: Progress | None = None) -> pd.DataFrame:
    """Score every patient of `cohort` with a saved marker. Outcomes are neither needed nor shown to it.

    Returns
    -------
    DataFrame
        ``patient_id``, ``score`` (missing where it could not be) and ``excluded`` (why not; empty where it could). Its
        ``attrs["card"]`` is the marker's card, ``attrs["notes"]`` what the marker said as it scored.
    """
    card = read_card(folder)
    marker = load_marker(folder)
    cache = EncoderCache()
    everyone = cohort.blinded()
    kept = with_encoded(everyone, {card["name"]: marker}, cache, progress or Progress())
    resources = Resources(cache=cache)
    scores = checked_scores(marker.score(kept, resources), kept, f"saved marker {card['name']!r}")
    reasons = {pid: e.reason for e in kept.flow if e.unit == "patient" for pid in e.ids}
    ids = sorted({*everyone.patient_ids, *reasons})
    by_id = dict(zip(kept.patient_ids, scores.tolist(), strict=True))
    table = pd.DataFrame({"patient_id": ids})
    table["score"] = [by_id.get(pid) for pid in ids]
    table["excluded"] = ["" if pid in by_id else reasons[pid] for pid in ids]
    table.attrs["card"] = card
    table.attrs["notes"] = resources.notes
    return table


def _unfitted(card: dict[str, Any], where: str) -> Marker:
    try:
        return MarkerPlan(marker=card["marker"], name=card["name"], settings=card["settings"]).build()
    except InputError:
        raise
    except (KeyError, ValueError) as error:
        raise InputError(
            f"the saved settings do not fit the marker: {error}",
            where=where,
            cure="use the version of the package that wrote it (marker.json, software), or fit it again",
        ) from error
