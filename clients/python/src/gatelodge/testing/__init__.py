"""An authority without a network, for the tests of an application.

The pytest fixture ``fake_authority`` comes with the package::

    def test_home_greets(fake_authority):
        with fake_authority.behind(gatelodge):
            client = TestClient(app, cookies=fake_authority.sign_in(user_id="google_1").cookies)
            assert client.get("/").json() == "Hello, google_1"
"""

from gatelodge.testing.authority import FakeAuthority
from gatelodge.testing.visitor import Visitor

__all__ = ["FakeAuthority", "Visitor"]
