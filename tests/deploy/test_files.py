"""The files of `deploy/`, held to the formats' own checkers and to what each says of the others."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml


def installed(program):
    """A program of the test's virtual environment."""
    path = shutil.which(program, path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    assert path, f"{program} is not there: pip install -e '.[dev]'"
    return path


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def compose(read_yaml):
    return read_yaml("compose.yaml")


@pytest.fixture(scope="module")
def options(run_liveseg):
    """The options that `liveseg serve` has."""
    done = run_liveseg("serve", "--help", env=os.environ | {"COLUMNS": "300"})
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"--[a-z][a-z-]+", done.stdout))


def flags(words):
    return {word.partition("=")[0] for word in words if word.startswith("--")}


def test_the_dockerfile_is_clean(deploy):
    done = run(installed("hadolint"), deploy / "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_linter_finds_what_is_wrong(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN cd /tmp && sudo pip install liveseg\n")
    assert run(installed("hadolint"), tmp_path / "Dockerfile").returncode == 1


def test_compose_is_what_its_specification_allows(deploy, tmp_path):
    check = (installed("check-jsonschema"), "--builtin-schema", "vendor.compose-spec")
    done = run(*check, deploy / "compose.yaml")
    assert done.returncode == 0, done.stdout
    (tmp_path / "compose.yaml").write_text("services: {liveseg: {image: liveseg, read-only: true}}\n")
    assert run(*check, tmp_path / "compose.yaml").returncode == 1


def test_containers_are_shut_off(compose):
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["mem_limit"], name
        for port in service["ports"]:
            assert port.startswith("127.0.0.1:"), f"{name} is open to others at {port}"


def test_compose_mounts_what_is_there(compose, deploy):
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (deploy / source).exists() if source.startswith(".") else source in compose["volumes"], name
    build = compose["services"]["liveseg"]["build"]
    assert (deploy / build["context"] / build["dockerfile"]).samefile(deploy / "Dockerfile")


def test_prometheus_asks_the_service_by_a_name_that_it_answers_to(compose, read_yaml):
    config = read_yaml("prometheus/prometheus.yml")
    job = next(job for job in config["scrape_configs"] if job["job_name"] == "liveseg")
    host, _, port = job["static_configs"][0]["targets"][0].partition(":")
    assert host in compose["services"]
    command = compose["services"]["liveseg"]["command"]
    assert command[command.index("--allow-host") + 1] == host
    assert compose["services"]["liveseg"]["ports"] == [f"127.0.0.1:8000:{port}"]


def test_prometheus_reads_rules_that_are_there(deploy, read_yaml):
    for name in read_yaml("prometheus/prometheus.yml")["rule_files"]:
        assert (deploy / "prometheus" / name).exists()


def test_grafana_finds_prometheus_and_the_dashboard(compose, read_yaml):
    source = read_yaml("grafana/provisioning/datasources/prometheus.yml")["datasources"][0]
    name, _, port = source["url"].removeprefix("http://").partition(":")
    assert compose["services"][name]["ports"][0].endswith(f":{port}")
    folder = read_yaml("grafana/provisioning/dashboards/liveseg.yml")["providers"][0]["options"]["path"]
    grafana = compose["services"]["grafana"]
    assert f"./grafana/dashboard.json:{folder}/dashboard.json:ro" in grafana["volumes"]
    assert grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == f"{folder}/dashboard.json"


def test_every_option_is_one_of_the_service(compose, deploy, options):
    dockerfile = (deploy / "Dockerfile").read_text(encoding="utf-8")
    asked = flags(compose["services"]["liveseg"]["command"])
    for line in re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", dockerfile, re.MULTILINE):
        asked |= flags(yaml.safe_load(line))
    asked |= set(re.findall(r"--[a-z][a-z-]+", (deploy / "liveseg.service").read_text(encoding="utf-8")))
    assert asked >= {"--host", "--port", "--data-folder", "--token-file"}
    assert asked <= options


@pytest.fixture(scope="module")
def unit(deploy, tmp_path_factory):
    """The unit, with the program where it is here: systemd looks whether there is one."""
    text = (deploy / "liveseg.service").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("unit") / "liveseg.service"
    assert text.count("/opt/liveseg/bin/liveseg") == 1
    path.write_text(text.replace("/opt/liveseg/bin/liveseg", installed("liveseg")), encoding="utf-8")
    return path


def test_systemd_takes_the_unit(unit, require):
    done = run(require("systemd-analyze", "systemd"), "verify", "--man=no", unit)
    told = [line for line in done.stderr.splitlines() if "liveseg" in line]
    assert done.returncode == 0, done.stderr
    assert not told  # an unknown setting is only told, and then ignored


def test_systemd_says_that_the_unit_is_shut_off(unit, require):
    """Exposure from 0 to 10; a unit without any of its settings has 9.6."""
    done = run(require("systemd-analyze", "systemd"), "security", "--offline=true", "--threshold=15", unit)
    assert done.returncode == 0, done.stdout[-2000:]
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)[1]) <= 1.5


def test_the_unit_leaves_time_for_the_grace(deploy, compose):
    from liveseg.settings.serve import ServeSettings

    grace = ServeSettings().grace_seconds
    text = (deploy / "liveseg.service").read_text(encoding="utf-8")
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[1]) > grace
    assert int(compose["services"]["liveseg"]["stop_grace_period"].removesuffix("s")) > grace
