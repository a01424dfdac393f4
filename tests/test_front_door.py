"""The front door: `make`, `.ci/run`, the workflow, the licences, the floors, and what an import costs."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "onnxruntime", "av", "cv2", "PIL", "numpy", "requests", "rich", "typer", "pygame")
posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell; CONTRIBUTING.md has the commands for Windows")


def run(*command, cwd=ROOT, env=None):
    # Inside `make test` a further make would take that one's flags and variables, and say that it enters a folder.
    inherited = {"MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS", "PYTEST_ARGS", "PYTHON"}
    env = {name: value for name, value in (env or os.environ).items() if name not in inherited}
    return subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, timeout=240, check=False)


def steps_of_make_test():
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = re.findall(r"^\t\$\(BIN\)/(.*)$", recipe, re.MULTILINE)
    return [line.removesuffix(" $(PYTEST_ARGS)") for line in lines if "-m long" not in line]


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


# An import that costs nothing


def test_importing_liveseg_loads_nothing_heavy():
    code = f"import sys, liveseg; print(sorted(set({HEAVY}) & set(sys.modules)))"
    done = run(sys.executable, "-c", code)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("[]", "", 0)


def test_the_core_works_without_pytorch():
    code = "import sys; sys.modules['torch'] = None; from liveseg import *"
    done = run(sys.executable, "-c", code)
    assert (done.stderr, done.returncode) == ("", 0)


# The floors


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("errors", "liveseg.media"),
        ("media/frame", "liveseg.runtimes"),
        ("models/registry", "liveseg.weights.catalogue"),
    ],
)
def test_an_import_from_a_floor_above_is_found(tmp_path, module, forbidden):
    shutil.copytree(ROOT / "src" / "liveseg", tmp_path / "liveseg", ignore=shutil.ignore_patterns("*.safetensors"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    with (tmp_path / "liveseg" / f"{module}.py").open("a", encoding="utf-8") as file:
        file.write(f"\nimport {forbidden}\n")
    program = Path(sys.executable).with_name("lint-imports")
    done = run(str(program), "--no-cache", cwd=tmp_path, env=os.environ | {"NO_COLOR": "1", "PYTHONUTF8": "1"})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
    assert f"liveseg.{module.replace('/', '.')} -> {forbidden}" in done.stdout


# make


@pytest.fixture
def checkout(tmp_path, require):
    """An empty checkout with the Makefile, and a Python that writes down what it is asked to do."""
    require("make", "make")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "src" / "liveseg").mkdir(parents=True)
    (tmp_path / "src" / "liveseg" / "_version.py").touch()
    tool = script(tmp_path / "tool", f'echo "$(basename "$0") $*" >>"{tmp_path}/log"')
    python = script(
        tmp_path / "python",
        f'case "$1" in -c) exit 0;; esac\n"{tool}" "$@"\nmkdir -p .venv/bin\n'
        f'for name in python liveseg ruff mypy lint-imports; do cp "{tool}" .venv/bin/$name; done',
    )

    def make(target):
        (tmp_path / "log").write_text("", encoding="utf-8")
        done = run("make", target, f"PYTHON={python}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return [line.rstrip() for line in (tmp_path / "log").read_text(encoding="utf-8").splitlines()]

    make.folder = tmp_path
    return make


@posix
def test_make_demo_installs_the_core_once_and_runs_the_demo(checkout):
    venv, install, demo = checkout("demo")
    assert venv == "tool -m venv .venv"
    assert install.startswith("python -m pip install --quiet")
    assert install.endswith("-e .")
    assert demo == "liveseg demo"
    assert checkout("demo") == ["liveseg demo"]


@posix
@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "src/liveseg/_version.py"])
def test_make_installs_again_when_the_recipe_changes(checkout, name):
    checkout("demo")
    stamp = (checkout.folder / ".venv" / ".core").stat().st_mtime
    os.utime(checkout.folder / name, (stamp + 5, stamp + 5))
    install, _ = checkout("demo")
    assert "pip install" in install


@posix
def test_make_test_installs_the_pinned_development_set_and_runs_every_check(checkout):
    _, install, *steps = checkout("test")
    assert "-c constraints.txt" in install
    assert install.endswith("-e .[dev]")
    tests = "python -m pytest -n auto -m not long"
    checks = ["ruff check .", "ruff format --check .", "mypy", "lint-imports", "python tools/page/check.py"]
    assert steps == [*checks, tests]
    assert checkout("demo") == ["liveseg demo"]


@posix
def test_make_with_an_old_python_says_what_it_needs_in_one_line(checkout):
    old = script(checkout.folder / "python-old", "exit 1")
    for python in (str(old), "no-such-python"):
        done = run("make", "demo", f"PYTHON={python}", cwd=checkout.folder)
        assert done.returncode == 2
        assert done.stderr.splitlines()[0].startswith("liveseg needs Python 3.11 or later")
        assert python in done.stderr
        assert not (checkout.folder / ".venv").exists()


@posix
def test_make_help_names_every_target(require):
    require("make", "make")
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split()
    shown = [line.split()[1] for line in run("make", "help").stdout.splitlines()]
    assert sorted(shown) == sorted(targets)


# .ci/run


def ci_run(tmp_path, user):
    """`.ci/run` with programs that write down how they are called: the log, and what was printed."""
    for name in ("apt-get", "make"):
        script(tmp_path / "bin" / name, f'echo "{name} $* require=$LIVESEG_REQUIRE_ALL" >>"{tmp_path}/log"')
    script(tmp_path / "bin" / "id", f"echo {user}")
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = run(
        "bash",
        str(ROOT / ".ci" / "run"),
        cwd=tmp_path,
        env=os.environ | {"PATH": path, "LIVESEG_REQUIRE_ALL": ""},
    )
    assert done.returncode == 0, done.stderr
    return (tmp_path / "log").read_text(encoding="utf-8").splitlines(), done.stdout


@posix
def test_ci_run_installs_the_packages_and_lets_no_test_skip_itself(tmp_path):
    (update, install, test), _ = ci_run(tmp_path, user=0)
    packages = (ROOT / ".ci" / "packages").read_text(encoding="utf-8").split()
    assert update.startswith("apt-get update")
    assert install.split()[-1 - len(packages) : -1] == packages
    assert "--no-install-recommends" in install
    assert test == "make test require=1"


@posix
def test_ci_run_without_root_says_which_packages_are_needed_and_goes_on(tmp_path):
    log, printed = ci_run(tmp_path, user=1000)
    assert log == ["make test require=1"]
    assert "Not root" in printed
    assert "xvfb" in printed


# The workflow and the hooks


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))


def test_the_workflow_runs_the_steps_of_make_test(workflow):
    steps = [step["run"] for step in workflow["jobs"]["test"]["steps"] if "run" in step]
    expected = steps_of_make_test()
    assert len(expected) == 6
    assert [step for step in steps if step in expected] == sorted(expected, key=steps.index)


def test_the_workflow_covers_every_python_that_the_package_names(workflow):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {match[1] for line in project["classifiers"] if (match := re.search(r":: (3\.\d+)$", line))}
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert {"ubuntu-latest", "macos-latest", "windows-latest"} == set(matrix["os"])
    assert named == set(matrix["python"]) | {extra["python"] for extra in matrix["include"]}


def test_the_workflow_runs_the_wheel_in_an_empty_folder(workflow):
    commands = "\n".join(step.get("run", "") for step in workflow["jobs"]["wheel"]["steps"])
    assert commands.index("-m build --wheel") < commands.index("install wheel/*.whl") < commands.index('liveseg" demo')


def test_the_hooks_are_valid():
    program = Path(sys.executable).with_name("pre-commit")
    done = run(str(program), "validate-config", ".pre-commit-config.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


# Licences


def test_the_licence_is_whole_and_the_notice_credits_what_is_shipped():
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for owed in (
        "Soumith Chintala",
        "ML Illustrated",
        "Stefan van der Walt",
        "NASA",
        "Sovit Ranjan Rath",
        "timm",
    ):
        assert owed in notice
    for sample in (ROOT / "input").iterdir():
        assert sample.suffix == ".md" or sample.name in notice


# What is installed


def imported_by(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def test_every_package_that_liveseg_imports_is_a_declared_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [wanted for name, wanted in project["optional-dependencies"].items() if name != "dev"]
    declared = {
        re.match(r"[\w-]+", line)[0].lower() for wanted in [project["dependencies"], *extras] for line in wanted
    }
    declared |= {"liveseg"} | sys.stdlib_module_names
    packages = {"PIL": "pillow", "cv2": "opencv-python-headless", "pygame": "pygame-ce"}
    packages |= {"prometheus_client": "prometheus-client", "python_multipart": "python-multipart"}
    packages |= dict.fromkeys(("pytorch_lightning", "lightning_fabric"), "pytorch-lightning")  # the wheel has both
    files = (ROOT / "src").rglob("*.py")
    undeclared = {
        (file.name, name) for file in files for name in imported_by(file) if packages.get(name, name) not in declared
    }
    assert undeclared == set()


@pytest.mark.long
def test_the_wheel_in_an_empty_folder_and_environment_runs_the_demo(tmp_path):
    empty, venv = tmp_path / "empty", tmp_path / "venv"
    empty.mkdir()
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    env = os.environ | {"LIVESEG_OFFLINE": "1", "LIVESEG_HOME": str(tmp_path / "home")}

    def step(*command):
        done = run(*map(str, command), cwd=empty, env=env)
        assert done.returncode == 0, done.stdout + done.stderr

    step(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT)
    step(sys.executable, "-m", "venv", venv)
    step(python, "-m", "pip", "install", "--quiet", *tmp_path.glob("liveseg-*.whl"))
    step(python.with_name("liveseg"), "demo")
    assert {path.suffix for path in (empty / "outputs").iterdir()} >= {".jpg", ".mp4"}
