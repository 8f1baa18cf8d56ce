from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.whole.dev import Dev

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def dev() -> Iterator[Dev]:
    made = Dev()
    yield made
    made.stop()
