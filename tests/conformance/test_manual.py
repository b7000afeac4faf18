"""The manual pages say what the commands say: each form, each subcommand, each option, in the built pages."""

import re
import subprocess

import pytest
from test_commands import BUILD, PARHELION, SOURCE

MANUAL = BUILD / "docs/man/manual"
OWN = {"halockrun", "hatimerun", "pmfadm"}      # no tables: test_commands.py


def parhelion(*args):
    return subprocess.run([PARHELION, *args], capture_output=True, text=True, timeout=20, check=True).stdout


LISTED = dict(re.findall(r"^  (\S+) +(.+)", parhelion("--help"), re.M))
SHORT = {name: text.removeprefix("short for ") for name, text in LISTED.items() if text.startswith("short for ")}
PAGES = {name: {"scsetup": "clsetup"}.get(name, name) for name in LISTED if name not in OWN and name not in SHORT}


def page_of(command):
    """As it was made from the tables, without markup."""
    found = list((BUILD / "docs/man").glob(f"{PAGES[command]}.1*.scd"))
    assert len(found) == 1, found
    return found[0].read_text().replace("\\", "")


def plain(text):
    return " ".join(re.sub(r"[*_]", "", text).split())


def subcommands(command):
    text = parhelion(command, "--help")
    listed = re.findall(r"^  ([a-z][\w-]+) +(.*)", text, re.M) if "SUBCOMMAND" in text else []
    return [word for word, what in listed if what != "(not built yet)"]


def test_each_command_is_listed_once():
    assert len(PAGES) > 25 and len(SHORT) == 8 and set(SHORT.values()) <= set(PAGES)
    for short, name in [*SHORT.items(), ("scsetup", "clsetup")]:
        assert re.search(rf"^{name}, {short} - ", page_of(name), re.M)
        assert (BUILD / f"stage/usr/cluster/share/man/man1m/{short}.1m").readlink().name == f"{name}.1m"


@pytest.mark.parametrize("command", sorted(PAGES))
def test_the_page_has_what_help_has(command):
    page = page_of(command)
    synopsis, rest = page.split("# SYNOPSIS", 1)[1].split("# DESCRIPTION", 1)
    lines = {plain(line) for line in synopsis.splitlines()}
    words = subcommands(command)
    for line in [[command, word] for word in words] or [[command]]:
        text = parhelion(*line, "--help")
        for usage, what in re.findall(r"^(?:usage:|      ) (.*)\n {12}(.*)", text, re.M):
            assert "(not built yet)" in what or plain(usage) in lines, usage
        options = re.findall(r"^  (--?[\w-]+)", text, re.M)
        assert options
        for option in options:
            assert re.search(rf"^\*{option}\*[^\n]*\n\t", rest, re.M), f"{option} of {line}"
    for word in words:
        assert re.search(rf"^\*{word}\*\n\t", rest, re.M), word
    assert words or not re.search(r"^\*[a-z-]+\*\n\t", rest.split("# OPTIONS")[0], re.M)


@pytest.mark.parametrize("text, said", [
    ("@more destroy@\nAll of it.\n@subcommands clnode@\n", "@more destroy@"), ("@options clnothing@\n", "@options clnothing@"),
    ("@subcommands scstat@\n", "@subcommands scstat@"), ("@pictures clnode@\n", "@pictures clnode@")])
def test_a_page_cannot_tell_of_what_is_not_there(text, said):
    done = subprocess.run([MANUAL], input=text, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and said in done.stderr


def test_more_stands_behind_the_table():
    done = subprocess.run([MANUAL], input="@more list@\nFirst.\n\nSecond,\nstill.\n@subcommands clnode@\n", capture_output=True, text=True,
                          timeout=20, check=True)
    assert "*list*\n\tThe names of the nodes. First.\n\n\tSecond,\n\tstill.\n\n*remove*\n" in done.stdout


def test_every_page_is_built():
    sources = {path.name for path in (SOURCE / "docs/man").glob("*.scd")}
    assert {name.removesuffix(".scd") for name in sources} == {
        path.name for path in (BUILD / "docs/man").iterdir() if re.search(r"\.\d\w*$", path.name)}
