"""A short note for the experiment's parent run in MLflow."""

from __future__ import annotations

from service.report.build import build
from service.report.document import Table
from service.report.markdown import SYMBOLS, escape, table
from service.report.view import ReportInput


def note(report_input: ReportInput) -> str:
    """Return the verdict, the comparison and the audit in a few lines of Markdown.

    Args:
        report_input: plan, results and facts.

    Returns:
        Markdown, ending in a newline.
    """
    document = build(report_input)
    lines: list[str] = []
    for finding, compared, audit in document.briefs:
        lines += [f"**{escape(finding.title)}**", ""] if len(document.briefs) > 1 else []
        lines += [f"{SYMBOLS[finding.tone]} **{escape(finding.sentence)}**", ""]
        lines += [*table(Table(compared.caption, compared.columns, compared.rows)), ""]
        lines += [f"{SYMBOLS[audit.tone]} {escape(audit.title)}: {escape(audit.text)}", ""]
    lines.append(f"Protocol `{report_input.plan.protocol_hash}`")
    return "\n".join(lines) + "\n"
