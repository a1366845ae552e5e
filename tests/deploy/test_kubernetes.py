"""The manifests start what docker-compose.yml starts: same commands, same variables, same limits."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from api.server import GRACE_SECONDS
from hpsearch.settings import DRAIN_SECONDS

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OURS = ("api", "coordinator", "worker")
TASKS = ("backup", "prune")
PODS = (*OURS, "postgres", "redis", *TASKS)
# What follows from where a cluster's requests come from.
OF_A_CLUSTER = {"HPSEARCH_ALLOWED_HOSTS", "HPSEARCH_TRUSTED_PROXIES"}
OLDEST = "1.29"  # of Kubernetes whose schemas take the manifests
# Custom kinds are none of Kubernetes': what we use of them, and nothing else.
CUSTOM = {
    "ServiceMonitor": {
        "apiVersion": {"const": "monitoring.coreos.com/v1"},
        "spec": {
            "properties": {
                "jobLabel": {"type": "string"},
                "selector": {
                    "properties": {"matchLabels": {"additionalProperties": {"type": "string"}}},
                    "required": ["matchLabels"],
                    "additionalProperties": False,
                },
                "endpoints": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "properties": {
                            "port": {"type": "string"},
                            "path": {"pattern": "^/"},
                            "interval": {"pattern": "^[0-9]+s$"},
                            "scrapeTimeout": {"pattern": "^[0-9]+s$"},
                            "authorization": {
                                "properties": {
                                    "type": {"const": "Bearer"},
                                    "credentials": {
                                        "properties": {
                                            "name": {"type": "string"},
                                            "key": {"type": "string"},
                                        },
                                        "required": ["name", "key"],
                                        "additionalProperties": False,
                                    },
                                },
                                "required": ["credentials"],
                                "additionalProperties": False,
                            },
                        },
                        "required": ["port"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["selector", "endpoints"],
            "additionalProperties": False,
        },
    },
    "ScaledObject": {
        "apiVersion": {"const": "keda.sh/v1alpha1"},
        "spec": {
            "properties": {
                "scaleTargetRef": {
                    "properties": {"name": {"type": "string"}},
                    "required": ["name"],
                    "additionalProperties": False,
                },
                "minReplicaCount": {"type": "integer", "minimum": 0},
                "maxReplicaCount": {"type": "integer", "minimum": 1},
                "pollingInterval": {"type": "integer"},
                "cooldownPeriod": {"type": "integer"},
                "fallback": {
                    "properties": {
                        "failureThreshold": {"type": "integer"},
                        "replicas": {"type": "integer"},
                        "behavior": {
                            "enum": [
                                "static",
                                "currentReplicas",
                                "currentReplicasIfHigher",
                                "currentReplicasIfLower",
                            ]
                        },
                    },
                    "required": ["failureThreshold", "replicas"],
                    "additionalProperties": False,
                },
                "advanced": {"type": "object"},
                "triggers": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "properties": {
                            "type": {"const": "prometheus"},
                            "metricType": {"enum": ["AverageValue", "Value"]},
                            "metadata": {"additionalProperties": {"type": "string"}},
                        },
                        "required": ["type", "metadata"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["scaleTargetRef", "triggers"],
            "additionalProperties": False,
        },
    },
}
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
    if name in TASKS:
        return MADE["CronJob", name]["spec"]["jobTemplate"]
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
    own = container(name).get("env", [])
    return found | {one["name"]: one["value"] for one in own if "value" in one}


def test_every_file_is_applied():
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])


@pytest.mark.parametrize("name", [*PODS, "migrations"])
def test_commands_and_variables_are_those_of_compose(compose, name):
    service = compose["services"][name]
    made = container(name)
    if "entrypoint" not in service:
        assert made["args"] == service["command"]
    else:
        assert made["command"] == service["entrypoint"]
        script = made["args"][0].replace(f"{SECRETS}hpsearch/", SECRETS)
        assert script == service["command"][0]
    ours = variables(name)
    theirs = {
        k: v.replace(SECRETS, f"{SECRETS}hpsearch/")
        for k, v in service.get("environment", {}).items()
    }
    assert set(ours) == set(theirs)
    differing = {k for k in ours if ours[k] != theirs[k]}
    assert differing <= OF_A_CLUSTER


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
        assert {"cpu", "memory"} <= set(one["resources"]["limits"])
    assert float(container(name)["resources"]["limits"]["cpu"]) == float(service["cpus"])
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
    assert labels == {"app": "hpsearch", "part": name}
    if name not in TASKS:
        assert workload(name)["spec"]["selector"]["matchLabels"] == labels
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


@pytest.mark.parametrize("key", MADE, ids="-".join)
def test_every_object_is_what_its_kind_allows(key):
    made = MADE[key]
    if key[0] not in CUSTOM:
        for version in (OLDEST, kubernetes_validate.latest_version()):
            kubernetes_validate.validate(made, version, strict=True)
        return
    assert set(made) == {"apiVersion", "kind", "metadata", "spec"}
    schema = {"properties": CUSTOM[key[0]]}
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(made, schema)


@pytest.mark.parametrize("key", [("Deployment", "api"), ("ServiceMonitor", "hpsearch")])
def test_a_misspelled_field_is_noticed(key, monkeypatch):
    made = copy.deepcopy(MADE[key])
    spec = made["spec"] if key[0] == "ServiceMonitor" else made["spec"]["template"]["spec"]
    spec["terminationGraceSecond"] = 3
    monkeypatch.setitem(MADE, key, made)
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        test_every_object_is_what_its_kind_allows(key)


def test_there_are_two_apis_on_two_nodes_and_a_drain_leaves_one():
    assert workload("api")["spec"]["replicas"] == 2
    for name in ("api", "worker"):
        constraints = pod(name)["topologySpreadConstraints"]
        assert [c["topologyKey"] for c in constraints] == [
            "kubernetes.io/hostname",
            "topology.kubernetes.io/zone",
        ]
        for constraint in constraints:
            assert constraint["labelSelector"]["matchLabels"] == {"app": "hpsearch", "part": name}
    budget = MADE["PodDisruptionBudget", "api"]["spec"]
    assert budget["minAvailable"] < workload("api")["spec"]["replicas"]
    assert budget["selector"] == workload("api")["spec"]["selector"]


def test_an_api_that_stops_has_the_time_to_end_what_it_has_begun():
    program, seconds = container("api")["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    needed = float(seconds) + DRAIN_SECONDS + GRACE_SECONDS
    assert needed < pod("api")["terminationGracePeriodSeconds"]


def test_the_api_s_port_is_open_to_an_ingress_and_a_monitor_alone():
    policy = MADE["NetworkPolicy", "api"]["spec"]
    assert policy["podSelector"]["matchLabels"] == {"app": "hpsearch", "part": "api"}
    (rule,) = policy["ingress"]
    assert rule["ports"] == [{"port": container("api")["ports"][0]["containerPort"]}]
    (source,) = rule["from"]
    assert set(source) == {"namespaceSelector"}
    assert source["namespaceSelector"]["matchExpressions"]


def test_every_pod_has_a_policy_and_reaches_the_database_if_it_needs_it():
    reach = MADE["NetworkPolicy", "postgres"]["spec"]["ingress"][0]["from"][0]["podSelector"]
    assert set(reach["matchExpressions"][0]["values"]) == {*OURS, *TASKS}
    selectors = [
        made["spec"]["podSelector"] for key, made in MADE.items() if key[0] == "NetworkPolicy"
    ]
    covered = {s["matchLabels"]["part"] for s in selectors if "matchLabels" in s}
    for selector in selectors:
        covered |= {v for e in selector.get("matchExpressions", []) for v in e["values"]}
    assert covered == set(PODS)


def test_the_monitor_finds_the_apis_under_the_job_of_the_alerts():
    spec, service = MADE["ServiceMonitor", "hpsearch"]["spec"], MADE["Service", "api"]
    labels = service["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert labels[spec["jobLabel"]] == "hpsearch"
    (endpoint,) = spec["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["authorization"]["credentials"]["name"] == "hpsearch-monitor"
    names = [one["name"] for one in container("api")["env"]]
    assert names.index("POD_IP") < names.index("HPSEARCH_ALLOWED_HOSTS"), "or it is not filled in"
    assert "$(POD_IP)" in variables("api")["HPSEARCH_ALLOWED_HOSTS"]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_runs_daily_and_never_twice_at_once(name):
    spec = MADE["CronJob", name]["spec"]
    minute, hour, *rest = spec["schedule"].split()
    assert minute.isdigit()
    assert hour.isdigit()
    assert rest == ["*", "*", "*"]
    assert spec["concurrencyPolicy"] == "Forbid"
