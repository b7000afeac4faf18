"""The agents of types/sample/bind and types/sample/postgresql, compiled and installed as their READMEs say, with the real servers on
three nodes: killed, hung, switched, and the node lost.  What the database was given before a crash is there afterwards."""
import os
import shutil
import time

import pytest

from conftest import BUILD

from clusterlab_lib import Lab
from cluster_lab import Cluster

BIN = "/usr/lib/postgresql/15/bin"
NEEDED = {"named": "bind9", "dig": "bind9-dnsutils", f"{BIN}/postgres": "postgresql", "cc": "build-essential", "make": "build-essential",
          "mkfs.ext4": "e2fsprogs"}
SAMPLES = "/usr/cluster/lib/rgm/types/sample"
IMAGE, WHERE = "/shared/pg.img", "/pgdata"
CONF = """options { directory "/var/cache/bind"; listen-on { any; }; listen-on-v6 { none; }; recursion no; };
zone "lab.test" { type primary; file "/shared/dns/lab.test.zone"; };
"""
ZONE = """$TTL 60
@ IN SOA ns.lab.test. root.lab.test. 1 60 60 60 60
@ IN NS ns
ns IN A 10.88.0.201
www IN A 192.0.2.7
"""
DATABASE = f"""
truncate -s 160M {IMAGE}
mkfs.ext4 -q {IMAGE}
mount {IMAGE} {WHERE}
install -d -o postgres -m 700 {WHERE}/data
setpriv --reuid=postgres --regid=postgres --init-groups {BIN}/initdb -D {WHERE}/data -A trust --no-sync >/dev/null
echo "host all all 10.88.0.0/24 trust" >>{WHERE}/data/pg_hba.conf
umount {WHERE}
cp --sparse=always {IMAGE} {IMAGE}.check
"""
CHECKED = {"bind": ["Confdir_list=/shared/dns", "Probe_name=www.lab.test"], "postgresql": [f"Disk={IMAGE}.check", f"Mount_point={WHERE}"]}
CHECKS = "wrong-values,stop-first,start-twice,stop-twice,monitor-twice,update-twice,start-killed,stop-killed,stop-frozen,program-missing,start-fails"
GROUPS = {"dns-rg": "dns", "db-rg": "db"}
PROGRAM = {"dns-rg": "named", "db-rg": "postgres"}


@pytest.fixture(scope="module")
def cluster(lab_name):
    missing = {package for program, package in NEEDED.items() if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")}
    if missing:
        pytest.skip(f"not installed: {', '.join(sorted(missing))}")
    if not os.path.exists("/dev/loop-control"):
        pytest.skip("this machine has no loop devices")
    cluster = Cluster(Lab(lab_name), str(BUILD / "stage"))
    try:
        cluster.up(nodes=3)
        for node in cluster.nodes():
            cluster.lab.exec(node, "sh", "-ec", f"mkdir {WHERE}; for a in bind postgresql; do cp -r {SAMPLES}/$a /var/tmp; "
                             "make -s -C /var/tmp/$a install; done")
        shared = cluster.lab.disks / "shared"
        (shared / "dns").mkdir()
        (shared / "dns/named.conf").write_text(CONF)
        (shared / "dns/lab.test.zone").write_text(ZONE)
        cluster.lab.exec("node1", "sh", "-ec", DATABASE, timeout=60)
        for command in commands():
            cluster.cmd("node1", *command, check=True)
        cluster.checks = {kind: agentcheck(cluster, kind, properties) for kind, properties in CHECKED.items()}
        yield cluster
    finally:
        cluster.lab.down()


def agentcheck(cluster, kind, properties):
    """In namespaces of its own, beside the tests; the checks that do not wait for time-outs."""
    words = [word for text in properties for word in ("-p", text)]
    return cluster.lab.popen("node3", "/usr/cluster/bin/agentcheck", f"/opt/SAMPLE{kind}/etc/SAMPLE.{kind}", *words, "-t", CHECKS,
                             stdout=-1, stderr=-1, text=True)


def commands():
    """As an administrator would type them."""
    often = ["-y", "Thorough_probe_interval=1", "-x", "Probe_timeout=1", "-y", "Retry_count=3"]
    for kind in ("bind", "postgresql"):
        yield ["scrgadm", "-a", "-t", f"SAMPLE.{kind}", "-f", f"/opt/SAMPLE{kind}/etc/SAMPLE.{kind}"]
    for group, host in (("dns-rg", "app1"), ("db-rg", "app2")):
        yield ["scrgadm", "-a", "-g", group, "-h", "node2,node1,node3"]
        yield ["scrgadm", "-a", "-L", "-g", group, "-l", host]
    yield ["scrgadm", "-a", "-j", "dns", "-g", "dns-rg", "-t", "SAMPLE.bind", "-y", "Resource_dependencies=app1", *often,
           "-x", "Confdir_list=/shared/dns", "-x", "Probe_name=www.lab.test"]
    yield ["scrgadm", "-a", "-j", "db", "-g", "db-rg", "-t", "SAMPLE.postgresql", "-y", "Resource_dependencies=app2", *often,
           "-x", f"Disk={IMAGE}", "-x", f"Mount_point={WHERE}"]
    for group in GROUPS:
        yield ["scswitch", "-Z", "-g", group]


# ---- clients ----

def ask(cluster, *how):
    return cluster.cmd("client1", "dig", "@10.88.0.201", "+short", "+time=1", "+tries=1", *how, "www.lab.test").stdout.strip()


def sql(cluster, text):
    """What the database says to a client; None: nothing."""
    done = cluster.cmd("client1", "timeout", "2", f"{BIN}/psql", "-h", "10.88.0.202", "-U", "postgres", "-d", "postgres", "-qXAtc", text)
    return done.stdout.strip() if done.returncode == 0 else None


def serves(cluster, group):
    return ask(cluster) == ask(cluster, "+tcp") == "192.0.2.7" if group == "dns-rg" else sql(cluster, "SELECT 6 * 7") == "42"


def until(what, timeout=15.0):
    deadline = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.05)


def pids(cluster, node, group):
    return set(cluster.cmd(node, "pgrep", "-x", PROGRAM[group]).stdout.split())


def mounted(cluster):
    """The nodes where the disk is mounted."""
    return [n for n in cluster.nodes() if cluster.lab.status(n).state == "up" and cluster.cmd(n, "mountpoint", "-q", WHERE).returncode == 0]


def both_online(cluster, node):
    for group in GROUPS:
        cluster.wait_online(group, on=node, node="node1", timeout=30)
        until(lambda group=group: serves(cluster, group))
    assert mounted(cluster) == [node]


# ---- tests: each leaves both groups online on node2 ----

def test_online(cluster):
    both_online(cluster, "node2")
    assert sql(cluster, "CREATE TABLE seen (what text); INSERT INTO seen VALUES ('begin'); SELECT count(*) FROM seen") == "1"


def test_another_node_cannot_mount_the_disk(cluster):
    """As if the cluster had lost its mind: what the cluster calls on node2 is called on node3, too."""
    done = cluster.cmd("node3", "/opt/SAMPLEpostgresql/bin/postgresql_prenet_start", "-R", "db", "-G", "db-rg", "-T", "SAMPLE.postgresql",
                       "-r", "Prenet_start_timeout=2")
    assert done.returncode == 1 and f"{IMAGE} is still in use by whoever has a lock on it" in done.stderr, done.stderr
    both_online(cluster, "node2")
    assert cluster.cmd("node3", "pmfadm", "-q", "db-rg,db,0.disk").returncode == 1


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("signal", ["KILL", "STOP"])
def test_killed_or_hung_it_is_restarted(cluster, group, signal):
    before = pids(cluster, "node2", group)
    cluster.cmd("node2", "kill", f"-{signal}", *before)            # some of them end with the first
    until(lambda: (now := pids(cluster, "node2", group)) and not now & before)
    until(lambda: serves(cluster, group))
    cluster.wait_online(group, on="node2")
    restarts = cluster.cmd("node2", "scha_resource_get", "-O", "NUM_RESOURCE_RESTARTS", "-R", GROUPS[group], "-G", group, check=True).stdout
    assert int(restarts) >= 1
    until(lambda: cluster.cmd("node2", "scha_resource_get", "-O", "STATUS", "-R", GROUPS[group], "-G", group).stdout.startswith("OK"))


@pytest.mark.parametrize("group", GROUPS)
def test_after_too_many_restarts_another_node_has_it(cluster, group):
    cluster.cmd("node1", "scrgadm", "-c", "-j", GROUPS[group], "-y", "Retry_count=0", check=True)
    cluster.cmd("node2", "kill", "-KILL", *pids(cluster, "node2", group))
    cluster.wait_online(group, on="node1")
    until(lambda: serves(cluster, group))
    assert not pids(cluster, "node2", group)
    cluster.cmd("node1", "scrgadm", "-c", "-j", GROUPS[group], "-y", "Retry_count=3", check=True)
    cluster.cmd("node1", "scswitch", "-z", "-g", group, "-h", "node2", check=True)
    both_online(cluster, "node2")


def test_planned_switch(cluster):
    assert sql(cluster, "INSERT INTO seen VALUES ('switch') RETURNING what") == "switch"
    for node in "node1", "node2":
        cluster.cmd("node1", "scswitch", "-z", "-g", ",".join(GROUPS), "-h", node, check=True)
        both_online(cluster, node)
        assert sql(cluster, "SELECT count(*) FROM seen WHERE what = 'switch'") == "1"


def test_the_node_is_lost(cluster):
    assert sql(cluster, "INSERT INTO seen SELECT 'crash' || i FROM generate_series(1, 1000) i RETURNING 1") is not None
    cluster.lab.crash("node2")
    both_online(cluster, "node1")
    assert sql(cluster, "SELECT count(*) FROM seen WHERE what LIKE 'crash%'") == "1000"


def test_wrong_values_are_refused(cluster):
    for resource, value, text in (("dns", "Probe_timeout=0", "Probe_timeout"), ("db", "Probe_timeout=0", "Probe_timeout")):
        done = cluster.cmd("node1", "scrgadm", "-c", "-j", resource, "-x", value)
        assert done.returncode != 0 and text in done.stderr
    for words, text in ((["-t", "SAMPLE.bind", "-x", "Confdir_list=/nowhere"], "cannot read /nowhere/named.conf"),
                        (["-t", "SAMPLE.postgresql", "-x", "Disk=/nowhere", "-x", f"Mount_point={WHERE}"], "Disk=/nowhere: No such file")):
        done = cluster.cmd("node1", "scrgadm", "-a", "-j", "more", "-g", "db-rg", *words)
        assert done.returncode != 0 and text in done.stderr, done.stderr


@pytest.mark.parametrize("kind", CHECKED)
def test_they_behave(cluster, kind):
    out, errors = cluster.checks[kind].communicate(timeout=60)
    assert cluster.checks[kind].returncode == 0 and errors == "" and "12 good, 0 warnings, 0 failures, 0 skipped" in out, out + errors
