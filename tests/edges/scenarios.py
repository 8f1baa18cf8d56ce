"""Owns the reading of clients/scenarios.json, which drives the fakes of all languages. Does not know a fake."""

import json
import sys

import jsonschema

from .programs import ROOT

FILE = ROOT / "clients" / "scenarios.json"
SCHEMA = ROOT / "clients" / "scenarios.schema.json"


def load() -> dict[str, dict]:
    """The scenarios by their names."""
    return {scenario["name"]: scenario for scenario in json.loads(FILE.read_text("utf-8"))["scenarios"]}


def check() -> int:
    """Says what is wrong with the file; 0 when nothing is."""
    schema, read = json.loads(SCHEMA.read_text("utf-8")), json.loads(FILE.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    faults = [
        f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}"
        for fault in jsonschema.Draft202012Validator(schema).iter_errors(read)
    ]
    names = [scenario.get("name") for scenario in read.get("scenarios", [])]
    faults += [f"two scenarios are named {name}" for name in sorted({name for name in names if names.count(name) > 1})]
    for scenario in read.get("scenarios", []):
        cookies = {session["cookie"] for session in scenario["given"]["sessions"]}
        steps = [step.get("given", {}) for step in scenario.get("then", [])]
        unknown = {cookie for given in steps for cookie in given.get("states", {})} - cookies
        faults += [f"{scenario['name']}: no session has the cookie {cookie}" for cookie in sorted(unknown)]
        tokens = {token["token"] for token in scenario["given"].get("tokens", [])}
        unknown = {token for given in steps for token in given.get("token_states", {})} - tokens
        faults += [f"{scenario['name']}: nobody was given the token {token}" for token in sorted(unknown)]
    print(*faults, sep="\n", file=sys.stderr)
    print(f"{FILE.name}: {len(names)} scenarios, {len(faults)} faults")
    return 1 if faults else 0
