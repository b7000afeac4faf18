"""A node of a cluster that is none: namespaces with an own network, process table, /run and /etc/hosts; the real process monitor;
a stand-in for clusterd, which answers from the registration file and writes down what the agent asks for."""
import os
import signal
import subprocess
import sys
import tempfile
import time

from clusterd_double import ClusterdDouble, Error

INSIDE = "AGENTCHECK_INSIDE"
NODE, OTHER = "agentcheck", "agentcheck2"
GROUP, RESOURCE, ADDRESS, HOST = "check-rg", "check-rs", "check-lh", "check-host"
HOST_IP, NODE_IP = "192.0.2.10", "192.0.2.1"
ROOT = "/run/agentcheck"                # on a file system that goes when the namespace goes
LIMIT_S = 30                            # of a method, unless the type says less
CODES = {"resource": 14, "group": 12, "type": 13}


def enter():
    """Runs this program again inside; returns there.  Outside it does not return."""
    if os.environ.get(INSIDE):
        subprocess.run(["hostname", NODE], check=True)
        return
    if os.geteuid() != 0:
        sys.exit("agentcheck: methods are run in namespaces of their own, which needs root; -n checks the registration file alone")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc",
                          sys.executable, *sys.argv])


class Done:
    """A method that has ended: its exit code (None: it was killed), how long it took, what it said."""

    def __init__(self, method, code, seconds, output, timed_out):
        self.method, self.code, self.seconds, self.output, self.timed_out = method, code, seconds, output, timed_out

    def __str__(self):
        how = "ran into its time-out" if self.timed_out else "was killed" if self.code is None else f"exited with {self.code}"
        said = "".join(f"\n  {line}" for line in self.output.splitlines()[-5:])
        return f"{self.method} {how} after {self.seconds * 1000:.0f} ms{said}"


class Sandbox:
    def __init__(self, rtr, prefix, properties, basedir=None):
        self.rtr, self.prefix, self.basedir = rtr, prefix, basedir
        self.given = {k.lower(): v for k, v in properties.items()}
        self.seq = 1
        self.root = ROOT
        self.hidden = []
        self.env = {"PATH": f"{prefix}/bin:{prefix}/lib/sc:/usr/sbin:/usr/bin:/sbin:/bin", "PARHELION_ROOT": self.root, "LC_ALL": "C",
                    "PARHELION_NO_FAILFAST": "1"}

    # ---- begin and end ----

    def __enter__(self):
        self._mounts()
        if not self.is_address():
            subprocess.run(["ip", "addr", "add", f"{HOST_IP}/24", "dev", "eth0"], check=True)
        self.double = ClusterdDouble(self.root, {"GetResource": self._resource, "GetGroup": self._group, "GetType": self._type,
                                                 "GetCluster": self._cluster})
        self.double.__enter__()
        self.log = open(os.path.join(self.root, "pmfd.log"), "w", encoding="utf-8")       # pylint: disable=consider-using-with
        self.pmfd = subprocess.Popen([f"{self.prefix}/lib/sc/pmfd"], env=self.env, stdout=self.log, stderr=self.log)
        self.wait(lambda: os.path.exists(f"{self.root}/run/cluster/pmfd.sock"), 10, "pmfd does not start")
        return self

    def __exit__(self, *_):
        self.show_all()
        self.pmfd.kill()
        self.pmfd.wait()
        self.double.__exit__()
        self.log.close()

    def _mounts(self):
        def run(*argv):
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
        os.mkdir(self.root)
        if os.path.isdir("/sys/fs/cgroup"):             # the process monitor of the machine may be there
            run("mount", "-t", "tmpfs", "tmpfs", "/sys/fs/cgroup")
        hosts = os.path.join(self.root, "hosts")
        with open(hosts, "w", encoding="utf-8") as file:
            file.write(f"127.0.0.1 localhost\n{NODE_IP} {NODE}\n{HOST_IP} {HOST}\n")
        run("mount", "--bind", hosts, "/etc/hosts")
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "wire")
        run("ip", "link", "set", "wire", "up")
        run("ip", "link", "set", "eth0", "up")
        run("ip", "addr", "add", f"{NODE_IP}/24", "dev", "eth0")

    # ---- the stand-in ----

    def is_address(self):
        return self.rtr.type["is_logical_hostname"] or self.rtr.type["is_shared_address"]

    def set(self, **properties):
        """Changes what the cluster says from now on."""
        self.given.update({k.lower(): v for k, v in properties.items()})
        self.seq += 1

    def value(self, name, otherwise=""):
        param = self.rtr.params.get(name.lower())
        return self.given.get(name.lower(), param["value"] if param else otherwise)

    def _properties(self):
        return [{**p, "value": self.given.get(p["name"].lower(), p["value"])} for p in self.rtr.type["params"]]

    def _missing(self, kind, name):
        return Error("NotFound", code=CODES[kind], message=f"there is no {kind} {name}")

    def _address(self):
        props = [("HostnameList", HOST, "STRINGARRAY"), ("NetIfList", "", "STRINGARRAY")]
        return {"name": ADDRESS, "type": "SUNW.LogicalHostname:3", "type_version": "3",
                "properties": [{"name": n, "value": v, "extension": True, "type": t, "tunable": "ANYTIME", "description": ""}
                               for n, v, t in props]}

    def _resource(self, params):
        own = {"name": RESOURCE, "type": self.rtr.name, "type_version": self.rtr.type["version"], "properties": self._properties()}
        found = {RESOURCE: own, **({} if self.is_address() else {ADDRESS: self._address()})}.get(params["resource"])
        if not found or params.get("group", GROUP) != GROUP:
            return self._missing("resource", params["resource"])
        return {**found, "group": GROUP, "enabled": True, "monitored": True, "seq": self.seq, "type_seq": 1, "self": NODE,
                "network_resources": [] if self.is_address() else [ADDRESS],
                "nodes": [{"node": n, "state": "ONLINE" if n == NODE else "OFFLINE", "status": "OK", "message": "",
                           "num_resource_restarts": 0, "num_rg_restarts": 0} for n in (NODE, OTHER)]}

    def _group(self, params):
        if params["group"] != GROUP:
            return self._missing("group", params["group"])
        resources = [RESOURCE] if self.is_address() else [ADDRESS, RESOURCE]
        return {"name": GROUP, "managed": True, "self": NODE, "seq": self.seq, "resources": resources,
                "properties": {**self.rtr.type["group"], "RG_name": GROUP, "Nodelist": f"{NODE},{OTHER}", "RG_mode": "FAILOVER"},
                "nodes": [{"node": NODE, "state": "ONLINE"}, {"node": OTHER, "state": "OFFLINE"}]}

    def _type(self, params):
        if params["type"] not in (self.rtr.name, self.rtr.name.split(":")[0]):
            return self._missing("type", params["type"])
        return {**self.rtr.type, "basedir": self.basedir or self.rtr.type["basedir"], "resources": [RESOURCE], "seq": 1}

    def _cluster(self, _):
        return {"name": "agentcheck", "self": NODE, "self_id": 1, "seq": self.seq, "groups": [GROUP], "types": [self.rtr.name],
                "nodes": [{"name": name, "id": n, "state": "UP", "private_name": "", "loadlimits": []}
                          for n, name in ((1, NODE), (2, OTHER))]}

    def controls(self):
        """What the agent has asked the cluster to do: restarts and failovers."""
        with self.double.lock:
            return [p["request"]["tag"] for method, p in self.double.calls if method == "Request" and p["request"].get("op") == "control"]

    def forget(self):
        with self.double.lock:
            self.double.calls.clear()

    # ---- methods ----

    def has(self, method):
        return method in self.rtr.type["methods"]

    def limit(self, method):
        value = self.value(f"{method}_timeout")
        return min(int(value) if value.isdigit() else LIMIT_S, LIMIT_S)

    def arguments(self, method, create=True):
        """With the values that Validate gets, when create is True; a dictionary: only those that change."""
        words = ["-R", RESOURCE, "-T", self.rtr.name, "-G", GROUP]
        if method != "Validate":
            return words
        words.insert(0, "-c" if create is True else "-u")
        for p in self._properties():
            if create is True or p["name"].lower() in create:
                value = p["value"] if create is True else create[p["name"].lower()]
                words += ["-x" if p["extension"] else "-r", f"{p['name']}={value}"]
        if create is True:
            words += ["-g", f"Nodelist={NODE},{OTHER}"]
        return words

    def call(self, method, create=True, kill_after=None, limit=None):
        """Runs a method as the cluster does: in a session of its own, killed as a whole when its time is over."""
        path = self.rtr.method_path(method, self.basedir)
        began = time.monotonic()
        with tempfile.TemporaryFile() as out:
            try:
                process = subprocess.Popen([path, *self.arguments(method, create)], env=self.env, stdin=subprocess.DEVNULL, stdout=out,
                                           stderr=out, start_new_session=True, cwd="/")
            except OSError as error:
                return Done(method, 127, 0, str(error), False)
            timed_out = False
            try:
                process.wait(kill_after if kill_after is not None else limit or self.limit(method))
            except subprocess.TimeoutExpired:
                timed_out = kill_after is None
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            out.seek(0)
            text = out.read().decode(errors="replace")
        code = process.returncode if process.returncode >= 0 else None
        return Done(method, code, time.monotonic() - began, text, timed_out)

    # ---- processes ----

    def processes(self):
        """All that are not ours: the application, the fault monitor, and what is left of them.  pid -> program."""
        own, found = os.readlink(f"/proc/{self.pmfd.pid}/exe"), {}
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            try:
                program = os.readlink(f"/proc/{name}/exe")
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                    state = stat.read().rpartition(")")[2].split()[0]
            except OSError:
                continue                # it has gone, or is gone and not reaped
            if program != own and state != "Z":
                found[int(name)] = program
        return found

    def methods(self):
        """The programs of the methods; a script is its shell, which is not among them."""
        return {os.path.realpath(self.rtr.method_path(m, self.basedir)) for m in self.rtr.type["methods"]}

    def address_is_here(self):
        done = subprocess.run(["ip", "-o", "addr", "show"], check=True, capture_output=True, text=True)
        return f" {HOST_IP}/" in done.stdout

    def signal(self, pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def call_off(self):
        """Whatever was left: the next check begins with nothing."""
        if self.processes() or self.tags():
            for method in ("Monitor_stop", "Stop", "Postnet_stop"):
                if self.has(method):
                    self.call(method)
        for tag in self.tags():
            subprocess.run(["pmfadm", "-s", tag, "KILL"], env=self.env, check=False, capture_output=True)
        self.signal(self.processes(), signal.SIGKILL)
        self.wait(lambda: not self.processes() and not self.tags(), 10, "processes that do not die")
        self.forget()

    def tags(self):
        done = subprocess.run(["pmfadm", "-L"], env=self.env, check=False, capture_output=True, text=True)
        return done.stdout.split()[1:]        # "tags: a b"

    # ---- programs ----

    def replace(self, program, text=None):
        """Puts a script in the place of a program; None: something that cannot be executed."""
        path = os.path.join(self.root, f"in-place-{len(self.hidden)}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text or "")
        os.chmod(path, 0o755 if text else 0o644)
        subprocess.run(["mount", "--bind", path, program], check=True)
        self.hidden.append(program)

    def show_all(self):
        while self.hidden:
            subprocess.run(["umount", self.hidden.pop()], check=False)

    # ---- time ----

    @staticmethod
    def wait(check, seconds, why=None):
        """Until check() is true: its value.  When it does not come true: TimeoutError with why, or None."""
        end = time.monotonic() + seconds
        while True:
            value = check()
            if value:
                return value
            if time.monotonic() > end:
                if why:
                    raise TimeoutError(why)
                return None
            time.sleep(0.02)
