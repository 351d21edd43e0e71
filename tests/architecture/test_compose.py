"""docker-compose.yml says what we mean, checked as far as it can be without Docker."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
import redis
import yaml
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tools import realsvc

ROOT: Final = Path(__file__).parents[2]
BIN: Final = Path(sys.executable).parent
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
OURS: Final = {
    name: service
    for name, service in SERVICES.items()
    if service.get("build", {}).get("dockerfile") == "deploy/Dockerfile"
}
ROLES: Final = {"migrate", "serve", "project", "worker"}  # of `bos`; others join as they exist
TO_THE_WORLD: Final = {"worker": "egress", "proxy": "front"}

each_service = pytest.mark.parametrize("name", SERVICES)


def runs(*command: str | Path, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def names(listed: object) -> set[str]:
    """The names in a list or a mapping, be they short or long in form."""
    entries = listed if isinstance(listed, list | dict) else []
    return {entry["source"] if isinstance(entry, dict) else str(entry) for entry in entries}


def test_the_file_is_a_compose_file() -> None:
    runs(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")


@pytest.mark.parametrize("dockerfile", sorted((ROOT / "deploy").glob("*Dockerfile")), ids=str)
def test_a_dockerfile_is_clean(dockerfile: Path) -> None:
    runs(BIN / "hadolint", dockerfile)


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_plays_a_known_role(name: str) -> None:
    assert SERVICES[name]["command"][0] in ROLES


def test_every_role_has_a_service() -> None:
    assert {service["command"][0] for service in OURS.values()} == ROLES


@each_service
def test_everything_a_service_names_is_declared(name: str) -> None:
    service = SERVICES[name]
    assert names(service.get("secrets")) <= set(COMPOSE["secrets"])
    assert names(service.get("networks")) <= set(COMPOSE["networks"])
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        known = (ROOT / source).exists() if source.startswith(".") else None
        assert known or source in COMPOSE["volumes"], source


@pytest.mark.parametrize("kind", ["secrets", "networks", "volumes"])
def test_nothing_is_declared_for_nobody(kind: str) -> None:
    used = {
        entry.split(":")[0] for service in SERVICES.values() for entry in names(service.get(kind))
    }
    assert set(COMPOSE[kind]) <= used


@each_service
def test_a_service_can_do_little_harm(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["pids_limit"]


@each_service
def test_a_service_is_not_root(name: str) -> None:
    build = SERVICES[name].get("build")
    if "user" in SERVICES[name]:
        assert not SERVICES[name]["user"].startswith(("0", "root"))
    else:
        assert build, "an image of others runs as whom we say"
        dockerfile = ROOT / build["context"] / build["dockerfile"]
        assert re.findall(r"^USER (\S+)$", dockerfile.read_text(), re.MULTILINE) == ["10001:10001"]


@each_service
def test_a_service_is_watched_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    if name == "migrate":
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert "curl" not in " ".join(service["healthcheck"]["test"])
        assert service["stop_grace_period"]


@each_service
def test_only_workers_reach_the_world(name: str) -> None:
    outside = {key for key, value in COMPOSE["networks"].items() if not value.get("internal")}
    allowed = {TO_THE_WORLD[name]} if name in TO_THE_WORLD else set()
    assert names(SERVICES[name]["networks"]) & outside == allowed


@each_service
def test_no_secret_stands_in_the_environment(name: str) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        assert "PASSWORD" not in key or key.endswith("_FILE")
        assert "@" not in str(value)


def test_the_image_holds_every_package_of_ours() -> None:
    copied = set(
        re.findall(r"^COPY (\w+)/ \1/$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    )
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text()
    let_through = set(re.findall(r"^!(\w+)$", ignored, re.MULTILINE))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "tools"}
    assert copied == let_through == packages


@pytest.fixture(scope="module")
def made_secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What deploy/make-secrets.sh writes, in a tree of its own."""
    tree = tmp_path_factory.mktemp("deployment")
    (tree / "deploy").mkdir()
    script = shutil.copy(ROOT / "deploy" / "make-secrets.sh", tree / "deploy")
    runs("sh", script)
    before = {path.name: path.read_text() for path in (tree / "secrets").iterdir()}
    runs("sh", script)
    assert before == {path.name: path.read_text() for path in (tree / "secrets").iterdir()}
    return tree / "secrets"


def test_every_secret_has_a_file(made_secrets: Path) -> None:
    for secret in COMPOSE["secrets"].values():
        assert (made_secrets / Path(secret["file"]).name).read_text().strip()
    assert made_secrets.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
@pytest.mark.postgres
def test_the_roles_of_postgres_can_log_in(made_secrets: Path) -> None:
    with realsvc.Postgres.create() as postgres:
        superuser = conninfo_to_dict(postgres.url())
        env = {
            "PATH": f"{postgres.bindir}:{os.environ['PATH']}",
            "PGHOST": str(superuser["host"]),
            "PGPORT": str(superuser["port"]),
            "PGPASSWORD": str(superuser["password"]),
            "POSTGRES_DB": "postgres",
            "SECRETS": str(made_secrets),
        }
        runs("sh", ROOT / "deploy" / "postgres" / "10-roles.sh", env=env)
        for role in ("migrator", "app", "reader"):
            password = (made_secrets / f"{role}_password").read_text().strip()
            user = make_conninfo(postgres.url(), user=f"bos_{role}", password=password)
            with psycopg.connect(user) as connection:
                owns = connection.execute("SELECT pg_has_role('bos_owner', 'MEMBER')").fetchone()
            assert owns == (role == "migrator",)


@pytest.mark.redis
def test_redis_lets_nothing_but_a_ping_through_without_the_password(made_secrets: Path) -> None:
    created = realsvc.Redis.create("--aclfile", "acl")
    shutil.copyfile(made_secrets / "redis_acl", created.server.base / "acl")
    with created as server:
        password = (made_secrets / "redis_password").read_text().strip()
        with redis.Redis.from_url(server.url(), password=password) as client:
            assert client.set("fact", "1")
        with redis.Redis.from_url(server.url(), username="health", password="any") as client:
            assert client.ping()
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.get("fact")
        with (
            redis.Redis.from_url(server.url()) as client,
            pytest.raises(redis.exceptions.AuthenticationError),
        ):
            client.ping()


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def health(*urls: str) -> int:
    command = [sys.executable, str(ROOT / "deploy" / "health.py"), *urls]
    return subprocess.run(command, timeout=30, capture_output=True, check=False).returncode


def test_health_is_that_everything_answers(listening: str) -> None:
    silent = "tcp://127.0.0.1:1"
    assert health(listening) == 0
    assert health(listening, silent) == 1
    assert health("http://127.0.0.1:1/health") == 1
