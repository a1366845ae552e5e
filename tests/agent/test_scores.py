"""The strict rule for scores in an output."""

from __future__ import annotations

import math
import tracemalloc

import pytest

from hpsearch.agent.scores import LINE_MOST, Lines, Score, score_of


def values(data: bytes, piece: int = 1 << 16) -> list[float]:
    """All scores of an output that comes in pieces."""
    lines = Lines()
    pieces = [data[i : i + piece] for i in range(0, len(data), piece)]
    listed = [line for part in pieces for line in lines.add(part)]
    scores = map(score_of, [*listed, *lines.end()])
    return [score.value for score in scores if score is not None]


@pytest.mark.parametrize("piece", [1, 3, 1 << 16])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            "\r 50%|█| 1/2 [00:01<00:01, 1it/s]score=0.5\n\r100%|█| 2/2 [00:02, score=0.7]\n",
            [0.5],
        ),
        ("\b\b\r3/3 - loss: 0.7854score=0.1250\n", [0.125]),
        ("\x1b[33mscore\x1b[0m=\x1b[1;36m0\x1b[0m\x1b[1;36m.95\x1b[0m\n", [0.95]),
        ("\x1b[2K\x1b[1Gscore=0.3\n", [0.3]),
        ("\x1b]0;a title\x07score=0.4\n", [0.4]),
        ("score=0.0000score=2.1128\n\nscore=0.5\n", [0.5]),
        ("\rscore=0.0000score=2.1128\n", []),
        ("\rscore=0.1]score=0.2\n", [0.2]),
        ("best_score=0.9\nscore=95%\nscore=1_000\nscore=0,95\nscore=NA\n[1] 0.9\n", []),
        ("+ echo score=0.4\nNamespace(score=0.1)\nscore=tensor(0.95)\nscore=0.5,loss=2\n", []),
        ("ValueError: score=0.99 is out of range\n", []),
        ("x" * 300_000 + "\n\ufeffscore=0.5\r\nscore: 0.6", [0.5, 0.6]),
        ("score = -1.5e-05\nscore:+.5\nscore=3.\nscore=7\n", [-1.5e-05, 0.5, 3.0, 7.0]),
        ("  score=0.5  \n\tscore=0.6\n", [0.5, 0.6]),
        ("score=٣\nSCORE=0.5\nscore=0x10\nscore=\nscore=1e\nscore=1 2\n", []),
        ("score=old\rscore=0.5\n", [0.5]),
        ('{"score": 0.5, "loss": 2}\n{"score": "0.5"}\n{"score": true}\n{"a": {"score": 1}}\n', [0.5]),
        ('{"score": 1e400}\n[{"score": 1}]\n{"score": 0.5\n' + "{" * 5000 + "\n", [math.inf]),
        ("", []),
    ],
)  # fmt: skip
def test_lines_are_read_by_the_strict_rule(data: str, expected: list[float], piece: int) -> None:
    assert values(data.encode(), piece) == expected


@pytest.mark.parametrize("word", ["nan", "NaN", "inf", "-Infinity", "INF"])
def test_numbers_that_are_none_are_scores(word: str) -> None:
    (value,) = values(f"score={word}\n".encode())
    assert not math.isfinite(value)


def test_a_line_may_carry_its_epoch_and_more() -> None:
    assert score_of(b"epoch=3 score=.9") == Score(0.9, 3)
    assert score_of(b"epoch: 3  score: 0.9") == Score(0.9, 3)
    line = b'{"epoch": 3.0, "score": 1, "metrics": {"f1": 0.5}, "cost": 2, "note": null, "lr": 1}'
    assert score_of(line) == Score(1.0, 3, {"metrics": {"f1": 0.5}, "cost": 2})
    assert score_of(b'{"epoch": 0.25, "score": 1}') == Score(1.0)
    assert score_of(b"replicate=2 score=.9") == Score(0.9, replicate=2)
    assert score_of(b"epoch=3 replicate=2 score=.9") == Score(0.9, 3, replicate=2)
    assert score_of(b'{"replicate": 2, "score": 1}') == Score(1.0, replicate=2)
    assert score_of(b"replicate=two score=.9") is None
    assert score_of(b"epoch=3, score=.9") is None
    assert score_of(b"epoch=-3 score=.9") is None


def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert values(b"\xff\xfe\nscore=0.5\nscore=\xff0.6\n") == [0.5]


def test_a_line_without_end_takes_bounded_memory() -> None:
    lines, piece = Lines(), b"x" * (1 << 16)
    tracemalloc.start()
    for _ in range(160):
        assert not list(lines.add(piece))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    (line,) = lines.add(b"\n")
    assert len(line) == LINE_MOST
