from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatelodge.testing import FakeAuthority
from tests.applied.browsers import BROWSERS, Browser

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def fake_authority() -> FakeAuthority:
    return FakeAuthority(allowed_origins=["https://spa.example"])


@pytest.fixture(params=BROWSERS)
def browser(request: pytest.FixtureRequest, fake_authority: FakeAuthority) -> Iterator[Browser]:
    browser = BROWSERS[request.param]
    with fake_authority.behind(browser.application):
        yield browser
