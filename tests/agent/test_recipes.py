"""The recipes for schedulers say what the agent takes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from hpsearch.agent.agent import GRACE_MOST
from hpsearch.agent.surroundings import agent_name
from hpsearch.agent.template import Template
from hpsearch.cli.agent import _devices
from hpsearch.errors import InvalidRequest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_batch_script_becomes_the_agent(tmp_path: Path) -> None:
    """Its process is the agent's own, so that Slurm's signals reach it."""
    fake = tmp_path / "hpsearch"
    fake.write_text('#!/bin/sh\necho "$$" "$OMP_NUM_THREADS" "$@"\n')
    fake.chmod(0o755)
    process = subprocess.Popen(
        ["bash", EXAMPLES / "agent_slurm.sh", "s1"], stdout=subprocess.PIPE, text=True,
        env={"PATH": f"{tmp_path}:{os.defpath}", "HOME": "/", "HPSEARCH_URL": "http://x", "SLURM_CPUS_PER_TASK": "4"},
    )  # fmt: skip
    pid, threads, *words = process.communicate()[0].split()
    assert (int(pid), threads) == (process.pid, "4")
    assert words[:3] == ["agent", "s1", "--"]
    assert Template.of(words[3:]).names == {"lr", "epochs"}


def test_the_job_gives_the_agent_time_to_hand_back() -> None:
    job = yaml.safe_load((EXAMPLES / "agent_job.yaml").read_text())
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["terminationGracePeriodSeconds"] > GRACE_MOST + 2
    assert container["command"][:2] == ["hpsearch", "agent"]
    assert Template.of(container["args"]).names == {"lr", "epochs"}
    assert job["spec"]["completions"] == job["spec"]["parallelism"]


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "node7-12"),
        ({"SLURM_JOB_ID": "41"}, "slurm-41"),
        ({"SLURM_JOB_ID": "43", "SLURM_ARRAY_JOB_ID": "41", "SLURM_ARRAY_TASK_ID": "2"}, "slurm-41_2"),
        ({"SLURM_JOB_ID": "41", "SLURM_RESTART_COUNT": "1"}, "slurm-41.r1"),
        ({"SLURM_JOB_ID": "41", "SLURM_PROCID": "3"}, "slurm-41.p3"),
    ],
)  # fmt: skip
def test_an_agent_is_called_by_its_job(variables: dict[str, str], name: str) -> None:
    assert agent_name(variables, "node7", 12) == name


def test_gpus_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert _devices(None) == []
    assert _devices("0, 2") == ["0", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,4")
    assert _devices("all") == ["3", "4"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: A'; echo '  MIG 1g'; echo 'GPU 1: A'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    assert _devices("all") == ["0", "1"]
    for wrong in ("", "0,", "0,0"):
        with pytest.raises(InvalidRequest, match="each once"):
            _devices(wrong)
