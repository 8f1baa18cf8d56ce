from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.wire.authority import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def authority() -> Iterator[Authority]:
    made = Authority()
    yield made
    made.stop()
