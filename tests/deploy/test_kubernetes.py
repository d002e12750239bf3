"""The manifests: valid in old and new clusters, restricted, patient, and never two gateways."""

import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from gateway.config.file import read
from tests.deploy.papers import DEPLOY, NEEDED_TO_STOP, document, documents

FOLDER = DEPLOY / "kubernetes"
BASE = {
    path.stem: path
    for path in (FOLDER / "base").glob("*.yaml")
    if path.stem not in ("gateway", "kustomization")
}
VERSIONS = ["1.29", "1.37"]
LABELS = {"app.kubernetes.io/name": "carryon"}
KUBECTL = shutil.which("kubectl")


def strictly(manifest, version):
    kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_valid(version):
    for path in BASE.values():
        for manifest in documents(path):
            strictly(manifest, version)
    wrong = document(BASE["statefulset"])
    wrong["spec"]["template"]["spec"]["terminationGracePeriod"] = 5
    with pytest.raises(kubernetes_validate.ValidationError):
        strictly(wrong, version)


@pytest.mark.parametrize("variant", ["base", "postgres", "monitoring"])
def test_what_a_variant_names_is_there(variant):
    listed = document(FOLDER / variant / "kustomization.yaml")
    files = [one for made in listed.get("configMapGenerator", ()) for one in made["files"]]
    files += [patch["path"] for patch in listed.get("patches", ())]
    for name in (*listed["resources"], *files):
        assert (FOLDER / variant / name).exists(), name
    for patch in listed.get("patches", ()):
        target = document(BASE[patch["target"]["kind"].lower()])
        assert target["metadata"]["name"] == patch["target"]["name"]
        for change in document(FOLDER / variant / patch["path"]):
            if change["op"] == "add":
                place = change["path"].strip("/").split("/")[:-1]
                inside = target
                for step in place:
                    inside = inside[int(step)] if isinstance(inside, list) else inside[step]
                assert isinstance(inside, list | dict), change["path"]


# pip cannot install kubectl, and no library puts kustomizations together. Without it each part is tested
# alone: the manifests, what a kustomization names, and the configs.
@pytest.mark.skipif(KUBECTL is None, reason="only kubectl puts the variants together, and there is none here")
@pytest.mark.parametrize("variant", ["base", "postgres"])
def test_the_variants_can_be_put_together(variant):
    done = subprocess.run(
        [str(KUBECTL), "kustomize", str(FOLDER / variant)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = {manifest["kind"]: manifest for manifest in YAML(typ="safe").load_all(done.stdout)}
    assert made.keys() == {document(path)["kind"] for path in BASE.values()} | {"ConfigMap"}
    for manifest in made.values():
        strictly(manifest, VERSIONS[-1])
    pod = made["StatefulSet"]["spec"]["template"]["spec"]
    mounted = {volume["name"]: volume for volume in pod["volumes"]}
    assert mounted["config"]["configMap"]["name"] == made["ConfigMap"]["metadata"]["name"] != "carryon"
    assert pod["containers"][0]["image"].startswith("carryon:")
    ports = {port["port"] for rule in made["NetworkPolicy"]["spec"]["egress"] for port in rule["ports"]}
    assert (
        (5432 in ports)
        == (variant == "postgres")
        == ("postgresql://" in made["ConfigMap"]["data"]["gateway.yaml"])
    )


@pytest.mark.parametrize("variant", ["base", "postgres"])
def test_its_config_can_be_used(variant, tmp_path):
    for secret in ("telegram-token", "http-token", "postgres-password"):
        (tmp_path / secret).write_text("4242:a-secret-of-a-valid-shape-and-length-00")
    config = tmp_path / "gateway.yaml"
    text = (FOLDER / variant / "gateway.yaml").read_text()
    config.write_text(text.replace("/run/secrets/carryon/", f"{tmp_path}/"))
    found, _ = read(config, {"CARRYON__state_dir": str(tmp_path)})
    assert found.http.listen.port == 8787
    assert found.http.token is not None


def test_there_are_never_two_gateways_and_each_may_finish():
    spec = document(BASE["statefulset"])["spec"]
    assert spec["replicas"] == 1
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"] == LABELS
    assert "rollingUpdate" not in spec["updateStrategy"]
    pod = spec["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > NEEDED_TO_STOP
    (container,) = pod["containers"]
    assert "lifecycle" not in container
    paths = {
        name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")
    }
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


def test_the_pod_keeps_to_the_restricted_profile():
    pod = document(BASE["statefulset"])["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    allowed = {"name", "configMap", "secret", "emptyDir"}
    assert all(volume.keys() <= allowed for volume in pod["volumes"])
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_what_selects_pods_selects_this_one():
    assert document(BASE["service"])["spec"]["selector"] == LABELS
    assert document(BASE["networkpolicy"])["spec"]["podSelector"]["matchLabels"] == LABELS
    assert document(BASE["poddisruptionbudget"])["spec"]["selector"]["matchLabels"] == LABELS
    monitor = document(FOLDER / "monitoring" / "servicemonitor.yaml")
    service = document(BASE["service"])
    assert monitor["spec"]["selector"]["matchLabels"] == service["metadata"]["labels"] == LABELS
    assert {end["port"] for end in monitor["spec"]["endpoints"]} == {
        port["name"] for port in service["spec"]["ports"]
    }
    listed = document(FOLDER / "base" / "kustomization.yaml")["resources"]
    assert sorted(listed) == sorted(Path(path).name for path in BASE.values())
