"""From a study to the patients whom every marker can score: the way in, with everyone who is dropped counted."""

from __future__ import annotations

import numpy as np

from presage.cohort import Cohort, InputError, Recording
from presage.cohort.check import inspect_recordings, without_recordings
from presage.cohort.tables import some
from presage.findings.options import Options
from presage.study.cache import EncoderCache
from presage.study.encoder import Encoder
from presage.study.encoding import Encode, EncodeAsTasks, encode_here
from presage.study.engine import Engine
from presage.study.folder import Folder
from presage.study.marker import Marker
from presage.study.plan import MarkerPlan, Study
from presage.study.progress import Progress
from presage.study.variants import variant_plans


def read_selected(study: Study) -> Cohort:
    """The study's cohort with its outcome, after the filter on recordings."""
    cohort = Cohort.read(study.cohort).with_outcome(study.outcome.outcome())
    # Found here and not by the analysis, hours later.
    recorded = cohort.patients.columns.difference(list(cohort.outcome_columns))
    Options.read(study.report).refuse_missing([str(name) for name in recorded])
    _refuse_pages(study, cohort)
    for column, values in study.recordings.items():
        if column not in cohort.recordings.columns:
            raise InputError(
                f"the study keeps recordings by {column!r}, and recordings.csv has no such column; "
                f"there are {some(cohort.recordings.columns)}",
                where="study, recordings",
                cure="correct the name of the column",
            )
        listed = cohort.recordings[column].dropna().astype(str)
        if not listed.isin(values).any():
            raise InputError(
                f"no recording has {column} = {' or '.join(values)}; there are {some(sorted(set(listed)))}",
                where="study, recordings",
                cure="correct the value",
            )
        kept = cohort.recordings[column].astype(str).isin(values)
        dropped = cohort.recordings.loc[~kept, "path"]
        reason = f"{column} is not {' or '.join(values)}"
        cohort = without_recordings(cohort, "recordings", dict.fromkeys(dropped, reason), wanted=True)
    return cohort


def _refuse_pages(study: Study, cohort: Cohort) -> None:
    for place, plan in enumerate(study.pages):
        problem = plan.patients_problem(("pages", place), cohort.patient_ids)
        if problem is not None:
            raise InputError(problem.what, where=".".join(map(str, problem.location)), cure=problem.cure)


def usable_for_all(cohort: Cohort, markers: dict[str, Marker]) -> Cohort:
    """The patients whom every marker can score: all markers are compared on the same people.

    Raises
    ------
    InputError
        If a marker can score nobody.
    """
    everyone = cohort
    # Who can be scored is known without outcomes: people are not left out by what happened to them.
    blind = everyone.blinded()
    for name, marker in markers.items():
        usable = np.asarray(marker.usable(blind), dtype=bool)
        lacking = {pid for pid, ok in zip(everyone.patient_ids, usable, strict=True) if not ok}
        if len(lacking) == len(everyone):
            raise InputError(
                f"no patient has the recordings that {name!r} needs",
                where="study",
                cure="check the marker's settings (view, kind) against `presage check`",
            )
        cohort = cohort.exclude("markers", f"lacks a recording that {name} needs", lacking & set(cohort.patient_ids))
    return cohort


def prepared(
    study: Study,
    markers: dict[str, Marker],
    cache: EncoderCache,
    progress: Progress,
    place: tuple[Folder, Engine] | None = None,
) -> Cohort:
    """The cohort on which all markers are compared, every encoder output that they need being in the cache.

    Where settings of one of them are tuned, that is what any choice of them needs; see :mod:`presage.study.variants`.
    `place` is a run folder and the engine that encodes by tasks, if it computes elsewhere; else threads of this process
    do.

    Raises
    ------
    InputError
        If too few patients are left, or settings are tuned in a way that cannot be prepared for.
    """
    plans: dict[str, MarkerPlan] = {}
    for plan in study.plans:
        if plan.name in markers:
            plans |= variant_plans(plan)
    markers = markers | {name: plan.build() for name, plan in plans.items() if name not in markers}
    encode: Encode = encode_here
    if place is not None and getattr(place[1], "elsewhere", False):
        encode = EncodeAsTasks(*place, list(plans.values()), study.engine)
    cohort = with_encoded(read_selected(study), markers, cache, progress, encode)
    cases = cohort.cases()
    if len(cases) == 0 or cases.all() or not cases.any():
        raise InputError(
            f"{len(cases)} patients, {int(cases.sum())} of them cases, have what every marker needs"
            f"{cohort.flow.told()}",
            where="study",
            cure="leave out the marker that needs too much, or complete the cohort",
        )
    return cohort


def with_encoded(
    cohort: Cohort, markers: dict[str, Marker], cache: EncoderCache, progress: Progress, encode: Encode = encode_here
) -> Cohort:
    """The patients of `cohort` whom every marker can score, with every encoder output that is needed in the cache."""
    needed = [r for r in cohort.iter_recordings() if any(marker.needs(r) for marker in markers.values())]
    cohort = inspect_recordings(cohort, needed)
    cohort = usable_for_all(cohort, markers)
    # Two markers often share an encoder; what it gives is kept once.
    encoders = {encoder.fingerprint(): encoder for marker in markers.values() for encoder in marker.encoders()}
    work = [(encoder, read_by(encoder, markers, cohort)) for encoder in encoders.values()]
    cohort = without_recordings(cohort, "encode", encode(work, cache, progress))
    return usable_for_all(cohort, markers)


def read_by(encoder: Encoder, markers: dict[str, Marker], cohort: Cohort) -> list[Recording]:
    """The recordings whose output of `encoder` some marker reads."""
    readers = [m for m in markers.values() if any(e.fingerprint() == encoder.fingerprint() for e in m.encoders())]
    return [r for r in cohort.iter_recordings(encoder.kind) if any(marker.needs(r) for marker in readers)]
