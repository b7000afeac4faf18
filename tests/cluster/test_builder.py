"""Agent Builder from end to end: scdscreate, scdsconfig, a Debian package, in a cluster, for each kind of agent.  What is made is built
on this machine against what is installed, and installed on the nodes by dpkg."""
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from conftest import BUILD

from clusterlab_lib import Lab
from cluster_lab import Cluster

BIN = BUILD / "stage/usr/cluster/bin"
SAMPLE = "/usr/cluster/lib/rgm/types/sample"
START = f"{SAMPLE}/glyphd -config {SAMPLE}/glyphd.cfg -port %s"
# A list of start commands, each a process tree of its own, with property variables.
LIST = "/etc/gly.list"
VARIABLES = {"%RS_NAME": "glylist-hars", "%RG_NAME": "glylist-harg", "%RT_NAME": "T.glylist", "%HOSTNAMES": "app4", "%RG_NODELIST": "node1,node2",
             "%RS_STOP_TIMEOUT": "300", "%RS_RETRY_COUNT": "2", "%RS_RESOURCE_DEPENDENCIES_WEAK": "", "%RS_NUM_RESTARTS": "0",
             "%RG_NUM_RESTARTS": "0", "%RT_FAILOVER": "TRUE", "%RT_BASEDIR": "/opt/Tglylist/bin", "%RT_RT_VERSION": "1.0",
             "%RG_MAXIMUM_PRIMARIES": "1", "%RG_RESOURCE_LIST": "app4,glylist-hars", "%RG_IMPLICIT_NETWORK_DEPENDENCIES": "TRUE",
             "%RG_GLOBAL_RESOURCES_USED": "*", "%RT_API_VERSION": "2", "%RT_SINGLE_INSTANCE": "FALSE", "%SCHA_STATUS": "UNKNOWN",
             "%RS_THOROUGH_PROBE_INTERVALS": "60S", "%UNKNOWN": "%UNKNOWN", "100%": "100%"}
# All but two that a probe which only connects does not pass, see docs/agents.md.
CHECKS = ("validate,wrong-values,monitor-check,stop-first,start-stop,start-twice,stop-twice,monitor-twice,update-twice,start-killed,"
          "stop-killed,stop-frozen,program-missing,start-fails,start-hangs,monitor-calm,monitor-killed")
KINDS = {"C": ([], "app1", 7101), "ksh": (["-k"], "app2", 7102), "gds": (["-g"], "app3", 7103)}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Built side by side: kind -> text of the package."""
    for tool in ("cc", "dpkg-deb", "make"):
        if not shutil.which(tool):
            pytest.skip(f"there is no {tool}")
    out = {}
    for kind, (options, start) in {**{k: (options, START % port) for k, (options, _, port) in KINDS.items()}, "list": ([], LIST)}.items():
        folder = tmp_path_factory.mktemp(kind)
        name = f"gly{kind.lower()}"
        subprocess.run([BIN / "scdscreate", "-V", "T", "-T", name, "-d", folder, *options], check=True)
        done = subprocess.run([BIN / "scdsconfig", "-s", start, "-n", "3", "-d", folder], check=True, capture_output=True, text=True,
                              env={**os.environ, "CLUSTER": str(BUILD / "stage/usr/cluster")})
        assert "warning" not in done.stdout + done.stderr
        out[kind] = (name, (folder / f"T{name}/pkg/T{name}").read_bytes())
    return out


@pytest.fixture(scope="module")
def cluster(lab_name, packages):
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.up(nodes=2)
        for node in cluster.nodes():
            for name, package in packages.values():
                pathlib.Path(cluster.lab.disk_path(node, f"/var/{name}.deb")).write_bytes(package)
                cluster.cmd(node, "dpkg", "-i", f"/var/{name}.deb", check=True)
        # In namespaces of their own, while the other tests go on; on node2, as pgrep sees into them.
        cluster.checks = [cluster.lab.popen("node2", "/usr/cluster/bin/agentcheck", f"/opt/T{packages[kind][0]}/etc/T.{packages[kind][0]}", "-p",
                                            f"Port_list={KINDS[kind][2]}/tcp", "-t", CHECKS, stdout=-1, stderr=-1, text=True)
                          for kind in ("C", "ksh")]
        yield cluster
    finally:
        cluster.lab.down()


def until(check, what, seconds=15):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def letter(cluster, host, port):
    program = (f"import socket; s = socket.create_connection(('{host}', {port}), 2); s.sendall(b'GLYPH A\\n'); "
               "print(s.makefile().readline())")
    return cluster.lab.exec("client1", "python3", "-c", program, check=False).stdout.strip()


def server(cluster, node):
    return cluster.cmd(node, "pgrep", "-x", "glyphd").stdout.split()


@pytest.mark.parametrize("kind", KINDS)
def test_package_start_kill_stop_remove(cluster, packages, kind):
    _, host, port = KINDS[kind]
    name = packages[kind][0]
    util, group = f"/opt/T{name}/util", f"{name}-harg"
    done = cluster.cmd("node1", f"{util}/start{name}", "-h", host, "-p", f"{port}/tcp")
    assert done.returncode == 0, done.stdout + done.stderr
    node = cluster.wait_online(group)
    assert letter(cluster, host, port) == "...##..."
    again = cluster.cmd("node1", f"{util}/start{name}", "-h", host, "-p", f"{port}/tcp")
    assert again.returncode == 0 and "scrgadm" not in again.stdout          # what is there is left alone
    cluster.cmd("node1", "scrgadm", "-c", "-j", f"{name}-hars", "-y", "Thorough_probe_interval=1", check=True)
    old = server(cluster, node)
    assert len(old) == 1
    cluster.cmd(node, "kill", "-9", *old)
    until(lambda: server(cluster, node) not in ([], old), "restarted")
    until(lambda: letter(cluster, host, port) == "...##...", "answers again")
    cluster.wait_online(group)
    for script in ("stop", "remove"):
        done = cluster.cmd("node1", f"{util}/{script}{name}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert server(cluster, node) == []
    assert name not in json.dumps(cluster.status())
    done = cluster.cmd("node1", "dpkg", "-r", f"t-{name}")
    assert done.returncode == 0, done.stderr


def tree(cluster, node, instance):
    done = cluster.cmd(node, "pmfadm", "-l", f"glylist-harg,glylist-hars,{instance}.svc")
    return done.stdout.partition("pids:")[2].split() if done.returncode == 0 else []


def test_several_trees_and_property_variables(cluster):
    commands = [START % 7104, "sh -c 'echo \"$0\" >/run/variables; exec sleep 1000' '" + "|".join(VARIABLES) + "'"]
    for node in cluster.nodes():
        cluster.lab.exec(node, "sh", "-c", f"cat >{LIST}", input="".join(f"{c}\n" for c in commands))
    done = cluster.cmd("node1", "/opt/Tglylist/util/startglylist", "-h", "app4", "-p", "7104/tcp")
    assert done.returncode == 0, done.stdout + done.stderr
    node = cluster.wait_online("glylist-harg")
    until(lambda: cluster.cmd(node, "cat", "/run/variables").stdout != "", "the second command ran")
    assert cluster.cmd(node, "cat", "/run/variables").stdout == "|".join(VARIABLES.values()) + "\n"
    first, second = tree(cluster, node, 0), tree(cluster, node, 1)
    assert first and second and not set(first) & set(second)
    cluster.cmd(node, "kill", "-9", *second)
    until(lambda: tree(cluster, node, 1) not in ([], second), "the second tree is back")
    cluster.wait_online("glylist-harg")
    cluster.cmd("node1", "rm", LIST, check=True)           # Stop must find the trees without it
    cluster.cmd("node2", "rm", LIST, check=True)
    done = cluster.cmd("node1", "/opt/Tglylist/util/stopglylist")
    assert done.returncode == 0 and server(cluster, node) == [] and tree(cluster, node, 1) == [], done.stdout + done.stderr


def test_what_is_generated_behaves(cluster):
    for process in cluster.checks:
        out, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "") and " 18 good, 0 warnings, 0 failures, 0 skipped" in out, out + errors
