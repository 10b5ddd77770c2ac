"""What is given to nginx, systemd and a container engine: it is read as they read it, as far as they are here."""

from __future__ import annotations

import configparser
import ipaddress
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.image import CPU_TORCH, build, steps
from deploy.replicas import configuration
from deploy.start import HERE, ROOT, free_port, is_healthy, prepare_nginx
from rhythmvae.cli.entry import build_parser
from rhythmvae.jobs.homes import FOLDER_VARIABLE
from rhythmvae.ui.server import headers

# Of the compose specification, as far as they are used here.
KEYS_OF_A_SERVICE = {"build", "command", "depends_on", "environment", "healthcheck", "image", "networks", "ports"}
KEYS_OF_A_SERVICE |= {"restart", "stop_grace_period", "volumes"}
REPLICAS = ["127.0.0.1:8501", "127.0.0.1:8502", "127.0.0.1:8503"]


def test_nginx_takes_the_configuration(tmp_path: Path) -> None:
    command = prepare_nginx(tmp_path, 8500, REPLICAS)
    if not Path(command[0]).exists() and not os.environ.get("CI"):
        pytest.skip("no nginx here")
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr
    (tmp_path / "conf.d" / "rhythmvae-replicas.conf").write_text("upstream {")
    assert subprocess.run([*command, "-t"], capture_output=True).returncode != 0  # it is read


def test_nginx_says_what_the_app_says() -> None:
    text = (HERE / "rhythmvae.conf").read_text("utf-8")
    said = dict(re.findall(r'add_header (\S+) "([^"]*)" always;', text))
    said.pop("Set-Cookie")
    assert said == headers.headers()
    assert set(re.findall(r"proxy_hide_header (\S+);", text)) == set(headers.headers())


@pytest.mark.parametrize("name", ["rhythmvae-replicas.conf", "rhythmvae-replicas.compose.conf"])
def test_lists_of_replicas_are_as_they_are_made(name: str) -> None:
    text = (HERE / name).read_text("utf-8")
    first = text.partition("\n")[0]
    assert text == configuration(first.partition("deploy.replicas ")[2].split())


@pytest.mark.parametrize("wrong", [[], ["127.0.0.1:1", "127.0.0.1:1"], ["app:8501"], ["127.0.0.1:1;"], ["1.2.3.4"]])
def test_an_address_that_nginx_would_not_know_again_is_refused(wrong: list[str]) -> None:
    with pytest.raises(ValueError, match="Expected"):
        configuration(wrong)


def test_compose_names_what_is_there() -> None:
    compose: dict[str, Any] = yaml.safe_load((HERE / "compose.yaml").read_text("utf-8"))
    services = compose["services"]
    programs = [service for service in services.values() if service.get("image") == "rhythmvae"]
    replicas = [service for service in programs if "command" not in service]
    [worker] = [service for service in programs if "command" in service]
    assert build_parser().parse_args(worker["command"][3:]).command == "worker"
    assert worker["environment"] == replicas[0]["environment"]  # the same database, site and folder
    assert worker["volumes"] == replicas[0]["volumes"]
    listed = (HERE / "rhythmvae-replicas.compose.conf").read_text("utf-8")
    for service in replicas:
        assert f"server {service['networks']['default']['ipv4_address']}:8501 " in listed
        assert {FOLDER_VARIABLE, "RHYTHMVAE_DATABASE", "RHYTHMVAE_SITE"} <= service["environment"].keys()
        assert (HERE / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert len(replicas) == 2
    network = compose["networks"]["default"]["ipam"]["config"][0]
    others = ipaddress.ip_network(network["ip_range"])
    assert others.subnet_of(ipaddress.ip_network(network["subnet"]))
    for service in replicas:  # nobody else is given their address
        assert ipaddress.ip_address(service["networks"]["default"]["ipv4_address"]) not in others
    for service in services.values():
        assert set(service.get("depends_on", ())) <= services.keys()
        assert set(service) <= KEYS_OF_A_SERVICE
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (HERE / source).is_file() if source.startswith(".") else source in compose["volumes"]


@pytest.mark.parametrize(("name", "command"), [("rhythmvae@", "app"), ("rhythmvae-worker@", "worker")])
def test_a_unit_starts_a_command_that_there_is(name: str, command: str, tmp_path: Path) -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    text = (HERE / f"{name}.service").read_text("utf-8")
    unit.read_string(text)
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    program, *words = shlex.split(unit["Service"]["ExecStart"].replace("%i", "8501"))
    assert words[:3] == ["-m", "rhythmvae", command]
    assert build_parser().parse_args([word.replace("${RHYTHMVAE_HOST}", "10.0.0.1") for word in words[2:]])
    assert unit["Service"]["Restart"] == "always"
    if (systemd := shutil.which("systemd-analyze")) is None:
        return
    here = tmp_path / f"{name}8501.service"
    here.write_text(text.replace(program, sys.executable), "utf-8")
    checked = subprocess.run([systemd, "verify", "--man=no", str(here)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert here.name not in checked.stderr, checked.stderr


def test_the_image_copies_what_there_is_and_all_that_the_app_is() -> None:
    text = (HERE / "Dockerfile").read_text("utf-8")
    assert CPU_TORCH in text  # which --any-torch leaves out
    copied = [line.split()[1] for line in text.splitlines() if line.startswith("COPY ")]
    assert all((ROOT / name).exists() for name in copied)
    assert {"app.py", "pages", "checkpoints", ".streamlit", "rhythmvae", "docs/figures"} <= set(copied)


def test_the_steps_of_the_image_make_an_app_that_answers(tmp_path: Path) -> None:
    """In an empty folder, with nothing of this checkout but what is copied; what is installed is what is here."""
    packages = next(Path(path) for path in sys.path if (Path(path) / "streamlit").is_dir())
    image = build(tmp_path, packages)
    assert not (tmp_path / "work").exists()
    assert sorted(path.name for path in image.work.iterdir()) == sorted(
        [".streamlit", "app.py", "checkpoints", "docs", "pages", "requirements.txt", "rhythmvae", "shared"]
    )
    port = free_port()
    command = [str(port) if word == "8501" else word for word in image.command]
    environment = image.environment | {"RHYTHMVAE_WORKERS": "0", "RHYTHMVAE_DATABASE": "none"}
    with (tmp_path / "log").open("wb") as log:
        app = subprocess.Popen(command, cwd=image.work, env=environment, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 120
        while not is_healthy(f"http://127.0.0.1:{port}"):
            assert app.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.1)
    finally:
        app.terminate()
        app.wait(120)
    asked = [command[0], "-c", "import rhythmvae; print(rhythmvae.__file__)"]
    there = subprocess.run(asked, cwd=image.work, env=image.environment, capture_output=True, text=True, check=True)
    assert Path(there.stdout.strip()) == image.work / "rhythmvae" / "__init__.py"


def test_an_instruction_that_nobody_does_is_refused() -> None:
    with pytest.raises(ValueError, match="got ADD"):
        steps("FROM python\nADD x y\n")


def test_who_says_nothing_is_open_to_this_machine_alone() -> None:
    assert build_parser().parse_args(["app"]).host == "localhost"
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\napp:")[2].partition("\n\n")[0]
    assert "rhythmvae app" in recipe
    assert "--host" not in recipe
