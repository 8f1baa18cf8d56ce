"""Owns the command line of the suite, and how cases are run side by side. Does not know the cases."""

import argparse
import fnmatch
import sys
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from . import broken, cases, scenarios  # noqa: F401
from .case import CASES, Case
from .programs import Authority
from .stage import Site, Stage, World


def main() -> int:
    """Runs what was asked for; 0 when all of it held."""
    parser = argparse.ArgumentParser(prog="tests/edges/run", description="Holds an edge to clients/README.md.")
    parser.add_argument("--edge", metavar="LANGUAGE", help="the edge of clients/LANGUAGE")
    parser.add_argument("--case", metavar="NAME", action="append", help="only cases with this in their name; * is any text")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--broken", action="store_true", help="show that each kind of broken edge fails its cases")
    parser.add_argument("--scenarios", action="store_true", help="check clients/scenarios.json")
    parser.add_argument("--workers", type=int, default=6, help="how many cases run side by side (6)")
    parser.add_argument("-v", action="store_true", help="print every case as it ends")
    said = parser.parse_args()
    if said.scenarios:
        return scenarios.check()
    chosen = [case for case in CASES if not said.case or any(_named(case, text) for text in said.case)]
    if said.list:
        print("\n".join(case.name for case in chosen))
        return 0
    if not said.edge or not chosen:
        parser.error("no case has that name" if said.edge else "which edge? --edge rust")
    authority = Authority()
    try:
        if said.broken:
            return broken.show(said.edge, authority, said.workers)
        begun = time.monotonic()
        failed = run(World(said.edge, authority), chosen, said.workers, said.v)
        print(f"{said.edge}: {time.monotonic() - begun:.1f} s")
        print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed")
        return 1 if failed else 0
    finally:
        authority.close()


def run(world: World, chosen: Iterable[Case], workers: int, verbose: bool = False, quiet: bool = False) -> dict[str, str]:
    """Runs cases on one edge; the names of those that failed, and how."""
    site = Site.start(world)
    failed: dict[str, str] = {}
    try:
        site.wait_for_settings()

        def play(case: Case) -> None:
            begun = time.monotonic()
            try:
                case.run(Stage(site, case.name))
            except Exception as trouble:
                failed[case.name] = _short(trouble)
                if not quiet:
                    print(f"FAILED {case.name}\n       {failed[case.name]}", flush=True)
            else:
                if verbose:
                    print(f"passed {case.name} ({time.monotonic() - begun:.1f} s)", flush=True)

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(play, chosen))
    finally:
        site.stop()
    return failed


def _short(trouble: Exception) -> str:
    where = traceback.extract_tb(trouble.__traceback__)
    line = next((frame for frame in reversed(where) if "/cases/" in frame.filename), where[-1])
    kind = "" if isinstance(trouble, AssertionError) else f"{type(trouble).__name__}: "
    return f"{kind}{trouble} ({line.filename.rsplit('/', 1)[-1]}:{line.lineno})"


def _named(case: Case, text: str) -> bool:
    return fnmatch.fnmatch(case.name, f"*{text}*")


if __name__ == "__main__":
    sys.exit(main())
