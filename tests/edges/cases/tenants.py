"""Several tenants behind one edge: a request goes by the settings of the tenant whose host it names."""

from ..authority import changed
from ..browser import FETCH
from ..case import case, equal, status, true
from ..programs import ORIGIN
from .cors import kept, shared

SPA = "https://spa.acme.example.com"
# The hosts of requests, and whether the tenant acme is reached there.
HOSTS = {
    "app.example.com": False,
    "acme.example.com": True,
    "ACME.Example.com:8000": True,
    "[::1]:8000": True,
    "app.example.com:8443": True,
    "app.example.com:9000": False,
    "elsewhere.example.com": False,
}


def _with_acme(answer):
    answer.settings.hosts[:] = ["app.example.com"]
    acme = answer.others.add()
    acme.CopyFrom(answer.settings)
    acme.hosts[:] = ["acme.example.com", "[::1]", "app.example.com:8443", "app.example.com"]
    acme.session_cookie_names[:], acme.binding_cookie_names[:] = ["acme"], ["acme_login"]
    acme.csrf_header, acme.public_base_url = "x-acme", "https://acme.example.com"
    acme.cors.allowed_origins[:] = [SPA]


RULES = {"GetEdgeSettings": changed(_with_acme)}


@case
def cookies_are_those_of_the_tenant_whose_host_was_asked(s):
    both = ("cookie", "session=1; acme=2; login_binding=3; acme_login=4")
    with s.own_edge(rules=RULES) as e:
        for host, is_acme in HOSTS.items():
            for path, method in (
                ("/auth/me", "ValidateSession"),
                ("/private", "ValidateSession"),
                ("/auth/web/login", "StartLogin"),
            ):
                e.get(path, [both, *FETCH], host=host)
                values = [cookie.value for cookie in e.calls(method)[-1].request.cookies]
                wanted = {"StartLogin": [[b"1", b"3"], [b"2", b"4"]], "ValidateSession": [[b"1"], [b"2"]]}[method]
                equal(values, wanted[is_acme], f"{path} at {host}")


@case
def origins_are_those_of_the_tenant_whose_host_was_asked(s):
    preflight = ("access-control-request-method", "POST")
    with s.own_edge(rules=RULES) as e:
        for host, is_acme in HOSTS.items():
            own, other = (SPA, ORIGIN) if is_acme else (ORIGIN, SPA)
            shared(e.get("/auth/me", [("origin", own)], host=host), own)
            kept(e.get("/auth/me", [("origin", other)], host=host))
            for path in ("/auth/me", "/any"):
                shared(status(e.request("OPTIONS", path, [("origin", own), preflight], host=host), 204), own)
                kept(status(e.request("OPTIONS", path, [("origin", other), preflight], host=host), 204))


@case
def the_csrf_header_is_that_of_the_tenant_whose_host_was_asked(s):
    with s.own_edge(rules=RULES) as e:
        for host, is_acme in HOSTS.items():
            e.post("/private", [("x-csrf-token", "of all"), ("x-acme", "of acme")], host=host)
            token = e.calls("ValidateSession")[-1].request.context.csrf_token
            equal(token, b"of acme" if is_acme else b"of all", host)


@case
def https_is_demanded_by_the_tenant_whose_host_was_asked(s):
    with s.own_edge(rules=RULES) as e:
        for host, is_acme in HOSTS.items():
            demanded = e.get("/auth/me", host=host).header("strict-transport-security")
            equal(demanded, "max-age=31536000" if is_acme else None, host)


@case
def a_tenant_that_is_set_is_named_with_every_call(s):
    with s.own_edge(environment={"GATELODGE_TENANT": "default"}) as e:
        e.get("/auth/me")
        e.get("/auth/web/login?provider=dev")
        e.post("/auth/web/logout")
        true(e.site.between.called("GetEdgeSettings"), "the settings were asked for")
        for call in e.site.between.called():
            equal(call.metadata.get("x-tenant-id"), ["default"], call.method)


@case
def without_one_no_call_names_a_tenant(s):
    with s.own_edge(environment={"GATELODGE_TENANT": ""}) as e:
        e.get("/auth/me", [("x-tenant-id", "acme")])
        for call in e.site.between.called():
            equal(call.metadata.get("x-tenant-id"), None, call.method)
