"""What the outputs of a file are called: by its own path alone, different for all files below one folder.

`liveseg run` knows all of its sources, so it numbers those that would share a name (`a_lite.png`, `a_lite_2.png`). A
batch knows one file at a time, and another run may find others beside it. So the extension tells them apart here:
`a.jpg` is `a`, and every other extension stays as a part of the name (`a.png` is `a_png`, `a.JPG` is `a_JPG`).
"""

from __future__ import annotations

import posixpath
import re

from liveseg.media.paths import MEDIA_EXTENSIONS

_PLAIN = ".jpg"
"""The extension that goes without saying."""
_KNOWN = "|".join(sorted(extension[1:] for extension in MEDIA_EXTENSIONS))
_ENDS_LIKE_ONE = re.compile(rf"_({_KNOWN})\Z", re.IGNORECASE)
_IMPOSSIBLE = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*\ud800-\udfff]')
"""What some file system or store cannot have in a name."""
_AWKWARD = re.compile(rf"%(?=[0-9A-Fa-f]{{2}})|{_IMPOSSIBLE.pattern}")
"""The same, and what looks like that which is written in its place."""
_DEVICE = re.compile(r"(?i)\A(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z)")
_OWN = "_liveseg"


def name_of(relative: str) -> str:
    """The name of a file that lies at a path, relative to its input, with `/` between folders.

    Different paths have different names; names that no file system minds have only what is said above changed.
    """
    folder, _, file = relative.rpartition("/")
    stem, extension = posixpath.splitext(file)
    if extension == ".":
        stem, extension = file, ""
    # A dot at the end is written like the one before an extension that nobody knows.
    if extension == _PLAIN and not stem.endswith(".") and not _ENDS_LIKE_ONE.search(stem):
        last = safe_part(stem)
    elif extension.lower() in MEDIA_EXTENSIONS:
        last = safe_part(f"{stem}_{extension[1:]}")
    else:
        last = f"{safe_part(stem)}%2E{_escaped(extension[1:])}"
    return "/".join([*(safe_folders(folder) if "/" in relative else ()), last])


def given_name(text: str) -> str:
    """A name that a manifest gives, made safe; one that a batch gave, as a list of failures has it, stays as it is."""
    return "/".join(safe_folders(text, _IMPOSSIBLE))


def safe_folders(path: str, awkward: re.Pattern[str] = _AWKWARD) -> list[str]:
    """The folders of a path, each as a folder can be called everywhere; the first is not the manifest's."""
    parts = [safe_part(part, awkward) for part in path.split("/")]
    if parts[0].casefold() == _OWN:
        parts[0] = f"%5F{parts[0][1:]}"
    return parts


def safe_part(part: str, awkward: re.Pattern[str] = _AWKWARD) -> str:
    """One part of a path, as it can be called everywhere."""
    if not part:
        return "%2F"  # as in `a//b`, which object stores can have
    part = _escaped(part, awkward)
    if part[-1] in ". ":  # which Windows drops; `..` is among these
        part = f"{part[:-1]}%{ord(part[-1]):02X}"
    if part[0] == "." and part.strip(".") == "":
        part = part.replace(".", "%2E")
    if _DEVICE.match(part):
        part = f"%{ord(part[0]):02X}{part[1:]}"
    return part


def _escaped(text: str, awkward: re.Pattern[str] = _AWKWARD) -> str:
    return awkward.sub(lambda match: _code(match[0]), text)


def _code(character: str) -> str:
    raw = "\udc80" <= character <= "\udcff"  # a byte of a file's name that is no text
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape" if raw else "surrogatepass"))
