"""Data sets of tables: columns of measurements, one row an example."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.data.sources import given_path, keras_dataset, package_file
from service.contracts import Dataset, Examples, UserError
from service.contracts.errors import did_you_mean

IRIS_COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
IRIS_SPECIES = ("setosa", "versicolor", "virginica")
CALIFORNIA_COLUMNS = (
    "longitude", "latitude", "age_of_houses", "rooms", "bedrooms", "population", "households",
    "income",
)  # fmt: skip
DIABETES_COLUMNS = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def iris_packaged(path: Path | None = None) -> Dataset:
    """The 150 flowers of `sklearn.datasets.load_iris`."""
    file = package_file("sklearn", "datasets/data/iris.csv", package="scikit-learn")
    # The first line states the sizes and the species, in the order of IRIS_SPECIES.
    table = np.loadtxt(file, delimiter=",", skiprows=1)
    return _iris(table[:, :4], table[:, 4].astype(np.int32))


def iris_csv(path: Path | None) -> Dataset:
    """Flowers from the user's own file, in the layout of Iris.

    Args:
        path: a CSV file with a header line that names the columns sepal_length, sepal_width,
            petal_length, petal_width (cm) and species (setosa, versicolor, virginica), in any order.

    Raises:
        UserError: the file or a column is missing, or a line holds something else.
    """
    file = given_path(path, "file", "comma-separated columns " + ", ".join(IRIS_COLUMNS))
    rows = []
    species = []
    for line, row in _rows(file, (*IRIS_COLUMNS, "species")):
        rows.append([_number(row[column], column, file, line) for column in IRIS_COLUMNS])
        name = row["species"]
        if name not in IRIS_SPECIES:
            raise UserError(
                "unknown species",
                file=file,
                line=line,
                key="species",
                value=name,
                hint=did_you_mean(name, IRIS_SPECIES),
            )
        species.append(IRIS_SPECIES.index(name))
    return _iris(np.array(rows), np.array(species, np.int32))


def _iris(features: NDArray[np.float64], species: NDArray[np.int32]) -> Dataset:
    counts = np.bincount(species, minlength=len(IRIS_SPECIES))
    return Dataset(
        Examples(
            inputs={"features": features.astype(np.float32)},
            targets={"species": species},
            names={
                "features": tuple(column.replace("_", " ") for column in IRIS_COLUMNS),
                "species": IRIS_SPECIES,
            },
        ),
        facts={
            "examples": f"{len(species)} flowers",
            "features": "sepal length, sepal width, petal length, petal width (cm)",
            "classes": ", ".join(
                f"{count} {name}" for count, name in zip(counts, IRIS_SPECIES, strict=True)
            ),
        },
    )


def diabetes_packaged(path: Path | None = None) -> Dataset:
    """The 442 patients of `sklearn.datasets.load_diabetes(scaled=False)`.

    Unscaled, because scikit-learn's scaled columns were centred over all patients: whoever splits
    them afterwards has let the test patients leak into the training ones.
    """
    folder = "datasets/data/diabetes"
    columns = package_file("sklearn", f"{folder}_data_raw.csv.gz", package="scikit-learn")
    target = package_file("sklearn", f"{folder}_target.csv.gz", package="scikit-learn")
    progression = np.loadtxt(target, dtype=np.float32)
    return Dataset(
        Examples(
            inputs={"features": np.loadtxt(columns).astype(np.float32)},
            # A column, as the model's output is: no arithmetic between the two can broadcast.
            targets={"progression": progression[:, np.newaxis]},
            names={"features": DIABETES_COLUMNS},
        ),
        facts={
            "examples": f"{len(progression)} patients",
            "features": "age, sex, body mass index, blood pressure, six blood serum measurements",
            "target": "disease progression one year on, "
            f"{progression.min():g} to {progression.max():g} points",
        },
    )


def california_online(path: Path | None = None) -> Dataset:
    """Districts of California through `keras.datasets.california_housing`, shaped as diabetes.

    Two empty columns beside the eight measurements, so that one model can learn either.

    Raises:
        UserError: the download failed.
    """
    districts, value = keras_dataset(
        "california_housing", "California housing", version="large", test_split=0.2, seed=0
    )
    empty = np.zeros((len(districts), len(DIABETES_COLUMNS) - len(CALIFORNIA_COLUMNS)))
    return Dataset(
        Examples(
            inputs={"features": np.hstack([districts, empty]).astype(np.float32)},
            targets={"progression": value.astype(np.float32)[:, np.newaxis] / np.float32(1000)},
            names={"features": (*CALIFORNIA_COLUMNS, "empty", "empty")},
        ),
        facts={
            "examples": f"{len(value):,} districts of California, 1990",
            "features": ", ".join(CALIFORNIA_COLUMNS).replace("_", " ") + ", and two empty columns",
            "target": "the median value of a house in thousands of dollars, here called points",
        },
    )


def _rows(file: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """The lines of a CSV file with their numbers, as text by column, blanks around it removed."""
    with file.open(newline="", encoding="utf-8-sig") as text:
        reader = csv.reader(text)
        header = [name.strip() for name in next(reader, [])]
        for column in columns:
            if column not in header:
                raise UserError(f"the header must name the column '{column}'", file=file, line=1)
        rows = []
        for values in reader:
            if not values:
                continue
            if len(values) != len(header):
                raise UserError(
                    f"must have {len(header)} columns",
                    file=file,
                    line=reader.line_num,
                    value=len(values),
                )
            named = dict(zip(header, (value.strip() for value in values), strict=True))
            rows.append((reader.line_num, named))
    if not rows:
        raise UserError("must hold at least one line below the header", file=file)
    return rows


def _number(text: str, column: str, file: Path, line: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise UserError("must be a number", file=file, line=line, key=column, value=text)
    return number
