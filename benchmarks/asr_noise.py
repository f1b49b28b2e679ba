"""How well spoken commands are understood, clean and misheard: `python benchmarks/asr_noise.py [--out FILE]`.

On labelled transcripts, by halves (only `development` was seen while the parser was written):
- `clean`: share of transcripts with every command right: their number and `action`s, the `target` expressions (lower
  case, articles left out), destinations, recipients, places, plurals, and everything together; by phenomenon as well.
- `noise`: the held-out half at word error rates of 0, 5, 10 and 20 %, mean of several seeds; the confusion model is
  told in benchmarks/confusions.py, `wer` is what it reached, `drop` the loss against `clean`. At 0 % only case and
  punctuation are lost. `confused_words`: what became of the content words of a labelled target that were heard as
  another word. `restored`: the word said stands in a target after all; `reported`: it does not, but the word heard
  stands among the unknown words or the repairs, or the robot did not act (action none), and among these `misrepaired`:
  put right, as was thought, to another word than the one said; `silent`: none of it, and among these `known_word`: the
  word heard is one that the model knows, so that nothing in the sentence gives it away.
- `parse_ms`: time of one `parse_command`, one thread, every sentence once: the transcripts as they are, misheard at
  20 % (repairs cost most), and 30 words of consecutive transcripts.
- `speech`: espeak-ng speaks the held-out half, pocketsphinx hears it (benchmarks/speech_loop.py); null where they are
  not installed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.confusions import FUNCTION_WORDS, ConfusionModel, WordErrors, recognised
from benchmarks.labelled_commands import LabelledTranscript, load_labelled, scores, summarise
from benchmarks.report import machine, plain, shown, write_json
from benchmarks.speech_loop import missing, speech_loop
from benchmarks.timing import milliseconds
from benchmarks.timing import summarise as summarise_times
from runtime import Command
from runtime.bundle import DEFAULT_MODEL
from runtime.entry import command_line
from runtime.errors import SaymaskError
from runtime.language.commands import parse_command
from runtime.language.vocabulary import Vocabulary, words_of

LABELLED = Path(__file__).parents[1] / "tests" / "data" / "commands.jsonl"
PERCENT_RATES = (0, 5, 10, 20)
SEEDS = 5
LONG_SENTENCE = 30
"""Words; the longest sentence that a time is promised for."""

Parse = Callable[[str], list[Command]]


def noise(
    lines: Sequence[LabelledTranscript], parse: Parse, vocabulary: Vocabulary, clean: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Figures of `lines` at each of PERCENT_RATES, mean of SEEDS seeds from `seed` on."""
    model = ConfusionModel()
    figures: dict[str, Any] = {"seeds": list(range(seed, seed + SEEDS))}
    progress = tqdm(total=len(PERCENT_RATES) * SEEDS, desc="noise", unit="round")
    for percent in PERCENT_RATES:
        errors, right, fates = WordErrors(), [], Counter[str]()
        for number in figures["seeds"]:
            rng = np.random.default_rng([number, percent])
            for line in lines:
                said = recognised(line.transcript)
                heard = model.corrupt(said, percent / 100, rng)
                commands = parse(" ".join(heard.words))
                errors += WordErrors.between(said, heard.words)
                right.append(scores(line, commands))
                fates.update(_fates(line, heard.substitutions, commands, vocabulary))
            progress.update()
        reached = {name: fmean(row[name] for row in right) for name in ("action", "target")}
        drop = {name: clean[name] - value for name, value in reached.items()}
        confused = {name: fates[name] for name in ("restored", "reported", "silent")}
        confused = (
            {"n": sum(confused.values())} | confused | {name: fates[name] for name in ("misrepaired", "known_word")}
        )
        figures[f"wer_{percent}"] = errors.summary() | reached | {"drop": drop, "confused_words": confused}
    progress.close()
    return figures


def _fates(
    line: LabelledTranscript,
    substitutions: Sequence[tuple[str, str]],
    commands: Sequence[Command],
    vocabulary: Vocabulary,
) -> list[str]:
    """What became of each content word of the labelled targets that was heard as another word."""
    wanted = {word for label in line.commands for form in label.texts["target"] for word in form.split()}
    targets = {word for command in commands for word in words_of(command.target)}
    unknown = {word for command in commands for text in command.unknown for word in words_of(text)}
    repaired = {word for command in commands for heard, _ in command.repairs for word in words_of(heard)}
    fates = []
    for said, heard in substitutions:
        word, written = "".join(words_of(said)), "".join(words_of(heard))
        if word not in wanted or said in FUNCTION_WORDS:
            continue
        if word in targets:
            fates.append("restored")
        elif written in unknown or all(command.action == "none" for command in commands):
            fates.append("reported")
        elif written in repaired:
            fates += ["reported", "misrepaired"]
        else:
            fates += ["silent", "known_word"] if written in vocabulary else ["silent"]
    return fates


def parse_times(lines: Sequence[LabelledTranscript], parse: Parse, seed: int) -> dict[str, dict[str, float]]:
    """Percentiles of the milliseconds of one parse."""
    model, rng = ConfusionModel(), np.random.default_rng(seed)
    sentences = [recognised(line.transcript) for line in lines]
    words = [word for sentence in sentences for word in sentence]
    texts = {
        "transcripts": [line.transcript for line in lines],
        "misheard": [" ".join(model.corrupt(sentence, 0.2, rng).words) for sentence in sentences],
        "words_30": [
            " ".join(words[start : start + LONG_SENTENCE])
            for start in range(0, max(len(words) - LONG_SENTENCE, 0) + 1, LONG_SENTENCE // 3)
        ],
    }
    parse("pick up the red mug")  # what is loaded at the first call
    return {
        name: summarise_times([milliseconds(partial(parse, text)) for text in sentences_of_kind])
        for name, sentences_of_kind in texts.items()
    }


def print_misses(lines: Sequence[LabelledTranscript], parse: Parse) -> None:
    """One line of JSON for each development transcript that is misread."""
    for line in lines:
        commands = parse(line.transcript)
        wrong = [figure for figure, right in scores(line, commands).items() if not right and figure != "everything"]
        if wrong and not line.held_out:
            wanted = [{"action": label.action, **label.texts, "plural": label.plural} for label in line.commands]
            got = [{key: getattr(command, key) for key in wanted[0]} for command in commands]
            print(json.dumps({"transcript": line.transcript, "wrong": wrong, "wanted": wanted, "got": got}))


def speech(
    halves: dict[str, list[LabelledTranscript]], vocabulary: Vocabulary, parse: Parse, wanted: bool | None
) -> Any:
    """Figures of the speech loop; None where it is not wanted, or (with a note) not installed and not asked for."""
    if wanted is False:
        return None
    hint = missing()
    if hint and wanted:
        raise SaymaskError(f"--speech needs espeak-ng and pocketsphinx; install them with: {hint}")
    if hint:
        sys.stderr.write(f"note: speech is left out; to measure it: {hint}\n")
        return None
    development = [line.transcript for line in halves["development"]]
    return speech_loop(halves["held_out"], development, vocabulary.words[2:], parse)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure what is asked for and return the figures; no words of any transcript are among them."""
    lines = load_labelled(args.data)
    halves = {
        "held_out": [line for line in lines if line.held_out],
        "development": [line for line in lines if not line.held_out],
    }
    if not all(halves.values()):
        raise SaymaskError(f"{args.data} must hold lines of both halves, held_out true and false")
    vocabulary = Vocabulary.from_file(DEFAULT_MODEL / "vocab.json")
    parse = partial(parse_command, vocabulary=vocabulary)
    if args.misses:
        print_misses(halves["development"], parse)
    clean = {half: summarise(part, [parse(line.transcript) for line in part]) for half, part in halves.items()}
    result: dict[str, Any] = {"data": shown(args.data)} | machine()
    result |= plain(
        {
            "clean": clean,
            "noise": noise(halves["held_out"], parse, vocabulary, clean["held_out"], args.seed),
            "parse_ms": parse_times(lines, parse, args.seed),
            "speech": speech(halves, vocabulary, parse, args.speech),
        }
    )
    if args.out:
        write_json(args.out, result)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=LABELLED, metavar="FILE", help="labelled transcripts, JSON lines")
    parser.add_argument("--out", type=Path, metavar="JSON", help="also write the JSON here")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="first of the seeds of the noise")
    parser.add_argument("--misses", action="store_true", help="first list the misread transcripts of development")
    parser.add_argument(
        "--speech", action=argparse.BooleanOptionalAction, help="speak and hear; by default where both are installed"
    )
    return command_line(run, parser, argv)


if __name__ == "__main__":
    raise SystemExit(main())
