"""The pipeline: words and a frame in, pixels out. Each stage is run once for what is new, and timed."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from runtime.backends import open_backend
from runtime.bundle import DEFAULT_MODEL, open_bundle
from runtime.datatypes import Box, Command, Frame, ImageFeatures, MaskLogits, Segmentation, TextFeatures
from runtime.errors import SaymaskError
from runtime.language.commands import parse_command
from runtime.language.nouns import head_nouns
from runtime.language.repair import FUNCTION_WORDS
from runtime.language.vocabulary import Vocabulary, words_of
from runtime.vision.postprocess import interpret, measure
from runtime.vision.preprocess import Letterbox, letterbox

_Text = tuple[TextFeatures, tuple[str, ...]]
"""Features of an expression, and its unknown words."""
_REMEMBERED_EXPRESSIONS = 256
_DECODED_TOGETHER = 16
"""Expressions in one decoder batch; bounds the memory, and more at once is no faster."""


class Segmenter:
    """Answers expressions on frames with one model. For one thread; a context manager that frees the model.

    Text features are kept for the last 256 expressions, image features for the last Frame object.
    """

    def __init__(self, model: Path | str = DEFAULT_MODEL, *, backend: str = "auto", threads: int | None = None) -> None:
        """Open and verify a model directory and load it; see `open_bundle` and `open_backend` for what is refused."""
        self._bundle = open_bundle(model)
        self.spec = self._bundle.spec
        self.vocabulary = self._bundle.vocabulary
        self._backend = open_backend(self._bundle, backend, threads=threads)
        self._texts: OrderedDict[str, _Text] = OrderedDict()
        self._image: tuple[Frame, ImageFeatures, Letterbox] | None = None

    def segment(self, frame: Frame, words: Command | str) -> Segmentation:
        """What `words` mean on `frame`: a Command, or a sentence, of which the first command with a target counts.

        Raises SaymaskError where there is no target, or one that the model cannot read whole.
        """
        return self.segment_many(frame, [words])[0]

    def segment_many(self, frame: Frame, words: Sequence[Command | str]) -> list[Segmentation]:
        """The answers to several commands on one frame, in order; the decoder takes them in one batch."""
        start = time.perf_counter()
        commands = [_command(item, self.vocabulary) for item in words]
        texts, text_ms = self._encode_texts([_read(command) for command in commands])
        image, place, times = self._encode_frame(frame)
        times["text_encoder"] = text_ms
        answers: list[Segmentation] = []
        for first in range(0, len(commands), _DECODED_TOGETHER):
            batch = slice(first, first + _DECODED_TOGETHER)
            logits = self._backend.decode(image, [features for features, _ in texts[batch]])
            for row, (command, (_, unknown)) in enumerate(zip(commands[batch], texts[batch], strict=True)):
                told = tuple(word for word in unknown if word not in FUNCTION_WORDS)  # nobody misses "a"
                answers.append(self._answer(frame, replace(command, unknown=told), logits, row, place, times))
        total = (time.perf_counter() - start) * 1e3
        return [replace(answer, timings_ms={**answer.timings_ms, "total": total}) for answer in answers]

    def _encode_texts(self, expressions: list[str]) -> tuple[list[_Text], float]:
        """Features and unknown words of each expression, and the milliseconds that the new ones took."""
        new = [text for text in dict.fromkeys(expressions) if text not in self._texts]
        milliseconds = 0.0
        if new:
            tokens = self.vocabulary.encode(new, self.spec.max_words)
            features = self._backend.encode_text(tokens)
            milliseconds = sum(item.milliseconds for item in features)
            self._texts.update(zip(new, zip(features, tokens.unknown, strict=True), strict=True))
        for text in expressions:
            self._texts.move_to_end(text)
        found = [self._texts[text] for text in expressions]
        while len(self._texts) > _REMEMBERED_EXPRESSIONS:
            self._texts.popitem(last=False)
        return found, milliseconds

    def _encode_frame(self, frame: Frame) -> tuple[ImageFeatures, Letterbox, dict[str, float]]:
        """Features of a frame, where it lies in the padded picture, and the milliseconds that each stage took."""
        if self._image is not None and self._image[0] is frame:
            return self._image[1], self._image[2], {"preprocess": 0.0, "image_encoder": 0.0}
        start = time.perf_counter()
        pixels, place = letterbox(frame.image, self.spec.image_size, self.spec.pad_value)
        preprocess_ms = (time.perf_counter() - start) * 1e3
        features = self._backend.encode_image(pixels)
        self._image = (frame, features, place)
        return features, place, {"preprocess": preprocess_ms, "image_encoder": features.milliseconds}

    def _answer(
        self, frame: Frame, command: Command, logits: MaskLogits, row: int, place: Letterbox, times: dict[str, float]
    ) -> Segmentation:
        start = time.perf_counter()
        answer = interpret(
            logits.mask[row],
            None if logits.count is None else logits.count[row],
            logits.centre_offsets,
            place,
            thresholds=self.spec.thresholds,
            calibration=self.spec.calibration,
            plural=command.plural,
        )
        box: Box | None = None
        centroid: tuple[float, float] | None = None
        if len(answer.candidates) == 1:  # then it is the mask
            box, centroid = answer.candidates[0].box, answer.candidates[0].centroid
        elif answer.candidates:
            box, centroid, _ = measure(answer.mask)
        return Segmentation(
            mask=answer.mask,
            verdict=answer.verdict,
            confidence=answer.confidence,
            candidates=answer.candidates,
            box=box,
            centroid=centroid,
            command=command,
            stamp_ns=frame.stamp_ns,
            camera_frame=frame.camera_frame,
            count_probabilities=answer.count_probabilities,
            raw_mask=answer.raw_mask,
            note=_note(command),
            timings_ms={
                **times,
                "mask_decoder": logits.milliseconds,
                "postprocess": (time.perf_counter() - start) * 1e3,
            },
        )

    def close(self) -> None:
        """Free the model and everything remembered."""
        self._texts.clear()
        self._image = None
        self._backend.close()

    def __enter__(self) -> Segmenter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _command(words: Command | str, vocabulary: Vocabulary) -> Command:
    """The command to answer; a sentence counts by its first command that names a thing."""
    commands = [words] if isinstance(words, Command) else parse_command(words, vocabulary)
    for command in commands:
        if command.target:
            _refuse_exclusions(command, vocabulary)
            return command
    missing = f"'{commands[0].action}' names nothing to look for; name a thing, such as 'the jar beside the apple'"
    raise SaymaskError(commands[0].reason or missing)


def _refuse_exclusions(command: Command, vocabulary: Vocabulary) -> None:
    """A model that leaves "except" out of account takes just what is to be left alone."""
    excluding = [word for word in words_of(command.target) if word in _EXCLUDING and word not in vocabulary]
    if excluding:
        raise SaymaskError(
            f"'{excluding[0]}' leaves something out, which this model cannot; say which thing is meant instead"
        )


_EXCLUDING = frozenset({"except", "excluding", "but", "apart", "neither", "nor", "besides"})


def _read(command: Command) -> str:
    """The target in the words that the network reads."""
    read = dict(command.stand_ins)
    return " ".join(read.get(word, word) for word in command.target.split())


def _note(command: Command) -> str:
    """What a person should know about words that the model does not."""
    broader = [pair for pair in command.stand_ins if pair[0] not in ("one", "ones")]
    if broader:
        return f"I know '{broader[0][0]}' only as '{broader[0][1]}'."
    unknown_nouns = [noun for noun in words_of(" ".join(head_nouns(command.target))) if noun in command.unknown]
    if unknown_nouns:
        return f"I do not know what {_quoted(unknown_nouns)} is, so this may be the wrong thing."
    return f"I do not know {_quoted(command.unknown)} and left it out of account." if command.unknown else ""


def _quoted(words: Sequence[str]) -> str:
    return " or ".join(f"'{word}'" for word in words)
