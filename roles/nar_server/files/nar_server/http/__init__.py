# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP/1.1 for a server of large bodies: requests, answers, and the connections they travel on (RFC 9110, 9112)."""

from .message import Body, Handler, Request, Response, Sender
from .server import HttpServer

__all__ = ["Body", "Handler", "HttpServer", "Request", "Response", "Sender"]
