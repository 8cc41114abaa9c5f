"""The landing page in a real browser: Chromium, spoken to by its debugging pipe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_SECONDS = 40


class Browser:
    """A headless Chromium with one page."""

    def __init__(self, profile: Path, *options: str) -> None:
        chromium = shutil.which("chromium")
        if chromium is None:
            pytest.fail("this test looks at the page with Chromium: install chromium (packages-test.txt)")
        requests_read, self._requests = os.pipe()
        self._answers, answers_write = os.pipe()
        self._number, self._buffer = 0, bytearray()

        def place() -> None:
            # Chromium reads from descriptor 3 and writes to 4.
            os.dup2(requests_read, 13)
            os.dup2(answers_write, 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        self._process = subprocess.Popen(
            [*command, f"--user-data-dir={profile}", *options, "about:blank"],
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=place,  # noqa: PLW1509
        )
        os.close(requests_read)
        os.close(answers_write)
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]

    def call(self, method: str, **parameters: Any) -> Any:
        """Ask the browser, and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session := getattr(self, "_session", None):
            message["sessionId"] = session
        os.write(self._requests, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self) -> Any:
        while b"\0" not in self._buffer:
            data = os.read(self._answers, 65536)
            assert data, "the browser ended"
            self._buffer += data
        raw, _, rest = bytes(self._buffer).partition(b"\0")
        self._buffer[:] = rest
        return json.loads(raw)

    def evaluate(self, expression: str) -> Any:
        """A JavaScript expression's value, as a person's click would have it evaluated."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + _SECONDS
        while not self.evaluate(expression):
            assert time.monotonic() < end, expression
            time.sleep(0.05)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._requests)
        os.close(self._answers)


@pytest.fixture
def browse(tmp_path: Path) -> Iterator[Callable[..., Browser]]:
    """Starts browsers."""
    browsers = []

    def start(*options: str) -> Browser:
        browsers.append(Browser(tmp_path / f"profile{len(browsers)}", *options))
        return browsers[-1]

    yield start
    for browser in browsers:
        browser.close()


# What is copied is noted too.
SPY = """
{
  const write = navigator.clipboard.writeText.bind(navigator.clipboard);
  navigator.clipboard.writeText = (text) => { window.copied = text; return write(text); };
}
"""


def text(selector: str) -> str:
    return f"document.querySelector({selector!r}).textContent"


def test_lines_copy_button_and_live_counters(browse: Any, store: Any, serve: Any, make_key: Any) -> None:
    store.add("x")
    ours = make_key("ours-1")
    with serve(store, sign_with=[ours]) as server:
        browser, address = browse(), f"http://127.0.0.1:{server.port}"
        browser.call("Page.navigate", url=address)
        browser.until("document.readyState === 'complete' && location.protocol === 'http:'")
        lines = f"extra-substituters = {address}\nextra-trusted-public-keys = {ours.public}\n"
        assert browser.evaluate(text("#lines")) == lines
        assert browser.evaluate("getComputedStyle(document.querySelector('pre')).borderRadius") != "0px", "its style"
        buttons = "[...document.querySelectorAll('button')]"
        assert browser.evaluate(f"{buttons}.map(button => button.hidden).join()") == "false,false,false,false"
        # A person's browser has the focus.
        browser.call("Emulation.setFocusEmulationEnabled", enabled=True)
        browser.evaluate(SPY)
        for number in range(4):
            button = f"{buttons}[{number}]"
            browser.evaluate(f"{button}.click()")
            browser.until(f"{button}.textContent !== 'Copy'")
            assert browser.evaluate(f"{button}.textContent") == "Copied"
            assert str(ours.public) in browser.evaluate("copied")
        assert browser.evaluate("copied") == str(ours.public), "the last is the key alone"
        assert browser.evaluate(text('[data-name="narinfos"]')) == "0"
        server.ask(f"/{'0' * 32}.narinfo")
        browser.until(f"{text('[data-name=narinfos]')} === '1'")


def test_without_javascript(browse: Any, store: Any, serve: Any, make_key: Any) -> None:
    store.add("x")
    ours = make_key("ours-1")
    with serve(store, sign_with=[ours]) as server:
        browser = browse()
        browser.call("Emulation.setScriptExecutionDisabled", value=True)
        browser.call("Page.navigate", url=f"http://127.0.0.1:{server.port}")
        browser.until("document.readyState === 'complete' && location.protocol === 'http:'")
        shown = "[...document.querySelectorAll('button')].filter(button => button.offsetParent).length"
        assert browser.evaluate(shown) == 0, "buttons that would do nothing"
        assert str(ours.public) in browser.evaluate(text("#lines"))
        assert browser.evaluate(text("[data-name=paths]")) == "1"
