import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from presage.stats.agreement import repeated_measures_correlation
from presage.stats.checks import StatsError
from presage.stats.severity import reliable_change
from presage.stats.visits import (
    compare_repeated_correlations,
    correlation_of_changes,
    repeated_correlation_bootstrap,
    visit_error,
)

# Bland and Altman, BMJ 1995;310:446: eight subjects seen so often; of the pH's variation within them 0.1153 is
# explained by PaCO2 (slope -0.108), 0.3337 is not.
SIZES, EXPLAINED, LEFT, SLOPE = (4, 4, 9, 5, 8, 6, 3, 8), 0.1153, 0.3337, -0.108


def with_published_table():
    """Rows whose analysis of covariance is the published one; the rows themselves are random."""
    random = np.random.default_rng(8)
    patients = np.repeat(np.arange(8), SIZES)
    levels = np.eye(8)[patients]
    x, noise = random.normal(size=(2, 47))
    x = x - levels @ np.linalg.lstsq(levels, x, rcond=None)[0]
    x *= (EXPLAINED / SLOPE**2) ** 0.5 / np.linalg.norm(x)
    design = np.column_stack([levels, x])
    noise = noise - design @ np.linalg.lstsq(design, noise, rcond=None)[0]
    y = 7 + patients + SLOPE * x + noise * LEFT**0.5 / np.linalg.norm(noise)
    return x + 5 - patients, y, patients


def of_people(n, visits, within, seed):
    random = np.random.default_rng(seed)
    patients = np.repeat(np.arange(n), visits)
    scale = np.repeat(random.normal(size=n), visits) + random.normal(size=n * visits)
    marker = within * scale + np.repeat(random.normal(size=n), visits) + random.normal(size=n * visits)
    return scale, marker, patients


def test_the_published_correlation_within_patients_and_its_interval():
    x, y, patients = with_published_table()
    found = repeated_measures_correlation(x, y, patients)
    # As printed by the method's authors for these data: r -0.507, 38 degrees of freedom, -0.707 to -0.232.
    assert (found.value, found.low, found.high) == pytest.approx((-0.5068, -0.7067, -0.2319), abs=2e-4)
    assert "38 degrees" in found.method
    # The residual mean square of the published table is 0.0088.
    assert visit_error(x, y, patients).error ** 2 == pytest.approx(0.0088, abs=5e-5)


def test_the_bootstrap_by_patient_agrees_with_the_formula():
    scale, marker, patients = of_people(150, 3, 0.8, 1)
    formula = repeated_measures_correlation(scale, marker, patients)
    drawn = repeated_correlation_bootstrap(scale, marker, patients, replicates=1000)
    assert drawn.value == pytest.approx(formula.value, abs=1e-12)
    assert (drawn.low, drawn.high) == pytest.approx((formula.low, formula.high), abs=0.03)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 10), st.floats(-50, 50))
def test_a_patients_level_and_the_unit_do_not_count(seed, factor, shift):
    scale, marker, patients = of_people(8, 3, 0.5, seed)
    level = np.random.default_rng(seed).normal(size=8)[patients] * shift
    plain = repeated_measures_correlation(scale, marker, patients).value
    assert repeated_measures_correlation(scale, factor * marker + level, patients).value == pytest.approx(
        plain, abs=1e-7
    )
    error = visit_error(scale, marker, patients).error
    assert visit_error(scale, factor * marker + level, patients).error == pytest.approx(factor * error, rel=1e-6)


def test_the_marker_that_follows_is_told_from_one_that_does_not():
    scale, marker, patients = of_people(100, 3, 0.9, 3)
    idle = np.random.default_rng(0).normal(size=300)
    found = compare_repeated_correlations(scale, marker, idle, patients)
    assert found.low > 0.2
    same = compare_repeated_correlations(scale, marker, marker, patients)
    assert (same.difference, same.low, same.high) == (0, 0, 0)


def test_error_of_a_visit_is_what_was_put_in():
    random = np.random.default_rng(2)
    patients = np.repeat(np.arange(2000), 3)
    scale = 6 * random.normal(size=6000)
    marker = 0.3 * scale + np.repeat(3 * random.normal(size=2000), 3) + 1.5 * random.normal(size=6000)
    found = visit_error(scale, marker, patients)
    assert found.error == pytest.approx(1.5, rel=0.03)
    assert found.smallest == pytest.approx(1.96 * 2**0.5 * found.error, rel=1e-3)
    # Of people who do not change, 5 % are beyond it.
    pair = 1.5 * random.normal(size=(2, 4000))
    change = reliable_change(*pair, spread=found.spread, reliability=found.reliability)
    assert np.mean(change.direction != 0) == pytest.approx(0.05, abs=0.012)


def test_the_reliable_change_of_jacobson_and_truax():
    # Their example: 47.5 falls to 32.5, spread 7.5, reliability 0.80: the index is -3.16.
    found = reliable_change([47.5, 40], [32.5, 38], spread=7.5, reliability=0.80)
    assert found.index[0] == pytest.approx(-3.16, abs=0.005)
    assert found.direction.tolist() == [-1, 0]


def test_changes_are_correlated_one_pair_a_patient():
    random = np.random.default_rng(4)
    scale = random.normal(size=50)
    score = scale + random.normal(size=50)
    found = correlation_of_changes(scale, score)
    assert (found.n, found.spearman.value) == (50, pytest.approx(scipy_stats.spearmanr(scale, score).statistic))
    assert found.spearman.low < found.spearman.value < found.spearman.high
    assert correlation_of_changes([1, 2, 3, 4, 5], [1, 4, 9, 16, 25]).spearman.value == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: visit_error([1, 2, 3], [1, 2, 3], ["a", "b", "c"]), "repeated visits"),
        (lambda: repeated_correlation_bootstrap([1, 1, 2, 2, 3, 3], range(6), list("aabbcc")), "never changes"),
        (lambda: correlation_of_changes([1, 2, np.nan, 4], [1, 2, 3, 4]), "missing"),
        (lambda: correlation_of_changes([1, 1, 1, 1], [1, 2, 3, 4]), "constant"),
    ],
)
def test_what_cannot_be_computed_is_refused(call, words):
    with pytest.raises(StatsError, match=words):
        call()
