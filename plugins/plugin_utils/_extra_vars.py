# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extra variables of a run say as they were written, where ansible-core makes something else of them.

AWX writes each answer as `!unsafe 'no'`, so that it is no template. ansible-core 2.19 and later resolve such a scalar anew, quotes or not: the
text becomes False, '0123' becomes 83, '1.10' becomes 1.1, '' becomes None. The file still has the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import kind_of

_UNSAFE = "!unsafe"
Nodes = Mapping[str, yaml.Node]


def written(options: Iterable[Any], read: Callable[[str], str]) -> dict[str, yaml.Node]:
    """name -> the YAML node of each extra variable; `options` are the values of `-e`, of which the last one counts.

    `read` gives a file's text. What can't be read here, such as a file in a vault, is left out: Ansible has read it, or has refused it.
    """
    found: dict[str, yaml.Node] = {}
    for option in options:
        text = str(option).strip()
        try:
            if text.startswith("@"):
                text = read(text[1:])
            elif not text.startswith("{"):
                # NAME=value: always text.
                for word in text.split():
                    found.pop(word.partition("=")[0], None)
                continue
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except (OSError, ValueError, yaml.YAMLError):
            continue
        if isinstance(node, yaml.MappingNode):
            found.update((str(key.value), value) for key, value in node.value if isinstance(key, yaml.ScalarNode))
    return found


def restored(name: str, value: Any, nodes: Nodes) -> Any:
    """The value of a variable with its texts as they were written, in lists and mappings too."""
    node = nodes.get(name)
    return value if node is None else _restored(value, node, kind_of(name).is_text)


def _restored(value: Any, node: yaml.Node, is_text: bool) -> Any:
    if isinstance(node, yaml.ScalarNode):
        if isinstance(value, (str, Mapping, list)):
            return value
        # Of a plain `no` only who reads a text may say that it was one.
        return node.value if node.tag == _UNSAFE or (is_text and value is not None) else value
    if isinstance(node, yaml.SequenceNode) and isinstance(value, list) and len(value) == len(node.value):
        return [_restored(each, of, is_text) for each, of in zip(value, node.value, strict=True)]
    if isinstance(node, yaml.MappingNode) and isinstance(value, Mapping):
        nodes = {key.value: of for key, of in node.value if isinstance(key, yaml.ScalarNode)}
        return {key: _restored(each, nodes[key], is_text) if key in nodes else each for key, each in value.items()}
    return value


@lru_cache(maxsize=4)
def of_run(options: tuple[str, ...]) -> Nodes:
    """As `written`, from the files of this machine; of a run they do not change."""
    return written(options, lambda path: Path(path).expanduser().read_text(encoding="utf-8"))
