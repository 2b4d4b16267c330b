"""``presage plan``: how many patients a study needs, before it starts."""

from __future__ import annotations

from typing import Annotated

import typer

plan = typer.Typer(
    no_args_is_help=True,
    help="How many patients a study needs: for an AUC of a stated precision, for a difference, or for a new model.",
)

Ratio = Annotated[float, typer.Option(help="Controls per case; 19 for a prevalence of 5 %.")]


@plan.command()
def auc(
    expected: Annotated[float, typer.Argument(help="AUC expected, such as 0.73.")],
    width: Annotated[float, typer.Option(help="Width of the 95 % interval, from low to high.")] = 0.1,
    controls_per_case: Ratio = 1.0,
) -> None:
    """Patients for an AUC whose interval is no wider than stated."""
    from presage.stats.sample_size import size_for_auc

    found = size_for_auc(expected, width, controls_per_case=controls_per_case)
    _say(found.n_cases, found.n_controls, found.assumptions)


@plan.command()
def difference(
    standard: Annotated[float, typer.Argument(help="AUC of the standard, such as 0.54.")],
    marker: Annotated[float, typer.Argument(help="AUC of the marker, such as 0.73.")],
    correlation: Annotated[float, typer.Option(help="Of the two scores within cases and within controls.")] = 0.0,
    power: Annotated[float, typer.Option(help="Chance to show the difference if it is there.")] = 0.8,
    margin: Annotated[float, typer.Option(help="Loss of AUC still acceptable, for non-inferiority.")] = 0.0,
    controls_per_case: Ratio = 1.0,
) -> None:
    """Patients to show that a marker beats the standard (or is not worse by a margin), both on the same people."""
    from presage.stats.sample_size import size_for_difference

    found = size_for_difference(
        standard, marker, correlation=correlation, power=power, margin=margin, controls_per_case=controls_per_case
    )
    _say(found.n_cases, found.n_controls, found.assumptions)


@plan.command()
def model(
    parameters: Annotated[int, typer.Argument(help="Candidate parameters of the model.")],
    prevalence: Annotated[float, typer.Argument(help="Share of cases expected.")],
    expected: Annotated[float, typer.Option("--auc", help="AUC expected.")] = 0.7,
) -> None:
    """Patients to develop a prediction model (Riley's minimum); not for networks with thousands of weights."""
    from presage.stats.sample_size import size_for_model

    found = size_for_model(parameters, prevalence, auc=expected)
    typer.echo(f"{found.n:,} patients, of whom {found.events:,} cases ({found.events_per_parameter:.1f} per parameter)")
    typer.echo(
        f"by criterion: shrinkage {found.shrinkage:,}; optimism {found.optimism:,}; overall risk "
        f"{found.overall_risk:,}; absolute error {found.absolute_error:,}"
    )
    typer.echo(found.assumptions)


def _say(n_cases: int, n_controls: int, assumptions: str) -> None:
    typer.echo(f"{n_cases:,} cases and {n_controls:,} controls\n{assumptions}")
