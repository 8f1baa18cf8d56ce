"""Owns the fake authority of a language, served over gRPC, behind the edges of any: what clients/scenarios.json says of
it must hold through them. Does not know what a fake does."""

import json

from .case import Case
from .cases.scenarios import as_expected, sent
from .programs import Program, fake_command, free_port, listens
from .scenarios import load
from .stage import Site, Stage, World


class ServedFake:
    """A fake-under-test. For an edge it is as an authority, whose one key is the one that it prints."""

    base_url = "http://localhost:8000"
    provider = None

    def __init__(self, language: str):
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        environment = {"LISTEN": self.address}
        self._program = Program(f"fake-{language}", [fake_command(language)], environment, is_told=True)
        self._told = 0
        try:
            self._program.wait_for(lambda: "ready" in self._program.said().split(), 'says "ready"')
            self._program.wait_for(lambda: listens(("127.0.0.1", port)), "listens")
        except BaseException:
            self._program.stop()
            raise

    def key(self, _role: str) -> str:
        """The one key."""
        words = self._program.said().split()
        return words[words.index("ready") + 1]

    def tell(self, said: dict) -> None:
        """Tells it what is given, and waits until it is so."""
        self._told += 1
        self._program.tell(json.dumps(said))
        self._program.wait_for(lambda: self._program.said().split().count("told") >= self._told, "was told", 10)

    def close(self) -> None:
        """Ends it."""
        self._program.stop()


def cases(fake: ServedFake) -> list[Case]:
    """A case for each scenario. One after the other: a fake is given one at a time."""

    def case(name: str, scenario: dict) -> Case:
        def run(s: Stage) -> None:
            fake.tell({"begin": scenario["given"]})
            for step in [scenario, *scenario.get("then", [])]:
                if step is not scenario and "given" in step:
                    fake.tell({"change": step["given"]})
                as_expected(sent(s, step["request"]), step["expect"])

        return Case(f"scenarios: {name}", run, False)

    return [case(name, scenario) for name, scenario in load().items()]


def begin(edge: str, fake: ServedFake) -> Site:
    """An edge before a fake."""
    fake.tell({"begin": {"sessions": [], "authority": "up"}})
    return Site.start(World(edge, fake), "edge-before-a-fake")
