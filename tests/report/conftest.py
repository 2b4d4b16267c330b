from __future__ import annotations

import pytest
from example import phantom_findings


@pytest.fixture(scope="session")
def findings():
    return phantom_findings(replicates=100)
