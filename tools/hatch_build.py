"""Packaging hook: a wheel or sdist always carries the pages, built from the sources beside it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebBuildHook(BuildHookInterface[Any]):
    """Builds agentd/static before it is packed. An editable install packs nothing."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling; ``version`` is ``standard`` or ``editable``."""
        if version == "editable":
            return
        # The hook is loaded by path, so its neighbour is not on the import path.
        sys.path.insert(0, str(Path(self.root) / "tools"))
        import web

        if web.is_built():
            return
        try:
            web.build()
        except web.WebError as error:
            raise SystemExit(f"agentd: the pages could not be built: {error}") from None
