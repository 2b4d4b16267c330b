"""A small cohort that the marker tests share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from presage.cohort import Cohort

sys.path.insert(0, str(Path(__file__).parent))

from striped_cohort import write_cohort


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Markers fitted once for a whole module must not fill the user's cache either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRESAGE_CACHE", str(tmp_path_factory.getbasetemp() / "presage-cache"))
        yield


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Twelve women, half of them cases, one CC and one MLO picture each."""
    return write_cohort(tmp_path_factory.mktemp("women"), 12)
