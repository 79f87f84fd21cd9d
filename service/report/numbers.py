"""How numbers are printed: few digits, a true minus sign, units that fit the size."""

from __future__ import annotations

import math

from service.report.document import Cell, Column, Mark, Value

MISSING = "\u2013"
MINUS = "\u2212"
TIMES = "\u00d7"
_SI = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def decimals(half_width: float) -> int:
    """Return the decimals that a number deserves whose uncertainty is this wide, at most 8."""
    if not half_width > 0:
        return 2
    return min(8, max(0, 1 - math.floor(math.log10(half_width))))


def number(value: float | None, digits: int | None = None, *, signed: bool = False) -> str:
    """Return a number as text.

    Args:
        value: the number; None gives a dash.
        digits: decimals; None gives three significant digits.
        signed: whether a plus is printed before positive numbers.

    Returns:
        For example "−0.021", "12,400" or "+3.1".
    """
    if value is None:
        return MISSING
    if digits is None:
        digits = 0
        if value != 0 and abs(value) < 1e5:
            digits = min(8, max(0, 2 - math.floor(math.log10(abs(value)))))
    text = f"{abs(value):,.{digits}f}"
    if value != 0 and digits > 0 and float(text.replace(",", "")) == 0.0:
        text = f"{abs(value):.1e}"
    negative = value < 0 and float(text.replace(",", "")) != 0.0
    return f"{MINUS if negative else '+' if signed and value > 0 else ''}{text}"


def amount(value: float, unit: str) -> str:
    """Return a number that people chose, such as a margin: as they wrote it, with its unit."""
    text = f"{value:.6g}".replace("-", MINUS)
    if unit == "points" and text == "1":
        unit = "point"
    return f"{text} {unit}".rstrip()


def p_value(value: float | None) -> str:
    """Return a p-value with four decimals, or that it is below what they can show."""
    if value is None:
        return MISSING
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _scaled(value: float, unit: str) -> tuple[float, str]:
    if unit == "s":
        if value >= 7200:
            return value / 3600, "h"
        if value >= 120:
            return value / 60, "min"
        for factor, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
            if value >= factor or (name == "µs"):
                return value / factor, name
    for factor, prefix in _SI:
        if value >= factor:
            return value / factor, prefix + ("B" if unit == "B" else "")
    return value, unit if unit == "B" else ""


def quantity(
    value: float | None, unit: str, digits: int | None = None, *, signed: bool = False
) -> str:
    """Return a number with its unit.

    Args:
        value: the number; None gives a dash.
        unit: "s" and "B" choose a fitting multiple, "si" a prefix, "count" prints a whole number,
            "ratio" a multiplication sign, "%" is set close; any other is printed after it.
        digits: decimals, see `number`.
        signed: whether a plus is printed.

    Returns:
        For example "0.42 ms", "412 MB", "×1.35", "91.2 %".
    """
    if value is None:
        return MISSING
    if unit == "count":
        return number(value, 0, signed=signed)
    if unit == "ratio":
        return f"{TIMES}{number(value, 2 if digits is None else digits)}"
    if unit in ("s", "B", "si"):
        value, unit = _scaled(value, unit)
    text = number(value, digits, signed=signed)
    return f"{text} {unit}" if unit else text


def show(cell: Cell, column: Column) -> str:
    """Return a cell as text, without its n_ok/n_planned.

    Args:
        cell: what the table holds.
        column: where it stands; its unit is in the heading and so is not repeated.

    Returns:
        Text in one line; an interval follows its number in brackets.
    """
    if cell is None:
        return MISSING
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Mark):
        return cell.word
    text, between = parts(cell, column)
    return f"{text} {between}" if between else text


def parts(cell: Value, column: Column) -> tuple[str, str]:
    """Return a value and its interval in brackets as texts; no interval is an empty text."""
    digits = column.digits if cell.digits is None else cell.digits
    text = quantity(cell.value, cell.unit or "", digits, signed=cell.signed)
    if cell.interval is None:
        return text, ""
    low, high = (number(end, digits, signed=cell.signed) for end in cell.interval)
    return text, f"[{low}, {high}]"


def counted(cell: Cell) -> str:
    """Return "n_ok/n_planned" of a value, an empty text where it has none."""
    if isinstance(cell, Value) and cell.n_ok is not None and cell.n_planned is not None:
        return f"{cell.n_ok}/{cell.n_planned}"
    return ""


def heading(column: Column) -> str:
    """Return a column's heading with its unit."""
    return f"{column.title} ({column.unit})" if column.unit else column.title
