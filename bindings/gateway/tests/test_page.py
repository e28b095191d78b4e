"""The live page in a real browser: what it shows, who sees it, that it loads nothing foreign, and that it keeps up."""

import json
import os
import pathlib
import time

import axe_core_python
import pytest
from browser import CHROMIUM, Browser
from conftest import Call, eventually

TOKEN = "a token of the tests"
AXE = (pathlib.Path(axe_core_python.__file__).parent / "axe.min.js").read_text("utf-8")
ROWS = "document.querySelectorAll('#legs tbody tr').length"


@pytest.fixture
def browser():
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "CI has a Chromium"
        pytest.skip("no Chromium to open the page in")
    one = Browser()
    one.look(1100, 800)
    yield one
    one.close()


def is_accessible(browser):
    """By the rules of axe that WCAG 2.1 A and AA ask for."""
    browser.run(AXE + "; true")
    found = browser.run(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})"
        ".then((r) => r.violations.map((v) => [v.id, v.help, v.nodes.map((n) => n.html + ' ' + n.failureSummary).slice(0, 3)]))"
    )
    assert found == [], json.dumps(found, indent=1)


def fits(browser):
    assert browser.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "nothing sticks out"


def test_a_call_turns_synthetic_on_the_page_of_whoever_has_the_token(gateway, browser):
    gateway = gateway(token=TOKEN, scoring="synthetic_llr = 1.5")
    browser.open(f"http://127.0.0.1:{gateway.port}/")
    browser.until("document.activeElement && document.activeElement.id === 'token'")
    is_accessible(browser)
    # By the keyboard alone.
    browser.type("wrong")
    browser.press("Enter")
    browser.until("document.querySelector('#login-error').textContent")
    browser.run("document.querySelector('#token').value = ''")
    browser.type(TOKEN)
    browser.press("Enter")
    browser.until("document.querySelector('#connection').textContent === 'Connected'")
    assert "No leg is in progress" in browser.text("#live")
    call = Call(gateway.audio_port, seconds=60, speed=1)
    began = time.monotonic()
    browser.until(f"{ROWS} === 1")
    browser.until("document.querySelector('#legs tbody .word').textContent === 'synthetic'", 20)
    print(f"synthetic on the page {time.monotonic() - began:.1f} s after the call began")
    browser.until("document.querySelector('#legs tbody .why').textContent === 'firm'", 20)
    assert eventually(lambda: browser.run("document.querySelector('#news').textContent").endswith(" is synthetic."))
    assert browser.text("#n-SYNTHETIC") == "1" and "1 synthetic" in browser.run("document.title")
    browser.until("document.querySelector('#legs polyline').getAttribute('points').split(' ').length >= 3")
    thresholds = gateway.get("/v1/legs")["legs"][0]["thresholds"]
    assert thresholds["synthetic_llr"] == 1.5
    lines = browser.run("[...document.querySelectorAll('#legs line.limit')].map((line) => [line.style.display, Number(line.getAttribute('y1'))])")
    assert lines == [["", round(19 - thresholds[name] / 5 * 17, 1)] for name in ("synthetic_llr", "bonafide_llr")], "those of the leg's own model"
    is_accessible(browser)
    call.hang_up()
    browser.until(f"{ROWS} === 0 && document.querySelectorAll('#ended tbody tr').length === 1")
    # Log out: the page shows nothing any more, and cannot be looked at.
    browser.run("document.querySelector('#logout').click()")
    browser.until("!document.querySelector('#login').hidden && document.querySelector('#live').hidden")
    assert browser.run("fetch('/v1/legs').then((r) => r.status)") == 401
    ours = f"http://127.0.0.1:{gateway.port}/"
    assert [url for url in browser.requests if not url.startswith(ours) and not url.startswith("about:")] == []
    assert not any("token" in url or "tests" in url for url in browser.requests), "no token in an address"
    refused = [words for words in browser.complaints if "401" not in words]
    assert refused == [], refused


def test_the_policy_stops_what_is_foreign(gateway, browser):
    gateway = gateway()
    browser.open(f"http://127.0.0.1:{gateway.port}/")
    browser.until("!document.querySelector('#live').hidden")
    browser.run(
        "const s = document.createElement('script'); s.textContent = 'window.foreign = 1'; document.body.append(s);"
        "const t = document.createElement('script'); t.src = 'http://127.0.0.1:9/x.js'; document.body.append(t);"
        "const d = document.createElement('div'); d.innerHTML = '<img src=x onerror=\"window.foreign = 2\">'; document.body.append(d); true"
    )
    time.sleep(0.5)
    assert browser.run("window.foreign") is None
    browser.run("1")
    assert sum("Content Security Policy" in words or "Refused" in words for words in browser.complaints) >= 2, browser.complaints


@pytest.mark.parametrize(("width", "dark"), [(1100, False), (1100, True), (390, False), (390, True)])
def test_it_fits_a_phone_and_the_dark(gateway, browser, width, dark):
    gateway = gateway()
    browser.look(width, 800, dark)
    calls = [Call(gateway.audio_port, seconds=60, speed=2) for _ in range(3)]
    browser.open(f"http://127.0.0.1:{gateway.port}/")
    browser.until(f"{ROWS} === 3")
    browser.until("[...document.querySelectorAll('#legs tbody .word')].some((w) => w.textContent === 'synthetic')")
    fits(browser)
    is_accessible(browser)
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") != dark
    for call in calls:
        call.hang_up()


def test_what_it_says_does_not_hang_on_colour_or_on_the_mouse(gateway, browser):
    gateway = gateway()
    call = Call(gateway.audio_port, seconds=90, speed=1)
    browser.open(f"http://127.0.0.1:{gateway.port}/")
    browser.until("document.querySelector('#legs tbody tr.SYNTHETIC')")
    mark = "getComputedStyle(document.querySelector('#legs tbody .mark'), '::before').content"
    assert browser.run(mark) == '"▲"' and "synthetic" in browser.text("#legs tbody th")
    # The tree that a screen reader reads.
    nodes = browser.tell("Accessibility.getFullAXTree")["nodes"]
    names = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"] and "role" in node}
    roles = {role for role, _ in names}
    assert {"table", "columnheader", "rowheader", "main", "banner", "heading"} <= roles
    assert ("region", "Legs in progress") in names and ("combobox", "Show") in {(role, name.strip()) for role, name in names}
    assert any(role in ("gridcell", "cell") and " windows, llr from " in name for role, name in names), "the curve in words"
    # Each control is reached by Tab, and seen to be.
    seen = []
    for _ in range(9):
        browser.press("Tab")
        seen.append(browser.run("document.activeElement.id || document.activeElement.className"))
        assert browser.run("document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== 'none'")
    assert {"skip", "pause", "filter", "order", "scroll"} <= set(seen), seen
    browser.run("document.querySelector('#pause').focus()")
    browser.press(" ")
    assert browser.run("document.querySelector('#pause').getAttribute('aria-pressed')") == "true"
    heard = browser.text("#legs tbody .heard")
    time.sleep(2.5)
    assert browser.text("#legs tbody .heard") == heard, "nothing moves while it is paused"
    browser.press(" ")
    browser.until(f"document.querySelector('#legs tbody .heard').innerText !== {json.dumps(heard)}")
    browser.run("const f = document.querySelector('#filter'); f.value = 'HUMAN'; f.dispatchEvent(new Event('change')); true")
    assert browser.run(ROWS) == 0
    call.hang_up()


def test_it_comes_back_after_a_restart_of_the_gateway(gateway, browser):
    gateway = gateway()
    browser.open(f"http://127.0.0.1:{gateway.port}/")
    browser.until("document.querySelector('#connection').textContent === 'Connected'")
    old = Call(gateway.audio_port, seconds=60, speed=1)
    browser.until(f"{ROWS} === 1")
    gateway.process.kill()
    gateway.process.wait()
    old.hang_up()
    browser.until("document.querySelector('#connection').textContent.startsWith('Not connected')")
    gateway.start()
    browser.until("document.querySelector('#connection').textContent === 'Connected'", 30)
    new = Call(gateway.audio_port, seconds=60, speed=1)
    code = "[...document.querySelectorAll('#legs tbody code')].map((c) => c.title).join()"
    browser.until(f"{ROWS} === 1 && {code}.includes({json.dumps(str(new.uuid))})")
    new.hang_up()
