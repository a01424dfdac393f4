"""README.md and docs/ are executed: each command and each snippet of them runs, offline, on a copy of the samples.

Each `bash`, `console` and `python` block stands alone and runs in a fresh folder that holds `input/` and the
tutorial's programs. A block that cannot run there carries its reason on the line above its fence:
`<!-- no-run: downloads 13 MB -->`. One of many runs is left to `make test-long` the same way, the README's never:
`<!-- long: trains a network -->`. One below `<!-- service -->` finds a running `liveseg serve` where it asks
127.0.0.1:8000, and at the address in `LIVESEG_SERVICE`; below `<!-- service with a token -->` it asks for that of the
file `token`. One below `<!-- until Ctrl-C -->` starts services; each has to come up, and to end well when told to.
Commands that prepare a machine are checked by `PREPARATIONS`, not run.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]}
README = PAGES["README.md"]
RUNNABLE = ("bash", "console", "python")
BLOCK = re.compile(
    r"^(?:<!-- *(?:no-run:(?P<excuse>.*?)|long:(?P<patience>.*?)"
    r"|(?P<service>service|service with a token|until Ctrl-C)) *-->\n)?"
    r"```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the page and line of its fence, why it is not run or takes long, and
    which service it needs."""

    language: str
    code: str
    line: int
    excuse: str | None
    page: str = "README.md"
    patience: str | None = None
    service: str | None = None

    @property
    def place(self):
        return f"{self.page}, line {self.line}"

    @property
    def commands(self):
        """The lines to run: continued ones joined, comments left out; of a console only what is typed."""
        lines = self.code.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        return [line for line in lines if shlex.split(line, comments=True)]


def blocks(text, page="README.md"):
    for match in BLOCK.finditer(text):
        if match["language"] in RUNNABLE:
            excuse = match["excuse"] if match["excuse"] is None else match["excuse"].strip()
            line = text[: match.start("code")].count("\n")
            yield Block(match["language"], match["code"], line, excuse, page, match["patience"], match["service"])


def check_make(words):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for word in words[1:]:
        assert "=" in word or word in targets, f"the Makefile has no target {word!r}"


def check_install(words):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for asked in re.findall(r"\[([\w,-]+)\]", " ".join(words)):
        assert set(asked.split(",")) <= project["optional-dependencies"].keys(), f"there is no extra {asked!r}"


def unchecked(words):
    """What only prepares a machine: nothing in this repository could contradict it."""


PREPARATIONS = {
    "make": check_make,
    "pip install": check_install,
    "python -m pip install": check_install,
} | dict.fromkeys(("git clone", "cd", "python -m venv", "python3 -m venv", "source .venv/bin/activate"), unchecked)


TOKEN = "correct-horse-battery-staple"  # noqa: S105 - of a service that lives as long as the test


@contextmanager
def serving(command, **options):
    """A service while it runs, and its address; in the end it leaves with exit code 0."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options) as process:
        try:
            address = next((found[0] for line in process.stdout if (found := re.search(r"http://[\w.:]+", line))), None)
            assert address is not None, f"{command} did not come up"
            # Its log would fill the pipe, and a service that cannot write stands still.
            reader = threading.Thread(target=process.stdout.read)
            reader.start()
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(60)
        reader.join()
    assert code == 0, f"{command} ended with {code}"


@pytest.fixture(scope="module")
def services():
    """`services(kind)`: the address of a service that runs for all the blocks that need one of that kind."""
    command = [sys.executable, "-m", "liveseg", "serve", "--port", "0", "--size", "97"]
    more = {"service": [], "service with a token": ["--token", TOKEN]}

    def start(kind):
        address = running.enter_context(serving(command + more[kind]))
        for _ in range(600):
            with suppress(HTTPError), urlopen(f"{address}/readyz", timeout=10):  # noqa: S310 - of this machine
                return address
            time.sleep(0.1)
        raise AssertionError("its model was not loaded in a minute")

    with ExitStack() as running:
        yield cache(start)


def run(block, folder, service=None):
    """Run a block in a folder that holds copies of what it may use; the first failure fails the test."""
    shutil.copytree(ROOT / "input", folder / "input")
    for program in ROOT.glob("*.py"):
        shutil.copy(program, folder)
    env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")} | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LIVESEG_HOME": str(folder / "home"),
        "LIVESEG_OFFLINE": "1",
        "SDL_VIDEODRIVER": "dummy",  # where there always is a screen, a window would wait for a key
        "PYTHONUTF8": "1",
        "BROWSER": "true",
    }
    (folder / "token").write_text(TOKEN, encoding="utf-8")
    if service is not None:
        env["LIVESEG_SERVICE"] = service
    options = {"cwd": folder, "env": env, "text": True, "encoding": "utf-8", "capture_output": True, "timeout": 240}
    if block.language == "python":
        done = subprocess.run([sys.executable, "-c", block.code], **options, check=False)
        assert done.returncode == 0, f"{block.place}:\n{done.stdout}{done.stderr}"
        return
    for command in block.commands:
        words = shlex.split(command, comments=True)
        named = next((name for name in PREPARATIONS if words[: len(name.split())] == name.split()), None)
        if named is not None:
            PREPARATIONS[named](words)
            continue
        if block.service == "until Ctrl-C":
            with serving([*words, "--port", "0"], cwd=folder, env=env) as address:
                assert address.startswith("http://")
            continue
        if service is not None:
            command = command.replace("http://127.0.0.1:8000", service).replace("curl ", "curl -sS --fail-with-body ")  # noqa: PLW2901
        done = subprocess.run(command, shell=True, **options, check=False)  # noqa: S602 - as a reader types it
        assert done.returncode == 0, f"{block.place}: {command}\n{done.stdout}{done.stderr}"


ALL = [block for page, text in PAGES.items() for block in blocks(text, page)]


def parameter(block):
    marks = [pytest.mark.long] if block.patience else []
    return pytest.param(block, id=f"{block.page}-{block.line}", marks=marks)


@pytest.mark.parametrize("block", [parameter(block) for block in ALL if block.excuse is None])
def test_a_block_of_the_documentation_runs(block, tmp_path, request):
    service = block.service if block.service != "until Ctrl-C" else None
    run(block, tmp_path, service and request.getfixturevalue("services")(service))


def test_the_readme_has_commands_and_snippets_and_each_exemption_says_why():
    assert {block.language for block in blocks(README) if block.excuse is None} >= {"bash", "python"}
    assert all(block.excuse for block in ALL if block.excuse is not None)
    exempt = sum(text.count("<!-- no-run:") for text in PAGES.values())
    assert exempt == sum(block.excuse is not None for block in ALL)
    assert sum(text.count("<!-- long:") for text in PAGES.values()) == sum(bool(block.patience) for block in ALL)
    assert not any(block.patience for block in blocks(README))


def example(*lines, language="bash"):
    return next(blocks("\n".join(["# Title", "", f"```{language}", *lines, "```", ""])))


def test_a_document_is_read_as_blocks():
    text = (
        "# T\n```bash\n# note\nls \\\n  input # all\n```\n<!-- no-run: too long -->\n```python\n1\n```\n"
        "```json\n2\n```\n<!-- service -->\n```bash\n3\n```"
    )
    first, second, third = blocks(text)
    assert (first.language, first.commands, first.line, first.excuse) == ("bash", ["ls    input # all"], 2, None)
    assert (second.language, second.line, second.excuse) == ("python", 8, "too long")
    assert (third.commands, third.service, first.service) == (["3"], "service", None)
    assert example("$ liveseg demo", "done", language="console").commands == ["liveseg demo"]


def test_what_works_passes_and_sees_the_samples(tmp_path):
    look = "python -c 'open(\"input/image_1.jpg\")'"
    run(example("git clone ADDRESS", "cd liveseg", "make demo", "pip install 'liveseg[torch]'", look), tmp_path)


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("liveseg no-such-command", "bash"),
        ("$ python -c 'import sys; sys.exit(3)'", "console"),
        ("make no-such-target", "bash"),
        ("pip install 'liveseg[no-such-extra]'", "bash"),
        ("import liveseg; liveseg.no_such_name", "python"),
    ],
)
def test_what_does_not_work_fails(code, language, tmp_path):
    with pytest.raises(AssertionError, match=r"README.md, line 3|no target|no extra"):
        run(example(code, language=language), tmp_path)
