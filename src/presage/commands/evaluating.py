"""``presage evaluate``: clinical validation of any table of scores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    scores: Annotated[Path, typer.Argument(help="Table of scores, one row per patient: CSV or Parquet.")],
    outcome: Annotated[str, typer.Option(help="Column of what happened: 0/1, a scale, or a follow-up time.")],
    standard: Annotated[str, typer.Option(help="Column of the score that the others are compared with.")],
    markers: Annotated[str, typer.Option(help="Columns of the other scores, with commas between.")],
    patient: Annotated[str, typer.Option(help="Column of the patient.")] = "patient_id",
    kind: Annotated[str, typer.Option(help="binary, scale or time-to-event.")] = "binary",
    cutoff: Annotated[float | None, typer.Option(help="Scale: a value at or above it counts as a case.")] = None,
    event: Annotated[str | None, typer.Option(help="Time-to-event: column that says whether it happened.")] = None,
    fold: Annotated[str | None, typer.Option(help="Column of the test fold of a cross-validation.")] = None,
    cluster: Annotated[bool, typer.Option("--cluster", help="A patient may have several rows.")] = False,
    probabilities: Annotated[str, typer.Option(help="Scores that are risks from 0 to 1.")] = "",
    prevalence: Annotated[float | None, typer.Option(help="Share of cases where the marker will be used.")] = None,
    case_control: Annotated[
        bool | None, typer.Option("--case-control/--cohort", help="How the patients were sampled; guessed if not said.")
    ] = None,
    subgroups: Annotated[str, typer.Option(help="Columns whose groups are reported apart.")] = "",
    primary: Annotated[str | None, typer.Option(help="The marker named in advance as the one to judge.")] = None,
    horizon: Annotated[float | None, typer.Option(help="Time-to-event: the time to judge at.")] = None,
    people: Annotated[str, typer.Option(help="What the rows are called: women, patients, ...")] = "patients",
    title: Annotated[str, typer.Option(help="What a reader is shown for the outcome.")] = "",
    separator: Annotated[str | None, typer.Option(help="Of a text file; found by itself.")] = None,
    decimal: Annotated[str, typer.Option(help="Decimal sign: a point or a comma.")] = ".",
    phantom: Annotated[bool, typer.Option("--phantom", help="The patients are made up; the page says so.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of every bootstrap.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for findings.json and report.html.")] = Path("evaluation"),
) -> None:
    """Validate scores of any model against the standard of today: numbers, findings.json and one page.

    `presage evaluate scores.csv --outcome cancer --standard density --markers mirai,ours --patient patient_id`
    """
    from presage.findings import TableError, evaluate
    from presage.findings.reading import read_scores
    from presage.report import answer, render

    if kind not in ("binary", "scale", "time-to-event"):
        raise TableError(f"--kind is binary, scale or time-to-event, not {kind!r}")
    table = read_scores(
        scores,
        outcome=outcome,
        standard=standard,
        markers=_names(markers),
        patient=patient,
        kind=kind,  # type: ignore[arg-type]  # checked above
        cutoff=cutoff,
        event=event,
        fold=fold,
        cluster=cluster,
        probabilities=_names(probabilities),
        title=title,
        separator=separator,
        decimal=decimal,
    )
    options = {
        "prevalence": prevalence,
        "case_control": case_control,
        "subgroups": _names(subgroups),
        "primary": primary,
        "horizon": horizon,
        "people": people,
        "seed": seed,
    }
    chosen = {key: value for key, value in options.items() if value not in (None, [])}
    findings = evaluate(table, chosen, phantom=phantom)
    out.mkdir(parents=True, exist_ok=True)
    written = findings.write(out)
    page = render(findings, out)
    typer.echo(answer(findings))
    for section in findings.document["sections"].values():
        if section.get("sentence") and section["sentence"] not in answer(findings):
            typer.echo(f"\n{section['title']}: {section['sentence']}")
    typer.echo(f"\nfindings: {written}\nreport: {page}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
