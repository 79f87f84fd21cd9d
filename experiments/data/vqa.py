"""Questions about images: easy-VQA, one coloured shape an image, simple questions, short answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.data.sources import PATH_KEY, given_path, package_file
from service.contracts import Dataset, Examples, UserError

SIDE = 24
"""Height and width of an image in pixels; easy-VQA's are 64 x 64."""

# fmt: off
WORDS = (
    "a", "black", "blue", "brown", "circle", "color", "contain", "does", "gray", "green", "image",
    "in", "is", "no", "not", "of", "present", "rectangle", "red", "shape", "teal", "the", "there",
    "triangle", "what", "yellow",
)
"""Every word of easy-VQA's questions; a question is 1 where it has the word, else 0."""
ANSWERS = (
    "black", "blue", "brown", "circle", "gray", "green", "no", "rectangle", "red", "teal",
    "triangle", "yellow", "yes",
)
# fmt: on
QUESTIONS = 2
"""Questions drawn for each image: one that asks "what" where there is one, the other of yes or no."""

Asked = list[tuple[str, str]]
"""Questions and answers about one image."""


def vqa_packaged(path: Path | None = None) -> Dataset:
    """The 5,000 images of the package easy-vqa, two of the questions about each."""
    first = package_file(
        "easy_vqa", "data/train/questions.json", package="easy-vqa",
        otherwise="set data.source: path",
    )  # fmt: skip
    return _questions(first.parent.parent)


def vqa_folder(path: Path | None) -> Dataset:
    """Images and questions from the user's own folder, in easy-VQA's layout.

    Args:
        path: a folder with `train` and `test`, each with `questions.json` (a list of [question,
            answer, number of the image]) and `images/<number>.png`. Both are used, and split anew.

    Raises:
        UserError: the folder or a file is missing or is not what it must be, a question has a word
            or an answer that easy-VQA does not have, or an image has fewer than two questions.
    """
    return _questions(given_path(path, "folder", "easy-VQA's folders train and test"))


def _questions(folder: Path) -> Dataset:
    rng = np.random.default_rng(0)
    pixels, words, answers = [], [], []
    for part in ("train", "test"):
        file = folder / part / "questions.json"
        for number, own in sorted(_by_image(file).items()):
            pixels.append(_image(folder / part / "images" / f"{number}.png"))
            for question, answer in _drawn(own, rng, file):
                words.append(_bag_of_words(question, file))
                if answer not in ANSWERS:
                    raise UserError("unknown answer", file=file, value=answer)
                answers.append(ANSWERS.index(answer))
    group = np.repeat(np.arange(len(pixels)), QUESTIONS)
    return Dataset(
        Examples(
            inputs={"image": np.stack(pixels)[group], "question": np.stack(words)},
            targets={"answer": np.array(answers, np.int32)},
            names={"question": WORDS, "answer": ANSWERS},
        ),
        groups=group,
        facts={
            "examples": f"{len(answers):,} questions about {len(pixels):,} images of {SIDE} x {SIDE} "
            "pixels; a split keeps the questions about an image together",
            "questions": "of each image one that asks 'what', where there is one, and one of yes or no; "
            f"{len(WORDS)} words",
            "classes": f"{len(ANSWERS)} answers, "
            f"{np.mean(np.isin(answers, [ANSWERS.index('yes'), ANSWERS.index('no')])):.0%} yes or no",
        },
    )


def _drawn(asked: Asked, rng: np.random.Generator, file: Path) -> Asked:
    """QUESTIONS of the questions about an image, of different kinds where it has both."""
    if len(asked) < QUESTIONS:
        raise UserError(f"an image must have {QUESTIONS} questions", file=file, value=len(asked))
    order = [asked[position] for position in rng.permutation(len(asked))]
    what = [one for one in order if one[0].startswith("what")]
    other = [one for one in order if not one[0].startswith("what")]
    return (what[:1] + other + what[1:])[:QUESTIONS]


def _by_image(file: Path) -> dict[int, Asked]:
    try:
        asked: Any = json.loads(file.read_text(encoding="utf-8"))
        by_image: dict[int, Asked] = {}
        for question, answer, number in asked:
            by_image.setdefault(int(number), []).append((str(question), str(answer)))
    except FileNotFoundError as error:
        raise UserError(f"must hold {file.parent.name}/{file.name}", key=PATH_KEY) from error
    except (ValueError, TypeError) as error:
        raise UserError(
            f"must be a list of [question, answer, image]: {error}", file=file
        ) from error
    return by_image


def _image(file: Path) -> NDArray[np.float32]:
    """Red, green and blue from 0 to 1, shape (SIDE, SIDE, 3)."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            small = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
            return np.asarray(small, np.float32) / np.float32(255)
    except OSError as error:
        raise UserError(f"must be an image: {error}", file=file) from error


def _bag_of_words(question: str, file: Path) -> NDArray[np.float32]:
    bag = np.zeros(len(WORDS), np.float32)
    for word in question.lower().replace("?", " ").split():
        if word not in WORDS:
            raise UserError(
                "a question has a word that easy-VQA does not have", file=file, value=word
            )
        bag[WORDS.index(word)] = 1
    return bag
