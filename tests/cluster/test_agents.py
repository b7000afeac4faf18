"""docs/agents.md, run block by block on two nodes; and agentcheck on every type that is shipped, side by side in the same lab."""
import re
import shutil
import xml.etree.ElementTree as ET

import pytest

from conftest import BUILD, SOURCE

from clusterlab_lib import Lab
from cluster_lab import Cluster

PAGE = SOURCE / "docs/agents.md"
SAMPLE = "/usr/cluster/lib/rgm/types/sample"
BLOCK = re.compile(r"^```(\w+)( each)?\n(.*?)^```$", re.M | re.S)
EXCERPTS = {"c": "types/sample/dsdl/glyph.c", "shell": "types/sample/rmapi/glyphsh"}
# What has warnings of its own, and why: gds probes by connecting, see the page.
TYPES = [
    ("SUNW.gds", ["-p", "Port_list=7103/tcp", "-p", f"Start_command={SAMPLE}/glyphd -config {SAMPLE}/glyphd.cfg -port 7103"],
     {"monitor-frozen", "monitor-garbage"}),
    ("SUNW.LogicalHostname", ["-p", "HostnameList=check-host"], set()),
    (f"{SAMPLE}/dsdl/SAMPLE.glyph", ["-p", f"Confdir_list={SAMPLE}"], set()),
    (f"{SAMPLE}/rmapi/SAMPLE.glyphsh", ["-p", f"Confdir_list={SAMPLE}"], set()),
]


def blocks():
    return [m.groups() for m in BLOCK.finditer(PAGE.read_text())]


@pytest.fixture(scope="module")
def cluster(lab_name):
    for tool in ("cc", "dpkg-deb", "make"):
        if not shutil.which(tool):
            pytest.skip(f"there is no {tool}")
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.up(nodes=2)
        cluster.checks = {i: agentcheck(cluster, i) for i in (0, 1)}        # they take their time, and are in namespaces of their own
        yield cluster
    finally:
        cluster.lab.down()


def agentcheck(cluster, i):
    name, properties, _ = TYPES[i]
    return cluster.lab.popen("node1", "/usr/cluster/bin/agentcheck", name, *properties, "-j", f"/var/tmp/{i}.xml", stdout=-1, stderr=-1, text=True)


def test_excerpts_are_the_source():
    kinds = [kind for kind, _, _ in blocks()]
    assert kinds.count("c") > 8 and kinds.count("shell") > 4
    for kind, _, text in blocks():
        if kind in EXCERPTS:
            assert text in (SOURCE / EXCERPTS[kind]).read_text(), text


def test_the_page_does_what_it_says(cluster):
    said, ran = "", 0
    for kind, each, text in blocks():
        if kind == "output":
            for line in text.splitlines():
                assert line in said, f"{line}\nis not in\n{said}"
        if kind != "sh":
            continue
        said = ""
        for node in cluster.nodes() if each else ["node1"]:
            # The shell of an administrator: -e, so that no step fails unseen.
            done = cluster.cmd(node, "bash", "-ec", f"PATH=/usr/cluster/bin:$PATH\n{text}", timeout=120)
            said += done.stdout + done.stderr
            assert done.returncode == 0 and "warning:" not in said, f"{text}\n{said}"
            ran += 1
    assert ran > 10
    assert ET.parse(cluster.lab.disk_path("node1", "/var/tmp/glyph.xml")).getroot().find("testsuite").get("failures") == "0"


BROKEN = r"""#!/bin/sh
while getopts R:G:T:cur:x:g: o; do [ "$o" != R ] || r=$OPTARG; done
case ${0##*/} in
start) %(start)s ;;
stop) %(stop)s ;;
validate) ;;
esac
"""
WRONG = [        # what the methods do, and the check that must see it
    ("sleep 1000 & exit 0", "exit 0", "start-stop", "what it had started is still there: /usr/bin/sleep"),
    ("exit 1", "exit 0", "start-stop", "Start exited with 1"),
    ("mkdir /run/here", "rmdir /run/here", "stop-twice", "Stop exited with 1"),
    ("exit 0", "exit 3", "stop-first", "Stop exited with 3"),
    ("exit 0", "sleep 1000", "stop-first", "Stop ran into its time-out"),
    ("exit 0", "exit 0", "wrong-values", "Validate accepts Confdir=/nonexistent/agentcheck"),
    ("[ -e /run/up ] || { touch /run/up; sleep 2; touch /run/done; }", "if [ -e /run/up ]; then rm /run/done && rm /run/up; fi", "start-killed",
     "Stop exited with 1"),
]
RTR = """RESOURCE_TYPE = "broken"; RT_VERSION = "1"; RT_DESCRIPTION = "d"; RT_BASEDIR = /opt/broken;
START = start; STOP = stop; VALIDATE = validate;
{ PROPERTY = Stop_timeout; DEFAULT = 2; MIN = 1; }
{ PROPERTY = Confdir; EXTENSION; STRING; DEFAULT = "/etc"; DESCRIPTION = "d"; }
"""


@pytest.mark.parametrize("start, stop, check, text", WRONG, ids=[f"{row[2]} {i}" for i, row in enumerate(WRONG)])
def test_agentcheck_sees_what_is_wrong(cluster, start, stop, check, text):
    cluster.lab.exec("node2", "mkdir", "-p", "/opt/broken")
    cluster.lab.exec("node2", "sh", "-c", "cat >/opt/broken/agent; chmod 755 /opt/broken/agent; cd /opt/broken; ln -sf agent start; "
                     "ln -sf agent stop; ln -sf agent validate", input=BROKEN % {"start": start, "stop": stop})
    cluster.lab.exec("node2", "sh", "-c", "cat >/opt/broken/rtr", input=RTR)
    done = cluster.cmd("node2", "agentcheck", "/opt/broken/rtr", "-t", check)
    assert done.returncode == 1 and text in done.stdout, done.stdout + done.stderr
    assert f"  {check}\n" in done.stdout and "1 failures" in done.stdout


def test_every_type_that_is_shipped_behaves(cluster):
    """After the page, which has put the methods of the samples in their places."""
    cluster.checks.update({i: agentcheck(cluster, i) for i in (2, 3)})
    for i, (name, _, expected) in enumerate(TYPES):
        process = cluster.checks[i]
        out, errors = process.communicate(timeout=180)
        assert process.returncode == 0 and errors == "", f"{name}\n{out}{errors}"
        assert set(re.findall(r"^warn +\d+ ms +(\S+)", out, re.M)) == expected, out
        suite = ET.parse(cluster.lab.disk_path("node1", f"/var/tmp/{i}.xml")).getroot().find("testsuite")
        assert int(suite.get("failures")) == 0 and len(suite) == int(suite.get("tests")) > 20
