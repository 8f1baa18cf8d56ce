"""What else of a request reaches the authority: as it came, cut where the settings say, and nothing derived."""

from ..authority import changed
from ..case import case, each, equal, status, true

LONG = b"y" * 6000
HEADERS = {
    "user_agent": "User-Agent",
    "accept_language": "Accept-Language",
    "accept": "Accept",
    "content_type": "Content-Type",
    "origin": "Origin",
    "sec_fetch_site": "Sec-Fetch-Site",
    "sec_fetch_mode": "Sec-Fetch-Mode",
    "sec_fetch_dest": "Sec-Fetch-Dest",
    "x_requested_with": "X-Requested-With",
    "csrf_token": "X-CSRF-Token",
    "x_tenant_id": "X-Tenant-Id",
}


def _context(s, headers=(), target="/auth/me", **how):
    s.get(target, headers, **how)
    return s.calls("ValidateSession")[-1].request.context


@each({name: (field, name) for field, name in HEADERS.items()})
def the_header_x_arrives_as_it_came(s, row):
    field, name = row
    equal(getattr(_context(s, [(name, b'v; q="1", \xff %20')]), field), b'v; q="1", \xff %20')


@case
def headers_that_did_not_come_are_absent(s):
    context = _context(s)
    came = {field for field in [*HEADERS, "upgrade"] if context.HasField(field)}
    equal(came, set())
    equal((list(context.x_forwarded_for), list(context.forwarded)), ([], []))


@each({name: (field, name) for field, name in HEADERS.items() if field in ("origin", "csrf_token", "accept")})
def an_empty_x_arrives_empty(s, row):
    field, name = row
    context = _context(s, [(name, "")])
    equal((context.HasField(field), getattr(context, field)), (True, b""))


@case
def a_header_on_several_lines_is_joined(s):
    equal(_context(s, [("accept", "text/html"), ("Accept", "*/*;q=0.1")]).accept, b"text/html, */*;q=0.1")


@case
def a_csrf_header_on_several_lines_is_joined(s):
    equal(_context(s, [("x-csrf-token", "a"), ("X-Csrf-Token", "b")]).csrf_token, b"a, b")


@case
def a_header_that_is_too_long_is_cut(s):
    equal(_context(s, [("user-agent", LONG)]).user_agent, LONG[:4096])


@case
def the_lines_of_x_forwarded_for_stay_apart(s):
    lines = [b"198.51.100.1, 198.51.100.2", b"unknown", b"[2001:db8::1]:80"]
    equal(list(_context(s, [("x-forwarded-for", line) for line in lines]).x_forwarded_for), lines)


@case
def the_lines_of_forwarded_stay_apart(s):
    lines = [b'for=192.0.2.1;proto=https, for="[2001:db8::1]"', b"for=_x"]
    equal(list(_context(s, [("Forwarded", line) for line in lines]).forwarded), lines)


@case
def of_many_forwarded_lines_the_last_64_arrive(s):
    lines = [b"10.0.0.%d" % number for number in range(80)]
    equal(list(_context(s, [("x-forwarded-for", line) for line in lines]).x_forwarded_for), lines[-64:])


@case
def of_long_forwarded_lines_the_end_arrives(s):
    lines = [b"%d" % number * 1000 for number in range(8)]
    came = _context(s, [("x-forwarded-for", line) for line in lines]).x_forwarded_for
    equal(list(came), [b"3" * 97, *lines[4:]])


@case
def the_peer_is_the_tcp_peer_without_its_port(s):
    equal(_context(s, [("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "203.0.113.8")]).peer_address, b"127.0.0.1")


@case
def the_host_arrives_as_it_came(s):
    equal(_context(s, host="Evil.Example:8443").host, b"Evil.Example:8443")


@each(
    {
        "no query": (b"/auth/me", b""),
        "a plain query": (b"/auth/me?a=b&c=d", b""),
        "escapes": (b"/auth/me?a=%2F%ff%zz&b=+%20", b""),
        "several question marks": (b"/auth/me??a=?b", b""),
        "doubled parameters": (b"/auth/me?a=1&a=2&&=&a", b""),
        "brackets and quotes": (b"/auth/me?a[]='x'(y)*;z", b""),
    }
)
def the_target_is_that_of_the_request_line(s, row):
    context = _context(s, target=row[0])
    equal((context.method, context.target), (b"GET", row[0]))


@each(
    {
        "escapes": b"provider=dev&x=%2f%FF%00%zz",
        "plus and space": b"a+b=%20c",
        "doubled parameters": b"provider=a&provider=b",
        "several question marks": b"?provider=?dev?",
        "nothing at all": b"",
        "8 kB": b"x=" + b"z" * 8190,
    }
)
def the_query_arrives_undecoded(s, query):
    s.get(b"/auth/web/login?" + query)
    equal(s.asked("StartLogin").query, query)


@case
def a_query_that_is_too_long_is_cut_to_one_byte_more(s):
    query = b"provider=dev&x=" + b"z" * 10_000
    status(s.get(b"/auth/web/login?" + query), 400)
    equal(s.asked("StartLogin").query, query[:8193])


@case
def a_query_of_raw_bytes_arrives_or_is_refused(s):
    got = s.get(b"/auth/web/login?provider=dev&x=\xff\xc3\xa9")
    asked = [call.request.query for call in s.calls("StartLogin")]
    true(asked == [b"provider=dev&x=\xff\xc3\xa9"] or (got.status == 400 and not asked), f"{got}: {asked}")


@case
def no_query_is_an_empty_one(s):
    s.get("/auth/web/login")
    equal(s.asked("StartLogin").query, b"")


@each({"GET": "GET", "HEAD": "HEAD"})
def the_method_x_arrives(s, method):
    s.request(method, "/auth/me")
    equal(s.asked("ValidateSession").context.method, method.encode())


@case
def the_method_of_an_applications_route_arrives(s):
    s.post("/private", [("content-type", "application/json")], b"{}")
    context = s.asked("ValidateSession").context
    equal((context.method, context.target, context.content_type), (b"POST", b"/private", b"application/json"))


@case
def the_routes_of_the_set_say_that_they_are_web(s):
    s.get("/auth/web/login"), s.get("/auth/web/callback"), s.post("/auth/web/logout"), s.get("/auth/web/logged-out")
    equal({call.request.route_set for call in s.calls()}, {1})


@case
def the_place_arrives_under_the_header_of_the_settings(s):
    def named(answer):
        answer.settings.place_header = "X-Place"

    with s.own_edge(rules={"GetEdgeSettings": changed(named)}) as e:
        equal(_context(e, [("x-place", b"Troms\xc3\xb8, \xff")]).place, b"Troms\xc3\xb8, \xff")
        equal(_context(e, [("X-Place", LONG)]).place, LONG[:4096])
        true(not _context(e).HasField("place"), "absent where the header is")


@case
def without_a_header_for_it_no_place_is_told(s):
    true(not _context(s, [("x-place", "Oslo"), ("place", "Oslo")]).HasField("place"), "no place")


@case
def every_call_carries_the_key_and_the_request_id(s):
    s.get("/auth/me"), s.get("/auth/web/login"), s.get("/private")
    for call in s.calls():
        equal(call.metadata["authorization"], [f"Bearer {s.authority.key('edge')}"], call.method)
        equal(call.metadata["x-request-id"], [s.tag], call.method)
    equal(len(s.calls()), 3)


@each(
    {
        "GET /auth/web/login": ("StartLogin", "GET", "/auth/web/login", 10),
        "GET /auth/web/callback": ("CompleteCallback", "GET", "/auth/web/callback", 20),
        "GET /auth/me": ("ValidateSession", "GET", "/auth/me", 2),
        "POST /auth/web/logout": ("StartLogout", "POST", "/auth/web/logout", 8),
        "GET /auth/web/logged-out": ("CompleteLogout", "GET", "/auth/web/logged-out", 2),
        "POST /auth/web/callback": ("CompleteCallback", "POST", "/auth/web/callback", 20),
        "GET /auth/web/sessions": ("ListUserSessions", "GET", "/auth/web/sessions", 2),
        "POST /auth/web/sessions/revoke": ("Revoke", "POST", "/auth/web/sessions/revoke", 8),
        "POST /auth/web/refresh": ("RefreshTokens", "POST", "/auth/web/refresh", 10),
        "GET /auth/web/userinfo": ("GetUserInfo", "GET", "/auth/web/userinfo", 10),
        "GET /private": ("ValidateSession", "GET", "/private", 2),
    }
)
def the_deadline_of_x_is_told_to_the_authority(s, row):
    method, verb, path, seconds = row
    s.request(verb, path)
    left = s.the_call(method).seconds_left
    true(left is not None and seconds - 1.5 < left <= seconds, f"{method} within {seconds} s, told {left}")
