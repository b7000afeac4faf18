"""The lab itself: do the simulated machines behave like machines, and does nothing of them remain?"""

import json
import os
import pathlib
import select
import signal
import subprocess
import time

import pytest

from conftest import LAB_DIR

from clusterlab_lib import Lab, LabError, _cgroup_root, _processes, parse_size
import clusterlab_switch as switch

CLI = str(LAB_DIR / "clusterlab")


@pytest.fixture(scope="module")
def module_lab(make_lab):
    return make_lab(nodes=3, boot_hook="echo hook of $(hostname)")


@pytest.fixture
def lab(module_lab):
    """The lab of this module, with every node up and every cable whole, whatever the last test did."""
    yield module_lab
    module_lab.heal()
    for name in module_lab.names():
        state = module_lab.status(name).state
        if state == "frozen":
            module_lab.thaw(name)
        elif state != "up":
            module_lab.boot(name)


def cli(lab, *args, **options):
    return subprocess.run([CLI, "--lab", lab.name, *args], text=True, capture_output=True, **options)


def ping(lab, name, address, seconds):
    return lab.exec(name, "ping", "-n", "-c1", f"-W{seconds}", address, check=False).returncode == 0


def hears(lab, name, address):
    """With time for a neighbour entry that was being asked for in vain: it is asked for again after a second."""
    return ping(lab, name, address, 3)


def deaf(lab, name, address):
    return not ping(lab, name, address, 0.2)


def remains(name):
    """Everything on the host that could belong to a lab of this name."""
    def words(*cmd):
        return subprocess.run(cmd, text=True, capture_output=True, check=True).stdout
    cgroups = _cgroup_root()
    paths = [p for p in (pathlib.Path("/run/clusterlab"), pathlib.Path("/var/lib/clusterlab"), cgroups) if p]
    return {
        "processes": [p for p in _processes() if p[1].startswith(name)],
        "mounts": [m for m in pathlib.Path("/proc/self/mounts").read_text().splitlines() if "clusterlab" in m],
        "directories": [str(p) for parent in paths for p in parent.glob(name + "*")],
        "interfaces": sorted(link["ifname"] for link in json.loads(words("ip", "-j", "link"))),
        "namespaces": words("ip", "netns"),
    }


# ---- being inside ----

def test_exec_passes_exit_code_and_streams(lab):
    assert lab.exec("node1", "sh", "-c", "exit 7", check=False).returncode == 7
    assert lab.exec("node1", "sh", "-c", "kill -9 $$", check=False).returncode == 128 + 9
    assert lab.exec("node1", "no-such-command", check=False).returncode == 127
    assert lab.exec("node1", "cat", input="through").stdout == "through"
    assert cli(lab, "exec", "client1", "--", "sh", "-c", "echo $LAB_NODE; exit 3").stdout == "client1\n"
    assert cli(lab, "exec", "node1", "false").returncode == 1


def test_errors_are_one_line(lab):
    for args in (["exec", "node9", "true"], ["cut", "node1", "priv7"], ["boot", "node1"], ["partition", "1|9"],
                 ["disk", "remove", "none"], ["up"], ["loss", "node1", "all", "101"], ["drop", "node1", "nodeX", "all"]):
        done = cli(lab, *args)
        assert done.returncode == 1, args
        assert done.stderr.startswith("clusterlab: ") and done.stderr.count("\n") == 1, done.stderr
    assert cli(lab, "no-such-verb").returncode == 2


def test_exec_forwards_signals(lab):
    with lab.popen("node1", "sh", "-c", "trap 'exit 42' TERM; echo ready; while :; do read x; done",
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        process.stdin.write(b"\n")
        process.stdin.close()
        assert process.wait() == 42


def test_killed_exec_takes_its_command_along(lab):
    with pytest.raises(subprocess.TimeoutExpired):
        lab.exec("node1", "sleep", "4711", timeout=0.2)
    assert "4711" not in lab.sh("node1", "ps -eo args")


def test_node_is_a_machine_of_its_own(lab):
    assert lab.sh("node2", "hostname; cat /etc/hostname") == "node2\nnode2\n"
    assert lab.sh("node2", "cat /proc/1/cmdline").startswith(f"labnode: {lab.name} node2")
    lab.sh("node1", "echo 1 > /etc/mine; echo 1 > /tmp/mine; echo 1 > /dev/shm/mine; echo 1 > /var/lib/mine")
    for path in ("/etc/mine", "/tmp/mine", "/dev/shm/mine", "/var/lib/mine"):
        assert lab.exec("node2", "test", "-e", path, check=False).returncode == 1
        assert not os.path.exists(path)
    assert "10.88.1.3 node3-priv0" in lab.sh("node1", "cat /etc/hosts")
    assert lab.sh("node1", "getent ahostsv4 app8").startswith("10.88.0.208 ")
    assert lab.sh("node1", "getent ahostsv6 app8").startswith("fd88::208 ")


@pytest.mark.skipif(_cgroup_root() is None, reason="no cgroup2 on this host")
def test_node_has_its_own_cgroups(lab):
    assert lab.sh("node1", "cat /proc/self/cgroup").splitlines()[-1] == "0::/init"
    lab.sh("node1", "mkdir /sys/fs/cgroup/child && sh -c 'echo $$ > /sys/fs/cgroup/child/cgroup.procs; "
           "grep -q ^0::/child$ /proc/self/cgroup' && rmdir /sys/fs/cgroup/child")


def test_node_cannot_hurt_the_host(lab):
    for path in ["/proc/sysrq-trigger", *map(str, pathlib.Path("/dev").glob("watchdog*"))]:
        assert lab.exec("node1", "sh", "-c", f"exec 3>{path}", check=False).returncode != 0


def test_spawned_process_is_adopted(lab):
    pid = lab.spawn("node1", "sh", "-c", "echo spoken; exec sleep 4712")
    assert lab.sh("node1", f"ps -o ppid= -p {pid}").strip() == "1"
    lab.exec("node1", "kill", str(pid))
    lab.sh("node1", f"while kill -0 {pid} 2>/dev/null; do :; done", timeout=5)   # pid 1 has reaped it
    assert "spoken" in lab.sh("node1", "cat /var/log/spawn.log")


def test_boot_hook_and_logs(lab):
    lab.reboot("node1")
    lab.sh("node1", "until grep -q 'hook of node1' /var/log/boot.log; do :; done", timeout=5)
    lab.sh("node2", "mkdir -p /var/log/cluster; echo line > /var/log/cluster/one.log")
    assert "node1 boot.log: hook of node1" in cli(lab, "logs").stdout
    assert cli(lab, "logs", "node2").stdout.splitlines()[-1] == "node2 one.log: line"


# ---- networks ----

@pytest.mark.parametrize("address", ["10.88.0.2", "10.88.1.2", "10.88.2.2", "fd88::2", "fd88:1::2", "fd88:2::2",
                                     "10.88.0.101", "fd88::101", "node2-priv1"])
def test_nodes_hear_each_other(lab, address):
    assert hears(lab, "node1", address)


def test_cut_takes_the_carrier_and_heal_gives_it_back(lab):
    lab.cut("node1", "priv0")
    assert lab.sh("node1", "cat /sys/class/net/priv0/carrier") == "0\n"
    assert deaf(lab, "node1", "10.88.1.2") and hears(lab, "node1", "10.88.2.2")
    lab.heal("node1", "priv0")
    assert lab.sh("node1", "cat /sys/class/net/priv0/carrier") == "1\n"
    assert hears(lab, "node1", "10.88.1.2")


def test_silent_cut_keeps_the_carrier(lab):
    lab.cut("node1", "priv0", silent=True)
    assert lab.sh("node1", "cat /sys/class/net/priv0/carrier") == "1\n"
    assert deaf(lab, "node1", "10.88.1.2") and deaf(lab, "node2", "10.88.1.1")
    lab.heal("node1")
    assert hears(lab, "node1", "10.88.1.2")


def test_cut_outlasts_a_reboot(lab):
    lab.cut("node1", "priv0")
    lab.cut("node1", "priv1", silent=True)
    lab.reboot("node1")
    assert deaf(lab, "node1", "10.88.1.2") and deaf(lab, "node1", "10.88.2.2")
    assert hears(lab, "node1", "10.88.0.2")
    lab.crash("node1")
    lab.heal("node1")
    lab.boot("node1")
    assert hears(lab, "node1", "10.88.1.2") and hears(lab, "node1", "10.88.2.2")


def test_partition(lab):
    lab.partition("1,2|3")
    assert hears(lab, "node1", "10.88.1.2") and hears(lab, "node2", "fd88:2::1")
    assert deaf(lab, "node1", "10.88.1.3") and deaf(lab, "node3", "fd88:2::2")
    assert hears(lab, "node1", "10.88.0.3")
    lab.partition("")
    assert hears(lab, "node1", "10.88.1.3")


def test_one_way_drop(lab):
    count = "cat /sys/class/net/priv0/statistics/rx_packets"
    lab.exec("node2", "ip", "neigh", "replace", "10.88.1.1", "lladdr", switch.mac("node1", "priv0"), "dev", "priv0")
    lab.drop("node2", "node1", "priv0")
    assert deaf(lab, "node1", "10.88.1.2")         # the answer is lost ...
    lab.exec("node1", "ip", "neigh", "replace", "10.88.1.2", "lladdr", switch.mac("node2", "priv0"), "dev", "priv0")
    before = int(lab.sh("node2", count))
    assert deaf(lab, "node1", "10.88.1.2")
    assert int(lab.sh("node2", count)) > before     # ... the question is not
    lab.drop("node2", "node1", "priv0", on=False)
    assert hears(lab, "node1", "10.88.1.2")


def test_loss(lab):
    lab.loss("node1", "priv0", 100)
    assert deaf(lab, "node1", "10.88.1.2") and deaf(lab, "node3", "10.88.1.1")
    lab.loss("node1", "priv0", 50)
    done = lab.exec("node1", "ping", "-n", "-q", "-i0.002", "-c200", "-W0.3", "10.88.1.2", check=False).stdout
    received = int(done.split(" received")[0].split()[-1])
    assert 10 < received < 110      # a quarter, there and back
    lab.loss("node1", "priv0", 0)
    assert hears(lab, "node1", "10.88.1.2")


def test_rulesets_are_pure():
    faults = switch.Faults(silent={("node1", "pub0")}, loss={("node2", "priv0"): 30},
                           sides={"priv1": [["node1"], ["node2"]]})
    text = switch.ruleset(faults)
    assert '"node1-priv1" . "node2-priv1", "node2-priv1" . "node1-priv1"' in text
    assert 'iifname { "node1-pub0" } drop' in text and "mod 100 < 30 drop" in text
    assert switch.Faults.from_json(json.loads(json.dumps(faults.to_json()))) == faults
    assert switch.parse_sides("1,2 | client1", ["node1", "node2", "client1"]) == [["node1", "node2"], ["client1"]]


# ---- dying, hanging, coming back ----

def test_freeze_and_thaw(lab):
    with lab.popen("node1", "sh", "-c", "while read x; do echo $x; done", stdin=subprocess.PIPE,
                   stdout=subprocess.PIPE, bufsize=0) as echo:
        lab.freeze("node1")
        assert lab.status("node1").state == "frozen"
        echo.stdin.write(b"hello\n")
        assert select.select([echo.stdout], [], [], 0.2)[0] == []
        lab.thaw("node1")
        assert echo.stdout.readline() == b"hello\n"
        echo.stdin.close()
    assert lab.status("node1").state == "up"


def test_crash_keeps_the_disk_and_nothing_else(lab):
    lab.sh("node1", "echo kept > /etc/kept; echo lost > /run/lost; echo lost > /tmp/lost")
    before = time.monotonic_ns()
    instant = lab.crash("node1")
    status = lab.status("node1")
    assert before < instant < status.mono_ns < time.monotonic_ns() and status.state == "crashed"
    assert deaf(lab, "node2", "10.88.1.1")
    with pytest.raises(LabError, match="not up"):
        lab.exec("node1", "true")
    lab.boot("node1")
    assert lab.sh("node1", "cat /etc/kept; ls /run/lost /tmp/lost 2>/dev/null || :") == "kept\n"
    assert hears(lab, "node2", "10.88.1.1")


def test_crash_of_a_frozen_node(lab):
    lab.spawn("node1", "sleep", "4713")
    lab.freeze("node1")
    lab.crash("node1")
    assert lab.status("node1").state == "crashed"
    lab.boot("node1")
    assert lab.status("node1").state == "up" and "4713" not in lab.sh("node1", "ps -eo args")


PANIC = "import ctypes; ctypes.CDLL(None).reboot({:#x})"
RESTART, POWER_OFF = 0x01234567, 0x4321FEDC


@pytest.mark.parametrize("how", [RESTART, POWER_OFF])
def test_panic(lab, how):
    lab.spawn("node1", "python3", "-c", PANIC.format(how))
    assert lab.wait_end("node1", timeout=10).state == "panicked"
    lab.boot("node1")
    assert hears(lab, "node2", "10.88.1.1")


TALK = """
import socket, sys
s = socket.create_connection(("10.88.0.1", 4000)) if sys.argv[1] == "client" else socket.create_server(("", 4000))
print("ready", flush=True)
if sys.argv[1] == "server":
    s = s.accept()[0]
s.settimeout(1)
try:
    print("heard", s.recv(1), flush=True)
except TimeoutError:
    print("silence", flush=True)
except ConnectionError:
    print("reset", flush=True)
"""


@pytest.mark.parametrize("how", ["crash", "panic"])
def test_dead_machines_say_no_goodbye(lab, how):
    """No FIN, no RST: the peer of a connection notices nothing."""
    with lab.popen("node1", "python3", "-c", TALK, "server", stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout.readline() == "ready\n"
        with lab.popen("client1", "python3", "-c", TALK, "client", stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout.readline() == "ready\n"
            if how == "crash":
                lab.crash("node1")
            else:
                lab.spawn("node1", "python3", "-c", PANIC.format(RESTART))
                lab.wait_end("node1")
            assert client.stdout.readline() == "silence\n"


# ---- disks ----

def test_shared_disk(lab):
    lab.disk_add("quorum", "1M")
    lab.sh("node1", "echo together > /shared/quorum")
    assert lab.sh("node3", "head -c9 /shared/quorum") == "together\n"
    assert cli(lab, "disk", "list").stdout.startswith("/shared/quorum ")
    lab.disk_remove("quorum")
    assert lab.disks_shared() == {}
    assert parse_size("2K") == 2048


def test_small_disk_fills_up(lab):
    lab.sh("node1", "mkdir -p /var/small && echo kept > /var/small/file")
    lab.small_disk("node1", "/var/small", "64K")
    assert lab.sh("node1", "cat /var/small/file") == "kept\n"
    lab.sh("node1", "mkdir /var/large && head -c 200K /dev/zero > /var/large/file")
    with pytest.raises(LabError, match="/var/large: .*No space left"):
        lab.small_disk("node1", "/var/large", "64K")
    done = lab.exec("node1", "dd", "if=/dev/zero", "of=/var/small/big", "bs=1K", "count=100", check=False)
    assert "No space left" in done.stderr


# ---- the client ----

def test_probe_measures_a_gap(lab):
    lab.sh("node2", "mkdir -p /srv && cd /srv && echo page of $(hostname) > index.html")
    lab.spawn("node2", "python3", "-m", "http.server", "-d", "/srv", "-b", "::", "80")
    with lab.popen("client1", "labprobe", "-t", "100", "10.88.0.2:80", "/", stdout=subprocess.PIPE, text=True) as probe:
        first = json.loads(probe.stdout.readline())
        assert first["event"] == "first" and first["body"] == "page of node2"
        lab.cut("node2", "pub0", silent=True)
        cut = time.monotonic()
        assert select.select([probe.stdout], [], [], 0.4)[0] == []      # how long the cable is out
        lab.heal("node2")
        gap = json.loads(probe.stdout.readline())
        while gap["ms"] < 300:      # the server's start, when it was busy
            gap = json.loads(probe.stdout.readline())
        assert gap["event"] == "gap" and gap["from"] < cut + 0.1 and gap["failed"] > 10
        assert gap["before"] == gap["after"] == "page of node2"
        probe.send_signal(signal.SIGTERM)
        end = json.loads(probe.stdout.read().splitlines()[-1])
        assert end["event"] == "end" and end["max_gap_ms"] >= gap["ms"] and end["ok"] > 0


def test_probe_counts_refusals_and_ends_in_time(lab):
    out = lab.exec("client1", "labprobe", "-d", "0.2", "-6", "node3:81").stdout
    end = json.loads(out.splitlines()[-1])
    assert end["event"] == "end" and end["ok"] == 0 and end["failed"] > 10


# ---- labs as a whole ----

def test_two_labs_side_by_side(lab, make_lab):
    other = make_lab("-b", nodes=2, clients=0, boot_hook="")
    lab.sh("node1", "echo one > /etc/which")
    assert other.exec("node1", "cat", "/etc/which", check=False).returncode == 1
    assert hears(other, "node1", "10.88.1.2") and deaf(other, "node1", "10.88.1.3")
    lab.cut("node2", "priv0")
    assert hears(other, "node1", "10.88.1.2")
    other.down()
    assert hears(lab, "node1", "10.88.2.2")


def test_eight_nodes(make_lab):
    big = make_lab("-c", nodes=8, boot_hook="")
    assert all(hears(big, "node8", f"10.88.2.{i}") for i in range(1, 9))
    big.down()


def test_stage_and_setup(make_lab, tmp_path):
    (tmp_path / "usr/cluster/bin").mkdir(parents=True)
    tool = tmp_path / "usr/cluster/bin/staged-tool"
    tool.write_text("#!/bin/sh\necho staged\n")
    tool.chmod(0o755)
    setup = tmp_path / "setup"
    setup.write_text("#!/bin/sh\necho $1 $LAB_NODE $LAB_NODES > /etc/set-up\n")
    setup.chmod(0o755)
    staged = make_lab("-d", nodes=2, boot_hook="staged-tool", stage=tmp_path, setup=setup)
    assert staged.sh("node2", "staged-tool; cat /etc/set-up") == "staged\nnode2 node2 node1 node2\n"
    assert staged.exec("node1", "touch", "/usr/cluster/x", check=False).returncode != 0     # read-only
    staged.down()


def test_failed_up_leaves_nothing(lab_name, tmp_path):
    setup = tmp_path / "setup"
    setup.write_text("#!/bin/sh\necho no way; exit 3\n")
    setup.chmod(0o755)
    name = lab_name[:28] + "-e"
    before = remains(name)
    with pytest.raises(LabError, match="ended with 3: no way"):
        Lab(name).up(nodes=2, setup=setup)
    assert remains(name) == before


def test_down_leaves_nothing(lab_name):
    name = lab_name[:28] + "-f"
    before = remains(name)
    Lab(name).down()                # of a lab that never was
    lab = Lab(name)
    lab.up(nodes=3)
    for node in ("node1", "node2", "client1"):
        lab.spawn(node, "sleep", "4714")
    lab.freeze("node1")
    lab.crash("node2")
    lab.partition("1|2,3")
    lab.disk_add("d", "1M")
    with lab.popen("node3", "sleep", "4715") as entered:
        lab.down()
        assert entered.wait(timeout=5) != 0
    assert remains(name) == before
    lab.down()


WITHOUT_CGROUP2 = """
set -e
awk '$3 == "cgroup2" { print $2 }' /proc/self/mounts | xargs -r umount -l
$CLI up -n 2 --clients 0
$CLI spawn node1 sh -c 'while :; do date +%N > /tmp/beat; done'
beat=/proc/$($CLI pid node1)/root/tmp/beat
until [ -s $beat ]; do :; done
$CLI freeze node1
last=$(cat $beat)
$CLI status | grep -q 'node1 *frozen'
[ "$last" = "$(cat $beat)" ]
$CLI thaw node1
until [ "$last" != "$(cat $beat)" ]; do :; done
$CLI freeze node1
$CLI crash node1
$CLI boot node1
$CLI down
"""


def test_host_without_cgroup2(lab_name):
    name = lab_name[:28] + "-h"
    before = remains(name)
    try:
        subprocess.run(["unshare", "--mount", "sh", "-c", WITHOUT_CGROUP2], env={**os.environ, "CLI": CLI,
                       "CLUSTERLAB": name}, check=True, timeout=30, stdout=subprocess.DEVNULL)
    finally:
        Lab(name).down()
    assert remains(name) == before


@pytest.mark.parametrize("moment", range(24))
def test_down_after_a_killed_up(lab_name, moment):
    name = lab_name[:28] + "-g"
    before = remains(name)
    with subprocess.Popen([CLI, "--lab", name, "up", "-n", "4"], stdout=subprocess.DEVNULL) as up:
        try:
            up.wait(timeout=0.02 + 0.008 * moment)     # it is meant to be at any moment
        except subprocess.TimeoutExpired:
            up.kill()
    subprocess.run([CLI, "--lab", name, "down"], check=True, timeout=30)
    assert remains(name) == before
