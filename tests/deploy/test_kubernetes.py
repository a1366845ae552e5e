"""The manifests start what docker-compose.yml starts: same commands, same variables, same limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OURS = ("api", "coordinator", "worker")
PODS = (*OURS, "postgres", "redis")
# Compose makes the address of a folder of secrets, Kubernetes of the one that is mounted.
SECRETS = "/run/secrets/"


def objects() -> dict[tuple[str, str], dict[str, Any]]:
    """Every object that is applied, by kind and name."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name in KUSTOMIZATION["resources"]:
        for made in yaml.safe_load_all((FOLDER / name).read_text()):
            key = made["kind"], made["metadata"]["name"]
            assert key not in found, f"{key} twice"
            found[key] = made
    return found


MADE = objects()


def workload(name: str) -> dict[str, Any]:
    return MADE["StatefulSet" if name == "postgres" else "Deployment", name]


def pod(name: str) -> dict[str, Any]:
    return workload(name)["spec"]["template"]["spec"]


def container(name: str) -> dict[str, Any]:
    if name == "migrations":
        return pod("coordinator")["initContainers"][0]
    (only,) = pod(name)["containers"]
    assert only["name"] == name
    return only


def variables(name: str) -> dict[str, str]:
    """What a container finds in its environment."""
    found: dict[str, str] = {}
    for source in container(name).get("envFrom", []):
        found |= MADE["ConfigMap", source["configMapRef"]["name"]]["data"]
    return found | {one["name"]: one["value"] for one in container(name).get("env", [])}


def test_every_file_is_applied():
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])


@pytest.mark.parametrize("name", [*PODS, "migrations"])
def test_commands_and_variables_are_those_of_compose(compose, name):
    service = compose["services"][name]
    made = container(name)
    if name != "redis":
        assert made["args"] == service["command"]
    else:
        assert made["command"] == service["entrypoint"]
        assert (
            made["args"][0].replace("/hpsearch/redis_password", "/redis_password")
            == (service["command"][0])
        )
    ours = variables(name)
    theirs = {
        k: v.replace(SECRETS, f"{SECRETS}hpsearch/")
        for k, v in service.get("environment", {}).items()
    }
    assert set(ours) == set(theirs)
    differing = {k for k in ours if ours[k] != theirs[k]}
    assert differing <= {"HPSEARCH_ALLOWED_HOSTS"}


def test_images_are_those_of_compose(compose):
    (tag,) = KUSTOMIZATION["images"]
    for name in [*PODS, "migrations"]:
        image = container(name)["image"]
        image = f"{image}:{tag['newTag']}" if image == tag["name"] else image
        assert image == compose["services"][name]["image"]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_may_do_no_more_than_its_container_in_compose(compose, name):
    service, spec = compose["services"][name], pod(name)
    user, group = (int(part) for part in service["user"].split(":"))
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsGroup"]) == (
        user,
        group,
    )
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    for one in [*spec.get("initContainers", []), *spec["containers"]]:
        assert one["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert one["resources"]["limits"]["memory"]
    memory = container(name)["resources"]["limits"]["memory"]
    assert memory.lower().removesuffix("i") == service["mem_limit"]
    assert f"{spec['terminationGracePeriodSeconds']}s" == service["stop_grace_period"]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_sees_its_own_secrets_and_its_mounts_exist(compose, name):
    volumes = {v["name"]: v for v in pod(name)["volumes"]}
    claims = {c["metadata"]["name"] for c in workload(name)["spec"].get("volumeClaimTemplates", [])}
    items = volumes["secrets"]["secret"]["items"]
    assert {i["key"] for i in items} == set(compose["services"][name]["secrets"])
    for one in [*pod(name).get("initContainers", []), *pod(name)["containers"]]:
        assert {m["name"] for m in one["volumeMounts"]} <= set(volumes) | claims
    for volume in volumes.values():
        if "persistentVolumeClaim" in volume:
            assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in MADE


def test_workers_cannot_write_datasets():
    (mount,) = [m for m in container("worker")["volumeMounts"] if m["name"] == "data"]
    assert mount == {"name": "data", "mountPath": "/data", "readOnly": True}


@pytest.mark.parametrize("name", PODS)
def test_services_and_policies_find_their_pods(name):
    labels = workload(name)["spec"]["template"]["metadata"]["labels"]
    assert (
        workload(name)["spec"]["selector"]["matchLabels"]
        == labels
        == {"app": "hpsearch", "part": name}
    )
    service = MADE.get(("Service", name))
    if service is not None:
        assert service["spec"]["selector"] == labels
        ports = {p["name"] for p in container(name)["ports"]}
        assert {p["targetPort"] for p in service["spec"]["ports"]} <= ports


def test_the_addresses_are_those_of_services():
    for name in OURS:
        for variable in ("DATABASE_URL", "REDIS_URL"):
            host = (
                variables(name)
                .get(variable, "@postgres:")
                .split("//")[-1]
                .split("@")[-1]
                .split(":")[0]
            )
            assert ("Service", host) in MADE


def test_probes_ask_under_a_host_name_that_is_served():
    for kind in ("readinessProbe", "livenessProbe"):
        (header,) = container("api")[kind]["httpGet"]["httpHeaders"]
        assert header == {"name": "Host", "value": "localhost"}
    for name in ("coordinator", "worker"):
        assert container(name)["livenessProbe"]["exec"]["command"][2] == "/opt/hpsearch/check.py"


def test_workers_follow_the_queue():
    spec = MADE["ScaledObject", "worker"]["spec"]
    assert spec["scaleTargetRef"]["name"] == "worker"
    assert "replicas" not in workload("worker")["spec"], "it would fight with the scaling"
    (trigger,) = spec["triggers"]
    slots = container("worker")["args"][-1]
    assert trigger["metadata"]["threshold"] == slots
    assert container("worker")["resources"]["requests"]["cpu"] == slots
    assert 0 < spec["minReplicaCount"] < spec["maxReplicaCount"]
