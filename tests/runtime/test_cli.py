"""`saymask NAME`: finds entries by the package's metadata, loads only the one chosen."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from runtime import cli

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package may not be installed where the tests run; the entries named here are real all the same."""
    group = "saymask.commands"
    listed = EntryPoints(
        [
            EntryPoint("segment-image", "runtime.segment_image:main", group),
            EntryPoint("broken", "a_package_that_is_not_there:main", group),
        ]
    )
    monkeypatch.setattr(cli, "entry_points", lambda group: listed.select(group=group))
    monkeypatch.setattr("sys.argv", ["saymask"])


def test_runs_the_entry_with_its_arguments(capsys: Capture) -> None:
    assert cli.main(["segment-image", "--help"]) == 0
    assert "usage: saymask segment-image" in capsys.readouterr().out
    assert cli.main(["segment-image", "nowhere.png", "the red mug"]) == 2
    assert "nowhere.png does not exist" in capsys.readouterr().err


def test_names_are_listed(capsys: Capture) -> None:
    assert cli.main(["--help"]) == 0
    assert "Names: broken, segment-image" in capsys.readouterr().out
    assert cli.main([]) == 2
    assert cli.main(["dance"]) == 2
    assert "error: there is no command 'dance'; choose one of: broken, segment-image" in capsys.readouterr().err


def test_a_missing_package_is_one_line(capsys: Capture) -> None:
    assert cli.main(["broken"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: the package 'a_package_that_is_not_there' is not installed; install it with: pip")
    assert error.count("\n") == 1
