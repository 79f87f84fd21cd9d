"""The service's pages in a real browser: a login, a page that stays fresh, a report in its sandbox,
and nothing that axe calls a serious fault."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from service.contracts.entry import Submission
from service.hosting.appearance import style
from service.queue.reports import DriverDesk
from tests.api.live_server import LiveServer
from tests.api.service_rig import Rig
from tests.evidence import synthetic

SCREENS = {"wide": (1280, 900), "phone": (390, 844)}
CONFIG = "experiment: {name}\npairs: [iris]\nsearch: {{trials: 8, epochs: 40}}\n"
SENTENCE = (
    "Functional is better after 12 repetitions, by 2.1 points of accuracy "
    "(95% interval 0.8 to 3.4), with 1.4 times the training time."
)

pytestmark = pytest.mark.slow


class World:
    """A service with experiments in every state.

    Args:
        rig: the service.
    """

    url: str
    """Where it is shown."""

    def __init__(self, rig: Any) -> None:
        self.rig = rig
        self.done = self.submit("mnist-depth")
        desk = self.drive(self.done)
        desk.progress(240, 240, 812.0)
        desk.done({"mnist": SENTENCE}, None)
        failed = self.submit("broken-pair", owner="sue")
        self.drive(failed).failed("./mine.py:PAIR: line 7: NameError: name 'keras' is not defined")
        self.running = self.submit("iris-wide-against-deep")
        self.desk = self.drive(self.running)
        self.desk.progress(37, 240, 95.0)
        self.desk.say("repetition 2 of 12: search")
        rig.queue.cancel(self.submit("cancelled", owner="sue"))
        for number in range(3):
            self.submit(f"waiting-{number}")

    def submit(self, name: str, owner: str = "sam") -> str:
        """Submit an experiment; returns its id."""
        config = CONFIG.format(name=name)
        return str(self.rig.queue.submit(Submission(owner, name, config))[0].id)

    def drive(self, identity: str) -> DriverDesk:
        """Start the driver of what waits first."""
        entry = self.rig.queue.claim("here")
        assert entry.id == identity
        desk = DriverDesk(self.rig.database, identity, entry.attempt)
        desk.begin()
        desk.say("loading data")
        desk.say("starting 2 of 2 workers")
        return desk


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The experiments, and where they are shown."""
    made = World(Rig(tmp_path_factory.mktemp("pages") / "service", style=style()))
    with LiveServer(made.rig.app) as server:
        made.url = server.url
        yield made


@pytest.fixture
def logged_in(browser: Any, world: Any) -> Any:
    """A browser in which sam is logged in."""
    browser.call(
        "Network.setCookie", name="archduel", value=world.rig.token["sam"], url=world.url,
        httpOnly=True, sameSite="Strict",
    )  # fmt: skip
    return browser


def wait_for(browser: Any, condition: str) -> None:
    """Wait until something holds in the page, whatever page it is by then."""
    while True:
        with suppress(AssertionError):  # it is just going from one page to the next
            if browser.evaluate(f"Boolean({condition})"):
                return
        time.sleep(0.05)


def pages(world: Any) -> dict[str, str]:
    return {
        "queue": "/", "done": f"/experiments/{world.done}", "none": "/?state=starting",
        "running": f"/experiments/{world.running}", "missing": "/experiments/x0123456789abcdef",
    }  # fmt: skip


def test_a_person_logs_in_and_out(browser: Any, world: Any) -> None:
    browser.call("Network.clearBrowserCookies")
    browser.look(*SCREENS["wide"])
    browser.open(f"{world.url}/experiments/{world.done}")
    assert browser.evaluate("location.pathname") == "/login"
    token = json.dumps(world.rig.token["sam"])
    browser.evaluate(f"document.querySelector('#token').value = {token}")
    browser.evaluate("document.querySelector('form.login button').click()")
    wait_for(browser, "document.querySelector('.bar form button')")
    assert browser.evaluate("location.pathname") == f"/experiments/{world.done}"
    assert browser.evaluate("document.cookie") == ""
    browser.evaluate("document.querySelector('.bar form button').click()")
    wait_for(browser, "location.pathname == '/login'")
    browser.open(f"{world.url}/")
    assert browser.evaluate("location.pathname") == "/login"


@pytest.mark.parametrize(("screen", "dark"), [("wide", False), ("wide", True), ("phone", True)])
def test_pages_fit_and_ask_nothing_of_elsewhere(
    logged_in: Any, world: Any, tmp_path: Path, screen: str, dark: bool
) -> None:
    logged_in.look(*SCREENS[screen], dark=dark)
    for name, path in pages(world).items():
        logged_in.open(f"{world.url}{path}")
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert logged_in.evaluate(wider) <= 0, name
        asked = [url for url in logged_in.requests if not url.startswith(world.url)]
        assert asked == [], name
        if name != "missing":
            assert logged_in.complaints == [], name
        logged_in.screenshot(tmp_path / f"{name}-{screen}-{'dark' if dark else 'light'}.png")


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_violation(logged_in: Any, world: Any, axe: str, dark: bool) -> None:
    logged_in.look(*SCREENS["wide"], dark=dark)
    for name, path in {**pages(world), "login": "/login"}.items():
        logged_in.open(f"{world.url}{path}")
        logged_in.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        logged_in.evaluate(axe + "; true")
        found = json.loads(
            logged_in.evaluate("axe.run().then((r) => JSON.stringify(r.violations))")
        )
        told = [f"{one['impact']}: {one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]
        assert told == [], name


def test_a_page_stays_fresh_by_itself(logged_in: Any, world: Any) -> None:
    logged_in.look(*SCREENS["wide"])
    logged_in.open(f"{world.url}/experiments/{world.running}")
    world.desk.progress(38, 240, 99.0)
    wait_for(
        logged_in, "document.querySelector('#progress').textContent.includes('38 of at most 240')"
    )
    world.desk.say("repetition 3 of 12: <b>search</b>")
    wait_for(logged_in, "document.querySelector('.log').textContent.includes('<b>search</b>')")
    world.rig.queue.cancel(world.running)
    wait_for(logged_in, "document.querySelector('#state').textContent.includes('being cancelled')")
    assert logged_in.evaluate("document.querySelector('#actions form')") is None
    assert logged_in.complaints == []


def test_one_cancels_with_the_keyboard_and_without_scripts(logged_in: Any, world: Any) -> None:
    identity = world.submit("unwanted")
    logged_in.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        logged_in.open(f"{world.url}/experiments/{identity}")
        for _ in range(12):
            key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
            logged_in.call("Input.dispatchKeyEvent", type="keyDown", **key)
            logged_in.call("Input.dispatchKeyEvent", type="keyUp", **key)
            if logged_in.evaluate("document.activeElement.textContent") == "Cancel it":
                break
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        logged_in.call("Input.dispatchKeyEvent", type="keyDown", **enter)
        wait_for(logged_in, "document.querySelector('#state').textContent.includes('cancelled by')")
    finally:
        logged_in.call("Emulation.setScriptExecutionDisabled", value=False)
    assert world.rig.queue.get(identity).state == "cancelled"


def test_a_report_draws_in_its_sandbox_and_reaches_nothing(
    logged_in: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.report import ReportInput, render

    made = synthetic.experiment(plan=synthetic.make_plan([synthetic.pair_plan("one", title="One")]))
    page = render(ReportInput(made.plan, made.results, {}), "html")
    monkeypatch.setattr(world.rig.results, "report", lambda entry, form: page)
    logged_in.look(*SCREENS["wide"])
    logged_in.open(f"{world.url}/experiments/{world.done}/report")
    wait_for(logged_in, "window.Plotly && document.querySelector('[data-plot] svg')")
    assert logged_in.evaluate("self.origin") == "null"
    blocked = logged_in.evaluate(
        f"fetch('{world.url}/experiments/{world.done}').then(() => 'read', () => 'blocked')"
    )
    assert blocked == "blocked"
