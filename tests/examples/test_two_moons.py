"""The demonstration of frozen graphs learns, and both ways take the same path."""

import os

import pytest

from examples import two_moons


def test_two_moons(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = two_moons.main(["--quick"])
    assert found["last"] < 0.5 * found["first"]
    assert found["accuracy"] > 0.8
    # the same bits: relu, + and * are exact on every engine
    assert found["gap"] == 0.0
    assert os.path.getsize("pictures/two_moons.png") > 1000
    said = capsys.readouterr().out
    assert "eager:" in said
    assert "frozen:" in said


def test_a_network_of_scalars_has_337_weights():
    assert len(two_moons.initial()) == 337
    assert two_moons.score([0.0] * 336 + [2.5], 1.0, 1.0) == pytest.approx(2.5, abs=0)
