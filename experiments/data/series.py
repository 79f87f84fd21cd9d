"""Data sets of time series: daily stock prices, and glucose measured every five minutes."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from experiments.data.sources import given_path, package_file
from service.contracts import Dataset, Examples, UserError

STOCKS = ("stock_a", "stock_b", "stock_c")
"""The inputs' names; which tickers they are is among the data set's facts."""
WINDOW = 20
"""Trading days that a forecast sees: four weeks."""
STOCK_FEATURES = ("log return", "log of high over low")
STOCK_COLUMNS = ("Ticker", "Date", "High", "Low", "Adj Close")

READINGS = 18
"""Glucose readings that a forecast sees: an hour and a half."""
AHEAD = 6
"""Readings between the last one seen and the one forecast: half an hour."""
EVERY_MINUTES = 5
STRIDE = 5
"""Of the windows that start at each reading, every fifth is an example; the others overlap it."""
GLUCOSE_GAP = -(-(READINGS + AHEAD) // STRIDE)
"""Examples from one window's first reading to past its last: beyond them nothing is shared."""


def stocks_packaged(path: Path | None = None) -> Dataset:
    """Apple, IBM and Microsoft, daily from 2000 to 2013, from the package bokeh-sampledata."""
    file = package_file(
        "bokeh_sampledata", "_data/stocks.csv.gz", package="bokeh-sampledata",
        otherwise="set data.source: path",
    )  # fmt: skip
    with gzip.open(file, "rt", newline="", encoding="utf-8") as text:
        quotes = _quotes(text, file)
    # Google and Facebook were not listed yet in 2000.
    return _stock_windows({ticker: quotes[ticker] for ticker in ("AAPL", "IBM", "MSFT")}, file)


def stocks_csv(path: Path | None) -> Dataset:
    """Three stocks from the user's own file.

    Args:
        path: a CSV file, one line per ticker and day, whose header names at least the columns
            Ticker, Date (YYYY-MM-DD), High, Low and Adj Close, for exactly three tickers.

    Raises:
        UserError: the file or a column is missing, a line holds something else, a ticker has a day
            twice, or the tickers share too few days.
    """
    file = given_path(path, "file", "comma-separated columns " + ", ".join(STOCK_COLUMNS))
    with file.open(newline="", encoding="utf-8-sig") as text:
        return _stock_windows(_quotes(text, file), file)


@dataclass(frozen=True)
class _Quote:
    """One stock on one day; `close` is adjusted for splits and dividends."""

    high: float
    low: float
    close: float


Quotes = dict[str, dict[str, _Quote]]


def _quotes(text: Iterable[str], file: Path) -> Quotes:
    """By ticker and date, every line of a CSV file."""
    reader = csv.DictReader(text)
    for column in STOCK_COLUMNS:
        if column not in (reader.fieldnames or ()):
            raise UserError(f"the header must name the column '{column}'", file=file, line=1)
    quotes: Quotes = {}
    for row in reader:
        day = row["Date"]
        try:
            datetime.strptime(day, "%Y-%m-%d")
            quote = _Quote(*(float(row[column]) for column in STOCK_COLUMNS[2:]))
        except (TypeError, ValueError) as error:
            raise UserError(f"{error}", file=file, line=reader.line_num) from error
        if not 0 < quote.low <= quote.high < np.inf or not 0 < quote.close < np.inf:
            raise UserError(
                "0 < Low <= High and 0 < Adj Close must hold", file=file, line=reader.line_num
            )
        if day in quotes.setdefault(row["Ticker"], {}):
            raise UserError(
                f"{row['Ticker']} has this day twice", file=file, line=reader.line_num, value=day
            )
        quotes[row["Ticker"]][day] = quote
    return quotes


def _stock_windows(quotes: Quotes, file: Path) -> Dataset:
    """Every window of days that all three stocks were traded, with the day that follows it.

    Logarithmic returns and ranges in percent are of the order of one by themselves: there is no
    scale to fit, so none can leak.
    """
    if len(quotes) != len(STOCKS):
        raise UserError(
            f"must hold {len(STOCKS)} tickers", file=file, key="Ticker", value=", ".join(quotes)
        )
    days = sorted(set.intersection(*(set(of_ticker) for of_ticker in quotes.values())))
    if len(days) < WINDOW + 2:
        raise UserError(
            f"the tickers must share at least {WINDOW + 2} days", file=file, value=len(days)
        )
    inputs, targets = {}, []
    for name, of_ticker in zip(STOCKS, quotes.values(), strict=True):
        table = np.array([(q.high, q.low, q.close) for q in (of_ticker[day] for day in days)])
        returns = 100 * np.diff(np.log(table[:, 2]))
        spread = 100 * np.log(table[1:, 0] / table[1:, 1])
        windows = sliding_window_view(np.stack([returns, spread], axis=1), WINDOW, axis=0)
        # The last window has no next day to be held against.
        inputs[name] = windows[:-1].transpose(0, 2, 1).astype(np.float32)
        targets.append(returns[WINDOW:])
    returned = np.stack(targets, axis=1).astype(np.float32)
    forecast_days = days[WINDOW + 1 :]
    return Dataset(
        # In the order of time, one example a day: what `by_time` expects without groups.
        Examples(inputs=inputs, targets={"returns": returned}, names={"returns": tuple(quotes)}),
        facts={
            "examples": f"{len(returned):,} trading days, {forecast_days[0]} to {forecast_days[-1]}",
            "series": ", ".join(quotes),
            "inputs": f"of each stock the last {WINDOW} days: "
            + ", ".join(STOCK_FEATURES)
            + " (%)",
            "target": "the next day's log return of each stock (%), standard deviation "
            + ", ".join(f"{deviation:.2f}" for deviation in returned.std(axis=0)),
        },
    )


def glucose_packaged(path: Path | None = None) -> Dataset:
    """One person's continuous glucose monitor, 2010, from the package bokeh-sampledata."""
    file = package_file(
        "bokeh_sampledata", "_data/CGM.csv.gz", package="bokeh-sampledata",
        otherwise="set data.source: path",
    )  # fmt: skip
    with gzip.open(file, "rt", newline="", encoding="utf-8") as text:
        return _glucose_windows(*_readings(text, file), file)


def glucose_csv(path: Path | None) -> Dataset:
    """A continuous glucose monitor's readings from the user's own file.

    Args:
        path: a CSV file, one line per reading in the order of time, whose header names at least the
            columns datetime (YYYY-MM-DD HH:MM:SS) and glucose (mg/dL), with readings every five
            minutes; a window that a gap falls into is left out.

    Raises:
        UserError: the file or a column is missing, a line holds something else, or no stretch of
            readings is long enough.
    """
    file = given_path(path, "file", "comma-separated columns datetime, glucose")
    with file.open(newline="", encoding="utf-8-sig") as text:
        return _glucose_windows(*_readings(text, file), file)


def _readings(text: Iterable[str], file: Path) -> tuple[list[datetime], list[float]]:
    reader = csv.DictReader(text)
    for column in ("datetime", "glucose"):
        if column not in (reader.fieldnames or ()):
            raise UserError(f"the header must name the column '{column}'", file=file, line=1)
    times: list[datetime] = []
    values: list[float] = []
    for row in reader:
        try:
            time, value = datetime.fromisoformat(row["datetime"]), float(row["glucose"])
        except (TypeError, ValueError) as error:
            raise UserError(f"{error}", file=file, line=reader.line_num) from error
        if not 0 < value < np.inf:
            raise UserError(
                "must be above 0", file=file, line=reader.line_num, key="glucose", value=value
            )
        if times and time < times[-1]:
            raise UserError("must be in the order of time", file=file, line=reader.line_num)
        times.append(time)
        values.append(value)
    return times, values


def _glucose_windows(times: list[datetime], values: list[float], file: Path) -> Dataset:
    """Windows of readings without a gap between them, in the order of time."""
    regular = [
        (EVERY_MINUTES - 1) * 60 <= (later - sooner).total_seconds() <= (EVERY_MINUTES + 1) * 60
        for sooner, later in pairwise(times)
    ]
    length = READINGS + AHEAD
    starts: NDArray[np.intp] = np.empty(0, np.intp)
    if len(regular) >= length - 1:
        starts = np.flatnonzero(sliding_window_view(np.array(regular), length - 1).all(axis=1))
    starts = starts[starts % STRIDE == 0]
    if len(starts) == 0:
        raise UserError(
            f"must hold {length} readings in a row that are {EVERY_MINUTES} minutes apart",
            file=file,
        )
    readings = np.array(values, np.float32)
    windows = readings[starts[:, np.newaxis] + np.arange(READINGS)]
    change = readings[starts + length - 1] - windows[:, -1]
    return Dataset(
        Examples(
            inputs={"glucose": windows[..., np.newaxis]}, targets={"change": change[:, np.newaxis]}
        ),
        facts={
            "examples": f"{len(starts):,} windows of one person, {times[0].date()} to "
            f"{times[-1].date()}",
            "inputs": f"{READINGS} readings, {EVERY_MINUTES} minutes apart (mg/dL)",
            "target": f"the change {AHEAD * EVERY_MINUTES} minutes after the last of them (mg/dL), "
            f"standard deviation {change.std():.0f}",
        },
    )
