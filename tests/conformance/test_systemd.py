"""The units: what systemd says of them, and what must stay true of all.  And: our daemons tell systemd that they serve."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = SOURCE / os.environ.get("BUILD", "build")
STAGE = BUILD / "stage"
UNITS = sorted((STAGE / "usr/lib/systemd/system").glob("parhelion*"))
SERVICES = [u for u in UNITS if u.suffix == ".service"]


def test_all_are_there():
    assert [u.name for u in UNITS] == ["parhelion-clusterd.service", "parhelion-corosync.service", "parhelion-failfastd.service",
                                       "parhelion-pmfd.service", "parhelion.target"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_verify(tmp_path):
    for unit in UNITS:          # with programs that are there, and without manual pages, which are not in man's path
        text = unit.read_text().replace("/usr/cluster/", f"{STAGE}/usr/cluster/")
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *(str(tmp_path / u.name) for u in UNITS)],
                          capture_output=True, text=True)
    mine = [line for line in done.stderr.splitlines() if "parhelion" in line]
    assert (done.returncode, mine) == (0, [])


@pytest.mark.parametrize("unit", SERVICES, ids=[u.stem for u in SERVICES])
def test_rules(unit):
    text = unit.read_text()
    assert not re.search("^Restart=", text, re.M), "a death is a panic"
    assert "Type=notify" in text and "PartOf=parhelion.target" in text
    for condition in ("ConditionKernelCommandLine=!cluster=off", "ConditionPathExists=!/etc/cluster/off",
                      "ConditionPathExists=/etc/cluster/nodeid"):
        assert condition in text and condition in (STAGE / "usr/lib/systemd/system/parhelion.target").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("abstract", [False, True])
def test_a_daemon_says_ready(abstract):
    root = pathlib.Path(tempfile.mkdtemp())             # short: the name of a socket has 107 characters
    name = str(root / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name if abstract else name)
        listener.settimeout(10)
        env = {**os.environ, "PARHELION_ROOT": str(root), "PARHELION_PANIC": "log",
               "NOTIFY_SOCKET": ("@" if abstract else "") + name}
        daemon = subprocess.Popen([str(STAGE / "usr/cluster/lib/sc/failfastd")], env=env, stderr=subprocess.DEVNULL)
        try:
            assert listener.recv(64) == b"READY=1"
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(10) == 0
        finally:
            daemon.kill()
            shutil.rmtree(root)
