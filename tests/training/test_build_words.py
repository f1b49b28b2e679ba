"""WordNet's files as wndb(5WN) describes them, and which words sound alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.build_words import candidates, read_index, read_senses
from training.pronunciation import distance

DATA = """\
  1 This software and database is being provided to you
00000001 06 n 01 pan 0 000 | cooking utensil
00000002 06 n 02 frying_pan 0 skillet 0 001 @ 00000001 n 0000 | a pan used for frying
00000003 18 n 01 tumbler 0 000 | a gymnast
00000004 06 n 01 glass 0 000 | a container for drinking
00000005 06 n 01 tumbler 0 001 @ 00000004 n 0000 | a glass with a flat bottom
00000006 04 n 01 grip 0 000 | the act of grasping
00000007 06 n 02 bucket 0 pail 0 000 | a roughly cylindrical vessel
00000008 06 n 02 commode 0 pan 0 000 | a toilet
"""
INDEX = """\
  1 This software and database is being provided to you
skillet n 1 1 @ 1 0 00000002
tumbler n 2 1 @ 2 0 00000003 00000005
grip n 1 0 1 0 00000006
frying_pan n 1 1 @ 1 0 00000002
pan n 2 0 2 0 00000001 00000008
glass n 1 0 1 0 00000004
bucket n 1 0 1 0 00000007
pail n 1 0 1 0 00000007
commode n 1 0 1 0 00000008
"""


@pytest.fixture
def wordnet(tmp_path: Path) -> Path:
    (tmp_path / "data.noun").write_text(DATA)
    (tmp_path / "index.noun").write_text(INDEX)
    return tmp_path


@pytest.mark.parametrize(
    ("word", "same", "broader"),
    [
        ("skillet", [], ["pan"]),
        ("tumbler", [], ["glass"]),  # a gymnast first
        ("bucket", ["pail"], []),
        ("commode", [], []),  # not what people mean by "pan"
        ("grip", [], []),
    ],
)
def test_known_nouns_for_rare_ones(word: str, same: list[str], broader: list[str], wordnet: Path) -> None:
    senses, index = read_senses(wordnet / "data.noun"), read_index(wordnet / "index.noun")
    assert "frying_pan" not in index  # of one word only
    assert candidates(word, index, senses, {"pan", "glass", "pail"}) == (same, broader)


@pytest.mark.parametrize(
    ("heard", "meant", "expected"),
    [
        (("p", "ɛ", "ɹ"), ("p", "ɛ", "ɹ"), 0.0),  # pair, pear
        (("n", "aɪ", "t"), ("n", "aɪ", "f"), 0.5),  # night, knife: both voiceless
        (("m", "ʌ", "ɡ"), ("m", "ʌ", "k"), 0.5),
        (("b", "oʊ", "l"), ("b", "aʊ", "ə", "l"), 1.0),  # bowl, bowel: a vowel and a neutral one more
        (("k", "ʌ", "p"), ("dʒ", "ɑː", "ɹ"), 2.0),
    ],
)
def test_distance_of_sounds(heard: tuple[str, ...], meant: tuple[str, ...], expected: float) -> None:
    assert distance(heard, meant, 2.0) == pytest.approx(expected)
    assert distance(meant, heard, 2.0) == pytest.approx(expected)
