"""Starting an edge with options that can't be right: it ends, and names the setting."""

from ..case import case, each, equal, true
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
    environment = {**GOOD, **TLS, name: value, "LISTEN": f"127.0.0.1:{free_port()}"}
    program = Program(s.site.world.log_of(s.tag), [edge_command(s.site.world.edge)], environment)
    try:
        s.eventually(lambda: program.ended() is not None, "the edge ends", 20)
    finally:
        program.stop()
    true(program.ended() != 0, "with a status that says so")
    true(name in program.said(), f"and names {name}: {program.said()[-500:]}")
    true("ready" not in program.said().split(), "it was never ready")


@case
def a_missing_tls_file_is_a_fault_that_names_the_setting(s):
    environment = {**GOOD, **TLS, "GATELODGE_ADDRESS": "https://127.0.0.1:1", "GATELODGE_CA_FILE": "/nowhere/ca.pem"}
    environment["LISTEN"] = f"127.0.0.1:{free_port()}"
    program = Program(s.site.world.log_of(s.tag), [edge_command(s.site.world.edge)], environment)
    try:
        s.eventually(lambda: program.ended() is not None, "the edge ends", 20)
    finally:
        program.stop()
    true("GATELODGE_CA_FILE" in program.said(), program.said()[-500:])
    equal("ready" in program.said().split(), False)
