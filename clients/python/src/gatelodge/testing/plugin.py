"""Owns the pytest fixture that comes with the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gatelodge.testing.authority import FakeAuthority


@pytest.fixture
def fake_authority() -> FakeAuthority:
    """An authority without a network, where nobody is signed in yet."""
    from gatelodge.testing.authority import FakeAuthority  # noqa: PLC0415 - who does not use it should not pay for it

    return FakeAuthority()
