"""Measures what a session check costs: answered from what is kept, within a request, and many at once.

By CPU time of this process, which survives a busy machine, and by the clock on the wall. The authority is a real one in
a process of its own, whose path is GATELODGE_BIN or the repository's debug build. Prints one line of JSON. Ends with
status 1 when one core answers fewer checks a second from what is kept than ``--floor`` says.
"""

from __future__ import annotations

import argparse
import json
import sys

from benches import check_stream, edge_request, kept_checks
from benches.measured import authority


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches")
    parser.add_argument("--floor", type=int, default=40_000, help="fewest checks a second that are answered when kept")
    floor = parser.parse_args().floor
    with authority() as (dev, credential):
        kept = kept_checks.measure(dev, credential)
        request = edge_request.measure(dev, credential)
        stream = check_stream.measure(dev, credential)
    found = {"kept_per_second": kept, "request_us": request, "many_at_once_us": stream}
    print(json.dumps({"bench": "python", "floor": floor, **found}))
    for way, rates in kept.items():
        if rates["cpu"] < floor:
            sys.exit(f"{way}: {rates['cpu']} checks a second are answered when kept, fewer than {floor}")


if __name__ == "__main__":
    main()
