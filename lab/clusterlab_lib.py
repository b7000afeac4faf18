"""A cluster of simulated machines on this one: the library behind `clusterlab`, also for tests.

    lab = Lab("demo")
    lab.up(nodes=3)
    lab.exec("node1", "ip", "addr")         # subprocess.CompletedProcess; check=False to look at returncode
    lab.crash("node1"); lab.boot("node1")
    lab.partition("1,2|3"); lab.heal()
    lab.down()

State of a lab, all removed by down():
    /run/clusterlab/NAME/lab.json       what it consists of; written once, by up()
    /run/clusterlab/NAME/faults.json    see clusterlab_switch.Faults
    /run/clusterlab/NAME/NODE.json      how the node is, written by its keeper only
    /run/clusterlab/NAME/lock           flock(2): one change at a time
    /var/lib/clusterlab/NAME/NODE/      the node's private disk;  .../shared/: what all see as /shared
    <cgroup2>/clusterlab/NAME/NODE/     its processes
The truth about which processes belong to a lab is their argv[0], "labnode: LAB NODE", not these files: down() also
cleans up after a clusterlab that was killed at any moment.
"""

import concurrent.futures
import contextlib
import dataclasses
import fcntl
import glob
import hashlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import time

import clusterlab_switch as switch

RUN = pathlib.Path("/run/clusterlab")
DISKS = pathlib.Path("/var/lib/clusterlab")
DEFAULT_NAME = "lab"
DEFAULT_HOOK = "/usr/cluster/lib/sc/node-boot"
BOOT_LOG = "/var/log/boot.log"
SPAWN_LOG = "/var/log/spawn.log"
PREFIX = "/usr/cluster"
TOOLS = "/run/lab"      # in a node: labprobe and whatever else lies beside this file, last in the PATH
FREEZE_TIMEOUT_S = 5
DEATH_TIMEOUT_S = 20
KEEPER_TIMEOUT_S = 2
DISK_FILESYSTEMS = {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "bcachefs"}


class LabError(Exception):
    """One line for the user: what, and the cure."""


def _helper():
    """labnode lies beside this file in the build tree and under the installation prefix alike."""
    path = pathlib.Path(__file__).resolve().parent / "labnode"
    if not path.exists():
        raise LabError(f"{path}: missing; build Parhelion (ninja) and use clusterlab from the build tree, or install it")
    return str(path)


def _cgroup_root():
    """Directory for all labs in the cgroup2 hierarchy, wherever it is mounted; None: this host has none."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(where) / "clusterlab"
    return None


def _disk_mounts():
    """Directories of the host on further disk file systems (/usr, /home, ...): an overlay of / would not show them."""
    found = []
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, tail = line.partition(" - ")
        where, kind = fields.split()[4], tail.split()[0]
        plain = re.fullmatch(r"/[\w./+-]+", where) and not where.startswith(("/run/", "/tmp/", "/dev/", "/proc/", "/sys/"))
        if plain and kind in DISK_FILESYSTEMS and os.path.isdir(where) and not where.startswith(str(DISKS)):
            found.append(where)
    return sorted(set(found))


def _argv0(pid):
    """"" for a process that is gone or a zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0", 1)[0].decode(errors="replace")
    except OSError:
        return ""


def _processes():
    """(pid, lab, node) of every labnode process of this pid namespace and those below it."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            words = _argv0(entry).split()
            if len(words) == 3 and words[0] == "labnode:":
                yield int(entry), words[1], words[2]


def _is_inside(pid):
    """Is it in a pid namespace below ours?"""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return len(line.split()) > 2
    return False


def _wait_death(pid, timeout=DEATH_TIMEOUT_S):
    """True when the process has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], timeout)[0])
    finally:
        os.close(fd)


def _kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _remove_cgroup(path):
    """Kill what is in it and remove the directories, deepest first."""
    if path is None or not path.exists():
        return
    with contextlib.suppress(OSError):
        (path / "cgroup.kill").write_text("1")
        _wait_cgroup(path, "populated", 0)
    for directory, _, _ in os.walk(path, topdown=False):
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(directory)


def _wait_cgroup(path, key, value):
    """Until cgroup.events says "KEY VALUE"; False when it takes longer than FREEZE_TIMEOUT_S."""
    wanted = f"{key} {value}"
    deadline = time.monotonic() + FREEZE_TIMEOUT_S
    with open(path / "cgroup.events", encoding="ascii") as events:
        poller = select.poll()
        poller.register(events, select.POLLPRI)
        while True:
            events.seek(0)
            if wanted in events.read().splitlines():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            poller.poll(left * 1000)


def _read_json(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def _write_json(path, data):
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(data) + "\n")
    temporary.rename(path)


def lab_names():
    """Every lab of which anything exists."""
    names = {lab for _, lab, _ in _processes()}
    cgroups = _cgroup_root()
    for directory in (RUN, DISKS, cgroups):
        if directory and directory.is_dir():
            names |= {entry.name for entry in directory.iterdir() if entry.is_dir()}
    return sorted(names)


@dataclasses.dataclass(frozen=True)
class NodeStatus:
    name: str
    state: str              # up, frozen, crashed, panicked, off, exited, or down: never booted
    pid: int = 0            # of its pid 1, as the host sees it
    mono_ns: int = 0        # CLOCK_MONOTONIC when it came into this state
    wall: float = 0.0


class Lab:
    """One lab.  Methods that change something wait for the lab's lock; all raise LabError."""

    def __init__(self, name=None):
        self.name = name or os.environ.get("CLUSTERLAB") or DEFAULT_NAME
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", self.name):
            raise LabError(f"{self.name}: not a name for a lab; use lower-case letters, digits and dashes")
        self.run = RUN / self.name
        self.disks = DISKS / self.name
        root = _cgroup_root()
        self.cgroup = root / self.name if root else None
        self.helper = _helper()
        self._lock_fd = None

    # ---- state ----

    def config(self):
        config = _read_json(self.run / "lab.json")
        if config is None:
            raise LabError(f"lab {self.name} is not up; clusterlab up")
        return config

    def names(self):
        """node1.. and client1.. of this lab."""
        config = self.config()
        return _names(config["nodes"], config["clients"])

    def status(self, name):
        self._check_name(name)
        data = _read_json(self.run / f"{name}.json")
        if data is None:
            return NodeStatus(name, "down")
        state, pid = data["state"], data["pid"]
        if state == "up" and _argv0(pid) != self._argv0(name):
            state = "crashed"       # its keeper was killed too
        if state == "up" and self._is_frozen(name):
            state = "frozen"
        return NodeStatus(name, state, pid if state in ("up", "frozen") else 0, data["mono_ns"], data["wall"])

    def faults(self):
        data = _read_json(self.run / "faults.json")
        return switch.Faults.from_json(data) if data else switch.Faults()

    def pid(self, name):
        """Host pid of the node's pid 1."""
        status = self.status(name)
        if not status.pid:
            raise LabError(f"{name} is not up ({status.state}); clusterlab boot {name}")
        return status.pid

    def disk_path(self, name, path):
        """Where the host finds what the node wrote at PATH, also when the node is dead."""
        path = pathlib.PurePosixPath(path)
        mounts = [m for m in self.config()["mounts"] if m == "/" or path.is_relative_to(m)]
        mount = max(mounts, key=len)
        return self._disk(name, mount) / "upper" / path.relative_to(mount)

    def _check_name(self, name):
        if name not in self.names():
            raise LabError(f"{name}: no such node in lab {self.name}; it has {', '.join(self.names())}")

    def _argv0(self, name):
        return f"labnode: {self.name} {name}"

    def _disk(self, name, mount):
        return self.disks / name / ("root" if mount == "/" else mount.strip("/").replace("/", "-"))

    def _node_cgroup(self, name):
        return self.cgroup / name if self.cgroup else None

    def _is_frozen(self, name):
        if not self.cgroup:
            return (self.run / f"{name}.frozen").exists()
        with contextlib.suppress(OSError):
            return (self._node_cgroup(name) / "cgroup.freeze").read_text().strip() == "1"
        return False

    @contextlib.contextmanager
    def _lock(self):
        """Serialise changes.  down() deletes the file while it holds the lock, so look whether ours is still the one."""
        while True:
            self.run.mkdir(parents=True, exist_ok=True)
            try:
                fd = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except FileNotFoundError:
                continue            # a down() removed the directory just now
            fcntl.flock(fd, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if os.stat(self.run / "lock").st_ino == os.fstat(fd).st_ino:
                    break
            os.close(fd)
        self._lock_fd = fd
        try:
            yield
        finally:
            self._lock_fd = None
            os.close(fd)

    @contextlib.contextmanager
    def _changing(self):
        """The lock, of a lab that exists."""
        self.config()
        with self._lock():
            yield self.config()

    # ---- the helper ----

    def _labnode(self, node, *args, input=None):
        """Run labnode to its end; its stdout.  It inherits the lock: if we are killed, the next one waits for it."""
        argv = [self._argv0(node), *map(str, args)]
        done = subprocess.run(argv, executable=self.helper, input=input, text=True, capture_output=True,
                              pass_fds=[self._lock_fd] if self._lock_fd is not None else [],
                              **({} if input is not None else {"stdin": subprocess.DEVNULL}))
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            raise LabError(said[-1].removeprefix("clusterlab: ") if said else f"{node}: labnode {args[0]} failed")
        return done.stdout

    def _ip(self, node, pid, batch):
        """Run a batch of ip commands in the network namespace of a process."""
        self._labnode(node, "net", pid, "ip", "-batch", "-", input=batch)

    def _enter_args(self, verb, name):
        cgroup = f"{self._node_cgroup(name)}/init" if self.cgroup else "-"
        return [self._argv0(name), verb, str(self.pid(name)), cgroup]

    def _environment(self, name):
        """What labnode lets through: the terminal, and who I am."""
        keep = {key: os.environ[key] for key in ("TERM", "PS1") if key in os.environ}
        return {**keep, "LAB": self.name, "LAB_NODE": name, "LAB_NODES": " ".join(_names(self.config()["nodes"], 0))}

    # ---- life of a lab ----

    def up(self, nodes=3, clients=1, boot_hook=None, stage=None, setup=None, progress=lambda text: None):
        """Make the lab and boot all its machines.

        boot_hook: shell command run in each node after boot, "" for none; default: DEFAULT_HOOK if the node has it.
        stage: staged installation (DESTDIR) whose /usr/cluster the nodes see.  setup: executable run once in each
        node as `SETUP NODE` before its boot hook.
        """
        _check_request(nodes, clients, stage, setup)
        with self._lock():
            if (self.run / "lab.json").exists():
                raise LabError(f"lab {self.name} exists already; clusterlab --lab {self.name} down")
            try:
                self._wipe()        # what a lab of this name left when the host went down
                self._create(nodes, clients, boot_hook, stage)
                self._boot_all(setup, progress)
            except BaseException:
                self._wipe()
                self._remove_run()
                raise

    def down(self):
        """Nothing of the lab remains; no error when there was nothing."""
        if self.name not in lab_names():
            return
        with self._lock():
            self._wipe()
            self._remove_run()

    def _create(self, nodes, clients, boot_hook, stage):
        self.disks.mkdir(parents=True, exist_ok=True)
        self.disks.chmod(0o755)
        (self.disks / "shared").mkdir()
        if self.cgroup:
            (self.cgroup / "keepers").mkdir(parents=True)
        config = {"nodes": nodes, "clients": clients, "hook": boot_hook, "switch": 0, "mounts": ["/", *_disk_mounts()],
                  "stage": str(pathlib.Path(stage).resolve()) if stage else None}
        _write_json(self.run / "lab.json", config)
        config["switch"] = int(self._labnode("switch", "switch", self._keeper_cgroup()))
        _write_json(self.run / "lab.json", config)
        self._ip("switch", config["switch"], switch.batch_switch())

    def _boot_all(self, setup, progress):
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
            boots = {pool.submit(self._boot, name, setup): name for name in self.names()}
            try:
                for boot in concurrent.futures.as_completed(boots):
                    boot.result()
                    progress(f"{boots[boot]} is up")
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _wipe(self):
        """Everything but the lock."""
        self._kill_nodes()
        while mine := self._processes():
            for pid in mine:
                _kill(pid)
            for pid in mine:
                if not _wait_death(pid):
                    raise LabError(f"process {pid} of lab {self.name} does not die; see /proc/{pid}/stack")
        if self.cgroup:
            _remove_cgroup(self.cgroup)
            _rmdir_if_empty(self.cgroup.parent)
        shutil.rmtree(self.disks, ignore_errors=False, onerror=_ignore_missing)
        _rmdir_if_empty(DISKS)
        for path in self.run.iterdir():
            if path.name != "lock":
                path.unlink()

    def _processes(self, but=()):
        return [pid for pid, lab, node in _processes() if lab == self.name and node not in but]

    def _kill_nodes(self):
        """First what is inside: keepers and callers of exec then end by themselves, having reaped their children.
        (Left to the host's pid 1, which may be in no hurry, these would linger as zombies.)"""
        for pid in self._processes():
            if _is_inside(pid):
                _kill(pid)
        deadline = time.monotonic() + KEEPER_TIMEOUT_S
        for pid in self._processes(but=("switch",)):
            _wait_death(pid, max(0, deadline - time.monotonic()))

    def _remove_run(self):
        """The lock last; whoever waited for it finds it gone and makes a new one."""
        (self.run / "lock").unlink(missing_ok=True)
        _rmdir_if_empty(self.run)
        _rmdir_if_empty(RUN)

    def _keeper_cgroup(self):
        return self.cgroup / "keepers" if self.cgroup else "-"

    # ---- life of a node ----

    def boot(self, name):
        """Start a node that crashed, panicked or went off: same disk, same cables."""
        with self._changing():
            if self.status(name).pid:
                raise LabError(f"{name} is up already; clusterlab crash {name}, or reboot")
            self._boot(name)

    def reboot(self, name):
        """The reset button: crash and boot."""
        with self._changing():
            self._crash(name)
            self._boot(name)

    def crash(self, name):
        """Power cut: from the instant returned (CLOCK_MONOTONIC, ns) nothing leaves the node; then all of it dies."""
        with self._changing():
            return self._crash(name)

    def _crash(self, name):
        pid = self.pid(name)
        keeper = _read_json(self.run / f"{name}.json")["keeper"]
        ports = [switch.port_index(name, link) for link in switch.links_of(name)]
        instant = int(self._labnode(name, "crash", self.config()["switch"], pid, *ports))
        if not _wait_death(keeper):
            raise LabError(f"{name} does not die (pid {pid}); see /proc/{pid}/stack")
        return instant

    def wait_end(self, name, timeout=DEATH_TIMEOUT_S):
        """Wait until a node has ended, e.g. by its own panic; its status then."""
        self._check_name(name)
        keeper = (_read_json(self.run / f"{name}.json") or {}).get("keeper")
        if keeper and _argv0(keeper) == self._argv0(name) and not _wait_death(keeper, timeout):
            raise LabError(f"{name} is still up after {timeout} s")
        return self.status(name)

    def _boot(self, name, setup=None):
        config = self.config()
        self._make_disk(name)
        self._make_cgroup(name)
        self._labnode(name, "boot", *self._boot_options(name, config))
        pid = self.pid(name)
        self._ip("switch", config["switch"], switch.batch_plug(name, pid, self.faults().cut))
        self._ip(name, pid, switch.batch_addresses(name))
        if setup:
            self._run_setup(name, setup)
        if name.startswith("node"):
            self._run_hook(name, config["hook"])

    def _boot_options(self, name, config):
        options = ["host", name, "state", self.run / f"{name}.json", "switch", config["switch"],
                   "cgroup", self._node_cgroup(name) or "-", "keeper-cgroup", self._keeper_cgroup(),
                   "bind", f"{self.disks}/shared:/shared"]
        for link in switch.links_of(name):
            options += ["port", switch.port_index(name, link)]
        for mount in config["mounts"]:
            options += ["overlay", f"{mount}:{self._disk(name, mount)}"]
        if config["stage"]:
            options += ["bind-ro", f"{config['stage']}{PREFIX}:{PREFIX}"]
        options += ["bind-ro", f"{pathlib.Path(self.helper).parent}:{TOOLS}"]
        # The other nodes' disks are nobody's business.  sysrq and watchdogs would reach the host itself.
        options += ["bind-ro", f"{self.disks / name / 'empty'}:{DISKS}"]
        for path in ["/proc/sysrq-trigger", *glob.glob("/dev/watchdog*")]:
            if os.path.exists(path):
                options += ["hide", path]
        return options

    def _make_disk(self, name):
        """The first time only: what makes this node's files its own is put there before its first boot."""
        if (self.disks / name).exists():
            return
        for mount in self.config()["mounts"]:
            for part in ("upper", "work"):
                (self._disk(name, mount) / part).mkdir(parents=True)
            (self._disk(name, mount) / "upper").chmod(0o755)
        (self.disks / name / "empty").mkdir(mode=0o755)
        etc = self.disk_path(name, "/etc")
        etc.mkdir(mode=0o755)
        (etc / "hosts").write_text(switch.hosts_file(self.names()))
        (etc / "hostname").write_text(name + "\n")
        (etc / "machine-id").write_text(hashlib.md5(f"{self.name}/{name}".encode()).hexdigest() + "\n")

    def _make_cgroup(self, name):
        if self.cgroup:
            _remove_cgroup(self._node_cgroup(name))
            (self._node_cgroup(name) / "init").mkdir(parents=True)
        (self.run / f"{name}.frozen").unlink(missing_ok=True)

    def _run_setup(self, name, setup):
        """The script is handed over as an open file: the node may not see the directory it is in."""
        with open(setup, "rb") as script:
            done = self._run("exec", name, f"/proc/self/fd/{script.fileno()}", name, pass_fds=[script.fileno()],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            last = (done.stdout.strip().splitlines() or ["no message"])[-1]
            raise LabError(f"{name}: set-up script {setup} ended with {done.returncode}: {last}")

    def _run_hook(self, name, hook):
        if hook is None:
            hook = f"test ! -x {DEFAULT_HOOK} || exec {DEFAULT_HOOK}"
        if hook:
            self.spawn(name, "/bin/sh", "-c", hook, log=BOOT_LOG)

    # ---- inside a node ----

    def _run(self, verb, name, *cmd, **options):
        return subprocess.run(self._enter_args(verb, name) + list(map(str, cmd)), executable=self.helper,
                              env=self._environment(name), **options)

    def exec(self, name, *cmd, check=True, input=None, timeout=None):
        """Run a command in a node and collect its output (text).  A time-out kills it inside too."""
        options = {"input": input} if input is not None else {"stdin": subprocess.DEVNULL}
        done = self._run("exec", name, *cmd, text=True, capture_output=True, timeout=timeout, **options)
        if check and done.returncode != 0:
            raise LabError(f"{name}: {' '.join(map(str, cmd))}: exit {done.returncode}: "
                           f"{(done.stderr or done.stdout).strip()}")
        return done

    def sh(self, name, script, **options):
        """Standard output of a shell script run in a node."""
        return self.exec(name, "/bin/sh", "-c", script, **options).stdout

    def popen(self, name, *cmd, **options):
        """subprocess.Popen of a command in a node; killing it kills the command."""
        return subprocess.Popen(self._enter_args("exec", name) + list(map(str, cmd)), executable=self.helper,
                                env=self._environment(name), **options)

    def spawn(self, name, *cmd, log=SPAWN_LOG):
        """Leave a command running in a node, a child of the node's pid 1; its pid there."""
        done = self._run("spawn", name, log, *cmd, text=True, capture_output=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise LabError(f"{name}: {done.stderr.strip().removeprefix('clusterlab: ')}")
        return int(done.stdout)

    def replace_by_exec(self, name, *cmd):
        """Turn this process into the command: nothing stands between the terminal and it."""
        args = self._enter_args("exec", name) + list(cmd)
        os.execve(self.helper, args, self._environment(name))

    # ---- a hung machine ----

    def freeze(self, name):
        """Every process of the node stops; its kernel still answers pings."""
        with self._changing():
            self._freeze(name, True)

    def thaw(self, name):
        with self._changing():
            self._freeze(name, False)

    def _freeze(self, name, on):
        pid = self.pid(name)
        if self.cgroup:
            (self._node_cgroup(name) / "cgroup.freeze").write_text("1" if on else "0")
            if not _wait_cgroup(self._node_cgroup(name), "frozen", int(on)):
                raise LabError(f"{name}: a process does not {'freeze' if on else 'thaw'}; clusterlab ps {name}")
            return
        self._labnode(name, "signal", pid, int(signal.SIGSTOP if on else signal.SIGCONT))
        marker = self.run / f"{name}.frozen"
        marker.touch() if on else marker.unlink(missing_ok=True)

    # ---- cables ----

    @contextlib.contextmanager
    def _changing_faults(self, *names):
        """The faults, to be changed; on leaving they are written down and loaded into the switch."""
        with self._changing() as config:
            for name in names:
                self._check_name(name)
            faults = self.faults()
            cut_before = set(faults.cut)
            try:
                yield faults
            except switch.NoSuchThing as error:
                raise LabError(str(error)) from None
            _write_json(self.run / "faults.json", faults.to_json())
            self._labnode("switch", "net", config["switch"], "nft", "-f", "-", input=switch.ruleset(faults))
            self._set_carrier(config, cut_before, faults.cut)

    def _set_carrier(self, config, before, after):
        lines = [f"link set {switch.port(*cable)} {'down' if cable in after else 'up'}" for cable in before ^ after
                 if self.status(cable[0]).pid]
        if lines:
            self._ip("switch", config["switch"], "\n".join(lines) + "\n")

    def cut(self, name, link="all", silent=False):
        """Pull a cable out; silent: the plug stays in (carrier), but nothing passes."""
        with self._changing_faults(name) as faults:
            cables = {(name, each) for each in switch.expand_links(name, link)}
            (faults.silent if silent else faults.cut).update(cables)

    def heal(self, name=None, link="all"):
        """Mend the cables of one node (cuts and losses), or everything that is wrong in the lab."""
        with self._changing_faults(*([name] if name else [])) as faults:
            if name is None:
                faults.clear()
                return
            for cable in [(name, each) for each in switch.expand_links(name, link)]:
                faults.cut.discard(cable)
                faults.silent.discard(cable)
                faults.loss.pop(cable, None)

    def partition(self, sides, links=("priv0", "priv1")):
        """"1,2|3": nodes on different sides do not hear each other on these links.  "" ends it."""
        with self._changing_faults() as faults:
            parsed = switch.parse_sides(sides, self.names())
            for link in links:
                if link not in switch.LINKS:
                    raise LabError(f"{link}: no such link; links are {', '.join(switch.LINKS)}")
            faults.sides = {link: parsed for link in links} if len(parsed) > 1 else {}

    def drop(self, sender, receiver, link, on=True):
        """One way: what SENDER sends does not reach RECEIVER."""
        with self._changing_faults(sender, receiver) as faults:
            for each in switch.expand_links(sender, link):
                if on:
                    faults.drop.add((sender, receiver, each))
                else:
                    faults.drop.discard((sender, receiver, each))

    def loss(self, name, link, percent):
        """Lose this share of the frames to, and from, a node; 0 ends it."""
        if not 0 <= percent <= 100:
            raise LabError(f"loss of {percent} %: a percentage is between 0 and 100")
        with self._changing_faults(name) as faults:
            for each in switch.expand_links(name, link):
                faults.loss[name, each] = percent
                if percent == 0:
                    del faults.loss[name, each]

    # ---- disks ----

    def disk_add(self, disk, size):
        """A shared disk of SIZE bytes (or "64M"): the file /shared/NAME in every node."""
        with self._changing():
            path = self._shared(disk)
            if path.exists():
                raise LabError(f"disk {disk} exists already; clusterlab disk remove {disk}")
            bytes_ = parse_size(size)
            path.touch()
            os.truncate(path, bytes_)

    def disk_remove(self, disk):
        with self._changing():
            path = self._shared(disk)
            if not path.exists():
                raise LabError(f"no disk {disk}; clusterlab disk list")
            path.unlink()

    def disks_shared(self):
        """{name: size in bytes}"""
        self.config()
        return {path.name: path.stat().st_size for path in sorted((self.disks / "shared").iterdir())}

    def _shared(self, disk):
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", disk):
            raise LabError(f"{disk}: not a name for a disk; use letters, digits, dots, dashes and underscores")
        return self.disks / "shared" / disk

    def small_disk(self, name, directory, size):
        """Put a file system of SIZE bytes under a directory of a node, with its contents, so that it can be full.
        It lasts until the node ends."""
        done = self.exec(name, "/bin/sh", "-ec", SMALL_DISK, "smalldisk", directory, parse_size(size), check=False)
        if done.returncode != 0:
            raise LabError(f"{name}: {directory}: {done.stderr.strip().splitlines()[-1]}")


SMALL_DISK = """
new=$(mktemp -d)
mkdir -p "$1"
mount -t tmpfs -o size="$2" small "$new"
if ! cp -a "$1/." "$new"; then
    umount "$new"
    rmdir "$new"
    exit 1
fi
mount --move "$new" "$1"
rmdir "$new"
"""


def parse_size(text):
    """64M -> 67108864"""
    match = re.fullmatch(r"([1-9][0-9]*)([KMGT]?)", str(text))
    if not match:
        raise LabError(f"{text}: not a size; say for example 512K, 64M or 1G")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[match[2]]


def _names(nodes, clients):
    return [f"node{i + 1}" for i in range(nodes)] + [f"client{i + 1}" for i in range(clients)]


def _check_request(nodes, clients, stage, setup):
    if os.geteuid() != 0:
        raise LabError("needs root, for namespaces and mounts; try sudo")
    if not 1 <= nodes <= switch.MAX_NODES or not 0 <= clients <= switch.MAX_CLIENTS:
        raise LabError(f"{nodes} nodes and {clients} clients: a lab has 1 to {switch.MAX_NODES} nodes and "
                       f"up to {switch.MAX_CLIENTS} clients")
    for tool in ("ip", "nft"):
        if not shutil.which(tool):
            raise LabError(f"{tool}: not found; apt-get install iproute2 nftables")
    if stage and not pathlib.Path(f"{stage}{PREFIX}").is_dir():
        raise LabError(f"{stage}{PREFIX}: no such directory; DESTDIR={stage} meson install")
    if setup and not os.access(setup, os.X_OK):
        raise LabError(f"{setup}: not an executable file")


def _rmdir_if_empty(path):
    with contextlib.suppress(OSError):
        path.rmdir()


def _ignore_missing(_function, _path, info):
    if not issubclass(info[0], FileNotFoundError):
        raise info[1]
