"""Everything side by side with peers, in one run.

    python -m benchmarks [--quick] [NAME...]

Each library works in a process and an environment of its own, made on first use, with the same
number of threads. Results are compared; then the parties take turns, and ratios are taken turn by
turn. Tables, all samples and pictures go into benchmarks/results.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import plots, report
from benchmarks.measure import FULL, QUICK, Bench
from benchmarks.work import Work
from benchmarks.works import ROOMS, WORKS

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def main(arguments: list[str]) -> int:
    """Run works, and print and save what was found.

    Returns:
        1 if a result differs from ours, 0 otherwise; a missing peer is reported.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these works or subjects")
    parser.add_argument("--list", action="store_true", help="list the works and their parties")
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds: minutes")
    parser.add_argument("--threads", type=int, default=1, help="of every library; 1 if not given")
    parser.add_argument("--readme", action="store_true", help="put tables into README.md and docs")
    parser.add_argument("--into", type=Path, default=RESULTS, help="where results are saved")
    given = parser.parse_args(arguments)
    named: dict[str, Work] = {}
    for name in given.names or ROOMS:
        if name not in ROOMS and name not in WORKS:
            known = ", ".join([*ROOMS, *WORKS])
            parser.error(f"no work or subject is called {name!r}; there are {known}")
        found_works = ROOMS[name] if name in ROOMS else (WORKS[name],)
        named.update({work.name: work for work in found_works})
    works = [work.quickly() if given.quick else work for work in named.values()]
    if given.readme and given.names:
        parser.error("--readme takes the table of all works, so no names")
    if given.threads < 1:
        parser.error("--threads is at least 1")
    if given.list:
        for work in works:
            print(f"{work.name:<14}{work.title}\n{'':<14}{', '.join(work.parties)}")
        return 0
    bench = Bench(QUICK if given.quick else FULL, given.threads)
    command = " ".join(["python -m benchmarks", *arguments]).replace(" --readme", "")
    found = report.Findings(command, given.threads, [], bench.missing, bench.versions)
    began = time.monotonic()
    try:
        for work in works:
            for size in work.sizes:
                passed = int(time.monotonic() - began)
                bench.say(f"{passed // 60:2}:{passed % 60:02} {report.titled(work, size)}")
                found.cases.append(bench.measure(work, size))
                report.save(
                    works, found, given.into
                )  # a long run that is stopped leaves what it has
    finally:
        bench.close()
    print((given.into / "results.txt").read_text())
    plots.draw(works, found, given.into)
    if given.readme:
        report.publish(works, found, ROOT)
        plots.draw(works, found, ROOT / "docs" / "benchmarks")
    return int(any(case.disagree for case in found.cases))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
