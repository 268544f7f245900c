"""What deploy/ says agrees with the server it is about. (scripts/check-deploy holds it against linters.)"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from polymem.settings import PREFIX, Settings
from tests.conftest import MakeSettings
from tests.serving import serving

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MANIFESTS = {path.name: yaml.safe_load(path.read_text()) for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))}
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
VARIABLES = {PREFIX + name.upper() for name in Settings.model_fields}


def named(text: str) -> set[str]:
    return set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", text))


def pod() -> Any:
    return MANIFESTS["deployment.yaml"]["spec"]["template"]["spec"]


def probes() -> Iterator[str]:
    (container,) = pod()["containers"]
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        yield container[name]["httpGet"]["path"]


def test_only_settings_that_exist_are_set() -> None:
    own = {"POLYMEM_PUBLISH", "POLYMEM_DATABASE_PASSWORD"}
    for path in (path for path in DEPLOY.rglob("*") if path.is_file()):
        assert named(path.read_text()) - own <= VARIABLES, path.name


def test_nothing_runs_as_root_or_writes_where_it_need_not() -> None:
    (container,) = pod()["containers"]
    user = pod()["securityContext"]
    assert user["runAsNonRoot"] is True
    assert user["runAsUser"] > 0
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert users == [f"{user['runAsUser']}:{user['runAsGroup']}"]
    service = COMPOSE["services"]["polymem"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_probes_ask_for_what_the_server_answers(make_settings: MakeSettings) -> None:
    with serving(make_settings(embedder="none", auth="required")) as server, server.client() as client:
        for path in probes():
            # As a node's agent asks: by the pod's address.
            assert client.get(path, headers={"Host": "10.1.2.3:8765"}).status_code == 200
    asked = set(re.findall(r"/health/\w+", DOCKERFILE + (DEPLOY / "compose.yaml").read_text()))
    assert asked == {"/health/live", "/health/ready"}


def test_a_database_that_is_away_makes_a_pod_unready_and_does_not_restart_it() -> None:
    startup, liveness, readiness = probes()
    assert (startup, liveness, readiness) == ("/health/live", "/health/live", "/health/ready")


def test_the_parts_find_each_other() -> None:
    deployment = MANIFESTS["deployment.yaml"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        MANIFESTS["service.yaml"]["spec"]["selector"],
        MANIFESTS["disruption.yaml"]["spec"]["selector"]["matchLabels"],
    ]
    assert all(selector == labels for selector in selectors)
    target = MANIFESTS["autoscaler.yaml"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    # The autoscaler decides how many there are; a number here would undo it with every rollout.
    assert "replicas" not in deployment["spec"]
    (container,) = pod()["containers"]
    sources = {next(iter(source.values()))["name"] for source in container["envFrom"]}
    assert sources == {
        MANIFESTS["configmap.yaml"]["metadata"]["name"],
        MANIFESTS["secret.example.yaml"]["metadata"]["name"],
    }
    assert MANIFESTS["service.yaml"]["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]


def test_everything_but_the_example_of_a_secret_is_applied() -> None:
    listed = set(MANIFESTS["kustomization.yaml"]["resources"])
    assert listed == set(MANIFESTS) - {"kustomization.yaml", "secret.example.yaml"}


def test_all_speak_of_the_server_s_own_port() -> None:
    port = Settings.model_fields["port"].default
    assert f"EXPOSE {port}" in DOCKERFILE
    (container,) = pod()["containers"]
    assert container["ports"][0]["containerPort"] == port
    (published,) = COMPOSE["services"]["polymem"]["ports"]
    assert published.endswith(f":{port}")


def test_a_server_that_others_reach_demands_keys() -> None:
    assert "POLYMEM_AUTH=required" in DOCKERFILE
    assert "POLYMEM_HOST=0.0.0.0" in DOCKERFILE


def test_no_password_is_written_down() -> None:
    url = COMPOSE["services"]["polymem"]["environment"]["POLYMEM_DATABASE_URL"]
    assert "${POLYMEM_DATABASE_PASSWORD:?" in url
    assert "PASSWORD@" in MANIFESTS["secret.example.yaml"]["stringData"]["POLYMEM_DATABASE_URL"]


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "src"])
def test_the_image_is_built_from_what_there_is(name: str) -> None:
    assert (ROOT / name).exists()
    assert f"!{name}\n" in (DEPLOY / "Dockerfile.dockerignore").read_text()
