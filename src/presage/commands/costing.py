"""``presage cost``: how long a study will take, and on how many cards, from a few tasks of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from presage.study.cost import Forecast, MarkerTasks
    from presage.study.measure import Measurement
    from presage.study.schedule import Machines

#: Processors beside each card where none are named.
CPUS_PER_CARD = 8


def cost(
    study: Annotated[Path, typer.Argument(help="The study, a YAML file.")],
    out: Annotated[str | None, typer.Option(help="Run folder, as of `presage run`: what is measured is kept.")] = None,
    gpus: Annotated[str, typer.Option(help="Numbers of cards to reckon with.")] = "1,4,16,64",
    cpus: Annotated[
        str, typer.Option(help="Processors: one number, or one for each of --gpus. 8 a card; 1,4,16,64 without cards.")
    ] = "",
    memory: Annotated[str, typer.Option(help="Main memory in GB, as --cpus. Unlimited.")] = "",
    measure: Annotated[int, typer.Option(help="Tasks of each marker to measure; done ones count.", min=1)] = 2,
    recordings: Annotated[int, typer.Option(help="Recordings to time for each encoder.", min=1)] = 8,
    speed_up: Annotated[float, typer.Option(help="How many times as fast the other device is.")] = 1.0,
    price_per_hour: Annotated[
        float | None, typer.Option(help="Of one card (one processor, without cards), in your currency.", min=0)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")] = False,
) -> None:
    """Forecast what a study will take: does a few of its tasks here, then lays all of them out on k cards.

    The measured tasks stay in the run folder, where `presage run` finds them.
    """
    import json

    from presage.commands.naming import run_name
    from presage.study import Study
    from presage.study.cost import forecast, on_faster
    from presage.study.measure import measure as measured_on_folder
    from presage.study.progress import terminal_progress

    plan = Study.read(study)
    cards = any((entry.place or entry.build().placement()).gpus > 0 for entry in plan.plans)
    sizes = _sizes(_numbers(gpus, "--gpus"), _numbers(cpus, "--cpus"), _numbers(memory, "--memory"), cards=cards)
    folder = out or str(Path("runs") / run_name(study))
    known = measured_on_folder(plan, folder, terminal_progress(), tasks=measure, recordings=recordings)
    groups = on_faster(known.markers, speed_up)
    rows = forecast(groups, sizes)
    if as_json:
        typer.echo(json.dumps(_document(known, groups, rows, speed_up, price_per_hour), indent=1, ensure_ascii=False))
    else:
        _print(known, groups, rows, speed_up, price_per_hour)


def _numbers(text: str, option: str) -> list[int]:
    from presage.cohort import InputError

    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise InputError(f"{option} {text!r} is not a list of positive whole numbers", cure=f"such as {option} 1,4,16")
    return [int(part) for part in parts]


def _sizes(gpus: list[int], cpus: list[int], memory: list[int], *, cards: bool) -> list[Machines]:
    from presage.cohort import InputError
    from presage.study.schedule import Machines

    if not cards:
        cpus = cpus or [1, 4, 16, 64]
        return [Machines(c, 0, gb) for c, gb in zip(cpus, _stretched(memory, len(cpus), "--memory"), strict=True)]
    if not gpus:
        raise InputError("tasks of this study need cards, and --gpus names none", cure="such as --gpus 1,4,16")
    processors = _stretched(cpus, len(gpus), "--cpus") if cpus else [CPUS_PER_CARD * k for k in gpus]
    return [
        Machines(c, k, gb) for k, c, gb in zip(gpus, processors, _stretched(memory, len(gpus), "--memory"), strict=True)
    ]


def _stretched(numbers: list[int], length: int, option: str) -> list[float]:
    from presage.cohort import InputError

    given = [float(number) for number in numbers] or [float("inf")]
    if len(given) not in (1, length):
        raise InputError(f"{option} has {len(given)} numbers for {length} rows", cure=f"give one, or {length}")
    return given * (length // len(given))


def _document(
    known: Measurement, groups: list[MarkerTasks], rows: list[Forecast], speed_up: float, price: float | None
) -> dict[str, Any]:
    from dataclasses import asdict

    from presage.study.cost import enough, longest, uses_cards

    slowest = longest(groups)
    return {
        "measured_on": known.device,
        "speed_up": speed_up,
        "interval": "middle 95 % of draws from the measured durations",
        "markers": [asdict(group) | {"place": group.place.model_dump()} for group in groups],
        "encoding": [asdict(encoding) for encoding in known.encoding],
        "encoding_threads": known.threads,
        "longest_task": {"marker": slowest.marker, "hours": max(slowest.seconds) / 3600},
        "no_faster_beyond": {"unit": "gpus" if uses_cards(groups) else "cpus", "number": enough(groups)},
        "rows": [
            {
                "gpus": row.machines.gpus,
                "cpus": row.machines.cpus,
                "hours": row.hours,
                "low": row.low,
                "high": row.high,
                "gpu_hours": row.gpu_hours,
                "busy": row.busy,
                "price": None if price is None else price * _paid(row),
            }
            for row in rows
        ],
    }


def _paid(row: Forecast) -> float:
    """Card hours, or processor hours where no task uses a card."""
    return row.gpu_hours or row.machines.cpus * row.hours


def _print(
    known: Measurement, groups: list[MarkerTasks], rows: list[Forecast], speed_up: float, price: float | None
) -> None:
    from rich.console import Console

    from presage.study.cost import enough, longest, uses_cards

    cards = uses_cards(groups)
    console = Console(highlight=False)
    for line in _known(known):
        console.print(line)
    console.print(_table(rows, cards, price))
    console.print(
        "Range: middle 95 % of draws from the measured durations (of two or three: about shortest to longest). "
        "Encoding, examples and statistics come on top."
    )
    console.print(_device(known.device, speed_up, cards))
    slowest = longest(groups)
    console.print(
        f"The longest measured task ({slowest.marker}) takes {_hours(max(slowest.seconds) / 3600)} h: nothing is "
        f"faster than that, and beyond about {enough(groups)} {'cards' if cards else 'processors'} nothing is gained."
    )


def _known(known: Measurement) -> list[str]:
    """What was measured, in lines."""
    total = sum(group.n_tasks for group in known.markers)
    lines = [f"{total} tasks, {known.done} of them done and measured on {known.device}:"]
    for group in known.markers:
        count = len(group.seconds)
        spread = (
            f"{count} measured: {min(group.seconds):.3g} to {max(group.seconds):.3g} s" if count > 1 else "1 measured"
        )
        place = f"{group.place.cpus:g} CPUs" + (f", {group.place.gpus:g} GPUs" if group.place.gpus else "")
        loading = f", {group.loading:.3g} s of loading once a process" if group.loading else ""
        lines.append(
            f"  {group.marker}: {group.n_tasks} tasks of {group.mean:.3g} s ({spread}){loading}, each on {place}"
        )
    for encoding in known.encoding:
        lines.append(
            f"  encoder {encoding.encoder}: {encoding.recordings} recordings, {_hours(encoding.seconds / 3600)} h on "
            f"this machine with {known.threads} threads ({encoding.measured} timed), once: the cache keeps it"
        )
    return lines


def _table(rows: list[Forecast], cards: bool, price: float | None) -> Table:
    from rich.table import Table

    names = ["CPUs", "hours", "range", "busy", "GPU-hours" if cards else "CPU-hours"]
    table = Table()
    for name in [*(["GPUs"] if cards else []), *names, *([] if price is None else ["price"])]:
        table.add_column(name, justify="right")
    for row in rows:
        cells = [f"{row.machines.gpus}"] if cards else []
        cells += [f"{row.machines.cpus:g}", _hours(row.hours), f"{_hours(row.low)} to {_hours(row.high)}"]
        cells += [f"{row.busy:.0%}", _hours(_paid(row))]
        table.add_row(*cells, *([] if price is None else [f"{price * _paid(row):,.2f}"]))
    return table


def _device(device: str, speed_up: float, cards: bool) -> str:
    """On what the hours hold."""
    if speed_up != 1:
        return f"Durations were measured on {device} and divided by {speed_up:g}, the speed-up that you gave."
    cure = "for another device measure there, or give --speed-up FACTOR."
    if cards and device == "cpu":
        return f"These tasks ask for cards and were measured on CPUs, so the hours are those of cards no faster: {cure}"
    return f"The hours are those of {device} as it is here: {cure}"


def _hours(hours: float) -> str:
    return f"{hours:,.1f}" if hours >= 10 else f"{hours:.2g}" if hours >= 0.01 else f"{hours:.4f}"
