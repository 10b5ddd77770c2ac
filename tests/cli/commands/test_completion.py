"""completion: what a shell offers when Tab is pressed, by the shell itself where there is one."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from rhythmvae.kit import VOICE_KEYS

BASH = shutil.which("bash")


def offered(script: str, *words: str) -> list[str]:
    """What bash completes the last of the words with."""
    assert BASH is not None
    code = f"""{script}
COMP_WORDS=({" ".join(f"'{word}'" for word in words)}); COMP_CWORD={len(words) - 1}
_shtab_rhythmvae
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    result = subprocess.run([BASH, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return result.stdout.split()


@pytest.mark.skipif(BASH is None, reason="no bash here")
def test_bash_completes_commands_options_choices_and_files(shell, song, tmp_path):
    status, script, err = shell("completion", "bash", model=False)
    assert (status, err) == (0, "")
    assert offered(script, "rhythmvae", "in") == ["interpolate", "infill", "index", "info"]
    assert offered(script, "rhythmvae", "sample", "--te") == ["--temperature", "--tempo"]
    assert offered(script, "rhythmvae", "train", "--arch", "g") == ["gru"]
    assert offered(script, "rhythmvae", "vary", "--keep", "") == list(VOICE_KEYS)
    assert offered(script, "rhythmvae", "infill", "--drums", "ha") == ["hats"]
    assert offered(script, "rhythmvae", "humanize", "--keep", "") == ["timing", "velocity"]
    assert offered(script, "rhythmvae", "sample", "--style", "ja") == ["jazz"]
    (tmp_path / "sub").mkdir()
    assert offered(script, "rhythmvae", "info", f"{tmp_path}/s") == [f"{tmp_path}/song.mid", f"{tmp_path}/sub"]
    assert offered(script, "rhythmvae", "sample", "--out", f"{tmp_path}/s") == [f"{tmp_path}/sub"]


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_other_shells_get_a_script_with_every_command(shell, name):
    status, script, _ = shell("completion", name, model=False)
    assert status == 0
    for word in ("interpolate", "temperature", "lstm"):
        assert word in script
    if (program := shutil.which(name)) is not None:
        assert subprocess.run([program, "-n"], input=script, text=True, timeout=60).returncode == 0


def test_a_shell_that_is_unknown(shell):
    shell.refuses("completion", "csh", model=False, match="expected one of bash, zsh, fish, got 'csh'")
