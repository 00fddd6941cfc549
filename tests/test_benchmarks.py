"""Benchmarks compare before they time, report who is missing, and divide the right way round."""

import ast
import dataclasses
import doctest
import json
import os
import signal
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from benchmarks import environments, measure, report, work
from benchmarks.__main__ import main
from benchmarks.measure import Bench, Case, Effort, difference
from benchmarks.work import LIBRARIES, Goal, Run, Work
from benchmarks.worker import PeerError, Worker
from benchmarks.works import WORKS

SHORT = Effort(seconds=0.01, rounds=3, turn=0.001, slow=60)


@pytest.fixture
def bench():
    made = Bench(SHORT, threads=1, say=lambda text: None)
    yield made
    made.close()


@pytest.fixture
def no_jax(tmp_path, monkeypatch):
    """JAX cannot be installed: its pin names a file that is not there."""
    monkeypatch.setattr(environments, "FOLDER", tmp_path / "environments")
    absent = (tmp_path / "jax-0-py3-none-any.whl").as_uri()
    monkeypatch.setitem(environments.PINS, "jax", (f"jax @ {absent}",))


def only(work: Work, *parties: str, **changes: object) -> Work:
    kept = {party: work.parties[party] for party in parties}
    return dataclasses.replace(work, parties=kept, **changes)


# ---- results are compared ------------------------------------------------------------------------


def test_parties_with_equal_results_take_turns(bench: Bench) -> None:
    case = bench.measure(only(WORKS["mnist"], "Chainrule", "NumPy", "NumPy, products alone"), 0)
    assert not case.disagree
    assert not case.failures
    assert set(case.samples) == {"Chainrule", "NumPy", "NumPy, products alone"}
    assert len({len(turns) for turns in case.samples.values()}) == 1
    assert all(t > 0 for turns in case.samples.values() for t in turns)
    assert bench.versions["NumPy"]["numpy"] == np.__version__


def test_another_result_is_said_and_not_timed(bench: Bench) -> None:
    # two orders of summation in float32 cannot agree to the last bit of float64
    case = bench.measure(only(WORKS["mnist"], "Chainrule", "NumPy", rtol=1e-18), 0)
    assert case.disagree
    assert "another result than Chainrule" in case.failures["NumPy"]
    assert list(case.samples) == ["Chainrule"]


@pytest.mark.parametrize(
    ("got", "why"),
    [
        ([1.0, np.array([2.0, 4.0])], ""),
        ([1.0, np.array([2.0, 4.0 + 3e-9])], ""),  # within 1e-9 of the largest entry
        ([1.0, None], ""),
        ([1.0, np.array([2.0, 4.1])], "result 1 is off by 2.5e-02"),
        ([1.0, np.array([2.0, np.nan])], "not finite at other places"),
        ([1.0, np.array([2.0])], "shape"),
        ([1.0], "1 results, not 2"),
    ],
)
def test_difference(got: object, why: str) -> None:
    found = difference([1.0, np.array([2.0, 4.0])], got, rtol=1e-9)
    assert why in found
    assert bool(found) == bool(why)


def test_infinite_results_agree_where_they_are_the_same() -> None:
    assert difference([np.inf, np.nan], [np.inf, np.nan], 0.0) == ""
    assert difference([np.inf], [-np.inf], 1.0)
    assert "infinitely" in difference([0.0], [1e-300], 1.0)


# ---- who is missing is reported ------------------------------------------------------------------


def test_a_peer_that_cannot_be_installed_is_reported(no_jax: None, bench: Bench) -> None:
    work = only(WORKS["small"], "Chainrule, python", "JAX")
    case = bench.measure(work, 0)
    assert "jax-0-py3-none-any.whl" in case.failures["JAX"]
    assert list(case.samples) == ["Chainrule, python"]
    findings = report.Findings("x", 1, [case], bench.missing, bench.versions)
    assert "JAX was not measured: cannot be installed" in report.circumstances(findings)
    assert "cannot be installed" in report.text(report.figures_table([work], findings))


def test_an_error_in_a_party_is_its_reason() -> None:
    worker = Worker(sys.executable, 1, home=True)
    try:
        with pytest.raises(PeerError, match="KeyError: 'nothing'"):
            worker.ask("check", "nothing", "NumPy", 0)
        assert worker.ask("versions", ["numpy"]) == {"numpy": np.__version__}
    finally:
        worker.close()


def test_a_process_that_dies_is_a_reason_and_is_replaced(bench: Bench) -> None:
    work = only(WORKS["small"], "Chainrule, python")
    bench.measure(work, 0)
    os.kill(bench._workers["Chainrule"]._process.pid, signal.SIGTERM)
    with pytest.raises(PeerError, match="its process ended"):
        bench._workers["Chainrule"].ask("time", "Chainrule, python", 1)
    assert bench.measure(work, 0).samples


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot hold processes")
def test_a_worker_keeps_to_its_threads() -> None:
    worker = Worker(sys.executable, 1, home=True)
    try:
        worker.ask("versions", [])  # it has begun
        assert len(os.sched_getaffinity(worker._process.pid)) == 1
    finally:
        worker.close()


# ---- the arithmetic ------------------------------------------------------------------------------


def toy() -> tuple[Work, Case]:
    work = Work(
        "toy",
        "toys",
        goals=[
            Goal("NumPy", 0.5),
            Goal("C", 1 / 3),
            Goal("JAX", 1.0),
            Goal("", 2.5),
            Goal("", 1.5),
        ],
    )
    for party in ("Chainrule", "NumPy", "C", "JAX"):
        work.party(party)(lambda size: Run(lambda: None))
    case = Case("toy", 0, {"Chainrule": [1.0, 2.0, 3.0], "NumPy": [4.0, 4.0, 4.0], "C": [5.0]})
    case.failures["JAX"] = "away"
    return work, case


def test_ratios_are_ours_to_theirs_turn_by_turn() -> None:
    work, case = toy()
    numpy, c, jax, loose, tight = report.rows([work], [case])
    assert numpy.ratio == (0.375, 0.5, 0.625)
    assert numpy.reached
    assert c.ratio == (0.4, 0.4, 0.4)  # one turn: medians are compared
    assert not c.reached
    assert jax.ratio is None
    assert jax.note == "away"
    assert not jax.reached
    assert loose.mine == 2.0
    assert loose.reached
    assert not tight.reached


def test_quartiles_follow_the_turns_and_not_the_medians() -> None:
    # the machine is three times slower in the second half: every turn has the same ratio
    case = Case("x", 0, {"Chainrule": [1.0, 1.0, 3.0, 3.0], "NumPy": [2.0, 2.0, 6.0, 6.0]})
    assert case.ratio("Chainrule", "NumPy") == (0.5, 0.5, 0.5)


def test_tables_say_reached_and_missed() -> None:
    work, case = toy()
    findings = report.Findings("cmd", 1, [case], {}, {})
    table = report.goals_table([work], findings)
    assert [line[-1] for line in table[1:]] == ["reached", "missed", "", "reached", "missed"]
    assert table[1][1:6] == ["2 s", "NumPy", "4 s", "0.5 (0.375 to 0.625)", "0.5"]
    assert table[2][5] == "1/3"
    markdown = report.markdown(table).splitlines()
    assert markdown[1] == "|" + " --- |" * 7
    assert len(markdown) == len(table) + 1


def test_goals_of_one_size_are_asked_at_that_size() -> None:
    work, case = toy()
    work.goals = [Goal("NumPy", 0.5, size=7)]
    assert report.rows([work], [case]) == []
    assert len(report.rows([work], [dataclasses.replace(case, size=7)])) == 1


def test_a_block_is_replaced_between_its_markers() -> None:
    text = f"before\n{report.START}\nold\n{report.END}\nafter\n"
    assert report.into(text, "new") == f"before\n{report.START}\nnew\n{report.END}\nafter\n"
    with pytest.raises(ValueError, match="markers"):
        report.into("no markers", "new")


def test_the_readme_and_its_page_have_the_markers() -> None:
    root = Path(__file__).parent.parent
    for path in (root / "README.md", root / "docs" / "benchmarks.md"):
        report.into(path.read_text(), "")


@pytest.mark.parametrize("module", [measure, report, work], ids=lambda m: m.__name__)
def test_examples_in_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


# ---- declarations --------------------------------------------------------------------------------


@pytest.mark.parametrize("work", WORKS.values(), ids=lambda work: work.name)
def test_goals_name_parties_and_sizes_that_there_are(work: Work) -> None:
    assert work.parties
    for goal in work.goals:
        assert goal.ours in work.parties
        assert goal.peer in ("", *work.parties)
        assert goal.size in (None, *work.sizes)
    assert {*work.up_to, *work.quick_up_to} <= set(work.parties)
    assert set(work.quick or ()) <= set(work.sizes) or work.axis


def test_works_are_declared_without_this_project_which_peers_do_not_have() -> None:
    for path in sorted(Path(measure.__file__).parent.glob("works/*.py")):
        for node in ast.parse(path.read_text()).body:
            found = [alias.name for alias in getattr(node, "names", ())]
            found = [node.module or ""] if isinstance(node, ast.ImportFrom) else found
            heads = {name.split(".")[0] for name in found}
            assert heads.isdisjoint({"autograd", "nn", "examples"}), f"{path.name}: {heads}"


def test_a_party_that_takes_minutes_is_left_out_of_the_quick_form_only() -> None:
    build = WORKS["build"]
    assert 2_000 in build.sizes
    assert build.takes_part("JAX", 2_000)
    assert not build.quickly().takes_part("JAX", 2_000)
    assert build.quickly().takes_part("JAX", 200)
    assert [w.sizes for w in (build.quickly(), WORKS["moons"].quickly())] == [(200, 2_000), (20,)]


def test_a_party_of_no_library_is_refused() -> None:
    work = Work("x", "x")
    with pytest.raises(ValueError, match="none of the libraries"):
        work.party("Unknown, variant")
    work.party("NumPy")(lambda size: Run(lambda: None))
    with pytest.raises(ValueError, match="already"):
        work.party("NumPy")


def test_every_library_has_an_environment() -> None:
    assert {e for e in LIBRARIES.values() if e} == set(environments.PINS)


# ---- the command ---------------------------------------------------------------------------------


def test_the_command_measures_prints_and_saves(
    no_jax: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "results"
    assert main(["small", "--quick", "--into", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "JAX was not measured" in printed
    assert "every library had 1 thread." in printed
    saved = json.loads((folder / "results.json").read_text())
    assert saved["cases"][0]["samples"]["Chainrule, llvm"]
    assert saved["missing"]["JAX"].startswith("cannot be installed")
    assert "| --- |" in (folder / "results.md").read_text()


def test_curves_and_bars_are_drawn(tmp_path: Path) -> None:
    from benchmarks import plots

    work, case = toy()
    work.axis = "size"
    cases = [dataclasses.replace(case, size=size) for size in (1, 10)]
    made = plots.draw([work], report.Findings("x", 1, cases, {}, {}), tmp_path)
    assert [path.name for path in made] == ["ratios.png", "toy.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in made)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nonsense"], "no work or subject is called 'nonsense'"),
        (["small", "--readme"], "all works"),
        (["--threads", "0"], "at least 1"),
    ],
)
def test_the_command_says_what_is_wrong(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert why in capsys.readouterr().err


def test_the_command_lists_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "training"]) == 0
    printed = capsys.readouterr().out
    assert "mnist" in printed
    assert "PyTorch, fused Adam" in printed
    assert "startup" not in printed
