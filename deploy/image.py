"""What the Dockerfile does, done in an empty folder: python -m deploy.image FOLDER [--packages FOLDER]

There is no container engine in it: an environment of Python takes the place of the image, and the folder that of `/`.
COPY and RUN are done in their order, ENV, WORKDIR and CMD are heeded. What it cannot show: that FROM's image can be had
and has the system libraries that wheels want (this machine's Python and libraries stand for them), that the user that
is made may write where the app writes (users are not made), and that the app finds nothing outside the folder. With
--packages nothing is installed: the packages that lie there are used, and whether requirements.txt can be installed is
not shown either. With --any-torch the install does without PyTorch's own index, where that cannot be reached: torch is
then of whatever build the other indexes have. Prints the command that the image would start; --run starts it.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
CPU_TORCH = "--torch-backend cpu "
KNOWN = ("FROM", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "CMD", "ENV")
OF_USERS = ("useradd", "chown")


@dataclass
class Image:
    """What an image was made to be.

    Args:
        work: the folder that its command starts in.
        environment: of its command.
        command: what it starts.
    """

    work: Path
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)


def steps(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile and what stands behind each.

    Raises:
        ValueError: an instruction that is not known here.
    """
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    found = [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines)]
    if unknown := [name for name, _ in found if name not in KNOWN]:
        raise ValueError(f"expected one of {', '.join(KNOWN)} in the Dockerfile, got {unknown[0]}")
    return found


def build(folder: Path, packages: Path | None = None, *, any_torch: bool = False) -> Image:
    """Do what the Dockerfile says, in an empty folder.

    Args:
        packages: a folder of installed packages to use; None installs them, as the Dockerfile does.
        any_torch: do not ask for torch's build without CUDA.

    Raises:
        subprocess.CalledProcessError: a step failed.
    """
    venv = folder / "python"
    without = ["--without-pip"] if packages is not None else []
    subprocess.run([sys.executable, "-m", "venv", *without, str(venv)], check=True)
    if packages is not None:
        [site] = (venv / "lib").glob("python*/site-packages")
        (site / "packages.pth").write_text(f"{packages}\n", "utf-8")
    image = Image(folder, os.environ | {"PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"})
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):
        image.environment.pop(name, None)
    for name, rest in steps(DOCKERFILE.read_text("utf-8")):
        if name == "WORKDIR":
            image.work = folder / rest.lstrip("/")
            image.work.mkdir(parents=True, exist_ok=True)
        elif name == "ENV":
            image.environment |= dict(word.split("=", 1) for word in shlex.split(rest))
        elif name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(ROOT / source, image.work / target)
        elif name == "RUN":
            line = rest.replace(CPU_TORCH, "") if any_torch else rest
            _run(line, image, venv, packages is not None)
        elif name == "CMD":
            image.command = json.loads(rest)
    return image


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        target = target / source.name if target.is_dir() else target
        shutil.copy(source, target)


def _run(line: str, image: Image, venv: Path, is_installed: bool) -> None:
    for part in line.split("&&"):
        words = shlex.split(part)
        if words[0] in OF_USERS or (is_installed and "install" in words):
            continue
        command = part.replace("--system", f"--python {shlex.quote(str(venv / 'bin' / 'python'))}")
        subprocess.run(command, shell=True, check=True, cwd=image.work, env=image.environment)


def main() -> None:
    parser = argparse.ArgumentParser(description="The Dockerfile's steps in an empty folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--packages", type=Path, help="installed packages to use; by default they are installed")
    parser.add_argument("--any-torch", action="store_true", help="install without PyTorch's own index")
    parser.add_argument("--run", action="store_true", help="start what the image starts")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if any(options.folder.iterdir()):
        sys.exit(f"Expected an empty folder, {options.folder} has something in it.")
    image = build(options.folder.resolve(), options.packages, any_torch=options.any_torch)
    print(f"in {image.work}: {shlex.join(image.command)}", flush=True)
    if options.run:
        sys.exit(subprocess.run(image.command, cwd=image.work, env=image.environment).returncode)


if __name__ == "__main__":
    main()
