from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presage.cohort import InputError
from presage.study.placement import Placement
from presage.study.schedule import Machines, lower_bound, schedule

CARD = Placement(gpus=1)
SHAPES = st.builds(
    Placement,
    cpus=st.sampled_from([0.5, 1.0, 2.0]),
    gpus=st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0]),
    memory_gb=st.sampled_from([1.0, 4.0]),
)
TASKS = st.lists(st.tuples(st.integers(1, 9), SHAPES), max_size=9)
MACHINES = st.builds(Machines, cpus=st.integers(2, 5), gpus=st.integers(2, 4), memory_gb=st.sampled_from([6, math.inf]))


def second_by_second(tasks: Sequence[tuple[int, Placement]], machines: Machines, order: Sequence[int]) -> list[int]:
    """The same rule, the slow way: at every second, look at every waiting task in order and at every card."""
    starts, ends = [-1] * len(tasks), [-1] * len(tasks)
    on: list[list[int]] = [[] for _ in tasks]
    now = 0
    while any(start < 0 for start in starts):
        for task in order:
            length, place = tasks[task]
            if starts[task] >= 0:
                continue
            busy = [t for t in range(len(tasks)) if starts[t] >= 0 and ends[t] > now]
            cpus = sum(tasks[t][1].cpus for t in busy) + place.cpus
            memory = sum(tasks[t][1].memory_gb for t in busy) + place.memory_gb
            left = [1 - sum(min(1, tasks[t][1].gpus) for t in busy if c in on[t]) for c in range(machines.gpus)]
            if place.gpus < 1:
                cards = sorted((c for c in range(machines.gpus) if left[c] >= place.gpus), key=lambda c: left[c])[:1]
            else:
                cards = [c for c in range(machines.gpus) if left[c] == 1][: int(place.gpus)]
            if not place.gpus:
                cards = []
            enough = len(cards) == math.ceil(place.gpus)
            if cpus <= machines.cpus and memory <= machines.memory_gb and enough:
                starts[task], ends[task], on[task] = now, now + length, cards
        now += 1
    return starts


def longest_first(tasks: Sequence[tuple[int, Placement]]) -> list[int]:
    return sorted(range(len(tasks)), key=lambda task: (-tasks[task][0], task))


@given(tasks=TASKS, machines=MACHINES)
@settings(max_examples=150, deadline=None)
def test_it_is_the_slow_obvious_rule(tasks: list[tuple[int, Placement]], machines: Machines) -> None:
    found = schedule([length for length, _ in tasks], [place for _, place in tasks], machines)
    starts = second_by_second(tasks, machines, longest_first(tasks))
    assert list(found.starts) == starts
    assert found.wall == max((s + length for s, (length, _) in zip(starts, tasks, strict=True)), default=0)


@given(tasks=TASKS, machines=MACHINES)
@settings(max_examples=150, deadline=None)
def test_never_below_what_no_order_can_beat_and_never_above_one_after_another(
    tasks: list[tuple[int, Placement]], machines: Machines
) -> None:
    lengths, places = [length for length, _ in tasks], [place for _, place in tasks]
    wall = schedule(lengths, places, machines).wall
    assert lower_bound(lengths, places, machines) - 1e-9 <= wall <= sum(lengths)
    assert wall >= max(lengths, default=0)


@given(tasks=st.lists(st.tuples(st.integers(1, 9), SHAPES), min_size=1, max_size=5), machines=MACHINES)
@settings(max_examples=25, deadline=None)
def test_no_better_than_the_best_of_all_orders(tasks: list[tuple[int, Placement]], machines: Machines) -> None:
    lengths, places = [length for length, _ in tasks], [place for _, place in tasks]
    best = min(
        max(s + tasks[i][0] for i, s in enumerate(second_by_second(tasks, machines, order)))
        for order in itertools.permutations(range(len(tasks)))
    )
    wall = schedule(lengths, places, machines).wall
    assert best <= wall
    assert lower_bound(lengths, places, machines) <= best + 1e-9


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5), cards=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_within_four_thirds_of_the_best_with_a_card_for_each(lengths: list[int], cards: int) -> None:
    # The best partition of the tasks among the cards, by trying all of them.
    loads = (
        max(sum(length for length, card in zip(lengths, choice, strict=True) if card == c) for c in range(cards))
        for choice in itertools.product(range(cards), repeat=len(lengths))
    )
    best = min(loads)
    wall = schedule(lengths, [CARD] * len(lengths), Machines(cpus=cards, gpus=cards)).wall
    assert best <= wall <= best * (4 / 3 - 1 / (3 * cards)) + 1e-9


def test_four_quarters_share_a_card_and_two_whole_cards_wait_for_both() -> None:
    quarters = [Placement(gpus=0.25)] * 8
    assert schedule([10.0] * 8, quarters, Machines(cpus=8, gpus=1)).wall == 20
    mixed = schedule([5, 4, 3], [CARD, Placement(gpus=2), CARD], Machines(cpus=8, gpus=2))
    assert mixed.starts == (0, 5, 0)
    assert mixed.wall == 9


def test_a_hundred_tenths_fit_without_a_rounding_error() -> None:
    tenths = [Placement(cpus=0.1, gpus=0.1)] * 100
    assert schedule([1.0] * 100, tenths, Machines(cpus=1, gpus=1)).wall == 10


def test_the_longest_task_is_the_end_of_it_on_any_number_of_cards() -> None:
    lengths = [100.0] + [1.0] * 50
    walls = [schedule(lengths, [CARD] * 51, Machines(cpus=99, gpus=k)).wall for k in (1, 2, 4, 64)]
    assert walls == [150, 100, 100, 100]


def test_no_tasks_take_no_time() -> None:
    assert schedule([], [], Machines(cpus=1)).wall == 0


def test_a_task_that_fits_nowhere_is_refused_with_what_it_needs() -> None:
    with pytest.raises(InputError, match="needs 1 CPUs, 2 GPUs and 1 GB, and there are 8 CPUs, 1 GPUs"):
        schedule([1.0], [Placement(gpus=2)], Machines(cpus=8, gpus=1))
    with pytest.raises(InputError, match="change `place:`"):
        schedule([1.0], [Placement(memory_gb=9)], Machines(cpus=8, memory_gb=8))
