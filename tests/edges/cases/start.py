"""Starting an edge with options that can't be right: it ends, and names the setting."""

from ..case import case, could_not_say, each, equal, true
from ..programs import Program, edge_command, free_port

GOOD = {"GATELODGE_ADDRESS": "http://127.0.0.1:1", "GATELODGE_API_KEY": "glk_x", "MOUNT_PREFIX": ""}
TLS = {"GATELODGE_CA_FILE": "", "GATELODGE_CERT_FILE": "", "GATELODGE_KEY_FILE": ""}


@each(
    {
        "no address": ("GATELODGE_ADDRESS", ""),
        "an address without a scheme": ("GATELODGE_ADDRESS", "127.0.0.1:50051"),
        "an address of another scheme": ("GATELODGE_ADDRESS", "ftp://127.0.0.1"),
        "an address with a path": ("GATELODGE_ADDRESS", "http://127.0.0.1:50051/path"),
        "no API key": ("GATELODGE_API_KEY", ""),
        "an API key of two lines": ("GATELODGE_API_KEY", "glk_x\nglk_y"),
        "a tenant of two lines": ("GATELODGE_TENANT", "acme\nglobex"),
        "a TLS file for plaintext": ("GATELODGE_CA_FILE", "/etc/hosts"),
    }
)
def x_is_a_fault_that_names_the_setting(s, fault):
    name, value = fault
    said = _refused(s, {name: value})
    true(name in said, f"and names {name}: {said[-500:]}")


@case
def where_address_and_key_are_missing_the_address_is_named(s):
    said = _refused(s, {"GATELODGE_ADDRESS": "", "GATELODGE_API_KEY": ""})
    true("GATELODGE_ADDRESS" in said, f"names GATELODGE_ADDRESS: {said[-500:]}")
    true("GATELODGE_API_KEY" not in said, f"one thing at a time, the same in every language: {said[-500:]}")


@case
def a_missing_tls_file_is_a_fault_that_names_the_setting(s):
    said = _refused(s, {"GATELODGE_ADDRESS": "https://127.0.0.1:1", "GATELODGE_CA_FILE": "/nowhere/ca.pem"})
    true("GATELODGE_CA_FILE" in said, said[-500:])


def _refused(s, settings):
    """What an edge says that can't start with these settings."""
    environment = {**GOOD, **TLS, **settings, "LISTEN": f"127.0.0.1:{free_port()}"}
    program = Program(s.site.world.log_of(s.tag), [edge_command(s.site.world.edge)], environment)
    try:
        s.eventually(lambda: program.ended() is not None, "the edge ends", 20)
    finally:
        program.stop()
    true(program.ended() != 0, "with a status that says so")
    true("ready" not in program.said().split(), "it was never ready")
    return program.said()


def _is_warned_of(program):
    """Whether the log says that what the edge sends can be read on its way to the authority."""
    return any("GATELODGE_ADDRESS" in line and "in clear" in line for line in program.said().splitlines())


@case
def plaintext_to_another_machine_is_warned_of(s):
    address = {"GATELODGE_ADDRESS": "http://gatelodge.invalid:50051"}
    with s.own_edge(ready=False, environment=address) as e:
        could_not_say(e.get("/auth/me"))
        e.eventually(lambda: _is_warned_of(e.site.program), "the log says so, and names GATELODGE_ADDRESS")
        true(e.authority.key("edge") not in e.site.program.said(), "and never the key")


@each({"localhost": "localhost", "127.0.0.1": "127.0.0.1", "another loopback address": "127.0.0.2", "::1": "[::1]"})
def plaintext_to_x_is_no_cause_for_a_warning(s, host):
    with s.own_edge(ready=False, environment={"GATELODGE_ADDRESS": f"http://{host}:1"}) as e:
        could_not_say(e.get("/auth/me"))
        equal(_is_warned_of(e.site.program), False, "it stays on this machine")


@case
def where_nobody_is_reached_the_log_names_the_address(s):
    with s.own_edge(ready=False, reachable=False) as e:
        could_not_say(e.get("/auth/me"))
        e.eventually(lambda: "GATELODGE_ADDRESS" in e.site.program.said(), "the log names GATELODGE_ADDRESS")
        true("GATELODGE_API_KEY" not in e.site.program.said(), "and not the key")


@case
def where_another_server_answers_the_log_names_the_address(s):
    with s.own_edge(ready=False, environment={"GATELODGE_ADDRESS": s.authority.provider}) as e:
        could_not_say(e.get("/auth/me"))
        e.eventually(lambda: "GATELODGE_ADDRESS" in e.site.program.said(), "the log names GATELODGE_ADDRESS")
        true("GATELODGE_API_KEY" not in e.site.program.said(), "and not the key")
