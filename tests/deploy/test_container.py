"""The Dockerfile's commands, run outside of a container: as its user, with its read-only folders.

Where there is no Docker this is as near as one comes: the commands of its stages, in folders that stand for theirs.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

SOMEBODY = 65534
"""A user who owns nothing."""
SLIM = re.compile(
    r"lib(c|m|mvec|dl|pthread|rt|util|gcc_s|stdc\+\+|z|resolv|atomic|ffi|expat|ssl|crypto)[.-]|ld-linux|linux-vdso"
)
"""The libraries of Debian's image for Python, slim."""


@pytest.fixture(scope="module")
def copied(dockerfile, repository, tmp_path_factory):
    """What the first stage has of the repository, as `Dockerfile.dockerignore` lets it through."""
    folder = tmp_path_factory.mktemp("source")
    kept = re.findall(r"^!(\S+)$", (repository / "deploy" / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    for line in dockerfile["wheel"].of("COPY"):
        *sources, target = line.split()
        for source in sources:
            assert source in kept, f"{source} does not reach the builder"
            if (repository / source).is_dir():
                shutil.copytree(repository / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(repository / source, folder / target)
    return folder


def test_the_image_runs_as_nobody_in_particular(dockerfile):
    image = dockerfile["image"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", image.of("USER")[0]), "a number, as Kubernetes asks for one"
    assert image.of("HEALTHCHECK")
    words = [word for word, _ in image.lines]
    assert "RUN" not in words[words.index("USER") :]
    assert image.of("COPY") == ["--from=packages /opt/liveseg /opt/liveseg"], "no source and no compiler in it"


def test_the_image_has_no_training_in_it(dockerfile):
    asked = " ".join(dockerfile["packages"].of("RUN"))
    assert re.findall(r"\[(\w+)\]", asked) == ["serve"]


def shell(command, folder, places):
    for word, place in places.items():
        command = command.replace(word, place)
    done = subprocess.run(command, cwd=folder, shell=True, capture_output=True, text=True, timeout=900, check=False)  # noqa: S602 - as Docker does
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def python_for_all(require):
    """A Python that the unprivileged user may run, too: one in root's home is none."""
    own = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (own, "/usr/local/bin/python3", "/usr/bin/python3"):
        path = Path(candidate).resolve()
        if not path.exists():
            continue
        if os.geteuid() != 0 or all(above.stat().st_mode & 0o001 for above in (path, *path.parents)):
            has_venv = subprocess.run([path, "-c", "import ensurepip, venv"], check=False, capture_output=True)
            if has_venv.returncode == 0:
                return str(path)
    return require("a Python with venv that every user may run", "python3-venv")


@pytest.fixture(scope="module")
def built(dockerfile, copied, tmp_path_factory, require):
    """The folder that the image has as /opt/liveseg, made by the Dockerfile's own commands."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the image is one of Linux")
    folder = tmp_path_factory.mktemp("image")
    folder.chmod(0o755)
    for above in [folder, *folder.parents]:
        if above != Path("/tmp") and above.is_relative_to("/tmp"):  # noqa: S108 - pytest's own folder there
            above.chmod(0o755)
    base = python_for_all(require)
    places = {"/wheel": str(folder / "wheel"), "/opt/liveseg": str(folder / "opt")}
    for command in dockerfile["wheel"].of("RUN"):
        # The first word is the image's Python; here it is the one under the virtual environment of the tests.
        shell(re.sub(r"^python ", f"{base} ", command), copied, places)
    for command in dockerfile["packages"].of("RUN"):
        shell(re.sub(r"^python ", f"{base} ", command), folder, places)
    return folder / "opt"


@pytest.mark.long
def test_the_image_needs_no_library_that_its_base_lacks(built, require):
    ldd = require("ldd", "libc-bin")
    missing = {}
    for library in built.rglob("*.so*"):
        told = subprocess.run([ldd, library], capture_output=True, text=True, timeout=60, check=False).stdout
        for line in told.splitlines():
            name, _, place = line.strip().partition(" => ")
            if name in ("statically linked", "not a dynamic executable"):
                continue
            if not SLIM.search(Path(name.split(" (")[0]).name) and str(built) not in place:
                missing.setdefault(line.strip(), library.name)
    assert not missing


@pytest.mark.long
def test_the_image_is_small_and_has_no_torch(built):
    packages = {path.name.lower() for path in next(built.glob("lib/python*/site-packages")).iterdir()}
    assert not packages & {"torch", "openvino", "pip", "matplotlib", "pytest"}
    assert "onnxruntime" in packages
    size = sum(path.stat().st_size for path in built.rglob("*") if path.is_file() and not path.is_symlink())
    assert size < 700e6, f"{size / 1e6:.0f} MB"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.mark.long
def test_the_service_runs_as_an_unprivileged_user_without_a_place_to_write(built, dockerfile, samples, tmp_path):
    """Its only places are /tmp and /data; the health check, as it stands in the Dockerfile, says that it is well."""
    image, port = dockerfile["image"], free_port()
    places = {name: tmp_path / name for name in ("tmp", "data", "home")}
    user = {"user": SOMEBODY, "group": SOMEBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    for above in [tmp_path, *tmp_path.parents]:
        if above != Path("/tmp") and above.is_relative_to("/tmp"):  # noqa: S108 - pytest's own folder there
            above.chmod(0o755)
    for name, place in places.items():
        place.mkdir(mode=0o755)
        if user and name != "home":
            os.chown(place, SOMEBODY, SOMEBODY)
    places["home"].chmod(0o555)
    declared = dict(pair.split("=", 1) for pair in " ".join(image.of("ENV")).split())
    env = {name: value.replace("/data", str(places["data"])) for name, value in declared.items()}
    env |= {"PATH": f"{built}/bin:/usr/bin:/bin", "HOME": str(places["home"]), "TMPDIR": str(places["tmp"])}
    words = [word for line in ("ENTRYPOINT", "CMD") for word in json.loads(image.of(line)[0])]
    words = [{"8000": str(port), "0.0.0.0": "127.0.0.1"}.get(word, word) for word in words]  # noqa: S104 - not here
    words = [word.replace("/data", str(places["data"])) for word in words]
    health = ast.literal_eval(image.of("HEALTHCHECK")[0].partition("CMD ")[2])
    health = [word.replace("8000", str(port)) for word in health]
    options = {"env": env, "cwd": places["data"], "text": True, **user}
    program = f"{built}/bin/{words[0]}"
    with (
        open(tmp_path / "log", "w+") as log,  # noqa: PTH123 - for its descriptor
        subprocess.Popen([program, *words[1:]], stderr=log, stdout=log, **options) as service,
    ):
        try:
            deadline = time.monotonic() + 120
            health[0] = f"{built}/bin/{health[0]}"
            while subprocess.run(health, capture_output=True, check=False, **options).returncode:
                assert service.poll() is None, Path(log.name).read_text()
                assert time.monotonic() < deadline, Path(log.name).read_text()
                time.sleep(0.5)
            address = f"http://127.0.0.1:{port}"
            picture = (samples / "image_1.jpg").read_bytes()
            answer = None
            while answer is None:
                assert time.monotonic() < deadline, Path(log.name).read_text()
                asked = Request(f"{address}/v1/segment?output=areas", picture, {"Content-Type": "image/jpeg"})  # noqa: S310 - our own address
                try:
                    with urlopen(asked, timeout=60) as reply:  # noqa: S310
                        answer = json.load(reply)
                except OSError as error:
                    assert getattr(error, "code", None) == 503, error  # noqa: PT017 - the model is being loaded
                    time.sleep(0.5)
            assert "cat" in json.dumps(answer)
            if user:
                owner = Path(f"/proc/{service.pid}").stat().st_uid
                assert owner == SOMEBODY
        finally:
            service.terminate()
            ended = service.wait(timeout=30)
    assert ended == 0, Path(log.name).read_text()
    assert not list(places["home"].iterdir())
    assert not [path for path in built.rglob("*.pyc") if path.stat().st_mtime > tmp_path.stat().st_mtime]
