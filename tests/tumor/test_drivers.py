from __future__ import annotations

import numpy as np
import pytest

from presage.cohort import InputError
from presage.tumor.drivers import FEWEST, Levels, call_drivers, chance_levels, programme
from presage.tumor.phantom import PhantomTumours, draw_tumours
from presage.tumor.tci import Inference


@pytest.fixture(scope="module")
def phantom() -> PhantomTumours:
    return draw_tumours(200, genes=400, passengers=60, seed=4)


@pytest.fixture(scope="module")
def inference(phantom: PhantomTumours) -> Inference:
    return Inference(phantom.altered, phantom.expressed, leak="driver")


@pytest.fixture(scope="module")
def levels(inference: Inference) -> Levels:
    return chance_levels(inference, permutations=6, alpha=0.01, seed=1)


def test_drivers_are_found_far_above_their_frequency(
    phantom: PhantomTumours, inference: Inference, levels: Levels
) -> None:
    calls = call_drivers(inference, levels)
    true = calls.alteration < phantom.drivers
    precision = true[calls.driver].mean()
    recall = calls.driver[true].mean()
    # As many calls by frequency alone: the most frequent alterations of the cohort in each tumour.
    frequency = phantom.altered.mean(axis=0)[calls.alteration]
    threshold = np.sort(frequency)[-int(calls.driver.sum())]
    by_frequency = true[frequency >= threshold].mean()
    assert precision > 0.75
    assert recall > 0.6
    assert precision > by_frequency + 0.15


def test_permuted_tumours_are_called_no_more_often_than_stated(inference: Inference, levels: Levels) -> None:
    shuffled = inference.permuted(np.random.default_rng(77))
    calls = call_drivers(shuffled, levels)
    assert calls.driver.mean() <= 0.015


def test_a_programme_is_the_planted_one(phantom: PhantomTumours, inference: Inference, levels: Levels) -> None:
    most = int(phantom.altered[:, : phantom.drivers].sum(axis=0).argmax())
    genes, share = programme(inference, levels, most)
    planted = {g for g in range(200) if g % phantom.drivers == most}
    top = set(genes[: len(planted)].tolist())
    assert len(top & planted) / len(planted) > 0.9
    assert (np.diff(share) <= 0).all()
    assert share[0] <= 1


def test_posteriors_are_calibrated(phantom: PhantomTumours, inference: Inference) -> None:
    given, true = [], []
    for tumour, found in enumerate(inference.posteriors()):
        given.append(found.probability[:-1].ravel())
        true.append((phantom.cause[tumour, found.genes][None] == found.alterations[:, None]).ravel())
    probability, hit = np.concatenate(given), np.concatenate(true)
    for low, high in ((0.0, 0.1), (0.9, 1.0)):
        inside = (probability >= low) & (probability <= high)
        assert hit[inside].mean() == pytest.approx(probability[inside].mean(), abs=0.1)


def test_few_genes_are_no_driver_and_tumours_without_alterations_have_none() -> None:
    altered = np.zeros((30, 2), dtype=np.uint8)
    altered[:10, 0] = 1
    expressed = np.zeros((30, 3), dtype=np.uint8)
    expressed[:10] = 1
    inference = Inference(altered, expressed)
    levels = chance_levels(inference, permutations=2)
    calls = call_drivers(inference, levels)
    assert (levels.targets >= FEWEST).all()
    assert calls.tumour.tolist() == list(range(10))
    assert (calls.targets == 3).all()
    assert not calls.driver.any()
    assert len(calls.of(20).driver) == 0


def test_the_rows_of_a_tumour_come_with_the_strongest_first(inference: Inference, levels: Levels) -> None:
    mine = call_drivers(inference, levels).of(3)
    assert set(mine.tumour.tolist()) == {3}
    assert (np.diff(mine.targets) <= 0).all()


@pytest.mark.parametrize(("permutations", "alpha"), [(3, 0.1), (0, 0.1), (4, 0.0), (4, 1.5)])
def test_senseless_permutations_are_refused(inference: Inference, permutations: int, alpha: float) -> None:
    with pytest.raises(InputError, match="permutations"):
        chance_levels(inference, permutations=permutations, alpha=alpha)


def test_phantom_tumours_have_what_is_planted(phantom: PhantomTumours) -> None:
    caused = phantom.cause >= 0
    assert phantom.expressed[caused].all()
    rows = np.nonzero(caused)[0]
    assert phantom.altered[rows, phantom.cause[caused]].all()
    assert (phantom.times > 0).all()
    assert 0.2 < phantom.events.mean() < 0.9
    alive = np.argsort(phantom.risk)
    half = len(alive) // 2
    assert phantom.times[alive[:half]].mean() > phantom.times[alive[half:]].mean()
    assert len(phantom.names) == phantom.altered.shape[1]
    again = draw_tumours(200, genes=400, passengers=60, seed=4)
    assert np.array_equal(again.expressed, phantom.expressed)
