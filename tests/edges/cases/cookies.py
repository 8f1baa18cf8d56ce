"""What of the Cookie header reaches the authority: every value, byte for byte."""

from ..case import case, each, equal, status

LONG = b"x" * 10_240
# Cookie headers as they are sent, and the values that have to arrive under the session cookie's names, in this order.
ROWS: dict[str, tuple[list[bytes], list[bytes]]] = {
    "a plain value stays": ([b"session=abc"], [b"abc"]),
    "quotes stay": ([b'session="abc"'], [b'"abc"']),
    "one quote stays": ([b'session="abc'], [b'"abc']),
    "equals signs stay": ([b"session=a=b==c="], [b"a=b==c="]),
    "only an equals sign stays": ([b"session=="], [b"="]),
    "spaces inside stay": ([b"session=a b  c"], [b"a b  c"]),
    "a tab inside stays": ([b"session=a\tb"], [b"a\tb"]),
    "spaces around are dropped": ([b"x=y;   session=abc   ; z=1"], [b"abc"]),
    "tabs around are dropped": ([b"x=y;\tsession=abc\t;z=1"], [b"abc"]),
    "an empty value arrives empty": ([b"session="], [b""]),
    "percent escapes stay": ([b"session=a%20b%3Bc%"], [b"a%20b%3Bc%"]),
    "a plus stays": ([b"session=a+b"], [b"a+b"]),
    "commas stay": ([b"session=a,b,c"], [b"a,b,c"]),
    "backslashes stay": ([b"session=a\\073\\b"], [b"a\\073\\b"]),
    "brackets and JSON stay": ([b'session={"a":[1]}'], [b'{"a":[1]}']),
    "UTF-8 stays": (["session=zoë Ω 𝄞".encode()], ["zoë Ω 𝄞".encode()]),
    "bytes that are not UTF-8 stay": ([b"session=\xff\xfe\x80abc\xc3"], [b"\xff\xfe\x80abc\xc3"]),
    "every byte above 127 stays": ([b"session=" + bytes(range(128, 256))], [bytes(range(128, 256))]),
    "no space after a semicolon": ([b"a=1;session=abc;b=2"], [b"abc"]),
    "empty pairs are nothing": ([b";;session=abc;;  ;"], [b"abc"]),
    "quotes protect no semicolon": ([b'session="a;b"'], [b'"a']),
    "a pair without an equals sign is nothing": ([b"session; session=abc"], [b"abc"]),
    "a nameless value is nothing": ([b"=session; session=abc"], [b"abc"]),
    "$Version means nothing": ([b'$Version="1"; session=abc; $Path="/"'], [b"abc"]),
    "other names are not passed": ([b"theme=dark; session=abc; _ga=1"], [b"abc"]),
    "names count by case": ([b"Session=x; SESSION=y; session=abc"], [b"abc"]),
    "names count whole": ([b"session2=x; xsession=y; session.x=z; session=abc"], [b"abc"]),
    "prefixes count": ([b"__Host-session=x; session=abc"], [b"abc"]),
    "an encoded name is another name": ([b"%73ession=x; session=abc"], [b"abc"]),
    "doubled cookies all arrive in order": ([b"session=b; x=y; session=a; session=b"], [b"b", b"a", b"b"]),
    "two Cookie headers both count": ([b"session=a", b"x=y; session=b"], [b"a", b"b"]),
    "a former name counts": ([b"former_session=f; session=s"], [b"f", b"s"]),
    "4096 bytes arrive": ([b"session=" + LONG[:4096]], [LONG[:4096]]),
    "4097 bytes arrive": ([b"session=" + LONG[:4097]], [LONG[:4097]]),
    "10 kB are cut to one byte more than allowed": ([b"session=" + LONG], [LONG[:4097]]),
    "of more than eight the first eight arrive": (
        [b"; ".join(b"session=%d" % number for number in range(12))],
        [b"%d" % number for number in range(8)],
    ),
    "no cookie is none": ([], []),
    "an empty Cookie header is none": ([b""], []),
}
_ON_AN_APPLICATIONS_ROUTE = (
    "quotes stay",
    "percent escapes stay",
    "equals signs stay",
    "bytes that are not UTF-8 stay",
    "doubled cookies all arrive in order",
    "two Cookie headers both count",
    "10 kB are cut to one byte more than allowed",
)


def _passed_on(s, path: str, lines: list[bytes]) -> list[bytes]:
    status(s.get(path, [("cookie", line) for line in lines]), 401)
    return [cookie.value for cookie in s.asked("ValidateSession").cookies]


@each(ROWS)
def in_the_cookie_header(s, row):
    lines, expected = row
    equal(_passed_on(s, "/auth/me", lines), expected)


@each({label: ROWS[label] for label in _ON_AN_APPLICATIONS_ROUTE})
def on_an_applications_route(s, row):
    lines, expected = row
    equal(_passed_on(s, "/private", lines), expected)


@case
def each_arrives_under_the_name_it_came_under(s):
    s.get("/auth/me", [("cookie", "former_session=f; session=s")])
    cookies = [(cookie.name, cookie.value) for cookie in s.asked("ValidateSession").cookies]
    equal(cookies, [("former_session", b"f"), ("session", b"s")])


@case
def binding_cookies_are_for_logins_alone(s):
    s.get("/auth/me", [("cookie", "login_binding=b; session=s")])
    equal([cookie.name for cookie in s.asked("ValidateSession").cookies], ["session"])


@case
def of_too_many_bindings_the_first_arrive_beside_the_session(s):
    many = b"; ".join(b"login_binding=%d" % number for number in range(12))
    s.get("/auth/web/login", [("cookie", many + b"; session=s")])
    cookies = s.asked("StartLogin").cookies
    equal([cookie.value for cookie in cookies if cookie.name == "session"], [b"s"])
    equal([cookie.value for cookie in cookies if cookie.name != "session"], [b"%d" % number for number in range(8)])


@case
def a_good_cookie_beside_a_forged_one_is_found(s):
    good = s.signed_in().cookie("session")
    status(s.get("/auth/me", [("cookie", b"session=forged; session=" + good)]), 200)
    status(s.get("/auth/me", [("cookie", b"session=" + good + b"; session=forged")]), 200)


@case
def a_good_cookie_after_a_huge_one_is_found(s):
    good = s.signed_in().cookie("session")
    status(s.get("/auth/me", [("cookie", b"session=" + LONG[:6000] + b"; session=" + good)]), 200)


@case
def two_living_sessions_at_once_are_nobody(s):
    one, other = s.signed_in(0).cookie("session"), s.signed_in(1).cookie("session")
    status(s.get("/auth/me", [("cookie", b"session=" + one + b"; session=" + other)]), 401)
