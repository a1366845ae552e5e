"""The environment, read once: every setting with its default, unit and reason."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from hpsearch.environment import ONE_THREAD, PREFIX, secret_of_file, token, unknown_settings
from hpsearch.errors import Misconfigured
from hpsearch.origins import named, origin_of

DRAIN_SECONDS = 5.0  # two looks of a proxy, or of Kubernetes, at /readyz
SOCKET_PATH_MAX = 100  # sockaddr_un holds 104 to 108 bytes, depending on the system
# Processors with AVX-512 round some NumPy loops differently; portable mode does without.
PORTABLE_CORE = "Haswell"
PORTABLE_SIMD_OFF = "X86_V4 AVX512_ICL AVX512_SPR"
KEY_MIN_LENGTH = 32
WHSEC = "whsec_"  # followed by base64, as the Standard Webhooks specification has it
WHSEC_BYTES = range(24, 65)
WHSEC_FORM = (
    "is whsec_ and 24 to 64 bytes in base64; make one with: python -c 'import base64, secrets; "
    'print("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())\''
)


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts, where the name of its setting does not end with it."""

    name: str


def _data_folder() -> Path:
    from platformdirs import user_data_path  # where HPSEARCH_HOME names none

    return user_data_path("hpsearch")


class Settings(BaseModel):
    """Paths, addresses and limits of the service. Environment variables override defaults.

    docs/reference/settings.md is made of it: the comments above fields are its headings.
    """

    model_config = ConfigDict(
        populate_by_name=True,
        extra="ignore",
        str_strip_whitespace=True,
        validate_default=True,  # the data folder may begin with a tilde
    )

    # Where things lie.
    home: Path = Field(
        default_factory=_data_folder,
        description="Data folder: database and broker of the embedded service, datasets, logs, key.",
    )
    database_url: str | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="Database, as postgresql+psycopg://USER@HOST:PORT/NAME; empty: SQLite in the data folder.",
    )
    redis_url: str | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="Broker, as redis://, rediss:// or redis+socket://; empty: an embedded one.",
    )
    database_password_file: Path | None = Field(
        None, description="File with the password that completes DATABASE_URL."
    )
    redis_password_file: Path | None = Field(
        None, description="File with the password that completes REDIS_URL."
    )
    data_url: str | None = Field(
        None, description="Folder or fsspec URL of the datasets; empty: `data` in the data folder."
    )
    api_key: SecretStr | None = Field(
        None, description="Key `bootstrap` of the API, and the key that the command line sends."
    )
    api_key_file: Path | None = Field(None, description="File with that key, instead.")
    numerics: Literal["native", "portable"] = Field(
        "native",
        description="Bits that workers compute: each machine's own, or alike on all x86-64.",
    )
    engine: Literal["numpy", "compiled"] = Field(
        "numpy",
        description="Elementwise passes of training, of the same bits: NumPy's, or compiled by `hpsearch[fast]`, for long trainings.",
    )

    # The API.
    host: str = Field("127.0.0.1", description="Address that the API binds to.")
    port: int = Field(
        8080, ge=0, le=65535, description="Port of the API; 0: any that is free (`hpsearch serve`)."
    )
    allowed_hosts: str = Field(
        "",
        description="Host names that requests may ask for besides the loopback's, comma-separated.",
    )
    allow_remote: bool = Field(False, description="Permits an address that is not the loopback's.")
    trusted_proxies: str = Field(
        "", description="Networks of proxies whose X-Forwarded headers count, comma-separated."
    )
    drain_seconds: float | None = Field(
        None,
        ge=0,
        le=60,
        description="Time that a stopping API still serves, not ready; empty: 5 behind a broker, else 0.",
    )
    url: str = Field(
        "http://127.0.0.1:8080", description="Address at which the command line finds the service."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe lines that are logged."
    )
    sqlite_synchronous: Literal["FULL", "NORMAL"] = Field(
        "FULL",
        description="SQLite's `synchronous`; NORMAL may lose the last moments in a power cut.",
    )
    prepared_statements: Literal["auto", "on", "off"] = Field(
        "auto", description="Prepared statements on PostgreSQL; auto: unless a pooler lies between."
    )
    transaction_seconds: float = Field(
        30.0,
        gt=0,
        le=86_400,
        description="Time that the API lets a transaction on PostgreSQL take.",
    )

    audit_days: Annotated[float, Unit("days")] = Field(
        400.0,
        ge=1,
        le=36_500,
        description="Time that a row of the audit is kept, whatever is pruned.",
    )

    # The queue.
    heartbeat_seconds: float = Field(
        5.0, gt=0, description="Time between two heartbeats of a worker or loop."
    )
    lease_seconds: float = Field(
        30.0, gt=0, description="Silence after which a job is taken back from its worker."
    )
    tick_seconds: float = Field(1.0, gt=0, description="Pause between two turns of the loop.")
    republish_seconds: float = Field(
        60.0, gt=0, description="Time after which a hint that nobody has followed is sent again."
    )
    retry_seconds: float = Field(
        2.0, ge=0, description="First delay of a lost job; it doubles at each loss, up to 60 s."
    )
    max_losses: Annotated[int, Unit("losses")] = Field(
        3, ge=1, description="Losses of a job at which its trials count as failed."
    )
    hints_per_slot: Annotated[int, Unit("hints")] = Field(
        4, ge=1, description="Hints that lie in the broker for each worker process."
    )
    deadline_floor_seconds: float = Field(
        120.0, gt=0, description="Time that every job has; what it computes is added."
    )
    deadline_gflops: float = Field(
        0.25, gt=0, description="Speed that even a poor worker reaches, for the deadline of a job."
    )
    deadline_step_seconds: float = Field(
        0.002, gt=0, description="Time that a minibatch costs besides, for the deadline of a job."
    )

    # Webhooks.
    webhook_hosts: str = Field(
        "",
        description="Receivers that are allowed, comma-separated: HOST or HOST:PORT for https, or http://HOST:PORT.",
    )
    webhook_secret: SecretStr | None = Field(
        None, description="Secret that signs them: whsec_ and base64."
    )
    webhook_secret_file: Path | None = Field(None, description="File with that secret, instead.")
    webhook_seconds: float = Field(
        10.0, gt=0, le=60, description="Time that one attempt may take, all in all."
    )
    webhook_attempts: Annotated[int, Unit("attempts")] = Field(
        8, ge=1, le=20, description="Attempts after which a webhook is given up."
    )
    webhook_retry_seconds: float = Field(
        10.0, gt=0, le=600, description="Pause after the first attempt; it trebles each time."
    )
    public_url: str = Field(
        "", description="Beginning of links that leave the service, as https://search.example.org."
    )

    # Jobs. Their sizes never change a result.
    job_size: Annotated[int, Unit("trials")] = Field(
        32, ge=1, description="Trials in a job, at most."
    )
    stack_size: Annotated[int, Unit("trials")] = Field(
        0, ge=0, description="Trials that are trained as one stack; 0: measured best for the shape."
    )

    # Caps on what a user may ask for.
    max_trials: Annotated[int, Unit("trials")] = Field(100_000, description="Trials of a search.")
    max_trials_per_round: Annotated[int, Unit("trials")] = Field(
        10_000, description="Trials of a round."
    )
    max_rounds: Annotated[int, Unit("rounds")] = Field(50, description="Rounds of a search.")
    max_epochs: Annotated[int, Unit("epochs")] = Field(1_000, description="Epochs of a trial.")
    max_hidden_layers: Annotated[int, Unit("layers")] = Field(
        10, description="Hidden layers of a network."
    )
    max_units: Annotated[int, Unit("units")] = Field(4_096, description="Units of a hidden layer.")
    max_parameters: Annotated[int, Unit("parameters")] = Field(
        20_000_000, description="Parameters of a network."
    )
    max_final_models: Annotated[int, Unit("models")] = Field(
        64, description="Models of a final test."
    )
    max_json_bytes: int = Field(1_000_000, description="Size of a request's JSON.")
    max_upload_bytes: int = Field(256_000_000, description="Size of an upload.")
    max_active_searches: Annotated[int, Unit("searches")] = Field(
        100, description="Unfinished searches of one owner."
    )
    max_datasets: Annotated[int, Unit("datasets")] = Field(
        200, description="Names of one owner's datasets."
    )
    max_dataset_bytes: int = Field(20_000_000_000, description="Size of all datasets of one owner.")
    key_days: Annotated[int | None, Unit("days")] = Field(
        None, ge=1, le=36_500, description="Longest life of a new key; empty: for ever."
    )
    requests_per_second: Annotated[float, Unit("requests/s")] = Field(
        200.0, ge=0, description="Rate of requests of one key that is allowed; 0: any."
    )
    request_burst: Annotated[int, Unit("requests")] = Field(
        2_000, ge=1, description="Requests that a rested key has at once."
    )

    @model_validator(mode="before")
    @classmethod
    def _with_the_environment(cls, given: dict[str, object]) -> dict[str, object]:
        """Add to what is given the variables that are set and not empty, in letters of either case.

        A field with a name of its own there, such as DATABASE_URL, is also read with the prefix.
        """
        variables = {name.lower(): value for name, value in os.environ.items() if value}
        values = dict(given)
        for name, field in cls.model_fields.items():
            alias = field.validation_alias
            own = [alias] if isinstance(alias, str) else []
            names = [v.lower() for v in (*own, PREFIX + name)]
            found = next((variables[v] for v in names if v in variables), None)
            if found is not None and given.keys().isdisjoint((name, *own)):
                values[name] = found
        return values

    @field_validator(
        "home", "database_password_file", "redis_password_file", "api_key_file",
        "webhook_secret_file",
    )  # fmt: skip
    @classmethod
    def _without_tilde(cls, path: Path | None) -> Path | None:
        try:
            return path and path.expanduser()
        except RuntimeError as error:
            raise ValueError(f"{str(path)!r}: there is no such user's home folder") from error

    @field_validator("data_url", "database_url", "redis_url")
    @classmethod
    def _without_tilde_in_path(cls, url: str | None) -> str | None:
        """Expand ~ where the address is a path: a folder of datasets, or an SQLite file."""
        scheme, path = re.fullmatch("(sqlite[^:]*:///|file://)?(.*)", url or "", re.DOTALL).groups()  # type: ignore[union-attr]  # everything matches
        if not path.startswith("~"):
            return url or None
        return f"{scheme or ''}{cls._without_tilde(Path(path))}"

    @field_validator("port", mode="before")
    @classmethod
    def _is_no_link(cls, port: object) -> object:
        if isinstance(port, str) and port.startswith("tcp://"):
            raise ValueError(
                f"{port!r} is what Kubernetes sets for a Service of the name hpsearch; write "
                "enableServiceLinks: false into the pod's spec, or give the Service another name"
            )
        return port

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, networks: str) -> str:
        for entry in _listed(networks):
            try:
                ip_network(entry)
            except ValueError as error:
                raise ValueError(
                    f"{entry!r} is no network; write 10.0.0.0/8, 192.0.2.7 or fd00::/8"
                ) from error
        return networks

    @field_validator("webhook_hosts")
    @classmethod
    def _are_hosts(cls, hosts: str) -> str:
        for entry in _listed(hosts):
            if named(entry) is None:
                raise ValueError(
                    f"{entry!r} is no host; write hooks.example.org, hooks.example.org:8443 or "
                    "http://127.0.0.1:9000"
                )
        return hosts

    @field_validator("public_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if url and origin_of(url) is None:
            raise ValueError(f"{url!r} is no address; write https://search.example.org")
        return url.rstrip("/")

    @cached_property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Networks of the proxies that may name a request's client, scheme and id."""
        return tuple(ip_network(entry) for entry in _listed(self.trusted_proxies))

    @property
    def embedded(self) -> bool:
        """Say whether the service brings its own broker."""
        return self.redis_url is None

    @property
    def drain(self) -> float:
        """Seconds for which an API that was told to stop still serves, while `/readyz` says no.

        Where there is no broker of its own nobody stands before the service and asks.
        """
        if self.drain_seconds is not None:
            return self.drain_seconds
        return 0.0 if self.embedded else DRAIN_SECONDS

    @property
    def database(self) -> str:
        """The SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{quote(str(self.home / 'hpsearch.db'))}"

    @property
    def datasets_url(self) -> str:
        """Folder or URL of the dataset files."""
        return self.data_url or str(self.home / "data")

    def make_home(self) -> None:
        """Make the data folder, where it is not there yet.

        Raises
        ------
        Misconfigured
            It cannot be made.
        """
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Misconfigured(f"HPSEARCH_HOME {self.home}: {error.strerror}") from error

    @property
    def cache(self) -> Path:
        """Local copies of remote dataset files, named by digest."""
        return self.home / "cache"

    @cached_property
    def socket(self) -> Path:
        """The embedded broker's Unix socket, short enough for the operating system."""
        path = self.home.absolute() / "run" / "broker.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_MAX:
            return path
        name = hashlib.sha256(os.fsencode(self.home.absolute())).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"hpsearch-{os.getuid()}-{name}" / "broker.sock"

    @property
    def broker(self) -> str:
        """The broker URL as kombu spells it."""
        return self.redis_url or f"redis+socket://{quote(str(self.socket))}"

    def client_key(self) -> str | None:
        """Read the key of HPSEARCH_API_KEY or its file, for a client; the service checks it.

        Raises
        ------
        Misconfigured
            The file cannot be read, or it holds no key.
        """
        if self.api_key is not None:
            return token("HPSEARCH_API_KEY", self.api_key.get_secret_value())
        if self.api_key_file is not None:
            name = "HPSEARCH_API_KEY_FILE"
            return token(name, secret_of_file(name, self.api_key_file))
        return None

    def bootstrap_key(self) -> str | None:
        """Read the key `bootstrap` from the settings; None where there is none.

        Raises
        ------
        Misconfigured
            The file cannot be read, or the key is shorter than 32 characters.
        """
        key = self.client_key()
        if key is not None and len(key) < KEY_MIN_LENGTH:
            raise Misconfigured(
                f"HPSEARCH_API_KEY has {len(key)} characters, it needs {KEY_MIN_LENGTH} or more; "
                "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        return key

    @property
    def webhook_origins(self) -> frozenset[str]:
        """Hosts that webhooks may be sent to, as `scheme://host:port`."""
        return frozenset(
            origin for entry in _listed(self.webhook_hosts) if (origin := named(entry))
        )

    def webhook_key(self) -> bytes | None:
        """Read the key that signs webhooks; None: they are not signed.

        Raises
        ------
        Misconfigured
            The file cannot be read, or the secret has another form.
        """
        if self.webhook_secret is not None:
            secret = token("HPSEARCH_WEBHOOK_SECRET", self.webhook_secret.get_secret_value())
        elif self.webhook_secret_file is not None:
            name = "HPSEARCH_WEBHOOK_SECRET_FILE"
            secret = token(name, secret_of_file(name, self.webhook_secret_file))
        else:
            return None
        try:
            key = base64.b64decode(secret.removeprefix(WHSEC), validate=True)
        except binascii.Error:
            key = b""
        if not secret.startswith(WHSEC) or len(key) not in WHSEC_BYTES:
            raise Misconfigured(f"HPSEARCH_WEBHOOK_SECRET {WHSEC_FORM}")
        return key

    def child_environment(self) -> dict[str, str]:
        """Environment of a process that trains; it must be set before NumPy loads."""
        # Without MKL_CBWR, MKL's order of additions may depend on where an array lies in memory.
        environment = {**dict.fromkeys(ONE_THREAD, "1"), "MKL_CBWR": "AUTO"}
        environment["HPSEARCH_ENGINE"] = self.engine
        if self.numerics == "portable":
            environment["MKL_CBWR"] = "COMPATIBLE"
            environment["OPENBLAS_CORETYPE"] = PORTABLE_CORE
            environment["NPY_DISABLE_CPU_FEATURES"] = PORTABLE_SIMD_OFF
        return environment


def _listed(text: str) -> list[str]:
    return [part for part in map(str.strip, text.split(",")) if part]


def load(**overrides: object) -> Settings:
    """The settings of this process.

    Raises
    ------
    Misconfigured
        A variable has a value that cannot work, or a file with a password is not there; the
        message names the variable.
    """
    try:
        settings = Settings.model_validate(overrides)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0])
        if name in Settings.model_fields:  # an alias is the variable's own name already
            alias = Settings.model_fields[name].validation_alias
            name = alias if isinstance(alias, str) else f"HPSEARCH_{name.upper()}"
        raise Misconfigured(f"{name}: {first['msg']}") from error
    settings = settings.model_copy(update=dict(_completed(settings)))
    settings.webhook_key()  # it would be missed when the first search has ended, and not before
    return settings


def complaints(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Sentences about variables that look like settings and are none: misspelled, or of another version."""
    return list(unknown_settings(environment, Settings.model_fields))


def _completed(settings: Settings) -> Iterator[tuple[str, str]]:
    """The addresses whose passwords lie in files, by field and complete."""
    for server in ("database", "redis"):
        file = getattr(settings, f"{server}_password_file")
        if file is not None:
            name, field = f"HPSEARCH_{server.upper()}_PASSWORD_FILE", f"{server}_url"
            # As the shell and the PostgreSQL image do: only the end of the line goes.
            password = secret_of_file(name, file).rstrip("\r\n")
            yield field, _with_password(getattr(settings, field), password, field.upper(), name)


def _with_password(url: str | None, password: str, url_name: str, file_name: str) -> str:
    """`url` with the password in it, escaped whatever it holds."""
    scheme, separator, rest = (url or "").partition("://")
    if not separator or scheme.startswith("sqlite"):
        raise Misconfigured(f"{file_name} needs {url_name}, the address of a server")
    authority, slash, path = rest.partition("/")
    user, _, host = authority.rpartition("@")
    if ":" in user:
        raise Misconfigured(f"{url_name} holds a password and {file_name} another; keep one")
    if not password:
        raise Misconfigured(f"{file_name} names an empty file")
    return f"{scheme}://{user}:{quote(password, safe='')}@{host}{slash}{path}"
