"""The noise harness: scoring, the confusion model's rates and sounds, the loop's parts; held-out words stay secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.asr_noise import LABELLED, main, noise
from benchmarks.confusions import SHARES, ConfusionModel, WordErrors, recognised
from benchmarks.labelled_commands import LabelledTranscript, load_labelled, scores, summarise
from benchmarks.speech_loop import SAMPLE_RATE, bigram_model, missing, resample, speech_loop
from runtime import Command
from runtime.language.commands import parse_command
from runtime.language.vocabulary import Vocabulary

FIGURES = {"action", "target", "destination", "recipient", "place", "plural", "everything"}
EMPTY = {"target": "", "destination": "", "recipient": "", "place": "", "plural": False}


def row(transcript: str, *commands: dict[str, Any], held_out: bool = False) -> dict[str, Any]:
    filled = [EMPTY | command for command in commands]
    return {"transcript": transcript, "commands": filled, "phenomena": ["plain"], "held_out": held_out}


JAR = row(
    "take the jar and put it on a tray",
    {"action": "pick", "target": ["the jar", "jar of glass"]},
    {"action": "place", "target": "the jar", "destination": "on a tray"},
)
ROWS = (
    JAR,
    row("pick up the red mug", {"action": "pick", "target": "the red mug"}),
    row("pick up the cup", {"action": "open", "target": "the quokka"}),
    row("pick up the blue bowl", {"action": "pick", "target": "the blue bowl"}, held_out=True),
    row("stop zeppelining", {"action": "place", "target": "my xylophone"}, held_out=True),
)


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in rows), encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path / "commands.jsonl", *ROWS)


@pytest.fixture(scope="module")
def model() -> ConfusionModel:
    return ConfusionModel()


@pytest.fixture(scope="module")
def sentences() -> list[list[str]]:
    """Many plain sentences of one shape: eight words, four of them function words."""
    nouns = ("jar", "apple", "bowl", "spoon", "lemon")
    return [f"take the {a} beside the {b} to me".split() for a in nouns for b in nouns] * 40


PICK, PLACE = Command("", "pick", "a  Jar"), Command("", "place", "the jar", "on the tray")


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ([PICK, PLACE], set()),
        ([Command("", "pick", "the jar of glass"), PLACE], set()),
        ([Command("", "give", "jar"), PLACE], {"action"}),
        ([Command("", "pick", "my jar"), PLACE], {"target"}),
        ([PICK, Command("", "place", "jar", "in the tray")], {"destination"}),
        ([PICK, Command("", "place", "jar", "on the tray", "me")], {"recipient"}),
        ([PICK, Command("", "place", "jar", "on the tray", place="kitchen")], {"place"}),
        ([Command("", "pick", "jar", plural=True), PLACE], {"plural"}),
        ([PLACE, PICK], {"action", "destination"}),
        ([PICK], FIGURES),
        ([PICK, PLACE, PLACE], FIGURES),
    ],
)
def test_scores(data: Path, answer: list[Command], wrong: set[str]) -> None:
    right = scores(load_labelled(data)[0], answer)
    assert right == {figure: figure not in (wrong | {"everything"} if wrong else wrong) for figure in FIGURES}


def test_named_counts_only_lines_that_name_one(data: Path) -> None:
    lines = load_labelled(data)[:2]
    figures = summarise(lines, [[PICK, Command("", "place", "jar")], [Command("", "pick", "red mug")]])
    assert figures["n"] == 2 and figures["action"] == figures["target"] == 1.0
    assert figures["destination"] == 0.5
    assert figures["named"]["destination"] == {"n": 1, "right": 0.0}
    assert figures["named"]["place"] == {"n": 0, "right": None}
    assert figures["phenomena"] == {"plain": {"n": 2, "action": 1.0, "target": 1.0}}


def test_word_errors() -> None:
    errors = WordErrors.between(recognised("take the red jar please now"), recognised("take a jar please um now"))
    assert errors == WordErrors(words=6, substitutions=1, deletions=1, insertions=1)
    assert (errors + WordErrors(words=2)).summary()["wer"] == 3 / 8
    assert WordErrors().summary() == {"wer": 0.0, "shares": None}


def test_recognised_has_no_case_or_punctuation() -> None:
    assert recognised("Hey, the mug that\u2019s RED \u2014 please!") == ["hey", "the", "mug", "that's", "red", "please"]


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
def test_reaches_its_rate_and_shares(model: ConfusionModel, sentences: list[list[str]], rate: float) -> None:
    rng = np.random.default_rng(7)
    errors = sum((WordErrors.between(said, model.corrupt(said, rate, rng).words) for said in sentences), WordErrors())
    figures = errors.summary()
    assert figures["wer"] == pytest.approx(rate, rel=0.1)
    assert figures["shares"] == pytest.approx(SHARES, abs=0.06)


def test_without_errors_nothing_changes(model: ConfusionModel) -> None:
    rng = np.random.default_rng(0)
    assert model.corrupt(["take", "it"], 0.0, rng).words == ["take", "it"]
    assert model.corrupt([], 0.9, rng).words == []


def test_same_seed_same_errors(model: ConfusionModel, sentences: list[list[str]]) -> None:
    first, second, other = (
        [model.corrupt(said, 0.2, rng).words for said in sentences[:50]]
        for rng in map(np.random.default_rng, (1, 1, 2))
    )
    assert first == second != other


def test_function_words_are_lost_more_often(model: ConfusionModel) -> None:
    rng = np.random.default_rng(3)
    kept = [word for _ in range(2000) for word in model.corrupt(["the", "jar"], 0.3, rng).words]
    assert kept.count("the") < kept.count("jar")


@pytest.mark.parametrize(
    ("word", "likely", "unlikely"),
    [("pear", "pair", "house"), ("red", "read", "green"), ("cup", "cop", "glass"), ("to", "two", "left")],
)
def test_confuses_what_sounds_alike(model: ConfusionModel, word: str, likely: str, unlikely: str) -> None:
    alike = model.alike(word)
    assert likely in list(alike)[:5] and word not in alike and unlikely not in alike
    assert sum(alike.values()) == pytest.approx(1)


def test_word_without_pronunciation_is_swapped_by_spelling(model: ConfusionModel) -> None:
    assert "table" in model.alike("xtable")


def test_fate_of_confused_words(model: ConfusionModel) -> None:
    """A parser that repeats what it hears is silent; one that reports every word, or refuses, never is."""
    line = row("pick up the bowl", {"action": "pick", "target": "the bowl"}, held_out=True)
    vocabulary = Vocabulary.from_words(model.alike("bowl"))

    def confused(parse: Any) -> dict[str, int]:
        lines = [LabelledTranscript.from_json(line)] * 40
        figures = noise(lines, parse, vocabulary, {"action": 1.0, "target": 1.0}, 0)
        return dict(figures["wer_20"]["confused_words"])

    repeats = confused(lambda text: [Command(text, "pick", text)])
    assert repeats["n"] == repeats["silent"] == repeats["known_word"] > 10
    reports = confused(lambda text: [Command(text, "pick", text, unknown=tuple(text.split()))])
    refuses = confused(lambda text: [Command(text, "none", text, reason="refused")])
    repairs = confused(lambda text: [Command(text, "pick", repairs=tuple((word, "?") for word in text.split()))])
    for figures in (reports, refuses, repairs):
        assert figures["reported"] == figures["n"] == repeats["n"]
        assert figures["misrepaired"] == (figures["n"] if figures is repairs else 0)
    restores = confused(lambda text: [Command(text, "pick", "the bowl")])
    assert restores["restored"] == restores["n"] == repeats["n"]


def test_figures_of_a_run(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "commands.json"
    assert main(["--data", str(data), "--no-speech", "--misses", "--out", str(out)]) == 0
    told = capsys.readouterr()
    misses, last = told.out.strip().split("\n")[:-1], json.loads(told.out.strip().rpartition("\n")[2])
    assert last == json.loads(out.read_text())
    assert last["clean"]["held_out"]["n"] == 2 and last["clean"]["held_out"]["everything"] == 0.5
    assert last["clean"]["development"]["n"] == 3
    assert last["noise"]["wer_0"]["wer"] == 0.0 and set(last["noise"]["wer_20"]["drop"]) == {"action", "target"}
    assert last["parse_ms"]["transcripts"]["n"] == 5 and last["parse_ms"]["words_30"]["n"] >= 1
    assert last["speech"] is None and "date" in last
    assert [json.loads(line)["transcript"] for line in misses] == ["pick up the cup"]
    for secret in ("zeppelin", "xylophone"):
        assert secret not in told.out + told.err + out.read_text()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"commands": [{"action": "pick"}]}, "line 2"),
        ({"commands": []}, "line 2"),
        ({"transcript": None}, "line 2"),
        ({"commands": [EMPTY | {"action": "xylophone", "target": 3}]}, "line 2"),
        ({"held_out": False}, "both halves"),
    ],
)
def test_bad_data_is_told_without_its_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], told: str
) -> None:
    path = write(tmp_path / "bad.jsonl", ROWS[0], ROWS[4] | change)
    assert main(["--data", str(path), "--no-speech"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and told in error
    assert "zeppelin" not in error and "xylophone" not in error


def test_speech_that_is_not_installed(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["--data", str(data)]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["speech"] is None
    assert "note: speech is left out" in told.err and "apt-get install espeak-ng" in told.err
    assert main(["--data", str(data), "--speech"]) == 2
    assert "apt-get install espeak-ng" in capsys.readouterr().err


def test_resampling_keeps_pitch_and_loudness() -> None:
    seconds = np.arange(22_050) / 22_050
    tone = resample(1000 * np.sin(2 * np.pi * 440 * seconds), 22_050, SAMPLE_RATE)
    assert len(tone) == SAMPLE_RATE and np.abs(tone).max() == pytest.approx(1000, rel=0.01)
    assert int(np.argmax(np.abs(np.fft.rfft(tone)))) == 440


def test_bigram_model_is_a_distribution() -> None:
    """What follows each word adds up to 1, over words seen after it and words that it backs off to."""
    text = bigram_model([["take", "the", "jar"], ["take", "it"]], ["jar", "apple"])
    unigrams, bigrams = (part.split("\n\n")[0].split("\n")[1:] for part in text.split("-grams:")[1:])
    probability = {word: 10 ** float(p) for p, word, _ in map(str.split, unigrams)}
    backoff = {word: 10 ** float(weight) for _, word, weight in map(str.split, unigrams)}
    after = {(word, other): 10 ** float(p) for p, word, other in map(str.split, bigrams)}
    assert set(probability) == {"<s>", "</s>", "take", "the", "jar", "it", "apple"}
    assert after["<s>", "take"] > 0.5 > probability["take"]
    for word in probability:
        total = sum(after.get((word, other), backoff[word] * p) for other, p in probability.items() if other != "<s>")
        assert total == pytest.approx(1, abs=1e-3), word


@pytest.mark.skipif(bool(missing()), reason=f"needs espeak-ng and pocketsphinx: {missing()}")
def test_speech_loop_hears_something() -> None:
    line = LabelledTranscript.from_json(
        row("give me the second bottle from the left", {"action": "give", "target": "the second bottle"})
    )
    figures = speech_loop([line], ["give me the second bottle from the left"], ["bottle"], parse_command)
    assert figures["plain"]["n"] == len(figures["plain"]["voices"]) == 3
    assert figures["command_words"]["wer"] < 0.5 and figures["plain"]["wer"] < 1
    assert figures["command_words"]["action"] > 0


def test_committed_labels_are_read() -> None:
    lines = load_labelled(LABELLED)
    assert len(lines) >= 400
    assert 0.4 < sum(line.held_out for line in lines) / len(lines) < 0.6
