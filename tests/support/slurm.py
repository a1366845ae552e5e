"""A Slurm of one machine, with its own key, ports and folders: munged, slurmctld and slurmd."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.ports import free_port
from support.waiting import until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "scancel")
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,batch_sched_delay=0
KillWait=30
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
"""
# A requeued job waits until its credential has expired, two minutes by default: hence cred_expire.


def missing() -> str:
    """Name the programs of Slurm that are not installed."""
    return ", ".join(name for name in PROGRAMS if not shutil.which(name, path=_path()))


@dataclass(frozen=True)
class Slurm:
    """A Slurm that runs."""

    folder: Path

    def run(self, *command: str | Path, **environment: str) -> str:
        """The output of one of its commands."""
        done = subprocess.run(
            command, env=self.environment | environment, cwd=self.folder, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that its commands need."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("HPSEARCH_")
        }
        return kept | {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": _path()}

    def states(self, job: str) -> Sequence[str]:
        """The states of a job's tasks that are not over."""
        return self.run("squeue", "--noheader", "--array", "--format=%T", f"--jobs={job}").split()


@contextmanager
def slurm(folder: Path) -> Iterator[Slurm]:
    """Start a Slurm in a folder, and end all of it."""
    for name in ("state", "spool"):
        (folder / name).mkdir()
    host = socket.gethostname().partition(".")[0]
    ports = {"controller": free_port(), "node": free_port()}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(host=host, folder=folder, **ports))
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    it, started = Slurm(folder), list[subprocess.Popen[bytes]]()
    files = {f"--{name}": folder / f"munge.{name}" for name in ("socket", "pid-file", "log-file", "seed-file")}  # fmt: skip
    commands = (
        ["munged", "--foreground", "--force", f"--key-file={key}", *(f"{k}={v}" for k, v in files.items())],
        ["slurmctld", "-D", "-i"],
        ["slurmd", "-D"],
    )  # fmt: skip
    try:
        for command in commands:
            with (folder / f"{command[0]}.log").open("wb") as log:
                started.append(
                    subprocess.Popen(command, env=it.environment, stdout=log, stderr=log)
                )
            if command[0] == "munged":
                until(files["--socket"].exists, what="munged")
        until(lambda: _idle(it), what="a node that takes jobs")
        yield it
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in reversed(started):
            process.wait(20)


def _idle(it: Slurm) -> bool:
    done = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"], env=it.environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    return done.stdout.strip() == "idle"


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
