"""What is given to nginx, systemd and a container engine: it is read as they read it, as far as they are here."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.replicas import configuration
from deploy.start import HERE, ROOT, prepare_nginx
from rhythmvae.cli.entry import build_parser
from rhythmvae.jobs.homes import FOLDER_VARIABLE
from rhythmvae.ui.server import headers

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
    replicas = [service for service in services.values() if service.get("image") == "rhythmvae"]
    listed = (HERE / "rhythmvae-replicas.compose.conf").read_text("utf-8")
    for service in replicas:
        assert f"server {service['networks']['default']['ipv4_address']}:8501 " in listed
        assert {FOLDER_VARIABLE, "RHYTHMVAE_DATABASE", "RHYTHMVAE_SITE"} <= service["environment"].keys()
        assert (HERE / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert len(replicas) == 2
    for service in services.values():
        assert set(service.get("depends_on", ())) <= services.keys()
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (HERE / source).is_file() if source.startswith(".") else source in compose["volumes"]


def test_the_unit_starts_a_command_that_there_is() -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(HERE / "rhythmvae@.service", "utf-8")
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    _, *command = shlex.split(unit["Service"]["ExecStart"].replace("%i", "8501"))
    assert command[:3] == ["-m", "rhythmvae", "app"]
    assert unit["Service"]["Restart"] == "always"


def test_the_image_copies_what_there_is_and_all_that_the_app_is() -> None:
    text = (HERE / "Dockerfile").read_text("utf-8")
    copied = [line.split()[1] for line in text.splitlines() if line.startswith("COPY ")]
    assert all((ROOT / name).exists() for name in copied)
    assert {"app.py", "pages", "checkpoints", ".streamlit", "rhythmvae", "docs/figures"} <= set(copied)


def test_who_says_nothing_is_open_to_this_machine_alone() -> None:
    assert build_parser().parse_args(["app"]).host == "localhost"
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\napp:")[2].partition("\n\n")[0]
    assert "rhythmvae app" in recipe
    assert "--host" not in recipe
