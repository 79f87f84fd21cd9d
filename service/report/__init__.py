"""From results to one document, and from the document to HTML, Markdown, JSON and text."""

from service.report.render import FORMATS, Format, render
from service.report.view import ReportInput

__all__ = ["FORMATS", "Format", "ReportInput", "render"]
