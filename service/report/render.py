"""One door to every format."""

from __future__ import annotations

from typing import Literal, get_args

from service.contracts.errors import UserError, did_you_mean
from service.report.view import ReportInput

Format = Literal["html", "md", "json", "txt"]
FORMATS: tuple[Format, ...] = get_args(Format)


def render(report_input: ReportInput, format: Format) -> str:
    """Render a report.

    Args:
        report_input: plan, results and facts.
        format: "html" (one self-contained page), "md", "json" or "txt".

    Returns:
        The text of the file.

    Raises:
        UserError: there is no such format.
    """
    from service.report import as_json, build, markdown, page, text

    if format == "json":
        return as_json.to_json(report_input)
    if format == "html":
        return page.render(report_input)
    printers = {"md": markdown.render, "txt": text.render}
    if format not in printers:
        raise UserError(
            "unknown report format", value=format, hint=did_you_mean(str(format), FORMATS)
        )
    return printers[format](build.build(report_input))
