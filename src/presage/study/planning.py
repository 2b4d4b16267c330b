"""From a study to a run folder that is ready for its tasks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from presage.cohort import Cohort, InputError
from presage.cohort.splits import Splits, make_splits, read_splits
from presage.study.cache import EncoderCache
from presage.study.engine import Engine
from presage.study.folder import Folder
from presage.study.marker import Marker
from presage.study.opened import Run
from presage.study.placement import placed
from presage.study.plan import Study
from presage.study.prepare import prepared
from presage.study.progress import Progress
from presage.study.runfolder import Plan, codes, cohort_digest, slugs, write_key, write_snapshot
from presage.study.scored import explains
from presage.study.software import versions
from presage.study.task import Task
from presage.study.variants import fingerprints, variants


@dataclass(frozen=True)
class Planned:
    """A run folder that is ready for its tasks.

    Attributes
    ----------
    run
        The folder as tasks see it.
    markers
        By name, unfitted, the standard first.
    splits
        Who is tested when.
    tasks
        Every fit and score, done or not.
    """

    run: Run
    markers: dict[str, Marker]
    splits: Splits
    tasks: list[Task]


def planned(study: Study, folder: Folder, progress: Progress, engine: Engine | None = None) -> Planned:
    """Encode what is missing, divide the patients, and write what tasks read into the run folder; fits nothing.

    Threads of this process encode, or tasks of `engine`, if it computes elsewhere.
    """
    markers = {plan.name: plan.build() for plan in study.plans}
    cache = EncoderCache(study.engine.cache)
    cohort = prepared(study, markers, cache, progress, None if engine is None else (folder, engine))
    splits = _splits(study, cohort, folder)
    plan = _plan(study, list(markers.values()), cohort, splits, cache)
    key = codes(cohort.patient_ids, study.validation.seed)
    # Pages are made after the findings and change none of them: what they are made from is kept beside them.
    folder.write_text("study.yaml", study.model_copy(update={"pages": []}).to_yaml())
    write_snapshot(cohort, folder)
    write_key(folder, key)
    folder.write_text("splits.csv", splits.to_csv())
    plan.write(folder)

    run = Run(folder, plan, cohort, {(fold.repeat, fold.fold): fold for fold in splits}, cache, key)
    places = [
        placed(marker.placement(), entry.place, study.engine.device).model_dump()
        for entry, marker in zip(study.plans, markers.values(), strict=True)
    ]
    tasks = [replace(task, **places[task.marker]) for task in run.score_tasks()]
    return Planned(run, markers, splits, tasks)


def _splits(study: Study, cohort: Cohort, folder: Folder) -> Splits:
    """The study's splits; ``splits.csv`` of the run is refused where a person has edited it in place."""
    chosen_ = study.validation
    if chosen_.splits:
        return read_splits(chosen_.splits, cohort, group_by=chosen_.group_by)
    splits = make_splits(
        cohort, folds=chosen_.folds, repeats=chosen_.repeats, seed=chosen_.seed, group_by=chosen_.group_by
    )
    if folder.exists("splits.csv"):
        found = hashlib.sha256(folder.read("splits.csv")).hexdigest()
        if found not in (splits.digest(), _earlier_splits(folder)):
            raise InputError(
                "this file was edited, and the study does not say that its splits are to be used",
                where=folder.place("splits.csv"),
                cure="to use it: copy it and name the copy under `validation: splits:`; to drop the edits: delete it",
            )
    return splits


def _earlier_splits(folder: Folder) -> str:
    try:
        return Plan.read(folder).splits
    except (OSError, ValueError, TypeError):
        return ""


def _plan(study: Study, markers: Sequence[Marker], cohort: Cohort, splits: Splits, cache: EncoderCache) -> Plan:
    outcome = asdict(study.outcome.outcome())
    content = cohort_digest(cohort, cache)
    digests = []
    for plan, marker in zip(study.plans, markers, strict=True):
        encoders = [encoder.fingerprint() for encoder in marker.encoders()]
        software = versions([marker], tuned=plan.tune is not None)
        parts = [plan.marker, marker.model_dump(mode="json"), encoders, content, outcome, software]
        if plan.tune is not None:
            read = sorted({key for variant in variants(plan).values() for key in fingerprints(variant)})
            parts += [plan.tune.plain(), read, study.validation.group_by]
        digests.append(hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest())
    # The standard stands first; what a reader wants to see explained is a new marker.
    explaining = [*range(1, len(markers)), 0]
    return Plan(
        markers=[plan.model_dump(mode="json") for plan in study.plans],
        slugs=slugs([plan.name for plan in study.plans]),
        fitted_by=digests,
        outcome=outcome,
        splits=splits.digest(),
        seed=study.validation.seed,
        cache=cache.folder.address,
        device=study.engine.device,
        explaining=next((position for position in explaining if explains(markers[position])), None),
        group_by=study.validation.group_by,
        # A tuned marker chooses its settings once for all its trainings, and one that is explained is kept whole.
        trainings=[
            1 if plan.tune is not None or explains(marker) else marker.trainings()
            for plan, marker in zip(study.plans, markers, strict=True)
        ],
    )
