"""Every format of one document: what it says, that it is safe, and that nothing is lost."""

from __future__ import annotations

import html
import json
import random
import re
from html.parser import HTMLParser

import pytest

from service.catalog.sections import sections
from service.contracts.errors import UserError
from service.contracts.results import TrialResult
from service.contracts.trial import Stage, Status
from service.report import FORMATS, ReportInput, render
from service.report.note import note
from service.report.rows import decompressed, unpack
from tests.evidence import synthetic

FACTS = {
    "command": "archduel run residual.yaml",
    "started": "2025-01-01T10:00:00Z",
    "finished": "2025-01-01T10:14:12Z",
    "versions": {"keras": "3.15.0"},
    "hardware": {"CPU": "2 cores"},
    "data": {"residual_vs_plain": {"classes": "10, nearly balanced"}},
}
VOID = {"meta", "link", "br", "hr", "img", "input", "col", "wbr"}


@pytest.fixture(scope="module")
def made():
    """An experiment of one pair in which a retrained winner timed out."""
    one = synthetic.experiment(truth=synthetic.Truth(effect=0.05))
    results = []
    for row in one.results:
        spec = row.spec
        if (spec.repetition, spec.variant, spec.stage, spec.number) == (
            3, "functional", Stage.RETRAIN, 1,
        ):  # fmt: skip
            row = synthetic.failing(row, Status.TIMED_OUT, "it ran for more than 600 s")
        results.append(row)
    return synthetic.Made(one.plan, results)


@pytest.fixture(scope="module")
def several():
    """Four pairs with different metrics, one of them without a single winner."""
    pairs = [
        synthetic.pair_plan("first", title="First"),
        synthetic.pair_plan(
            "second", title="Second", metric="mean absolute error", unit="kW",
            direction="minimize", margin=0.5,
        ),
        synthetic.pair_plan("third", title="Third", variants=("plain", "dense")),
        synthetic.pair_plan("fourth", title="Fourth"),
    ]  # fmt: skip
    truth = [
        synthetic.Truth(effect=0.05),
        synthetic.Truth(effect=0.1, sd=1.0, level=12.0),
        synthetic.Truth(effect=-0.06),
        synthetic.Truth(),
    ]
    found = synthetic.experiment(plan=synthetic.make_plan(pairs), truth=truth)
    results = []
    for row in found.results:
        if row.spec.pair == "fourth" and row.spec.variant == "functional":
            if row.spec.stage is not Stage.SEARCH:
                continue
            row = synthetic.failing(row, Status.OUT_OF_MEMORY, "needed 9 GB, 4 GB were there")
        results.append(row)
    return synthetic.Made(found.plan, results)


def report(made, **facts):
    return ReportInput(made.plan, made.results, {**FACTS, **facts})


class Page(HTMLParser):
    """Checks nesting, and collects what a browser would load and what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[tuple[str, str, str]] = []
        self.images: list[dict[str, str | None]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.headings: list[str] = []
        self.regions: list[str] = []
        self.cells: list[tuple[str, dict[str, str | None]]] = []
        self.captions = self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs), f"an attribute twice in {tag}"
        if found.get("id"):
            self.ids.append(str(found["id"]))
        for name, value in attrs:
            assert not name.startswith("on"), f"an event handler in {tag}"
            if name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
                self.links.append((tag, name, str(value)))
        if found.get("role") == "img":
            self.images.append(found)
        if tag == "th":
            self.cells.append((tag, found))
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        if tag in ("main", "nav", "header", "footer"):
            self.regions.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> is not the innermost"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif self.open and self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        """What a reader sees, spaces evened."""
        return " ".join(" ".join(self.text).split())


def parsed(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return page


def sentence_of(made) -> str:
    return json.loads(render(report(made), "json"))["pairs"][0]["sentence"]


@pytest.mark.parametrize("which", ["made", "several"])
def test_html_is_well_formed_accessible_and_small(which: str, request: pytest.FixtureRequest):
    experiment = request.getfixturevalue(which)
    text = render(report(experiment), "html")
    assert len(text.encode()) < 6_000_000
    page = parsed(text)
    assert len(page.ids) == len(set(page.ids))
    assert page.tables == page.captions > 5
    assert all(cell["scope"] in ("row", "col") for _, cell in page.cells)
    assert page.images
    assert all(image["aria-label"] for image in page.images)
    assert page.headings.count("h1") == 1
    assert set(page.regions) == {"main", "nav", "header", "footer"}
    assert sentence_of(experiment) in page.words
    assert 'lang="en"' in text
    assert 'name="viewport"' in text


def test_html_asks_nothing_of_the_network(made):
    text = render(report(made), "html")
    page = parsed(text)
    # Links within the page are all there is to follow, and each has a target.
    assert {name for _, name, _ in page.links} == {"href"}
    assert all(value.startswith("#") and value[1:] in page.ids for _, _, value in page.links)
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style is not None
    assert "@import" not in style[1]
    assert "url(" not in style[1]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1]
    for word in ("http:", "https:", "connect-src", "unsafe-eval"):
        assert word not in policy[1]


def test_html_runs_the_programs_of_its_policy_and_carries_plotly_once(made):
    import base64
    import gzip
    import hashlib

    text = render(report(made), "html")
    data, plotly, rows, page_program = parsed(text).scripts
    policy = re.search(r"script-src ([^;\"]*)", html.unescape(text[: text.index("<style>")]))
    assert policy is not None
    plotly = gzip.decompress(base64.b64decode(plotly)).decode()
    assert "plotly.js v" in plotly
    for program in (plotly, page_program):
        digest = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
        assert f"sha256-{digest}" in policy[1]
    assert policy[1].count("sha256-") == 2
    assert len(unpack(rows).results) == len(made.results)
    plots = json.loads(decompressed(data))
    assert len(plots) == text.count("data-plot=")
    assert all(plot["data"] and plot["layout"] for plot in plots)


def test_colours_of_the_plots_are_known_to_the_page(made):
    text = render(report(made), "html")
    data = decompressed(parsed(text).scripts[0])
    for name in set(re.findall(r'"@([a-z-]+)"', data)):
        assert f"--{name}:" in text


def test_what_users_wrote_is_text_everywhere():
    evil = "<script>alert('x')</script> </script> | `a` [b](http://c) {{ 7*7 }} @team"
    pair = synthetic.pair_plan(title=evil, metric="<b>acc</b>", variants=("<i>one</i>", "two|<u>"))
    plan = synthetic.make_plan([pair]).model_copy(update={"config": evil, "experiment": evil})
    made = synthetic.experiment(plan=plan)
    results: list[TrialResult] = [
        synthetic.failing(row, Status.FAILED, evil) if row.spec.number == 7 else row
        for row in made.results
    ]
    report_input = ReportInput(plan, results, {"command": evil, "versions": {evil: evil}})
    text = render(report_input, "html")
    page = parsed(text)
    assert len(page.scripts) == 4
    assert "alert('x')" in page.words
    assert "{{ 7*7 }}" in page.words
    assert "<i>one" not in re.sub(r"<script.*?</script>", "", text, flags=re.S)
    # Plotly reads tags in texts as formatting and links: they must reach it escaped.
    for plot in json.loads(decompressed(page.scripts[0])):
        assert "<script" not in json.dumps(plot)
        assert "<i>" not in json.dumps(plot)
    markdown = render(report_input, "md")
    fence = markdown.index("```")
    assert "<script" not in markdown[:fence]
    assert "[b](http" not in markdown[:fence]
    assert "@team" not in markdown[:fence]
    assert "<script" not in note(report_input)
    assert json.loads(render(report_input, "json"))["plan"]["pairs"][0]["title"] == evil


def test_json_holds_every_row_and_comes_back(made):
    text = render(report(made), "json")
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
    assert found["protocol_hash"] == made.plan.protocol_hash
    rows = {row.pop("id"): TrialResult.model_validate(row) for row in found["results"]}
    assert rows == {row.spec.id: row for row in made.results}
    pair = found["pairs"][0]
    assert pair["label"] == "functional better"
    assert pair["verdict"]["n_ok"] == 9
    assert pair["repetitions"][3]["difference"] is None
    assert "timed out" in pair["repetitions"][3]["missing"]
    assert len(pair["repetitions"]) == 10


def test_formats_do_not_depend_on_the_order_of_results(made):
    shuffled = list(made.results)
    random.Random(5).shuffle(shuffled)
    for name in FORMATS:
        assert render(ReportInput(made.plan, shuffled, FACTS), name) == render(report(made), name)


def test_missing_results_are_counted_in_every_format(made):
    for name in ("html", "md", "txt"):
        text = render(report(made), name)
        assert "9/10" in text
        assert "19/20" in text
    page = parsed(render(report(made), "html")).words
    assert "1 of 2 retrained winners have a test score (number 1 timed out)" in page
    assert "it ran for more than 600 s" in page


@pytest.mark.parametrize("which", ["made", "several"])
def test_text_fits_a_terminal(which: str, request: pytest.FixtureRequest):
    text = render(report(request.getfixturevalue(which)), "txt")
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.endswith("\n")
    assert not any(line != line.rstrip() for line in text.splitlines())
    flat = " ".join(text.split())
    assert sentence_of(request.getfixturevalue(which)) in flat


def test_markdown_fits_a_comment_and_folds_the_details(several):
    text = render(report(several), "md")
    assert len(text) < 65_536
    assert text.count("<details>") == text.count("</details>") == len(sections())
    before = text[: text.index("<details>")]
    for pair in json.loads(render(report(several), "json"))["pairs"]:
        assert pair["sentence"].split(" (")[0] in before.replace("\\", "")
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


def test_markdown_of_many_pairs_still_fits_a_comment():
    pairs = [synthetic.pair_plan(f"p{i}", title=f"Pair {i}") for i in range(16)]
    many = synthetic.experiment(plan=synthetic.make_plan(pairs))
    text = render(report(many), "md")
    assert len(text) < 65_536
    assert "for want of room" in text
    assert text.count("<details>") == text.count("</details>") > 0
    assert all(f"**Pair {i}**" in text for i in range(16))


def test_markdown_tables_have_equal_rows(several):
    rows = [line for line in render(report(several), "md").splitlines() if line.startswith("|")]
    blocks: list[list[str]] = [[]]
    lines = render(report(several), "md").splitlines()
    for line in lines:
        if line.startswith("|"):
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    assert sum(map(len, blocks)) == len(rows)
    for block in filter(None, blocks):
        assert len({len(re.split(r"(?<!\\)\|", line)) for line in block}) == 1


def test_the_note_is_short_and_has_the_verdict(made):
    text = note(report(made))
    assert sentence_of(made) in text.replace("\\", "")
    assert made.plan.protocol_hash in text
    assert "A fair comparison" in text
    assert len(text) < 3_000


def test_a_pair_without_any_winner_is_invalid_and_still_printed(several):
    found = json.loads(render(report(several), "json"))["pairs"][3]
    assert found["verdict"]["decision"] == "invalid"
    assert found["costs"][0]["challenger"] is None
    page = parsed(render(report(several), "html")).words
    assert found["sentence"] in page
    assert "none of 8 search trials ended ok" in page


def test_variants_keep_their_own_names(several):
    found = json.loads(render(report(several), "json"))["pairs"][2]
    assert found["label"] == "plain better"
    assert found["sentence"].startswith("Plain is better by ")


def test_nothing_recorded_yet_is_a_report_too():
    empty = ReportInput(synthetic.make_plan(), [], {})
    for name in FORMATS:
        assert render(empty, name)
    page = parsed(render(empty, "html"))
    assert "No verdict yet" in page.words
    assert "no interval can be given" in page.words


def test_swapping_the_variants_mirrors_the_numbers():
    one = synthetic.experiment(truth=synthetic.Truth(effect=0.05), control=False)
    two = synthetic.swapped(one)
    first, second = (json.loads(render(ReportInput(m.plan, m.results), "json")) for m in (one, two))
    assert first["pairs"][0]["label"] == second["pairs"][0]["label"] == "functional better"
    mine, theirs = (found["pairs"][0]["verdict"] for found in (first, second))
    assert mine["mean_difference"] == -theirs["mean_difference"]
    assert first["pairs"][0]["sentence"] == second["pairs"][0]["sentence"]


def test_an_unknown_format_is_the_users_mistake(made):
    with pytest.raises(UserError, match="did you mean 'html'"):
        render(report(made), "htm")  # type: ignore[arg-type]
