"""Pages that need the networks themselves (reports, maps of sweeps) are made by another process, one at a time.

So the server stays small, as it never imports torch, and goes on answering. What was made is kept in files until
something in the store changes.
"""

import asyncio
import hashlib
import json
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from grokscope.errors import GrokscopeError
from grokscope.registry import used

LONGEST = 600.0  # [s]
KEPT = 8  # pages


class Making:
    """Makes pages of a store with `grokscope.serve.made`."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self._folder: TemporaryDirectory[str] | None = None
        self._turn = asyncio.Semaphore(1)

    def close(self) -> None:
        """Removes what was kept."""
        if self._folder is not None:
            self._folder.cleanup()

    async def made(self, kind: str, name: str, lang: str, signature: object) -> Path:
        """The file of a page. signature: of what it is made of; with another one it is made anew.

        GrokscopeError, with the reason, where it cannot be made.
        """
        key = hashlib.sha256(json.dumps([kind, name, lang, repr(signature)]).encode()).hexdigest()[:24]
        async with self._turn:
            if self._folder is None:
                self._folder = TemporaryDirectory(prefix="grokscope-serve-")
            path = Path(self._folder.name, f"{key}.html")
            if not path.exists():
                await self._make(path, kind, name, lang)
            for old in sorted(path.parent.glob("*.html"), key=lambda file: file.stat().st_mtime)[:-KEPT]:
                old.unlink(missing_ok=True)
        return path

    async def _make(self, path: Path, kind: str, name: str, lang: str) -> None:
        asked = {"kind": kind, "name": name, "lang": lang, "store": str(self.store), "plugins": used()}
        part = path.with_suffix(".part")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "grokscope.serve.made", json.dumps(asked), str(part),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            _, said = await asyncio.wait_for(process.communicate(), LONGEST)
        finally:  # also when the browser has gone
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            lines = said.decode(errors="replace").strip().splitlines()
            raise GrokscopeError(lines[-1][:500] if lines else f"the page could not be made ({process.returncode})")
        part.rename(path)
