"""An agent in C on the DSDL (agent/echo.c) in a real cluster: built here with cc against what is installed, registered, started,
killed until it moves.  The logic is proved by tests/unit/lib/test_dsdl.c; this is the wiring."""

import base64
import shutil
import subprocess
import time

import pytest

from conftest import BUILD, SOURCE

from clusterlab_lib import Lab
from cluster_lab import Cluster

AGENT = SOURCE / "tests/cluster/agent"
METHODS = ["svc_start", "svc_stop", "validate", "update", "monitor_start", "monitor_stop", "monitor_check", "probe"]
BIN = "/opt/TESTecho/bin"
GROUP = "echo-rg"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if not shutil.which("cc"):
        pytest.skip("there is no cc")
    stage = BUILD / "stage/usr/cluster"
    out = tmp_path_factory.mktemp("agent") / "echo"
    # exactly as the documents say; the lab has the library where it will be
    subprocess.run(["cc", "-I", f"{stage}/include", "-L", f"{stage}/lib", "-Wl,-rpath,/usr/cluster/lib", "-o", out, AGENT / "echo.c",
                    "-ldsdev", "-lscha"], check=True)
    return base64.b64encode(out.read_bytes()).decode()


@pytest.fixture(scope="module")
def cluster(lab_name, program):
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.up(nodes=2)
        for node in cluster.nodes():
            cluster.lab.exec(node, "mkdir", "-p", BIN)
            cluster.lab.exec(node, "sh", "-c", f"base64 -d >{BIN}/echo; chmod 755 {BIN}/echo", input=program)
            for method in METHODS:
                cluster.lab.exec(node, "ln", "-sf", "echo", f"{BIN}/echo_{method}")
        cluster.lab.exec("node1", "sh", "-c", "cat >/tmp/TEST.echo", input=(AGENT / "TEST.echo").read_text())
        for command in (["-a", "-t", "TEST.echo", "-f", "/tmp/TEST.echo"], ["-a", "-g", GROUP, "-h", "node1,node2"],
                        ["-a", "-L", "-g", GROUP, "-l", "app1"], ["-a", "-j", "echo", "-g", GROUP, "-t", "TEST.echo", "-y", "Stop_timeout=5"]):
            cluster.cmd("node1", "scrgadm", *command, check=True)
        cluster.cmd("node1", "scswitch", "-Z", "-g", GROUP, check=True)
        yield cluster
    finally:
        cluster.lab.down()


def answers(cluster):
    program = "import socket; s = socket.create_connection(('app1', 7007), 2); s.sendall(b'x'); print(s.recv(9))"
    return "b'x'" in cluster.lab.exec("client1", "python3", "-c", program, check=False).stdout


def until(check, seconds=10):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "still not so"
        time.sleep(0.05)


def monitor_of(cluster, node):
    """Its pid as text; "" between two of them."""
    return cluster.lab.exec(node, "pgrep", "-f", "echo_[p]robe", check=False).stdout


def server(cluster, node):
    return cluster.lab.exec(node, "pgrep", "-f", "echo --[s]erve", check=False).stdout.strip()


def test_start_monitor_and_validate(cluster):
    assert cluster.wait_online(GROUP) == "node1"
    assert answers(cluster)
    for tag in ("svc", "mon"):
        cluster.cmd("node1", "pmfadm", "-q", f"{GROUP},echo,0.{tag}", check=True)
    refused = cluster.cmd("node1", "scrgadm", "-c", "-j", "echo", "-x", "Greeting=wrong")
    assert refused.returncode != 0 and "the greeting is wrong" in refused.stdout + refused.stderr
    before = monitor_of(cluster, "node1")
    cluster.cmd("node1", "scrgadm", "-c", "-j", "echo", "-y", "Thorough_probe_interval=1", check=True)
    until(lambda: monitor_of(cluster, "node1") not in ("", before))


def test_killed_server_is_restarted_then_the_group_moves(cluster):
    for _ in range(2):                                      # Retry_count
        old = server(cluster, "node1")
        cluster.cmd("node1", "pkill", "-9", "-f", "echo --[s]erve", check=True)
        until(lambda: server(cluster, "node1") not in ("", old))        # pylint: disable=cell-var-from-loop
        assert cluster.wait_online(GROUP) == "node1"
        until(lambda: answers(cluster))
        until(lambda: cluster.cmd("node1", "pmfadm", "-q", f"{GROUP},echo,0.mon").returncode == 0)
    cluster.cmd("node1", "pkill", "-9", "-f", "echo --[s]erve", check=True)
    cluster.wait_online(GROUP, on="node2", timeout=20)
    until(lambda: answers(cluster))
    assert server(cluster, "node1") == ""


def test_server_that_hangs_is_restarted(cluster):
    """It stands still, and sees the SIGTERM of Stop all the same."""
    node = cluster.wait_online(GROUP)
    old = server(cluster, node)
    cluster.cmd(node, "pkill", "-STOP", "-f", "echo --[s]erve", check=True)
    until(lambda: server(cluster, node) not in ("", old), 20)
    until(lambda: answers(cluster))


def test_service_and_monitor_bear_a_new_pmfd(cluster):
    """Nothing happens to the service; what happens then is seen as before."""
    node = cluster.wait_online(GROUP)
    old, monitor = server(cluster, node), monitor_of(cluster, node)
    cluster.cmd(node, "scrgadm", "-c", "-j", "echo", "-y", "Retry_count=9", check=True)     # what was counted before is no limit
    seen = [monitor, monitor]
    while seen[-1] in ("", monitor) or seen[-1] != seen[-2]:        # another one, that stays
        seen.append(monitor_of(cluster, node))
        time.sleep(0.2)
        assert len(seen) < 100
    monitor = seen[-1]
    cluster.cmd(node, "pkill", "-HUP", "-x", "pmfd", check=True)
    time.sleep(2.5)                                         # two rounds of probes
    assert server(cluster, node) == old and cluster.wait_online(GROUP) == node
    assert monitor_of(cluster, node) == monitor
    cluster.cmd(node, "pkill", "-9", "-f", "echo --[s]erve", check=True)
    until(lambda: server(cluster, node) not in ("", old))
    assert cluster.wait_online(GROUP) == node
    until(lambda: answers(cluster))


def test_stop_leaves_nothing(cluster):
    node = cluster.wait_online(GROUP)
    cluster.cmd(node, "scswitch", "-F", "-g", GROUP, check=True)
    assert server(cluster, node) == ""
    assert cluster.cmd(node, "pmfadm", "-q", f"{GROUP},echo,0.svc").returncode != 0
