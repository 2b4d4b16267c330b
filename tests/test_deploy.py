"""The recipes of deploy/: what they name exists, what they open is as narrow as it says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
SBATCH = DEPLOY / "slurm" / "presage.sbatch"
EXTRAS = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])


@pytest.fixture(scope="module")
def cluster() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "aws" / "cluster.yaml").read_text())
    return content


def test_ray_accepts_the_cluster(cluster: dict[str, Any]) -> None:
    util = pytest.importorskip("ray.autoscaler._private.util", reason="Ray is not installed")
    filled = util.prepare_config(cluster)
    util.validate_config(filled)
    assert filled["docker"]["image"].endswith("-cuda")
    assert filled["available_node_types"]["gpu"]["max_workers"] == 64
    with pytest.raises(Exception, match="idle_minutes"):
        util.validate_config({**filled, "idle_minutes": 5})


def test_nothing_of_the_cluster_is_open_or_left_behind(cluster: dict[str, Any]) -> None:
    provider, types = cluster["provider"], cluster["available_node_types"]
    assert provider["use_internal_ips"] is True
    assert provider["cache_stopped_nodes"] is False
    assert cluster["auth"]["ssh_proxy_use_node_id"] is True
    assert "0.0.0.0" not in (DEPLOY / "aws" / "cluster.yaml").read_text()
    assert 0 < cluster["idle_timeout_minutes"] <= 10
    for node in types.values():
        config = node["node_config"]
        # Left out, Ray makes a group that is open to the world and a role with full access.
        assert config["SecurityGroupIds"]
        assert config["IamInstanceProfile"]["Name"] in {"presage-head", "presage-worker"}
        assert config["MetadataOptions"]["HttpTokens"] == "required"
        assert all(
            volume["Ebs"]["Encrypted"] and volume["Ebs"]["DeleteOnTermination"]
            for volume in config["BlockDeviceMappings"]
        )
    head = types.pop(cluster["head_node_type"])
    assert "InstanceMarketOptions" not in head["node_config"]
    assert head["resources"]["CPU"] == 0
    for node in types.values():
        assert node["min_workers"] == 0
        assert node["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
        assert node["node_config"]["IamInstanceProfile"]["Name"] == "presage-worker"
    assert max(node["max_workers"] for node in types.values()) <= cluster["max_workers"]


def statements(name: str) -> list[dict[str, Any]]:
    policy = json.loads((DEPLOY / "aws" / name).read_text())
    assert policy["Version"] == "2012-10-17"
    assert all(statement["Effect"] == "Allow" for statement in policy["Statement"])
    return list(policy["Statement"])


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_bucket_policy_reaches_one_bucket_and_never_writes_to_the_cohort() -> None:
    for statement in statements("bucket-policy.json"):
        for resource in listed(statement["Resource"]):
            assert re.fullmatch(r"arn:aws:s3:::BUCKET(/(cohorts|runs|cache)/\*)?", resource)
            if "/cohorts/" in resource:
                assert listed(statement["Action"]) == ["s3:GetObject"]
        assert all(re.fullmatch(r"s3:[A-Za-z]+", action) for action in listed(statement["Action"]))


@pytest.mark.parametrize("name", ["head-policy.json", "image-policy.json"])
def test_only_looking_is_allowed_everywhere(name: str) -> None:
    for statement in statements(name):
        actions = listed(statement["Action"])
        assert not any("*" in action for action in actions)
        if listed(statement["Resource"]) == ["*"]:
            assert all(action.startswith("ec2:Describe") or action == "ecr:GetAuthorizationToken" for action in actions)
        if {"ec2:TerminateInstances", "iam:PassRole"} & set(actions):
            assert statement["Condition"]


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word.upper(), rest.strip()) for word, rest in lines]


def test_the_container_copies_what_there_is_and_ends_as_a_user_who_is_not_root() -> None:
    found = instructions()
    copied = [rest for word, rest in found if word == "COPY" and not rest.startswith("--from")]
    sources = [source for rest in copied for source in rest.split()[:-1]]
    assert sources
    allowed = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    for source in sources:
        assert (ROOT / source).exists()
        assert source in allowed
    assert [rest for word, rest in found if word == "USER"][-1] not in ("root", "0")
    assert [rest for word, rest in found if word == "ENTRYPOINT"] == ['["presage"]']
    (extras,) = [rest.removeprefix("EXTRAS=") for word, rest in found if word == "ARG" and rest.startswith("EXTRAS=")]
    assert set(extras.split(",")) <= EXTRAS
    text = (DEPLOY / "Containerfile").read_text()
    assert "-c constraints.txt" in text
    assert not re.search(r"(?i)secret|password|token|api_?key", text)


def test_nothing_enters_the_container_unasked() -> None:
    lines = [line for line in (ROOT / ".containerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    assert (ROOT / ".dockerignore").read_text() == (ROOT / ".containerignore").read_text()


def test_the_pages_name_files_and_extras_that_exist() -> None:
    for page in ("aws", "slurm", "container"):
        text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text()
        for path in re.findall(r"\bdeploy/[\w./-]*\w", text):
            assert (ROOT / path).exists(), path
        for extras in re.findall(r"presage\[([\w,]+)\]|'\.\[([\w,]+)\]'", text):
            assert {e for e in ",".join(extras).split(",") if e} <= EXTRAS


class Slurm:
    """Programs of the same names that write down how they are called."""

    def __init__(self, folder: Path, presage: str) -> None:
        self.folder, self.log = folder, folder / "log"
        programs = {
            "srun": 'while [[ $1 == --* ]]; do shift; done\nexec "$@"',
            "scontrol": "[[ $1 == show ]] && printf 'node1\\nnode2\\nnode3\\n'; exit 0",
            "hostname": "echo '::1 127.0.0.1'",
            "ray": '[[ $1 == status ]] && exit 0\ntrap "exit 0" TERM\nwhile :; do sleep 0.05; done',
            "presage": presage,
        }
        for name, body in programs.items():
            (folder / name).write_text(f'#!/bin/bash\necho "{name} $*" >> {self.log}\n{body}\n')
            (folder / name).chmod(0o755)
        self.environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HOME": str(folder),
            "SLURM_JOB_ID": "123456",
            "SLURM_JOB_NODELIST": "node[1-3]",
            "SLURM_CPUS_PER_TASK": "8",
            "SLURM_GPUS_ON_NODE": "2",
        }

    def start(self) -> subprocess.Popen[bytes]:
        command = ["bash", str(SBATCH), "my study.yaml", "s3://bucket/runs/one"]
        return subprocess.Popen(command, env=self.environment, stderr=subprocess.DEVNULL, start_new_session=True)

    def called(self, program: str) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.removeprefix(f"{program} ") for line in lines if line.startswith(f"{program} ")]

    def left(self) -> list[str]:
        return [path.name for path in self.folder.glob(".presage-ray-*")]


def test_the_batch_script_starts_ray_on_all_nodes_runs_the_study_and_stops_ray(tmp_path: Path) -> None:
    slurm = Slurm(tmp_path, "sleep 0.3; [[ -s $RAY_AUTH_TOKEN_PATH && $RAY_AUTH_MODE == token ]] || exit 9; exit 7")
    process = slurm.start()
    assert process.wait(60) == 7  # the status of the study is the status of the job
    starts = [line for line in slurm.called("ray") if line.startswith("start")]
    assert len(starts) == 3
    assert "--head --node-ip-address=127.0.0.1 --port=23456" in starts[0]
    assert all("--address=127.0.0.1:23456" in line for line in starts[1:])
    assert all("--num-cpus=8 --num-gpus=2 --block" in line for line in starts)
    (run,) = slurm.called("presage")
    assert run == "run my study.yaml --out s3://bucket/runs/one --engine ray --address 127.0.0.1:23456"
    assert slurm.left() == []
    assert not [line for line in slurm.called("scontrol") if line.startswith("requeue")]
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # no process of the job is left


def test_a_job_that_is_told_to_stop_is_queued_again(tmp_path: Path) -> None:
    slurm = Slurm(tmp_path, 'trap "exit 0" TERM\nwhile :; do sleep 0.05; done')
    process = slurm.start()
    deadline = time.monotonic() + 60
    while not slurm.called("presage") and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(60) == 143
    assert "requeue 123456" in slurm.called("scontrol")
    assert slurm.left() == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_the_batch_script_is_bash_that_stops_at_an_error_and_can_be_queued_again() -> None:
    subprocess.run(["bash", "-n", str(SBATCH)], check=True)
    text = SBATCH.read_text()
    options = dict(line[8:].partition("=")[::2] for line in text.splitlines() if line.startswith("#SBATCH "))
    assert "set -euo pipefail" in text
    assert "--requeue" in options
    assert options["--open-mode"] == "append"
    assert "--array" not in options
    # Outside quotes, assignments and the one loop that splits, no variable is left: a path with a blank stays one word.
    for line in text.splitlines():
        if not re.match(r"\s*(#|\w+=|for address in)", line):
            assert not re.search(r"\$[\w{]", re.sub(r'"[^"]*"', "", line)), line
