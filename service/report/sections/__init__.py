"""The parts of a report, one file each: `section(view) -> Section | None`.

To move or to add one, write such a file and name it in `ORDER`.
"""

from service.report.sections import answer, background, fairness, recipe, side_by_side

ORDER = (answer, fairness, side_by_side, background, recipe)
