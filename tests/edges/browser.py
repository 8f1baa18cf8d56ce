"""Owns a tiny browser: it keeps cookies byte for byte, and follows nothing by itself. Does not know the cases."""

import re
from urllib.parse import urlencode, urljoin, urlsplit

from .wire import Answer, Text, compose, exchange, raw

PASSWORD = "password123"
USERS = ("testuser1@example.com", "testuser2@example.com")


class Browser:
    """One person's browser. `addresses` says where a host and port are really to be found."""

    def __init__(self, base_url: str, addresses: dict[tuple[str, int], tuple[str, int]], headers=()):
        self.base_url = base_url
        self.jar: dict[str, dict[bytes, bytes]] = {}
        self._addresses = addresses
        self._headers = list(headers)

    def send(self, method: str, url: str, headers=(), body: bytes | None = None) -> Answer:
        """One request, with the cookies that belong to it; keeps those that come back, and follows nothing."""
        parts = urlsplit(urljoin(self.base_url, url))
        host, port = parts.hostname or "", parts.port or 80
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        ours = urlsplit(self.base_url).netloc == parts.netloc
        lines: list[tuple[Text, Text]] = [("host", parts.netloc), *headers, *(self._headers if ours else [])]
        if cookies := self.cookie_header(host):
            lines.append(("cookie", cookies))
        address = self._addresses.get((host, port), (host, port))
        answer = exchange(address, compose(method, target, lines, body), is_head=method == "HEAD")
        self.keep(host, answer)
        return answer

    def get(self, url: str, headers=()) -> Answer:
        """GET."""
        return self.send("GET", url, headers)

    def navigate(self, url: str) -> Answer:
        """GET as a person's click does it."""
        return self.get(url, NAVIGATION)

    def post(self, url: str, headers=(), body: bytes = b"") -> Answer:
        """POST."""
        return self.send("POST", url, headers, body)

    def cookie_header(self, host: str = "localhost") -> bytes:
        """What this browser sends there as its Cookie header."""
        return b"; ".join(name + b"=" + value for name, value in self.jar.get(host, {}).items())

    def cookie(self, name: str, host: str = "localhost") -> bytes | None:
        """The value of a cookie."""
        return self.jar.get(host, {}).get(raw(name))

    def keep(self, host: str, answer: Answer) -> None:
        """Takes the cookies of an answer."""
        for line in map(raw, answer.all("set-cookie")):
            pair, *attributes = line.split(b";")
            name, _, value = pair.strip().partition(b"=")
            jar = self.jar.setdefault(host, {})
            if any(attribute.strip().lower() == b"max-age=0" for attribute in attributes):
                jar.pop(name, None)
            else:
                jar[name] = value

    def begin_login(self, query: str = "provider=dev") -> Answer:
        """Begins a login at the edge and goes to the provider: its login page, or what sends the browser back."""
        began = self.navigate(f"/auth/web/login?{query}")
        if began.status != 302:
            raise AssertionError(f"no login began: {began}")
        return self.navigate(began.header("location"))

    def fill_in(self, page: Answer, provider: str, user: int = 0) -> str:
        """Fills in the provider's login page: the callback address that the browser is sent to."""
        form = re.search(rb'name="form" value="([^"]+)"', page.body)
        if not form:
            raise AssertionError(f"the provider shows no login page: {page}")
        typed = {"form": form[1].decode(), "username": USERS[user], "password": PASSWORD}
        kind = [("content-type", "application/x-www-form-urlencoded")]
        back = self.post(f"{provider}/login", kind, urlencode(typed).encode())
        if back.header("location") is None:
            raise AssertionError(f"the provider does not send the browser back: {back}")
        return back.header("location")

    def callback_address(self, provider: str, user: int = 0, query: str = "provider=dev") -> str:
        """Goes through a login up to the callback, which is not visited."""
        return self.fill_in(self.begin_login(query), provider, user)

    def log_in(self, provider: str, user: int = 0, query: str = "provider=dev") -> Answer:
        """Logs in: the callback's answer."""
        return self.navigate(self.callback_address(provider, user, query))


NAVIGATION = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("sec-fetch-mode", "navigate")]
FETCH = [("accept", "application/json"), ("sec-fetch-mode", "cors")]
XHR = [("accept", "*/*"), ("x-requested-with", "XMLHttpRequest")]
