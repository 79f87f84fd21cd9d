"""What translating needs beside a model: a vocabulary, greedy decoding, a baseline and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.data.text import END, FIRST_WORD, START, UNKNOWN
from service.contracts import Arrays, Baseline, Examples, Metric, Names

Transform = Callable[[Examples], Examples]


def frequent_words(
    source: str, before: str, target: str, vocabulary: int
) -> Callable[[Examples], Transform]:
    """A pair's `prepare`: each language's most frequent words in training get a number.

    Args:
        source: the input of sentences to translate, shape (examples, steps).
        before: the input of the words that precede each target, in the target's language.
        target: the target of translations, shape (examples, steps).
        vocabulary: numbers in use, END, UNKNOWN and START among them; more frequent words get
            smaller numbers, and every word left out becomes UNKNOWN.
    """

    def fit(train: Examples) -> Transform:
        kept = {
            source: _most_frequent(train.inputs[source], vocabulary - FIRST_WORD),
            target: _most_frequent(train.targets[target], vocabulary - FIRST_WORD),
        }

        def transform(examples: Examples) -> Examples:
            inputs = {
                source: _renumbered(examples.inputs[source], kept[source]),
                before: _renumbered(examples.inputs[before], kept[target]),
            }
            targets = {target: _renumbered(examples.targets[target], kept[target])}
            names = {
                name: (*of[:FIRST_WORD], *(of[number] for number in kept[name]))
                for name, of in examples.names.items()
                if name in kept
            }
            return Examples(
                {**examples.inputs, **inputs},
                {**examples.targets, **targets},
                {**examples.names, **names},
            )

        return transform

    return fit


def _most_frequent(words: NDArray[Any], count: int) -> NDArray[np.int64]:
    """The numbers of the most frequent words, most frequent first; ties in order of the numbers."""
    found, times = np.unique(words[words >= FIRST_WORD].astype(np.int64), return_counts=True)
    return found[np.argsort(-times, kind="stable")][:count]


def _renumbered(words: NDArray[Any], kept: NDArray[np.int64]) -> NDArray[Any]:
    order = np.argsort(kept)
    place = np.searchsorted(kept[order], words).clip(max=len(kept) - 1)
    is_kept = kept[order][place] == words
    number = np.where(is_kept, FIRST_WORD + order[place], UNKNOWN)
    return np.where(words < FIRST_WORD, words, number).astype(words.dtype)


def greedy(source: str, before: str, target: str) -> Callable[..., Arrays]:
    """A variant's `answer`: word by word, each the most probable after those it chose before.

    The translation that the data set brings along as `before` is thrown away first: an answer must
    not see what it is asked for.

    Args:
        source, before: the model's inputs, as in `frequent_words`.
        target: its output, shape (examples, steps, vocabulary).
    """

    def answer(forward: Callable[[Arrays], Arrays], inputs: Arrays) -> Arrays:
        steps = inputs[before].shape[1]
        written = np.full_like(inputs[before], END)
        written[:, 0] = START
        chosen = []
        for step in range(steps):
            now = forward({source: inputs[source], before: written})[target][:, step]
            chosen.append(now)
            if step + 1 < steps:
                written[:, step + 1] = best_words(now)
        return {target: np.stack(chosen, axis=1)}

    return answer


def best_words(probabilities: NDArray[Any]) -> NDArray[np.int64]:
    """The most probable word, shape (...) of (..., vocabulary); UNKNOWN and START are no words."""
    possible = probabilities.copy()
    possible[..., [UNKNOWN, START]] = -np.inf
    best: NDArray[np.int64] = possible.argmax(axis=-1)
    return best


def likeliest_by_place(target: str, vocabulary: int) -> Baseline:
    """At each place the share of each word there in training, whatever the sentence."""

    def predict(train: Examples, inputs: Arrays) -> Arrays:
        words = train.targets[target]
        shares = np.stack([np.bincount(place, minlength=vocabulary) for place in words.T])
        shares = (shares / len(words)).astype(np.float32)
        examples = len(next(iter(inputs.values())))
        return {target: np.tile(shares, (examples, 1, 1))}

    return Baseline("at each place its most frequent word", predict)


def token_accuracy(target: str) -> Metric:
    """The share of words that are right at their place, the end of each sentence included.

    What follows a reference's end does not count. A reference's UNKNOWN word is never right.
    """

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        ended = np.cumsum(truth == END, axis=1) - (truth == END)
        right = (best_words(predicted) == truth)[ended == 0]
        return float(right.mean())

    return Metric("token accuracy", "maximize", "fraction", _finite(target, score))


def bleu(target: str) -> Metric:
    """Corpus BLEU of whole translations by sacrebleu, over the data set's own words.

    It is computed on the words' numbers, each a token: BLEU asks only which tokens are equal. A
    reference's UNKNOWN word matches nothing. Source: Post 2018, A Call for Clarity in Reporting
    BLEU Scores.
    """

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        from sacrebleu import BLEU

        hypotheses = [_line(row) for row in best_words(predicted)]
        references = [_line(row) for row in truth]
        # Ours are tokens already: no tokenizer, and no warning about it.
        scored = BLEU(tokenize="none", force=True).corpus_score(hypotheses, [references])
        return float(scored.score)

    return Metric("BLEU", "maximize", "points of 100", _finite(target, score))


def chrf(target: str) -> Metric:
    """Corpus chrF of whole translations by sacrebleu: how many runs of letters they share.

    A word with another ending is partly right, as BLEU never sees. Blanks do not count. A
    reference's UNKNOWN word is one sign that matches nothing. Source: Popović 2015, chrF: character
    n-gram F-score for automatic MT evaluation (here with runs of 1 to 6 letters and beta 2).
    """

    def score(targets: Arrays, predictions: Arrays, names: Names) -> float:
        from sacrebleu import CHRF

        spelled = np.array(names[target], dtype=object)
        spelled[UNKNOWN] = "\N{REPLACEMENT CHARACTER}"

        def whole(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
            hypotheses = [_line(row, spelled) for row in best_words(predicted)]
            references = [_line(row, spelled) for row in truth]
            return float(CHRF().corpus_score(hypotheses, [references]).score)

        return _finite(target, whole)(targets, predictions)

    return Metric("chrF", "maximize", "points of 100", score, reads_names=True)


def _line(numbers: NDArray[Any], spelled: NDArray[Any] | None = None) -> str:
    """The words before the end, as text: spelled as told, or else as their numbers."""
    ends = np.flatnonzero(numbers == END)
    before = numbers[: ends[0]] if len(ends) else numbers
    return " ".join(map(str, before if spelled is None else spelled[before]))


def _finite(
    target: str, score: Callable[[NDArray[Any], NDArray[Any]], float]
) -> Callable[[Arrays, Arrays], float]:
    def checked(targets: Arrays, predictions: Arrays) -> float:
        truth, predicted = targets[target], predictions[target]
        if predicted.shape[:-1] != truth.shape:
            raise ValueError(
                f"'{target}': targets of shape {truth.shape} do not fit predictions of shape "
                f"{predicted.shape}"
            )
        return score(truth, predicted) if np.isfinite(predicted).all() else float("nan")

    return checked
