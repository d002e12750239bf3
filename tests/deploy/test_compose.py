"""The Compose files: valid, closed, and patient enough; their configs can be used as they are."""

import pytest
from compose_spec import PyCompose

from gateway.config.file import read
from gateway.config.types import parse_duration
from tests.deploy.papers import DEPLOY, NEEDED_TO_STOP, document

FOLDER = DEPLOY / "compose"
FILES = ["compose.yaml", "compose.postgres.yaml"]


@pytest.mark.parametrize("name", FILES)
def test_it_is_closed_and_patient(name):
    text = (FOLDER / name).read_text()
    assert PyCompose.from_yaml(text).service_names()
    with pytest.raises(ValueError, match="stop_grace"):
        PyCompose.from_yaml(text.replace("stop_grace_period", "stop_grace"))
    compose = document(FOLDER / name)
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert set(service["secrets"]) <= set(compose["secrets"])
        assert not any(
            "token" in key.lower() or key.endswith("PASSWORD") for key in service.get("environment", {})
        )
    gateway = compose["services"]["carryon"]
    assert parse_duration(gateway["stop_grace_period"]) > NEEDED_TO_STOP
    assert all(port.startswith("127.0.0.1:") for port in gateway["ports"])
    for service, when in gateway.get("depends_on", {}).items():
        assert when == {"condition": "service_healthy"}
        assert compose["services"][service]["healthcheck"]["test"][0] == "CMD"
        assert "ports" not in compose["services"][service]


@pytest.mark.parametrize("name", FILES)
def test_the_config_it_mounts_can_be_used(name, tmp_path):
    compose = document(FOLDER / name)
    mounted = compose["services"]["carryon"]["volumes"][1].split(":")
    assert mounted[1:] == ["/etc/carryon/gateway.yaml", "ro"]
    for secret in compose["services"]["carryon"]["secrets"]:
        (tmp_path / secret).write_text("4242:a-secret-of-a-valid-shape-and-length-00")
    config = tmp_path / "gateway.yaml"
    config.write_text((FOLDER / mounted[0]).read_text().replace("/run/secrets/", f"{tmp_path}/"))
    found, _ = read(config, {"CARRYON__state_dir": str(tmp_path)})
    assert found.http.token is not None
    assert not found.http.listen.loopback
