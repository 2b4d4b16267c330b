"""A hazard network of a cohort's events as a plain document: how good it is, its influences, each tumour's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from presage.cohort import InputError
from presage.findings.words import as_json
from presage.stats.resampling import percentile_interval
from presage.study.progress import Progress
from presage.tumor.analysis import deal_codes
from presage.tumor.people import PHANTOM
from presage.tumor.progression import (
    Form,
    HeldOut,
    Network,
    bootstrap_edges,
    choose_penalty,
    fit,
    held_out,
    next_events,
    past,
)
from presage.tumor.progression.orders import MOST_PAST

SCHEMA = "presage-progression/1"
#: Tumours that a network needs, and events that it may have: n events have n * n parameters.
TUMOURS, EVENTS = 30, 40
_DRAWS = 10_000


@dataclass(frozen=True)
class Choices:
    """How a network is fitted.

    Attributes
    ----------
    form
        What influences there are.
    penalty
        None: chosen on held-out tumours.
    one_error
        Of that choice: the largest penalty within one standard error of the best.
    folds
        Of the held-out log-likelihood.
    bootstrap
        Draws of the tumours.
    seed, threads
        Of folds, draws and codes; threads change no number.
    """

    form: Form
    penalty: float | None = None
    one_error: bool = False
    folds: int = 5
    bootstrap: int = 100
    seed: int = 2020
    threads: int = 1


def refuse_unfit(table: pd.DataFrame, where: str) -> None:
    """Refuse a table that no network can be learnt from.

    Raises
    ------
    InputError
        Too few tumours, fewer than two events, too many, an event that no tumour or every tumour has, or a tumour
        that is there twice.
    """
    if len(table) < TUMOURS:
        raise InputError(
            f"{len(table)} tumours; a network needs {TUMOURS} at the least", where=where, cure="add tumours of one kind"
        )
    if not 2 <= table.shape[1] <= EVENTS:
        raise InputError(
            f"{table.shape[1]} events; a network takes 2 to {EVENTS}", where=where, cure="choose the events of interest"
        )
    twice = table.index[table.index.duplicated()]
    if len(twice):
        raise InputError(f"tumour {twice[0]!r} is there twice", where=where, cure="keep one row of each tumour")
    count = table.sum()
    for words, constant in (("no", count == 0), ("every", count == len(table))):
        names = [str(name) for name in table.columns[constant]]
        if names:
            raise InputError(
                f"{words} tumour has {', '.join(names[:5])}: nothing can be learnt of when it comes",
                where=where,
                cure="leave the column out",
            )


def chart(
    table: pd.DataFrame,
    choices: Choices,
    where: str,
    progress: Progress | None = None,
    doubts: Sequence[str] = (),
) -> dict[str, Any]:
    """Fit a network and gather what it says.

    Parameters
    ----------
    table
        0/1, tumours x events, with the tumours' ids.
    where
        What the table is called.
    doubts
        What a reader must know of the tumours, naming nobody.

    Returns
    -------
    dict
        ``events``, ``held_out``, ``edges`` and ``tumours`` (by code), as the page and the exports take it.

    Raises
    ------
    InputError
        As :func:`refuse_unfit` and the fit.
    """
    refuse_unfit(table, where)
    told, form, seed, threads = progress or Progress(), choices.form, choices.seed, choices.threads
    penalty, tried = choices.penalty, None
    if penalty is None:
        told.start("Choosing the penalty", 1)
        found = choose_penalty(table, form=form, one_error=choices.one_error, seed=seed, threads=threads)
        penalty = found.chosen
        tried = [
            {"penalty": float(p), "held_out": float(value), "error": float(error)}
            for p, value, error in zip(found.penalties, found.held_out, found.errors, strict=True)
        ]
        told.advance()
        told.finish()
    network = fit(table, penalty, form=form, threads=threads)
    told.start("Holding out tumours", choices.folds)
    judged = held_out(
        table,
        form=form,
        folds=choices.folds,
        one_error=choices.one_error,
        # A penalty that was given is the same in every part; one that was chosen is chosen in every part anew.
        penalties=None if choices.penalty is None else [choices.penalty],
        seed=seed,
        threads=threads,
        progress=told.advance,
    )
    told.finish()
    told.start("Drawing tumours anew", choices.bootstrap)
    edges = bootstrap_edges(
        network, table, form=form, replicates=choices.bootstrap, seed=seed, threads=threads, progress=told.advance
    )
    told.finish()
    told.start("Ordering events", len(table))
    tumours, positions = _tumours(network, table, deal_codes(tuple(map(str, table.index)), seed), told)
    told.finish()
    return {
        "schema": SCHEMA,
        "phantom": any(str(name).startswith(PHANTOM) for name in table.index),
        "n": len(table),
        "doubts": list(doubts),
        "form": {"observation": form.observation, "symmetric": form.symmetric},
        "penalty": float(penalty),
        "penalties": tried,
        "folds": choices.folds,
        "bootstrap": choices.bootstrap,
        "seed": seed,
        "held_out": _judged(judged, seed),
        "events": _events(network, table, positions, form),
        "edges": edges.to_dict(orient="records"),
        "tumours": tumours,
    }


def _judged(found: HeldOut, seed: int) -> dict[str, Any]:
    """Mean held-out ln p with intervals over draws of the tumours, the same draws for both and their difference."""
    values = {
        "network": found.network,
        "independent": found.independent,
        "difference": found.network - found.independent,
    }
    random = np.random.default_rng([seed, 0xB007])
    total = len(found.network)
    draws: dict[str, list[np.ndarray[Any, Any]]] = {name: [] for name in values}
    for _ in range(_DRAWS // 500):
        rows = random.integers(0, total, size=(500, total))
        for name, one in values.items():
            draws[name].append(one[rows].mean(axis=1))
    return {
        name: as_json(percentile_interval(float(one.mean()), np.concatenate(draws[name])))
        for name, one in values.items()
    } | {"penalties": [float(one) for one in found.penalties]}


def _events(
    network: Network, table: pd.DataFrame, positions: dict[str, list[float]], form: Form
) -> list[dict[str, Any]]:
    rates = np.exp(np.diag(network.parameters.influence))
    return [
        {
            "event": event,
            "tumours": int(table[event].sum()),
            "rate": float(rate),
            "observation": float(seen) if form.observation else None,
            "position": float(np.mean(positions[event])) if positions[event] else None,
        }
        for event, rate, seen in zip(network.events, rates, network.parameters.observation, strict=True)
    ]


def _tumours(
    network: Network, table: pd.DataFrame, codes: Sequence[str], told: Progress
) -> tuple[list[dict[str, Any]], dict[str, list[float]]]:
    """Each tumour's order and next events; and of each event its place (0 first, 1 last) where there are several."""
    known: dict[tuple[str, ...], dict[str, Any]] = {}
    positions: dict[str, list[float]] = {event: [] for event in network.events}
    found = []
    for code, row in zip(codes, table.to_numpy(), strict=True):
        here = tuple(str(event) for event in table.columns[row > 0])
        if here not in known:
            known[here] = _one(network, here)
        own = known[here]
        for event, place in own["places"].items():
            positions[event].append(place)
        found.append({"code": code, **{key: value for key, value in own.items() if key != "places"}})
        told.advance()
    return sorted(found, key=lambda entry: str(entry["code"])), positions


def _one(network: Network, here: tuple[str, ...]) -> dict[str, Any]:
    before = past(network, here) if 0 < len(here) <= MOST_PAST else None
    coming = next_events(network, here) if len(here) < len(network.events) else pd.Series(dtype=float)
    places = {}
    if before is not None and len(here) > 1:
        places = {str(event): (float(place) - 1) / (len(here) - 1) for event, place in before.expected.items()}
    return {
        "events": list(here),
        "order": [] if before is None else list(before.likeliest),
        "order_chance": None if before is None else float(before.chance),
        "next": [{"event": str(event), "chance": float(chance)} for event, chance in coming.items()],
        "places": places,
    }
