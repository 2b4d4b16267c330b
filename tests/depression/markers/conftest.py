from __future__ import annotations

import pytest

from presage.cohort import Cohort, Outcome
from presage.depression.phantom.cohort import make_phantom
from presage.study import EncoderCache, Resources

OUTCOME = Outcome("hamd", kind="scale", cutoff=17)


@pytest.fixture(scope="package")
def phantom(tmp_path_factory) -> Cohort:
    """24 made-up people at one visit."""
    return make_phantom(tmp_path_factory.mktemp("phantom"), people=24, seed=7, visits=1).with_outcome(OUTCOME)


@pytest.fixture(scope="package")
def resources(tmp_path_factory) -> Resources:
    """One cache for all tests of markers."""
    return Resources(cache=EncoderCache(str(tmp_path_factory.mktemp("cache"))), seed=5)
