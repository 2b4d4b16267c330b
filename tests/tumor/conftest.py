"""What the tests of tumours share: the command line as a person types it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from presage import cli

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def presage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Type `presage ...`: exit code, standard output, standard error."""

    def typed(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["presage", *map(str, words)])
        code: Any = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return int(code or 0), said.out, said.err

    return typed
