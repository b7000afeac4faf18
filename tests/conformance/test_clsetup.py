"""clsetup and scsetup against a stand-in for clusterd: every entry of every menu, as somebody types it; what is refused, and left; a
terminal."""

import copy
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import time

import pytest
from clusterd_double import ClusterdDouble, Error
from membership_samples import POORLY, TABLE, answers
from test_commands import NO_DAEMON, OK, PARHELION, REFUSED, USAGE, root, run           # noqa: F401

FAILED = copy.deepcopy(POORLY)          # nfs-res is in STOP_FAILED
FAILED["groups"][0]["resources"][1]["nodes"][0]["state"] = "STOP_FAILED"
LIMITED = {**TABLE, "cluster.nodes.1.loadlimits.mem.hard": "20"}
INSTALLING = {**POORLY, "quorum": {**POORLY["quorum"], "installmode": True}}


def session(run, *typed, command="clsetup", argv=()):
    return run(command, *argv, stdin="".join(f"{t}\n" for t in typed))


# What is typed from the main menu on, and the command line that comes of it.
ENTRIES = [
    ("1 1 1", ["2", "/dev/disk/by-id/wwn-1", "", "d9"], "clquorum add -t scsi3 -p path=/dev/disk/by-id/wwn-1 d9"),
    ("1 1 1", ["shared_disk", "/dev/sdb", "beta, 1", "d9"], "clquorum add -t shared_disk -p path=/dev/sdb -n beta,alpha d9"),
    ("1 1 2", ["10.1.1.9", "iqn.2026-11.test:q", "2", "", "lun9"],
     "clquorum add -t iscsi -p portal=10.1.1.9 -p target=iqn.2026-11.test:q -p lun=2 lun9"),
    ("1 1 3", ["10.1.1.9", "9000", "", "qs2"], "clquorum add -t quorum_server -p qshost=10.1.1.9 -p port=9000 qs2"),
    ("1 1 3", ["10.1.1.9", "", "/etc/qs/secret", "qs2"], "clquorum add -t quorum_server -p qshost=10.1.1.9 -p secret_file=/etc/qs/secret qs2"),
    ("1 2", ["1"], "clquorum remove d4"),
    ("1 3", ["qs1 4"], "clquorum disable qs1 beta"),
    ("1 4", ["qs1"], "clquorum enable qs1"),
    ("1 5", [], "clquorum reset"),
    ("1 6", [], "cluster set -p installmode=disabled"),
    ("1 7", None, "clquorum status"),

    ("2 1 1", ["app-rg", "beta,alpha", "Failback=TRUE", "RG_description=a b", ""],
     "clresourcegroup create -n beta,alpha -p Failback=TRUE -p 'RG_description=a b' app-rg"),
    ("2 1 2", ["app-rg", "", ""], "clresourcegroup create -S app-rg"),
    ("2 2", ["web-rg", "app1,app2", "eth0@1, eth1@2", "app-ip"],
     "clreslogicalhostname create -g web-rg -h app1,app2 -N eth0@1,eth1@2 app-ip"),
    ("2 3", None, None),
    ("2 4", ["ACME.none", "/no/such/file"], "clresourcetype register -f /no/such/file ACME.none"),
    ("2 5", ["1", "ACME.db", "db", "Port_list=80/tcp,81/tcp", "", "yes"],
     "clresource create -g nfs-rg -t ACME.db -p Port_list=80/tcp,81/tcp -d db"),
    ("2 5", ["web-rg", "2", "db", "", "n"], "clresource create -g web-rg -t ACME.db db"),
    ("2 6 1", ["web-rg"], "clresourcegroup online -e -m -M web-rg"),
    ("2 6 2", ["nfs-rg", "2"], "clresourcegroup switch -n beta nfs-rg"),
    ("2 6 3", ["1,2"], "clresourcegroup offline nfs-rg web-rg"),
    ("2 6 4", ["nfs-rg"], "clresourcegroup restart nfs-rg"),
    ("2 6 5", ["nfs-rg"], "clresourcegroup remaster nfs-rg"),
    ("2 6 6", ["beta"], "clnode evacuate beta"),
    ("2 6 7", ["web-rg"], "clresourcegroup manage web-rg"),
    ("2 6 8", ["nfs-rg"], "clresourcegroup unmanage nfs-rg"),
    ("2 7 1", ["nfs-res", "y"], "clresource enable -r nfs-res"),
    ("2 7 2", ["nfs-res", ""], "clresource disable nfs-res"),
    ("2 7 3", ["1"], "clresource monitor nfs-ip"),
    ("2 7 4", ["nfs-ip, nfs-res"], "clresource unmonitor nfs-ip nfs-res"),
    ("2 8", ["1"], "clresource clear -f STOP_FAILED nfs-res"),
    ("2 9 1", ["nfs-rg", "Failback=TRUE", ""], "clresourcegroup set -p Failback=TRUE nfs-rg"),
    ("2 9 2", ["nfs-res", "R_description=x", "Resource_dependencies+=web-ip", ""],
     "clresource set -p R_description=x -p Resource_dependencies+=web-ip nfs-res"),
    ("2 9 3", ["nfs-rg", "beta"], "clresourcegroup add-node -n beta nfs-rg"),
    ("2 9 4", ["nfs-rg", "beta"], "clresourcegroup remove-node -n beta nfs-rg"),
    ("2 10 1", ["web-ip", "yes"], "clresource delete -F web-ip"),
    ("2 10 2", ["web-rg", "no"], "clresourcegroup delete web-rg"),
    ("2 10 3", ["ACME.db"], "clresourcetype unregister ACME.db"),
    ("2 11 1", ["nfs-rg"], "clresourcegroup suspend nfs-rg"),
    ("2 11 2", ["nfs-rg"], "clresourcegroup resume nfs-rg"),
    ("2 11 3", ["nfs-rg", "y"], "clresourcegroup quiesce -k nfs-rg"),
    ("2 12", ["nfs-rg"], "clresourcegroup explain nfs-rg"),
    ("2 13", None, "clresourcegroup status"),
    ("2 14", None, "clresource status"),

    *[(f"3 {n}", None, None) for n in range(1, 6)],
    ("3 6", None, "cluster status -t intr"),

    ("4 1", ["/dev/sdb", "3", "d7"], "cldevice add -t scsi3 -p path=/dev/sdb -p default_fencing=scsi3 d7"),
    ("4 2", ["lun1"], "cldevice remove lun1"),
    ("4 3", ["d6", "nofencing"], "cldevice set -p default_fencing=nofencing d6"),
    ("4 4", None, "cldevice status"),
    ("4 5", None, None), ("4 6", None, None),

    ("5 1", ["alpha", "alpha-ha"], "clnode set -p privatehostname=alpha-ha alpha"),

    ("6 1", ["gamma", "10.1.1.3,eth2=10.1.2.3", "7"], "clnode add -e 10.1.1.3,eth2=10.1.2.3 --id 7 gamma"),
    ("6 2", ["beta"], "clnode remove beta"),
    ("6 3", ["1"], "clnode evacuate alpha"),
    ("6 4", ["beta"], "clnode unquarantine beta"),
    ("6 5", ["mem", "11", "20", "beta"], "clnode create-loadlimit -p limitname=mem -p softlimit=11 -p hardlimit=20 beta"),
    ("6 6", ["mem", "alpha"], "clnode delete-loadlimit -p limitname=mem alpha"),
    ("6 7", None, "clnode status"),

    ("7 1", ["other"], "cluster rename -c other"),
    ("7 2", ["takeover_time=960", "fencing_policy=lease", ""], "cluster set -p takeover_time=960 -p fencing_policy=lease"),
    ("7 3", None, None), ("7 4", None, None),
    ("7 5", None, "cluster show -t global"),
    ("7 6", None, "cluster status --short"),
]


@pytest.mark.parametrize("path, typed, line", ENTRIES, ids=[f"{e[0]} {i}" for i, e in enumerate(ENTRIES)])
def test_entry(path, typed, line, root, run):
    """The line that is shown is the one that is run: the same requests, the same output and exit code as by hand."""
    confirm = [] if typed is None else ["y"]            # what only shows is not asked about
    with ClusterdDouble(root, answers(FAILED, LIMITED)) as clusterd:
        got = session(run, *path.split(), *(typed or []), *confirm, *["q"] * 4)
    assert got.returncode == OK
    assert re.findall(r"^    Command: (.*)$", got.stdout, re.M) == ([line] if line else [])
    if not line:
        assert "This is not built yet: " in got.stdout and clusterd.requests == []
        return
    with ClusterdDouble(root, answers(FAILED, LIMITED)) as by_hand:
        want = run(*shlex.split(line))
    assert (clusterd.requests, got.stderr) == (by_hand.requests, want.stderr) and want.stdout in got.stdout
    assert ("\n    Command completed successfully.\n" in got.stdout) == (want.returncode == OK)
    assert (f"\n    The command failed with exit code {want.returncode}.\n" in got.stdout) == (want.returncode != OK)
    assert want.returncode != 3 and "There is no option" not in want.stderr     # a line that the command does not take


def menus(run, *path):
    """The way to every entry below this menu.  What follows a menu is the one below it, or itself again after an entry."""
    shown = re.split(r"^  \*\*\* ", session(run, *path).stdout, flags=re.M)[1 + len(path)]
    for number in re.findall(r"^        (\d+)\) ", shown, re.M):
        below = re.split(r"^  \*\*\* ", session(run, *path, number).stdout, flags=re.M)[2 + len(path)]
        if below.split("\n")[0] == shown.split("\n")[0]:
            yield " ".join([*path, number])
        else:
            yield from menus(run, *path, number)


def test_every_entry_is_tested(root, run):
    with ClusterdDouble(root, answers(FAILED)):
        assert set(menus(run)) == {e[0] for e in ENTRIES}


# ---- what is refused, left, asked again ----

@pytest.mark.parametrize("path, typed, text", [
    ("9", [], 'There is no option "9": type a number from 1 to 7, ? or q.'),
    ("0", [], "There is no option"), ("", [], "There is no option"), ("1x", [], "There is no option"),
    ("1 1 1", ["3"], 'There is no choice "3".'), ("1 1 1", ["scsi3", "-x"], '"-x" is not a word without blanks'),
    ("1 1 1", ["scsi3", "/dev/sdb", "gamma"], 'There is no node "gamma".'),
    ("1 1 1", ["scsi3", "/dev/sdb", "1,alpha"], "Alpha is named twice."),
    ("1 1 1", ["scsi3", "/dev/sdb", "", "d4"], "There is a quorum device d4 already."),
    ("1 1 1", ["scsi3", "/dev/sdb", "", "-F"], '"-F" is not a name'),
    ("1 1 3", ["10.1.1.9", "many"], '"many" is not a number.'),
    ("2 1 1", ["a b"], '"a b" is not a name'), ("2 1 1", ["nfs-rg"], "There is a resource group nfs-rg already."),
    ("2 1 1", ["app-rg", "", "Failback"], '"Failback" is not a property as NAME=VALUE.'),
    ("2 1 1", [""], "This is needed; ? explains it, q leaves it."),
    ("2 6 1", [","], 'There is no name in ",".'), ("2 6 1", ["3"], 'There is no resource group "3".'),
    ("2 9 1", ["nfs-rg", ""], "This is needed"),
    ("1 5", ["perhaps"], "Answer yes or no; q leaves this."),
    ("1 5", ["?"], "yes runs the command line above"), ("1 5", ["no"], "Nothing was changed."), ("1 5", ["q"], "Nothing was changed."),
    ("2 10 1", ["nfs-res", "?"], "yes or no."), ("2 10 1", ["nfs-res", "q"], "Nothing was changed."),
    ("2 6 1", ["?"], "or its number in the list. Several are separated by commas.\n    q leaves this"),
    ("2 6 1", ["q"], "Nothing was changed."), ("2 1 1", ["app-rg", "q"], "Nothing was changed."),
    ("2 1 1", ["app-rg", "", "Failback=TRUE", "q"], "Nothing was changed."),
    ("?", [], "3) Cluster interconnect\n          The paths between the nodes."),
    ("3 ?", [], "A link between adapters of nodes, or a switch. (not built yet)"),
])
@pytest.mark.parametrize("command", ["clsetup", "scsetup"])
def test_nothing_half_done(path, typed, text, command, root, run):
    """And the end of the input, wherever it comes, ends it."""
    with ClusterdDouble(root, answers(POORLY)) as clusterd:
        got = session(run, *(path.split() or [""]), *typed, command=command)
    assert (got.returncode, got.stderr, clusterd.requests) == (OK, "", []) and text in got.stdout


def test_nothing_to_choose_from(root, run):
    with ClusterdDouble(root, answers(POORLY)) as clusterd:
        got = session(run, "2", "8")
    assert "There is no resource in STOP_FAILED." in got.stdout and clusterd.requests == []


def test_a_failure_is_told_and_the_menu_comes_back(root, run):
    refused = Error("Refused", code=5, message="the cluster would lose its quorum")
    with ClusterdDouble(root, {**answers(POORLY), "Request": refused}):
        got = session(run, "1", "5", "", "q", "q")
    assert got.returncode == OK and "Failed to reset the quorum configuration" in got.stderr
    assert "The command failed with exit code" in got.stdout and got.stdout.count("*** Quorum Menu ***") == 2


def test_without_clusterd(root, run):
    got = session(run, "q")
    assert got.returncode == NO_DAEMON and "clusterd is not running on this node" in got.stderr and got.stdout == ""


def test_clusterd_ends_meanwhile(root, run):
    """Status is answered once, for the start."""
    left = [POORLY]
    double = {**answers(), "Status": lambda _: left.pop() if left else Error("org.varlink.service.MethodNotFound", method="Status")}
    with ClusterdDouble(root, double) as clusterd:
        got = session(run, "6", "3", "q", "q")
    assert got.returncode == OK and "of another version" in got.stderr and "Nothing was changed." in got.stdout
    assert clusterd.requests == []


# ---- install mode, the log, the deadline ----

def test_install_mode_comes_first(root, run):
    with ClusterdDouble(root, answers(INSTALLING)) as clusterd:
        got = session(run, "yes", "3", "10.1.1.9", "9000", "", "qs2", "", "q", "", "q")
    assert [r["op"] for r in clusterd.requests] == ["installmode", "quorum_add"]
    assert got.stdout.index("Initial Cluster Setup") < got.stdout.index("clquorum add -t quorum_server") < got.stdout.index(
        "cluster set -p installmode=disabled") < got.stdout.index("*** Main Menu ***")


def test_install_mode_later(root, run):
    with ClusterdDouble(root, answers(INSTALLING)) as clusterd:
        got = session(run, "no", "q")
    assert clusterd.requests == [] and got.stdout.count("***") == 2


def test_log_of_commands(root, run):
    """Appended to; with what was run, not with what was left."""
    (root / "log").write_text("before\n")
    with ClusterdDouble(root, answers(POORLY)):
        session(run, "1", "5", "y", "5", "n", "7", "q", "7", "1", "x y", "other", "", argv=["-f", "log"])
    assert (root / "log").read_text() == "before\nclquorum reset\nclquorum status\ncluster rename -c other\n"
    with ClusterdDouble(root, answers(POORLY)):
        got = session(run, "1", "5", "y", argv=["-f", "none/log"])
    assert got.returncode == REFUSED and "Failed to open none/log - No such file or directory" in got.stderr


def test_deadline_goes_with_the_commands(root, run):
    with ClusterdDouble(root, answers(POORLY)):
        got = session(run, "6", "3", "beta", "y", argv=["--deadline", "20"])
    assert "    Command: clnode evacuate --deadline 20 beta\n" in got.stdout


@pytest.mark.parametrize("argv, text", [(["-x"], "There is no option -x"), (["-f"], "-f"), (["now"], "")])
def test_wrong_line(argv, text, root, run):
    got = session(run, argv=argv)
    assert got.returncode == USAGE and text in got.stderr


# ---- a terminal ----

def read_until(fd, text, seconds=20):
    got, end = "", time.monotonic() + seconds
    while text not in got:
        assert select.select([fd], [], [], max(0, end - time.monotonic()))[0], f"no {text!r} in {got!r}"
        got += os.read(fd, 65536).decode()
    return got


def test_on_a_terminal(root):
    """Ctrl-D leaves one thing after the other; Ctrl-C ends a command that waits, and not the menu."""
    slow = {**answers(POORLY), "Request": None}
    with ClusterdDouble(root, slow) as clusterd:
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(PARHELION, ["clsetup"], {**os.environ, "PARHELION_ROOT": str(root)})
        read_until(fd, "Option:  ")
        os.write(fd, b"2\n6\n1\n")
        read_until(fd, "Which resource groups? ")
        os.write(fd, b"\x04")
        assert "Nothing was changed." in read_until(fd, "Option:  ")
        os.write(fd, b"\x04")
        assert "Resource Group Menu" in read_until(fd, "Option:  ")
        os.write(fd, b"q\n1\n5\n")
        read_until(fd, "run it (yes/no) [yes]? ")
        os.write(fd, b"yes\n")
        end = time.monotonic() + 20
        while not clusterd.requests:
            assert time.monotonic() < end
            time.sleep(0.01)
        os.write(fd, b"\x03")
        assert f"failed with exit code {128 + signal.SIGINT}." in read_until(fd, "Option:  ")
        os.write(fd, b"\x04")
        assert "Main Menu" in read_until(fd, "Option:  ")
        os.write(fd, b"\x04")
        _, status = os.waitpid(pid, 0)
        os.close(fd)
    assert os.waitstatus_to_exitcode(status) == OK


# ---- help ----

@pytest.mark.parametrize("command", ["clsetup", "scsetup"])
def test_help(command, run):
    got = run(command, "--help")
    assert got.returncode == OK and got.stdout.startswith(f"{command}: ")
