"""What findings know of the questions that guidelines ask: one short answer each, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from presage.findings.words import joined

Document = Mapping[str, Any]

#: What the sections are called on the page.
_HEADINGS = {
    "comparison": "Against the standard of today",
    "survival": "Time to the event",
    "agreement": "Agreement with the scale",
    "discrimination": "Telling cases from controls",
    "calibration": "Are the risks right?",
    "utility": "How many more are found, at what price",
    "subgroups": "Does it hold for everyone?",
}
Answer = Callable[[Document], str | None]


def known(document: Document) -> dict[str, str]:
    """Answers by subject; subjects that the findings do not know are left out."""
    answers: dict[str, Answer] = {
        "title": lambda d: d.get("title") or None,
        "summary": _summary,
        "objectives": _objectives,
        "data_source": _data_source,
        "centres": _centres,
        "eligibility": _eligibility,
        "preparation": lambda d: _settings(d, "How recordings are prepared is part of each marker's settings,"),
        "deidentification": _deidentification,
        "outcome": _outcome,
        "predictors": _predictors,
        "sample_size": _sample_size,
        "missing": _missing,
        "splits": _splits,
        "settings": lambda d: _settings(d, "Every setting stands"),
        "model_building": _model_building,
        "heterogeneity_method": _heterogeneity_method,
        "measures": _measures,
        "uncertainty": _uncertainty,
        "recalibration": _recalibration,
        "prediction": _prediction,
        "imbalance": _imbalance,
        "fairness_method": _heterogeneity_method,
        "output": _output,
        "differences": _differences,
        "blinding": lambda d: "Scores were computed without the outcomes of those scored" if _folds(d) else None,
        "code": _code,
        "software": _software,
        "flow": lambda d: f"{_numbers(d)}; see “Who was analysed”" if d.get("cohort", {}).get("flow") else None,
        "characteristics": lambda d: "See “Table 1”" if _section(d, "characteristics") else None,
        "numbers": _numbers,
        "model": lambda d: _settings(d, "Coefficients are not printed; the kind of each model and its settings stand"),
        "performance": _performance,
        "heterogeneity": lambda d: _section(d, "subgroups").get("sentence"),
        "limitations": lambda d: "See “What this cannot show”; beyond that: author to complete",
        "explainability": lambda d: "Explanation maps; see the examples" if d.get("gallery") else None,
    }
    found = {subject: answer(document) for subject, answer in answers.items()}
    return {subject: told for subject, told in found.items() if told}


def _section(document: Document, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document.get("sections", {}).get(name) or {}
    return {} if "not_computed" in found else found


def _folds(document: Document) -> int | None:
    return (document.get("validation") or {}).get("folds")


def _summary(document: Document) -> str | None:
    answered = any(_section(document, name) for name in ("comparison", "survival"))
    return "Result: the answer at the head of this page; the abstract itself: author to complete" if answered else None


def _objectives(document: Document) -> str | None:
    standard = document.get("standard", {}).get("name")
    markers = [m["name"] for m in document.get("markers", []) if m.get("role") != "standard"]
    if not standard or not markers:
        return None
    kind = (document.get("outcome") or {}).get("kind")
    whom = "who has the event early" if kind == "time-to-event" else "cases from controls"
    what = "Development and internal validation" if _folds(document) else "Evaluation"
    return f"{what}: is any of these better than {standard} at telling {whom}: {'; '.join(markers)}?"


def _data_source(document: Document) -> str | None:
    if document.get("phantom"):
        return "Made-up (phantom) data"
    return document.get("cohort", {}).get("description") or None


def _centres(document: Document) -> str | None:
    rows = _section(document, "characteristics").get("rows", [])
    sites = next((row for row in rows if row["variable"] == "site" and row["kind"] == "categorical"), None)
    return f"{len(sites['levels'])} sites" if sites else None


def _eligibility(document: Document) -> str | None:
    rows = document.get("cohort", {}).get("flow") or []
    return "Left out: " + "; ".join(f"{row['reason']} ({row['n']} {row['unit']}s)" for row in rows) if rows else None


def _deidentification(document: Document) -> str | None:
    return "Findings hold running codes only, no identifier of a person" if document.get("scores") else None


def _outcome(document: Document) -> str | None:
    outcome = document.get("outcome") or {}
    if not outcome.get("title"):
        return None
    cutoff = f", case at {outcome['cutoff']:g} or above" if outcome.get("cutoff") is not None else ""
    return f"{outcome['title']} ({outcome.get('kind', 'binary')}{cutoff}); how it was established: author to complete"


def _predictors(document: Document) -> str | None:
    told = [f"{m['name']}: {m['summary']}" for m in document.get("markers", []) if m.get("summary")]
    return "; ".join(told) or None


def _numbers(document: Document) -> str | None:
    about = document.get("cohort", {})
    if about.get("n_cases") is None or "n_patients" not in about:
        return None
    return f"{about['n_patients']} patients, {about['n_cases']} cases"


def _sample_size(document: Document) -> str | None:
    numbers = _numbers(document)
    return f"{numbers}; the reason for this size: author to complete" if numbers else None


def _missing(document: Document) -> str | None:
    if not document.get("sections"):
        return None
    return "Missing scores and outcomes are refused or counted in the flow; none is imputed"


def _splits(document: Document) -> str | None:
    validation = document.get("validation") or {}
    if validation.get("given_folds"):
        return (
            f"Out-of-fold scores of {validation['given_folds']} folds, as given; how the folds were drawn: "
            "author to complete"
        )
    if not _folds(document):
        told = (
            "No split of these people: scores were given as they are; on whom the models were made: author to complete"
        )
        return told if document.get("sections") else None
    repeats, group = validation.get("repeats", 1), validation.get("group_by") or "patient"
    return (
        f"{repeats} × {validation['folds']}-fold cross-validation, disjoint by {group}, seed {validation.get('seed')}"
    )


def _settings(document: Document, words: str) -> str | None:
    return f"{words} under “How to repeat it”" if document.get("settings") and _folds(document) else None


def _model_building(document: Document) -> str | None:
    if not _folds(document):
        return None
    tuned = _section(document, "tuning").get("markers") or []
    search = "; ".join(
        f"{m['name']}: {joined([s['setting'] for s in m['space']])} by up to {m['trials']} trials on "
        f"{m['inner_folds']} inner folds within each training fold ({m['score_title']})"
        for m in tuned
    )
    told = f". Tuned: {search}; see “{_section(document, 'tuning')['title']}”" if tuned else ""
    return (
        "Everything fitted or chosen was fitted or chosen inside the training folds; settings under “How to repeat it”"
        + told
    )


def _heterogeneity_method(document: Document) -> str | None:
    names = [entry["covariate"] for entry in _section(document, "subgroups").get("covariates", [])]
    return f"Results by {joined(names)}, with interaction tests; see “{_HEADINGS['subgroups']}”" if names else None


def _measures(document: Document) -> str | None:
    titles = [
        section.get("title", name)
        for name, section in sorted(document.get("sections", {}).items())
        if name not in ("characteristics", "tuning") and section.get("shown", True) and "not_computed" not in section
    ]
    return "; ".join(titles) or None


def _uncertainty(document: Document) -> str | None:
    section = _section(document, "comparison")
    if not section:
        return None
    auc, difference = section["standard"]["auc"], section["markers"][0]["difference"]
    return (
        f"{100 * auc['level']:g} % intervals by patient. AUC: {auc['method']}. Difference: {difference['method']}. "
        f"Several markers: {section['adjustment']}"
    )


def _recalibration(document: Document) -> str | None:
    return _section(document, "calibration").get("recalibration")


def _prediction(document: Document) -> str | None:
    if not _folds(document):
        return None
    return "Each person is scored by models that were fitted without that person; scores are averaged over the repeats"


def _imbalance(document: Document) -> str | None:
    if not document.get("sections"):
        return None
    return "Nothing was resampled for evaluation; in making the models: author to complete"


def _output(document: Document) -> str | None:
    points = (_section(document, "discrimination").get("scores") or [{}])[0].get("sensitivity_at") or []
    if not points:
        return None
    fixed = joined([f"{100 * point['specificity']:g} %" for point in points])
    return f"A score, higher = more likely a case. Thresholds: those with a specificity of {fixed} in these data"


def _differences(document: Document) -> str | None:
    return "One cohort for development and evaluation; no external cohort" if _folds(document) else None


def _software(document: Document) -> str | None:
    software = document.get("software") or {}
    return ", ".join(f"{name} {number}" for name, number in sorted(software.items())) or None


def _code(document: Document) -> str | None:
    number = (document.get("software") or {}).get("presage")
    if not number:
        return None
    models = "" if _folds(document) else "; of the models: author to complete"
    return f"Of the analysis: Presage {number} (Apache-2.0) with the settings on this page{models}"


def _performance(document: Document) -> str | None:
    names = [name for name in _HEADINGS if _section(document, name).get("shown", bool(_section(document, name)))]
    return "See " + joined([f"“{_HEADINGS[name]}”" for name in names]) if names else None
