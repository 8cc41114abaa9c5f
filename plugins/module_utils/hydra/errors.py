# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong with a Hydra, in the server's own words and with what to do about it."""

from __future__ import annotations

import html
import json
import re

LONGEST_WORDS = 600
TITLE_WITHIN = 4096  # characters of a page in which its title is looked for

# What Hydra is known to say to who signs in. Anything else might repeat what was sent.
LOGIN_WORDS = re.compile(r"Bad username or password|POST requests should come from \u2018[^\u2019\s]{1,200}\u2019")

# The server's words, as a regular expression, and what to do. The first that fits is given.
ADVICE = (
    (r"requires you to sign in", "Give username and password, as options or as HYDRA_USERNAME and HYDRA_PASSWORD."),
    (r"Bad username or password", "Check username and password; hydra-create-user on Hydra's host sets a new one."),
    (r"Only administrators or authorised users", "Creating projects needs the role create-projects or admin."),
    (
        r"Only the project members or administrators",
        "Sign in as the project's owner, as one of its members, or with the role admin.",
    ),
    (r"Only administrators can", "Removing a jobset needs the role admin, even of the project's owner."),
    (r"eval-jobset privileges", "Pushing needs the role eval-jobset, unless one is a member of the project."),
    (r"declarative project", "Its jobsets come from its specification: change that file in its repository."),
    (r"Dynamic RunCommand is not enabled by the server or", "Set dynamic_run_command: true for the project first; the"
     " server needs <dynamicruncommand> enable = 1 in hydra.conf."),
    (r"Dynamic RunCommand", "Leave dynamic_run_command out, or set <dynamicruncommand> enable = 1 in hydra.conf."),
    (r"user name .* does not exist", "Create that user with hydra-create-user on Hydra's host, or name another owner."),
    (r"POST requests should come from", "Write the url as Hydra itself calls it there; a proxy before it must pass on"
     " Host and X-Forwarded-Proto, or X-Request-Base."),
    (r"Project .* doesn't exist", "Create it first, with nixvegas.noc.hydra_project."),
    (r"Invalid input type", "Use one of these types, or install the plugin that adds it on the server."),
)  # fmt: skip


class HydraError(Exception):
    """Something that cannot be done, as a text for the user."""


class AnswerError(HydraError):
    """The server refused a request. status: of HTTP; words: what it said."""

    def __init__(self, request: str, status: int, words: str) -> None:
        self.status, self.words = status, words
        super().__init__(f"{request} was answered {status}: {sentence(words)}{advice(words)}")


class LostError(HydraError):
    """No answer came. sent: whether the server may have carried the request out; slow: whether time ran out."""

    def __init__(self, request: str, reason: str, *, sent: bool, slow: bool = False) -> None:
        self.sent, self.slow = sent, slow
        super().__init__(f"{request} got no answer: {sentence(reason)}")


def sentence(words: str) -> str:
    """A text that ends like a sentence."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


def advice(words: str) -> str:
    """What to do when the server says this, after a blank; empty where its words are all there is to say."""
    found = next((remedy for expression, remedy in ADVICE if re.search(expression, words)), "")
    return f" {found}" if found else ""


def words_of(body: bytes) -> str:
    """What an answer that is no success says, whole: the `error` of its JSON, the title of its page, or its text."""
    text = body.decode("utf-8", "replace").strip()
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict) and data.get("error"):
        text = str(data["error"]).strip()
    elif re.match(r"<(!doctype|html|\?xml)", text, re.IGNORECASE):
        title = re.search(r"<title>(.*?)</title>", text[:TITLE_WITHIN], re.IGNORECASE | re.DOTALL)
        shown = " ".join(html.unescape(title[1]).split()) if title else "no title"
        text = f'an HTML page, "{shown}", which is not Hydra\'s API.'
    if not text:
        return "nothing"
    return text


def shortened(text: str) -> str:
    """A text as long as an error may be. What is not to be shown must be out of it already: half of it would stay."""
    return text if len(text) <= LONGEST_WORDS else f"{text[:LONGEST_WORDS]}…"


def login_words(words: str) -> str:
    """What may be shown of an answer to who signs in."""
    known = LOGIN_WORDS.search(words)
    return sentence(known[0]) if known else "words that are not shown, because they may repeat the password"
