"""A loop through the air, less the air: espeak-ng speaks a transcript, pocketsphinx hears it, saymask parses it.

Both are small and old, and neither was made for the other, so the word error rate is far above that of today's
recognisers in a quiet room: a floor, not an estimate. `plain` is pocketsphinx as it comes, with its large English
language model; `command_words` knows the words of the model's vocabulary and of the development transcripts only, in a
bigram model of the latter, as somebody who ships pocketsphinx on a robot would set it up.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import math
import shutil
import subprocess
import tempfile
import wave
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from benchmarks.confusions import WordErrors, recognised
from benchmarks.labelled_commands import LabelledTranscript, scores, share
from runtime import Command
from runtime.errors import SaymaskError

VOICES = ("en-us", "en-us+f2", "en-us+klatt4")
"""espeak-ng's own formant voice, a female variant of it, and Klatt's synthesiser."""
WORDS_PER_MINUTE = 150
SAMPLE_RATE = 16_000
"""Hz; what pocketsphinx's acoustic model was trained on."""
SILENCE_S, NOISE = 0.3, 100.0
"""Quiet before and after a sentence, and the standard deviation of the room's noise in 16-bit steps: the recogniser
normalises by what it hears, and digital silence upsets it. Voices and noise were chosen on ten sentences of our own."""


def missing() -> str:
    """What to install before `speech_loop` runs; empty when all of it is there."""
    hints = []
    if not shutil.which("espeak-ng"):
        hints.append("apt-get install espeak-ng")
    if not importlib.util.find_spec("pocketsphinx"):
        hints.append("pip install 'pocketsphinx>=5'")
    return " && ".join(hints)


def speech_loop(
    lines: Sequence[LabelledTranscript],
    development: Sequence[str],
    vocabulary: Iterable[str],
    parse: Callable[[str], list[Command]],
) -> dict[str, Any]:
    """Speak every line in every voice; word error rate, action and target accuracy by setting and voice.

    `development` transcripts and `vocabulary` words make the language model of `command_words`. Raises SaymaskError
    when espeak-ng fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        language_model = Path(folder) / "commands.arpa"
        language_model.write_text(bigram_model([recognised(text) for text in development], vocabulary), "utf-8")
        recognisers = {"plain": Recogniser(), "command_words": Recogniser(language_model)}
    errors: dict[tuple[str, str], WordErrors] = defaultdict(WordErrors)
    right: dict[tuple[str, str], list[dict[str, bool]]] = defaultdict(list)
    spoken = [(voice, line) for voice in VOICES for line in lines]
    for voice, line in tqdm(spoken, desc="speech", unit="sentence"):
        samples = speak(line.transcript, voice)
        for setting, recogniser in recognisers.items():
            heard = recogniser.hear(samples)
            errors[setting, voice] += WordErrors.between(recognised(line.transcript), recognised(heard))
            right[setting, voice].append(scores(line, parse(heard)))

    def figures(setting: str, voices: Sequence[str]) -> dict[str, Any]:
        rows = [row for voice in voices for row in right[setting, voice]]
        summed = sum((errors[setting, voice] for voice in voices), WordErrors()).summary()
        return {"n": len(rows)} | summed | {name: share(row[name] for row in rows) for name in ("action", "target")}

    return {
        "espeak_ng": _espeak_version(),
        "pocketsphinx": metadata.version("pocketsphinx"),
        "sentences": len(lines),
        "words_per_minute": WORDS_PER_MINUTE,
        **{
            setting: figures(setting, VOICES) | {"voices": {voice: figures(setting, [voice]) for voice in VOICES}}
            for setting in recognisers
        },
    }


def speak(text: str, voice: str) -> npt.NDArray[np.int16]:
    """`text` as espeak-ng says it, with some quiet around it: int16 samples at SAMPLE_RATE.

    Raises SaymaskError when espeak-ng fails, without the text.
    """
    command = ["espeak-ng", "-v", voice, "-s", str(WORDS_PER_MINUTE), "--stdin", "--stdout"]
    said = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if said.returncode or not said.stdout:
        reason = said.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise SaymaskError(f"espeak-ng cannot speak with the voice {voice}: {reason}; try: espeak-ng -v {voice} hello")
    with wave.open(io.BytesIO(said.stdout)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)
        samples = resample(samples, file.getframerate(), SAMPLE_RATE)
    samples = np.pad(samples, int(SILENCE_S * SAMPLE_RATE))
    samples += np.random.default_rng(0).normal(0, NOISE, len(samples))
    limits = np.iinfo(np.int16)
    return np.clip(samples, limits.min, limits.max).astype(np.int16)


def resample(samples: npt.NDArray[np.float64], rate: int, wanted: int) -> npt.NDArray[np.float64]:
    """Band-limited change of sample rate (Hz), by cutting or filling up the spectrum of the whole sound."""
    count = len(samples) * wanted // rate
    return np.fft.irfft(np.fft.rfft(samples), count) * (count / max(len(samples), 1)) if count else samples[:0]


class Recogniser:
    """pocketsphinx with its bundled English acoustic model, one thread."""

    def __init__(self, language_model: Path | None = None) -> None:
        """`language_model`: an ARPA file instead of the bundled large one; read here, not needed afterwards."""
        sphinx = importlib.import_module("pocketsphinx")  # optional and without types
        own = {"lm": str(language_model)} if language_model else {}
        self._decoder = sphinx.Decoder(sphinx.Config(loglevel="FATAL", samprate=SAMPLE_RATE, cmn="batch", **own))

    def hear(self, samples: npt.NDArray[np.int16]) -> str:
        """The best hypothesis for one sentence, lower-case words; empty when nothing was heard."""
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return str(hypothesis.hypstr) if hypothesis else ""


def bigram_model(sentences: Iterable[Sequence[str]], vocabulary: Iterable[str]) -> str:
    """A bigram language model in ARPA format: Witten-Bell over add-one unigrams, so that any word may follow any.

    It holds the words of `sentences` and of `vocabulary`.
    """
    bracketed = [["<s>", *sentence, "</s>"] for sentence in sentences]
    counts = Counter(word for sentence in bracketed for word in sentence[1:])
    counts.update({"</s>", *vocabulary})
    unigram = {word: count / counts.total() for word, count in counts.items()}
    followers: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in bracketed:
        for word, follower in pairwise(sentence):
            followers[word][follower] += 1

    unigram_rows, bigram_rows = [], []
    for word in sorted(unigram | {"<s>": 0.0}):
        after = followers[word]
        seen = after.total() + len(after)
        left, unseen = len(after) / seen if seen else 1.0, 1 - math.fsum(unigram[follower] for follower in after)
        probability = f"{math.log10(unigram[word]):.4f}" if word in unigram else "-99"
        unigram_rows.append(f"{probability} {word} {math.log10(left / unseen):.4f}")
        bigram_rows += [f"{math.log10(after[other] / seen):.4f} {word} {other}" for other in sorted(after)]
    return "\n".join(
        [
            *("\\data\\", f"ngram 1={len(unigram_rows)}", f"ngram 2={len(bigram_rows)}", ""),
            *("\\1-grams:", *unigram_rows, "", "\\2-grams:", *bigram_rows, "", "\\end\\", ""),
        ]
    )


def _espeak_version() -> str:
    told = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=False).stdout
    return told.partition("Data at")[0].rpartition(":")[2].strip()
