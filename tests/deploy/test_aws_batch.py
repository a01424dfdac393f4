"""`deploy/aws-batch`: requests that botocore's own validator takes, of one array of shares of the files."""

from __future__ import annotations

import copy
import json
import shlex

import botocore.session
import pytest
from botocore.validate import ParamValidator


@pytest.fixture(scope="module")
def service():
    return botocore.session.Session().get_service_model("batch")


@pytest.fixture(scope="module")
def read(deploy):
    return lambda name: json.loads((deploy / "aws-batch" / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def definition(read):
    return read("job-definition.json")


@pytest.fixture(scope="module")
def job(read):
    return read("job.json")


def told(service, operation, request):
    """What the validator has against a request: names, types, what is required; and choices, which it leaves out."""
    shape = service.operation_model(operation).input_shape
    problems = ParamValidator().validate(request, shape).generate_report()
    return "\n".join([problems, *choices(request, shape)]).strip()


def choices(value, shape, place=""):
    if shape.type_name == "structure":
        for name, inner in value.items():
            if name in shape.members:
                yield from choices(inner, shape.members[name], f"{place}.{name}")
    elif shape.type_name == "list":
        for inner in value:
            yield from choices(inner, shape.member, f"{place}[]")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{place} is {value!r}, not one of {shape.enum}"


def test_the_requests_are_what_aws_takes(service, definition, job):
    assert told(service, "RegisterJobDefinition", definition) == ""
    assert told(service, "SubmitJob", job) == ""


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("containerProperties", "readOnlyRootFilesystem"), True),
        (("containerProperties", "command"), "liveseg batch"),
        (("containerProperties", "resourceRequirements", 0, "type"), "CPU"),
        (("retryStrategy", "attempts"), "4"),
    ],
)
def test_the_validator_finds_what_is_wrong(service, definition, path, value):
    wrong = copy.deepcopy(definition)
    place = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert path[-1] in told(service, "RegisterJobDefinition", wrong)


def test_the_container_is_shut_off(definition, dockerfile):
    container = definition["containerProperties"]
    assert container["readonlyRootFilesystem"] is True
    assert container["privileged"] is False
    assert [container["user"]] == dockerfile["batch"].of("USER")
    assert {mount["containerPath"] for mount in container["linuxParameters"]["tmpfs"]} == {"/tmp", "/data"}  # noqa: S108
    assert "KEY" not in json.dumps(container["environment"]), "the role of the job opens the bucket"


def test_the_array_is_all_of_the_files(definition, job, batch_settings):
    """The shell of the container gives each job its share; as many as the array has."""
    container = definition["containerProperties"]
    shell, option, script = container["command"]
    assert (shell, option) == ("sh", "-c")
    given = {pair["name"]: pair["value"] for pair in container["environment"]}
    given |= {pair["name"]: pair["value"] for pair in job["containerOverrides"]["environment"]}
    size = job["arrayProperties"]["size"]
    assert int(given["SHARDS"]) == size
    assert job["jobDefinition"] == definition["jobDefinitionName"]
    words = shlex.split(script)
    assert words.pop(0) == "exec", "SIGTERM has to reach liveseg, not a shell"
    for index in (0, size - 1):
        values = given | {"AWS_BATCH_JOB_ARRAY_INDEX": str(index)}
        filled = []
        for word in words:
            for name in sorted(values, key=len, reverse=True):
                word = word.replace(f"${name}", values[name])  # noqa: PLW2901
            assert "$" not in word
            filled.append(word)
        settings = batch_settings(filled)
        assert (settings.shard.index, settings.shard.count) == (index, size)
        assert settings.out == given["DESTINATION"]
    need = {own["type"]: int(own["value"]) for own in container["resourceRequirements"]}
    assert settings.workers * settings.threads_each == need["VCPU"]


def test_wrong_usage_is_not_tried_again(definition):
    from liveseg.errors import UsageError

    rules = definition["retryStrategy"]["evaluateOnExit"]
    actions = {rule.get("onExitCode"): rule["action"] for rule in rules}
    assert actions[str(UsageError.exit_code)] == "EXIT"
    assert rules[-1]["action"] == "RETRY"
    assert definition["retryStrategy"]["attempts"] <= 10, "AWS allows ten"


def test_the_role_reads_the_input_and_writes_the_destination_only(read, job):
    given = {pair["name"]: pair["value"] for pair in job["containerOverrides"]["environment"]}
    policy = read("role-policy.json")
    writers = [own for own in policy["Statement"] if "s3:PutObject" in own["Action"]]
    (writer,) = writers
    place = given["DESTINATION"].removeprefix("s3://")
    assert writer["Resource"] == f"arn:aws:s3:::{place}/*"
    readers = [own["Resource"] for own in policy["Statement"] if "s3:GetObject" in own["Action"]]
    assert f"arn:aws:s3:::{given['INPUT'].removeprefix('s3://')}/*" in readers
