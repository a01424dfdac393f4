"""`deploy/kubernetes`: held to Kubernetes' own schema, to KubeRay's reference, to the Dockerfile and to liveseg."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import kubernetes_validate
import pytest
from jsonschema import Draft202012Validator

KUBERNETES = "1.33"
"""Where limits of failures by index became stable."""

RAY_JOBS = ("rayjob.yaml", "rayjob-gpu.yaml")
SCHEMA = json.loads((Path(__file__).parent / "schemas" / "rayjob.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def job(read_yaml):
    return read_yaml("kubernetes/job.yaml")


@pytest.fixture(scope="module", params=RAY_JOBS)
def ray_job(request, read_yaml):
    return read_yaml(f"kubernetes/{request.param}")


def templates(ray_job):
    """Each pod of a RayJob with what it is."""
    cluster = ray_job["spec"]["rayClusterSpec"]
    return {
        "submitter": ray_job["spec"]["submitterPodTemplate"],
        "head": cluster["headGroupSpec"]["template"],
        **{group["groupName"]: group["template"] for group in cluster["workerGroupSpecs"]},
    }


def check_pods(ray_job):
    """A RayJob's pods by Kubernetes' schema, which knows the fields that KubeRay's reference only names."""
    for name, template in templates(ray_job).items():
        whole = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": name}, "template": template}
        kubernetes_validate.validate(whole, KUBERNETES, strict=True)
    options = ray_job["spec"]["rayClusterSpec"]["autoscalerOptions"]
    container = {"name": "autoscaler"} | {
        name: options[name] for name in ("resources", "securityContext", "volumeMounts") if name in options
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [container]}}
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_the_job_is_what_kubernetes_takes(job):
    kubernetes_validate.validate(job, KUBERNETES, strict=True)
    wrong = copy.deepcopy(job)
    wrong["spec"]["completionsMode"] = wrong["spec"].pop("completionMode")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_a_ray_job_is_what_kuberay_takes(ray_job):
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(ray_job)
    check_pods(ray_job)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "shutDownAfterJobFinishes"), True),
        (("spec", "submissionMode"), "Job"),
        (("spec", "rayClusterSpec", "workerGroupSpecs", 0, "maxReplicas"), "32"),
        (("spec", "rayClusterSpec", "headGroupSpec", "rayStartParams", "num-cpus"), 0),
        (("spec", "rayClusterSpec", "autoscalerOptions", "upscalingMode"), "Slow"),
    ],
)
def test_the_schema_finds_what_is_wrong(read_yaml, path, value):
    wrong = read_yaml("kubernetes/rayjob.yaml")
    place = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert list(Draft202012Validator(SCHEMA).iter_errors(wrong))


def test_a_wrong_field_of_a_pod_is_found(read_yaml):
    wrong = read_yaml("kubernetes/rayjob.yaml")
    templates(wrong)["head"]["spec"]["containers"][0]["securityContext"]["readOnly"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        check_pods(wrong)


def pods(job, ray_jobs):
    yield "job", job["spec"]["template"]["spec"]
    for own in ray_jobs:
        for name, template in templates(own).items():
            yield f"{own['metadata']['name']} {name}", template["spec"]


@pytest.fixture(scope="module")
def all_pods(job, read_yaml):
    return dict(pods(job, [read_yaml(f"kubernetes/{name}") for name in RAY_JOBS]))


def test_pods_pass_the_restricted_standard_and_can_write_nowhere_else(all_pods):
    for name, pod in all_pods.items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert all("sizeLimit" in volume["emptyDir"] for volume in pod["volumes"]), name
        for container in pod["containers"]:
            locked = container["securityContext"]
            assert locked["allowPrivilegeEscalation"] is False, name
            assert locked["readOnlyRootFilesystem"] is True, name
            assert locked["capabilities"] == {"drop": ["ALL"]}, name
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes, name
            assert {"/tmp", "/data"} <= {mount["mountPath"] for mount in container["volumeMounts"]}, name  # noqa: S108
            assert {"cpu", "memory"} <= container["resources"]["limits"].keys(), name
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name


def test_pods_run_as_the_image_does(all_pods, dockerfile):
    user, group = map(int, dockerfile["batch"].of("USER")[0].split(":"))
    for name, pod in all_pods.items():
        assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (user, group), name


def test_no_secret_stands_in_a_file(deploy, all_pods):
    for path in deploy.glob("kubernetes/*.yaml"):
        assert not re.search(r"AKIA|SECRET_ACCESS_KEY=[^…]", path.read_text(encoding="utf-8")), path.name
    for name, pod in all_pods.items():
        for container in pod["containers"]:
            for variable in container.get("env", []):
                assert "KEY" not in variable["name"], name
            for source in container.get("envFrom", []):
                assert source == {"secretRef": {"name": "liveseg-store", "optional": True}}, name


def test_the_head_takes_no_work_and_the_cluster_goes_when_it_is_done(ray_job):
    spec = ray_job["spec"]
    cluster = spec["rayClusterSpec"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert spec["shutdownAfterJobFinishes"] is True
    assert spec["ttlSecondsAfterFinished"] > 0
    assert cluster["enableInTreeAutoscaling"] is True
    assert spec.get("entrypointNumCpus", 0) == 0, "the driver would wait for a CPU of the head, which has none to give"


def test_the_cluster_can_grow_to_what_the_batch_may_use(ray_job, batch_settings):
    """`--max-workers` fits into the worker pods, in CPUs and GPUs; `--min-workers` into those that are kept."""
    settings = batch_settings(ray_job["spec"]["entrypoint"].split())
    (group,) = ray_job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
    a_pod = int(limits["cpu"]) / (settings.cpus_each or settings.threads_each)
    if settings.gpus_each:
        assert int(limits["nvidia.com/gpu"]) / settings.gpus_each <= a_pod
        a_pod = int(limits["nvidia.com/gpu"]) / settings.gpus_each
    assert settings.max_workers == group["maxReplicas"] * a_pod
    assert settings.min_workers == group["minReplicas"] * a_pod
    assert settings.ray == "auto"


def test_the_version_of_ray_is_one_that_the_extra_installs(ray_job, repository):
    import tomllib

    extras = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    least = re.search(r"ray\[[\w,]+\]>=([\d.]+)", " ".join(extras["optional-dependencies"]["ray"]))[1]
    asked = [int(part) for part in ray_job["spec"]["rayClusterSpec"]["rayVersion"].split(".")]
    assert asked >= [int(part) for part in least.split(".")]


def test_the_shares_of_the_job_are_all_of_the_files(job, batch_settings):
    """As many shares as completions; each takes its own by the index that Kubernetes counts from 0."""
    (container,) = job["spec"]["template"]["spec"]["containers"]
    words = [*container["command"], *container["args"]]
    index = next(variable for variable in container["env"] if variable["name"] == "SHARD")
    assert (
        index["valueFrom"]["fieldRef"]["fieldPath"]
        == "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    )
    first, last = (
        batch_settings([word.replace("$(SHARD)", str(number)) for word in words])
        for number in (0, job["spec"]["completions"] - 1)
    )
    assert (first.shard.index, last.shard.index) == (0, job["spec"]["completions"] - 1)
    assert first.shard.count == job["spec"]["completions"]
    assert first.workers * first.threads_each == int(container["resources"]["limits"]["cpu"])


def test_wrong_usage_ends_the_job_at_once(job):
    from liveseg.errors import UsageError

    rules = job["spec"]["podFailurePolicy"]["rules"]
    (fail,) = [rule for rule in rules if rule["action"] == "FailJob"]
    assert fail["onExitCodes"]["values"] == [UsageError.exit_code]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert fail["onExitCodes"]["containerName"] == container["name"]


def test_the_image_of_the_batch_has_its_extras_and_no_source(dockerfile, repository):
    import tomllib

    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extras,) = dockerfile["batch-packages"].of("ARG")
    asked = set(extras.partition("=")[2].split(","))
    assert {"ray", "s3"} <= asked <= project["optional-dependencies"].keys()
    batch = dockerfile["batch"]
    assert batch.of("COPY") == ["--from=batch-packages /opt/liveseg /opt/liveseg"]
    assert not batch.of("ENTRYPOINT"), "Ray's nodes and AWS Batch bring whole commands"
    words = [word for word, _ in batch.lines]
    assert "RUN" not in words[words.index("USER") :]
    assert list(dockerfile)[-1] == "image", "a build without --target makes the service"
