# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the hydra_* modules reach a Hydra."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared C(options) of the modules."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of Hydra, with the path prefix if it has one. It must be the one Hydra itself believes to have.
      - If not set, the environment variable E(HYDRA_URL) is used.
    type: str
    required: true
  username:
    description:
      - Who signs in. Where the server lets everybody read, only changes need it.
      - If not set, the environment variable E(HYDRA_USERNAME) is used.
    type: str
  password:
    description:
      - Password of O(username). It is never shown.
      - If not set, the environment variable E(HYDRA_PASSWORD) is used.
    type: str
  validate_certs:
    description: Whether the server's TLS certificate is checked.
    type: bool
    default: true
  ca_path:
    description: File with the certificate of a private CA that signed the server's.
    type: path
  request_timeout:
    description: How long one answer may take, in seconds or with a unit (V(90), V(2m)).
    type: str
    default: 30s
attributes:
  platform:
    support: full
    platforms: all
    description: Hydra is asked over HTTP, from wherever the module runs.
"""
