"""One door to every format."""

from __future__ import annotations

from typing import Literal, get_args

from service.contracts.errors import UserError, did_you_mean
from service.report.view import ReportInput

Format = Literal["html", "md", "tex", "csv", "json", "txt"]
FORMATS: tuple[Format, ...] = get_args(Format)


def render(report_input: ReportInput, format: Format) -> str:
    """Render a report.

    Args:
        report_input: plan, results and facts.
        format: "html" (one self-contained page), "md", "tex", "csv" (the rows), "json" or "txt".

    Returns:
        The text of the file.

    Raises:
        UserError: there is no such format.
    """
    from service.report import as_csv, as_json, build, latex, markdown, page, text

    whole = {"html": page.render, "json": as_json.to_json, "csv": as_csv.to_csv}
    if format in whole:
        return whole[format](report_input)
    printers = {"md": markdown.render, "tex": latex.render, "txt": text.render}
    if format not in printers:
        raise UserError(
            "unknown report format", value=format, hint=did_you_mean(str(format), FORMATS)
        )
    return printers[format](build.build(report_input))
