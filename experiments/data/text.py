"""Sentences in English and French: for translation, and to tell the two languages apart."""

from __future__ import annotations

import json
import re
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.data.sources import download, given_path, package_file
from service.contracts import Dataset, Examples, UserError

ENGLISH_WORDS, FRENCH_WORDS = 5, 7
"""The longest sentences taken, in words and punctuation marks."""
STEPS = FRENCH_WORDS + 1
"""Steps of a translation: its words, then the end."""
END, UNKNOWN, START = 0, 1, 2
"""The first numbers of a vocabulary; END also fills what is left of an array."""
SPECIAL = ("", "(another word)", "")
"""What a reader sees in their place."""
FIRST_WORD = len(SPECIAL)

LETTERS = 16
"""Characters of a message that tell its language."""
ALPHABET = " '-.abcdefghijklmnopqrstuvwxyz"
LANGUAGES = ("english", "french")

Sentences = list[tuple[str, str]]
"""Messages in English, each with its translation into French."""

ANKI = "http://d2l-data.s3-accelerate.amazonaws.com/fra-eng.zip"
"""A fixed copy of https://www.manythings.org/anki/fra-eng.zip, which changes with every release."""
ANKI_SHA1 = "94646ad1522d915e7b0f9296181140edcf86a4f5"

_WORD = re.compile(r"%\d|[^\W\d_]+'?|\d+|[^\w\s]")


def translation_packaged(path: Path | None = None) -> Dataset:
    """JupyterLab's messages in English and French, from its French language pack."""
    return _translations(_language_pack())


def translation_file(path: Path | None) -> Dataset:
    """Sentences from the user's own file.

    Args:
        path: a text file in the format of https://www.manythings.org/anki/: a line per sentence,
            English, a tab, French; what follows another tab is left out.

    Raises:
        UserError: the file is missing, a line has no tab, or no sentence is short enough.
    """
    return _translations(_tab_separated(path))


def translation_online(path: Path | None = None) -> Dataset:
    """Short sentences of the Tatoeba project, as prepared for Anki: English and French.

    Raises:
        UserError: the download failed or is not the file that it was.
    """
    return _translations(_anki())


def languages_packaged(path: Path | None = None) -> Dataset:
    """Beginnings of JupyterLab's messages, as many in English as in French."""
    return _beginnings(_language_pack())


def languages_online(path: Path | None = None) -> Dataset:
    """Beginnings of the sentences of `translation_online`."""
    return _beginnings(_anki())


def languages_file(path: Path | None) -> Dataset:
    """Beginnings of the sentences in the user's own file, in the format of `translation_file`."""
    return _beginnings(_tab_separated(path))


def _language_pack() -> Sentences:
    """Every message of all parts of the pack, once."""
    module, folder = "jupyterlab_language_pack_fr_FR", "locale/fr_FR/LC_MESSAGES"
    first = package_file(
        module, f"{folder}/jupyterlab.json", package="jupyterlab-language-pack-fr-FR",
        otherwise="set data.source: path",
    )  # fmt: skip
    found: dict[str, str] = {}
    for file in sorted(first.parent.glob("*.json")):
        for key, translations in json.loads(file.read_text(encoding="utf-8")).items():
            # The empty key holds the file's own description; \x04 parts a context from the message.
            if key and translations[0].strip():
                found.setdefault(key.split("\x04")[-1], translations[0])
    return list(found.items())


def _anki() -> Sentences:
    name = "Anki's sentences"
    file = download(ANKI, name, f"sha1:{ANKI_SHA1}", called="anki-fra-eng.zip")
    with zipfile.ZipFile(file) as archive:
        return _lines(archive.read("fra-eng/fra.txt").decode("utf-8-sig"), file)


def _tab_separated(path: Path | None) -> Sentences:
    file = given_path(path, "file", "a line per sentence: English, a tab, French")
    return _lines(file.read_text(encoding="utf-8-sig"), file)


def _lines(text: str, file: Path) -> Sentences:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        parts = line.split("\t")
        if len(parts) < len(LANGUAGES):
            raise UserError("must be English, a tab, French", file=file, line=number, value=line)
        found.setdefault(parts[0], parts[1])
    return list(found.items())


def words(sentence: str) -> list[str]:
    """Small letters; "l'éditeur" is two words, %1 (what a program fills in) and marks are one each."""
    return _WORD.findall(unicodedata.normalize("NFC", sentence.lower()).replace("\u2019", "'"))


def _translations(sentences: Sentences) -> Dataset:
    """Sentences as numbers of words, in alphabetical order; `frequent_words` makes a vocabulary."""
    pairs: dict[tuple[str, ...], list[str]] = {}
    for sentence, translation in sentences:
        source, target = words(sentence), words(translation)
        short = 2 <= len(source) <= ENGLISH_WORDS and 2 <= len(target) <= FRENCH_WORDS
        # "Save" and "Save..." differ, "Save File" and "save file" do not: one translation each.
        if short and source != target:
            pairs.setdefault(tuple(source), target)
    if not pairs:
        raise UserError(
            f"must hold sentences of at most {ENGLISH_WORDS} English and {FRENCH_WORDS} French words"
        )
    number_of = [
        {word: FIRST_WORD + n for n, word in enumerate(sorted({w for text in texts for w in text}))}
        for texts in (pairs.keys(), pairs.values())
    ]
    english = np.full((len(pairs), ENGLISH_WORDS), END, np.float32)
    french = np.full((len(pairs), STEPS), END, np.int32)
    for row, (asked, said) in enumerate(pairs.items()):
        # The end of a sentence at the end of the array, so that a network has just read it.
        english[row, -len(asked) :] = [number_of[0][word] for word in asked]
        french[row, : len(said)] = [number_of[1][word] for word in said]
    return Dataset(
        Examples(
            inputs={"english": english, "before": shifted(french)},
            targets={"french": french},
            names={
                name: (*SPECIAL, *numbers)
                for name, numbers in zip(("english", "french"), number_of, strict=True)
            },
        ),
        facts={
            "examples": f"{len(pairs):,} sentences of 2 to {ENGLISH_WORDS} English and 2 to "
            f"{FRENCH_WORDS} French words",
            "words": f"{len(number_of[0]):,} English, {len(number_of[1]):,} French",
        },
    )


def shifted(french: NDArray[np.int32]) -> NDArray[np.float32]:
    """What stands before each word of a translation: START, then the words but the last."""
    before = np.roll(french, 1, axis=1)
    before[:, 0] = START
    return before.astype(np.float32)


def _beginnings(sentences: Sentences) -> Dataset:
    """The first letters of each message in both languages; the message is the group.

    Case and accents are taken away, so that no single letter gives French away. A beginning that
    several messages share is taken once, and not at all where both languages have it.
    """
    seen: dict[str, set[int]] = {}
    for both in sentences:
        for language, text in enumerate(both):
            seen.setdefault(_letters(text), set()).add(language)
    rows, language_of, group = [], [], []
    for message, both in enumerate(sentences):
        texts = [_letters(text) for text in both]
        if any(len(text) < LETTERS or len(seen.get(text, ())) != 1 for text in texts):
            continue
        for language, text in enumerate(texts):
            seen.pop(text)
            rows.append([ALPHABET.index(letter) for letter in text])
            language_of.append(language)
            group.append(message)
    if not rows:
        raise UserError(f"must hold messages of at least {LETTERS} letters in both languages")
    return Dataset(
        Examples(
            inputs={"letters": np.array(rows, np.float32)},
            targets={"language": np.array(language_of, np.int32)},
            names={"letters": tuple(ALPHABET), "language": LANGUAGES},
        ),
        groups=np.array(group),
        facts={
            "examples": f"the first {LETTERS} letters of {len(rows):,} texts, half in English, half "
            "their translations into French; a split keeps the two together",
            "letters": f"{len(ALPHABET)}, without case and accents",
        },
    )


def _letters(text: str) -> str:
    """The first LETTERS characters in small letters without accents; all other marks are dots."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("\u2019", "'"))
    plain = " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
    return "".join(c if c in ALPHABET else "." for c in plain[:LETTERS])
