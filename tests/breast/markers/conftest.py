"""A small cohort that the marker tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from presage.cohort import Cohort

sys.path.insert(0, str(Path(__file__).parent))

from striped_cohort import write_cohort


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Twelve women, half of them cases, one CC and one MLO picture each."""
    return write_cohort(tmp_path_factory.mktemp("women"), 12)
