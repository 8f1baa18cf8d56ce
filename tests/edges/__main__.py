"""Owns the command line of the suite, and how cases are run side by side. Does not know the cases."""

import argparse
import fnmatch
import os
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from . import broken, cases, fakes, mistakes, scenarios  # noqa: F401
from .case import CASES, Case
from .programs import Authority, Program
from .stage import Site, Stage, World

# Cases that wait for their own edges begin first, and the quick ones fill the time.
_KEEP = 16_384
_PATIENT = ("ends", "keeping", "rotation", "trouble", "settings", "generations", "start")


def main() -> int:
    """Runs what was asked for; 0 when all of it held."""
    parser = argparse.ArgumentParser(prog="tests/edges/run", description="Holds an edge to clients/README.md.")
    parser.add_argument("--edge", metavar="LANGUAGE", help="that of clients/LANGUAGE; or the path of one")
    parser.add_argument("--case", metavar="NAME", action="append", help="only cases whose name has this; * is any text")
    parser.add_argument("--without", metavar="NAME", action="append", default=[], help="not those whose name has this")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--broken", action="store_true", help="show that each kind of broken edge fails its cases")
    parser.add_argument("--scenarios", action="store_true", help="check clients/scenarios.json")
    parser.add_argument("--fake", metavar="LANGUAGE", help="with the fake authority of that language behind the edge")
    keeping = os.environ.get("GATELODGE_KEEP_ANSWERS", "0") not in ("", "0")
    what = "with an edge that keeps answers (so it is with GATELODGE_KEEP_ANSWERS too); all but what counts questions"
    parser.add_argument("--keeping", action="store_true", default=keeping, help=what)
    parser.add_argument("--workers", type=int, default=12, help="how many cases run side by side (12)")
    parser.add_argument("-v", action="store_true", help="print every case as it ends")
    said = parser.parse_args()

    def chosen(name: str) -> bool:
        def has(texts: list[str]) -> bool:
            return any(fnmatch.fnmatchcase(name, f"*{text}*") for text in texts)

        return (not said.case or has(said.case)) and not has(said.without)

    if said.scenarios:
        return scenarios.check()
    played = [case for case in CASES if not (said.keeping and case.is_asked_each_time)]
    names = list(mistakes.SWITCHES) if said.broken else [case.name for case in played]
    names = [name for name in names if chosen(name)]
    if said.list:
        print(*names, sep="\n")
        return 0
    if not said.edge or not names:
        parser.error("nothing has that name" if said.edge else "which edge? --edge rust")
    Program.end_with_this_one()
    if said.fake:
        return run_on_fake(said.edge, said.fake, chosen, said.v)
    authority = Authority()
    try:
        if said.broken:
            return broken.show(said.edge, authority, {name: mistakes.SWITCHES[name] for name in names}, play)
        world = World(said.edge, authority, keep=_KEEP if said.keeping else 0)
        return run(Site.start(world), [case for case in played if chosen(case.name)], said.workers, said.v)
    finally:
        authority.close()


def run_on_fake(edge: str, language: str, chosen: Callable[[str], bool], verbose: bool) -> int:
    """Plays the scenarios on a language's fake, through an edge."""
    fake = fakes.ServedFake(language)
    try:
        wanted = [case for case in fakes.cases(fake) if chosen(case.name)]
        return run(fakes.begin(edge, fake), wanted, 1, verbose)
    finally:
        fake.close()


def run(site: Site, chosen: list[Case], workers: int, verbose: bool) -> int:
    """Runs cases on one edge, which ends with them, and prints what failed."""
    begun = time.monotonic()

    def tell(case: Case) -> bool:
        started = time.monotonic()
        failure = play(site, case)
        if failure:
            print(f"FAILED {case.name}\n       {failure}", flush=True)
        elif verbose:
            print(f"passed {case.name} ({time.monotonic() - started:.1f} s)", flush=True)
        return failure is None

    try:
        site.wait_for_settings()
        with ThreadPoolExecutor(workers) as pool:
            held = list(pool.map(tell, sorted(chosen, key=lambda case: case.name.split(":")[0] not in _PATIENT)))
    finally:
        site.stop()
    print(f"{site.world.edge}: {len(held)} cases in {time.monotonic() - begun:.1f} s")
    print(f"{held.count(True)} passed, {held.count(False)} failed")
    return 0 if all(held) else 1


def play(site: Site, case: Case) -> str | None:
    """Runs one case; how it failed, if it did."""
    try:
        case.run(Stage(site, case.name))
    except Exception as trouble:
        frames = traceback.extract_tb(trouble.__traceback__)
        line = next((frame for frame in reversed(frames) if "/cases/" in frame.filename), frames[-1])
        kind = "" if isinstance(trouble, AssertionError) else f"{type(trouble).__name__}: "
        return f"{kind}{trouble} ({line.filename.rsplit('/', 1)[-1]}:{line.lineno})"
    return None


if __name__ == "__main__":
    sys.exit(main())
