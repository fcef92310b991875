"""Packs and studies of a store in one zip, which unpacked is a store again: on another machine, with every command.

    unzip sweep.zip -d runs;  grokscope list runs --store runs

The same packs make the same file, byte for byte.
"""

import stat
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from grokscope.errors import StoreError
from grokscope.registry import shortened
from grokscope.runs.doctor import examine_pack
from grokscope.runs.output import require_free, write_output
from grokscope.runs.store.atomic import kind_of
from grokscope.runs.store.lock import MARKER, is_held
from grokscope.runs.store.mirror import ADDRESS

# Files of this machine alone: who writes a pack, and where a mirror comes from.
LEFT_OUT = {"lock", MARKER, ADDRESS}
TOGETHER = 2**20  # bytes that are copied at a time
START = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip knows: a file's own would make every zip another one


def write_archive(store: Path, folders: Sequence[Path], path: str | Path, *, overwrite: bool = False) -> Path:
    """Writes the folders of packs and studies into a zip, atomically, and returns its path.

    folders: below `store`. Files that were exported into a pack's folder are left out, hidden ones too.
    StoreError for a pack that is being written or is damaged, and for a link; ValueError for a file that is there
    already, without `overwrite`.
    """
    path = Path(path)
    require_free(path, overwrite=overwrite)
    packs = [folder for folder in folders if (folder / "pack.json").exists()]
    for folder in packs:
        if is_held(folder):
            raise StoreError(f"{folder} is being written; wait for it, or stop it: --resume goes on with it")
        if damage := next(examine_pack(folder), None):
            raise StoreError(f"{damage.file} is damaged ({damage.what}); grokscope doctor --repair mends what it can")
    files = [(file, file.relative_to(store).as_posix()) for folder in folders for file in _files(folder)]
    if odd := [name for _, name in files if "\\" in name or not name.isprintable()]:
        raise StoreError(f"{shortened(odd[0])} is no name for a file on every machine; move it out of the pack")

    def write(out: BinaryIO) -> None:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, name in sorted(files, key=lambda one: one[1]):
                about = zipfile.ZipInfo(name, START)
                about.external_attr, about.compress_type = (stat.S_IFREG | 0o644) << 16, zipfile.ZIP_DEFLATED
                with open(file, "rb") as source, archive.open(about, "w", force_zip64=True) as target:
                    while part := source.read(TOGETHER):
                        target.write(part)

    return write_output(path, write)


def _files(folder: Path) -> Iterator[Path]:
    """The plain files of a pack or a study. StoreError for anything that leads out of it."""
    for path in sorted(folder.iterdir()):
        mode = path.lstat().st_mode
        if path.name.startswith(".") or path.name in LEFT_OUT or _is_exported(path, folder):
            continue
        if stat.S_ISDIR(mode):
            yield from _files(path)
        elif stat.S_ISREG(mode):
            yield path
        else:
            raise StoreError(f"{path} is {kind_of(mode)}, not a file: it is not put into a zip; move it away")


def _is_exported(path: Path, folder: Path) -> bool:
    """What `export` wrote into a pack's folder begins with the pack's id."""
    return path.name.startswith(folder.name)
