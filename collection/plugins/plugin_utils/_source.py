# Copyright (c) The NetPulse broker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering a configuration template on the Ansible side."""

from __future__ import annotations

import os
from typing import Any

try:  # ansible-core 2.19 and later render only text that is marked as trusted
    from ansible.template import trust_as_template
except ImportError:

    def trust_as_template(value: str) -> str:  # type: ignore[misc]  # its generic twin takes streams too
        """Earlier versions render every text."""
        return value


def render_source(templar: Any, text: str, *, path: str, task_vars: dict[str, Any], base: str) -> str:
    """The text of a template file with the host's variables in it.

    Includes and imports are found where the ``template`` module finds them: beside the file, in the role, in the
    playbook's folder, each with its ``templates``. A template that renders to nothing gives the empty text.

    Raises:
        AnsibleError: the template is wrong or uses an undefined variable.
    """
    folders = [*task_vars.get("ansible_search_path", []), base, os.path.dirname(path)]
    searchpath = [place for folder in folders for place in (os.path.join(folder, "templates"), folder)]
    scoped = templar.copy_with_new_env(searchpath=searchpath, available_variables=task_vars)
    rendered = scoped.template(trust_as_template(text), escape_backslashes=False)
    # ansible-core 2.19 and later say None for it, which as a text would be sent to the device as a line.
    return "" if rendered is None else str(rendered)
