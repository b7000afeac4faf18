"""The checks, in order: a row of CHECKS each.  A check returns None (good) or a text (a warning), raises Failed with what is wrong,
or Skip with why it does not apply.  Each begins with nothing running, and what it leaves is cleaned up after it."""
import os
import signal
import socket
import threading

SHELLS = ("sh", "dash", "bash", "ksh", "ksh93", "mksh", "busybox", "perl", "env")
PROBE_S = 1                             # Thorough_probe_interval here
PROBE_TIMEOUT_S = 2
STOP_S = 5                              # Stop_timeout, when a stop must be tried that does not work at once
QUIET_S = 3.5                           # three probes without a fault
NOTICE_S = 2 * (PROBE_S + PROBE_TIMEOUT_S) + 4          # two probes that time out, and some air
HELPER_S = 4                            # how long a process that a method has left behind may go on
HANG_S = 3                              # how long a Start that must not succeed is watched
ENDED = "what it had started is still there: "


class Failed(Exception):
    pass


class Skip(Exception):
    pass


class Checker:
    def __init__(self, box):
        self.box = box
        box.set(Thorough_probe_interval=str(PROBE_S), Probe_timeout=str(PROBE_TIMEOUT_S), Retry_interval="300", Retry_count="2")

    # ---- steps ----

    def must(self, method, **how):
        """Runs a method that must succeed, if the type has it."""
        if not self.box.has(method):
            return None
        done = self.box.call(method, **how)
        if done.code != 0:
            raise Failed(str(done))
        return done

    def need(self, *methods):
        for method in methods:
            if not self.box.has(method):
                raise Skip(f"the type has no {method}")

    def up(self):
        """The application runs; its processes."""
        self.must("Prenet_start")
        self.must("Start")
        if self.box.is_address() and not self.box.address_is_here():
            raise Failed("Start succeeded, and the address is not up")
        return {pid for pid, program in self.box.processes().items() if program not in self.box.methods()}

    def down(self):
        self.must("Stop")
        self.must("Postnet_stop")
        if self.box.is_address() and self.box.address_is_here():
            raise Failed("Stop succeeded, and the address is still up")
        self.nothing_left()

    def nothing_left(self, what=ENDED):
        """A method may leave a helper of its own for a moment; the application must have gone."""
        def others():
            return set(self.box.processes().values()) - self.box.methods()
        if self.box.wait(lambda: not others(), 1) and self.box.wait(lambda: not self.box.processes(), HELPER_S):
            return
        left = self.box.processes()
        raise Failed(what + ", ".join(f"{program} ({pid})" for pid, program in sorted(left.items())))

    def monitored(self):
        """The application runs with its fault monitor; the processes of the application."""
        self.need("Start", "Monitor_start")
        app = self.up()
        if not app:
            raise Skip("Start leaves no process that a monitor could watch")
        self.must("Monitor_start")
        return app

    def served(self):
        return self.box.has("Start") and self.box.value("Port_list") != ""

    def program(self):
        """The program of the application that runs, to be taken away; not a shell or what many need."""
        app = self.up()
        names = [p for p in (self.box.processes()[pid] for pid in sorted(app)) if os.path.basename(p) not in SHELLS
                 and not os.path.basename(p).startswith("python")]
        self.down()
        if not names:
            raise Skip("it runs no program of its own that could be taken away")
        return names[0]

    def noticed(self, app, fault):
        """The monitor asks for a restart or a failover, or the process monitor has put the application up again."""
        def seen():
            return self.box.controls() or (set(self.box.processes().values()) & fault and not app & set(self.box.processes()))
        return self.box.wait(seen, NOTICE_S)


# ---- configuration ----

def validate(c):
    c.need("Validate")
    c.must("Validate")
    c.must("Validate")                                  # it changes nothing, so it says the same again
    c.must("Validate", create={})
    c.nothing_left("Validate must not start anything: ")


def wrong_values(c):
    """A path that there is not, and an empty Port_list."""
    c.need("Validate")
    wrong = {p["name"]: "/nonexistent/agentcheck" for p in c.box.rtr.type["params"]
             if p["extension"] and c.box.value(p["name"]).startswith("/") and p["type"] in ("STRING", "STRINGARRAY")}
    if c.served():
        wrong["Port_list"] = ""
    if not wrong:
        raise Skip("no property has a path or ports")
    taken = []
    for name, value in wrong.items():
        before = c.box.value(name)
        c.box.set(**{name: value})
        if c.box.call("Validate").code == 0:
            taken.append(f"{name}={value}")
        c.box.set(**{name: before})
    if taken:
        raise Failed("Validate accepts " + ", ".join(taken))


def monitor_check(c):
    c.need("Monitor_check")
    c.must("Monitor_check")
    c.must("Monitor_check")
    c.nothing_left("Monitor_check must not start anything: ")


# ---- each method twice ----

def once_more(method):
    def check(c):
        c.need(method)
        c.must(method)
        c.must(method)
    return check


def start_and_stop(c):
    c.need("Start", "Stop")
    c.up()
    c.down()


def start_twice(c):
    """Start need not be idempotent, but the application must survive it."""
    c.need("Start", "Stop")
    app = c.up()
    done = c.box.call("Start")
    if done.timed_out:
        raise Failed(f"called while the application runs: {done}")
    gone = app - set(c.box.processes())
    if app and gone == app:
        raise Failed(f"a second Start has ended the application: {done}")
    c.down()


def stop_twice(c):
    c.need("Start", "Stop")
    c.up()
    c.down()
    c.down()


def stop_first(c):
    c.need("Stop")
    c.down()


def monitor_twice(c):
    c.need("Monitor_start", "Monitor_stop")
    app = c.up()
    before = set(c.box.processes())                     # the agent's own helpers, too
    c.must("Monitor_stop")                              # never started
    c.must("Monitor_start")
    c.must("Monitor_start")
    c.must("Monitor_stop")
    left = set(c.box.processes()) - before
    if left and not c.box.wait(lambda: not set(c.box.processes()) - before, 1):
        raise Failed(f"after Monitor_stop runs {', '.join(p for pid, p in c.box.processes().items() if pid in left)}")
    c.must("Monitor_stop")
    if not app <= set(c.box.processes()):
        raise Failed("Monitor_stop has ended the application")
    c.down()


def update_twice(c):
    c.need("Update")
    c.up()
    c.must("Update")                                    # without a monitor
    c.must("Monitor_start")
    c.must("Update")
    c.must("Update")
    c.must("Monitor_stop")
    c.down()


# ---- killed, hung, missing ----

def start_killed(c):
    """SIGKILL at several moments, as at its time-out; then Stop, and a Start that must work."""
    c.need("Start", "Stop")
    c.must("Prenet_start")
    took = c.must("Start").seconds
    c.down()
    for part in (0.1, 0.3, 0.6, 0.9):
        c.must("Prenet_start")
        c.box.call("Start", kill_after=took * part)
        c.down()
    c.up()
    c.down()


def stop_killed(c):
    c.need("Start", "Stop")
    c.up()
    took = c.must("Stop").seconds
    c.must("Postnet_stop")
    for part in (0.2, 0.5, 0.8):
        c.up()
        c.box.call("Stop", kill_after=took * part)
        c.down()


def start_fails(c):
    """A Start that the application does not survive must fail, and Stop must clean up after it."""
    c.need("Start", "Stop")
    program = c.program()
    c.box.replace(program, "#!/bin/sh\nexit 1\n")
    c.must("Prenet_start")
    done = c.box.call("Start")
    if done.code == 0:
        raise Failed(f"the application ends at once, with status 1, and Start says that it runs: {program}")
    c.down()
    return "Start does not give up by itself when the application keeps dying" if done.timed_out else None


def start_hangs(c):
    """An application that never serves: Start must not say that it does, and is killed at its time-out."""
    c.need("Start", "Stop")
    if not c.served() and not c.box.value("Probe_command"):
        raise Skip("nothing says when it serves: there are no ports")
    program = c.program()
    c.box.replace(program, "#!/bin/sh\nexec sleep 1000\n")
    c.must("Prenet_start")
    done = c.box.call("Start", limit=HANG_S)
    if done.code == 0:
        raise Failed(f"the application does not serve, and Start says that it does: {program}")
    c.box.set(Stop_timeout=str(STOP_S))
    c.down()


def program_missing(c):
    c.need("Start", "Stop")
    program = c.program()
    c.box.replace(program)
    blind = [m for m in ("Validate", "Monitor_check") if c.box.has(m) and c.box.call(m).code == 0]
    c.must("Prenet_start")
    done = c.box.call("Start")
    if done.code == 0:
        raise Failed(f"{program} cannot be executed, and Start says that it runs")
    c.down()
    return f"{' and '.join(blind)} did not notice that {program} cannot be executed" if blind else None


def stop_frozen(c):
    """A server that stands still takes no signal but SIGKILL."""
    c.need("Start", "Stop")
    app = c.up()
    if not app:
        raise Skip("Start leaves no process")
    c.box.set(Stop_timeout=str(STOP_S))
    c.box.signal(app, signal.SIGSTOP)
    done = c.box.call("Stop", limit=STOP_S)             # as the cluster would: no second more
    if done.code != 0:
        raise Failed(f"the application stands still, Stop_timeout is {STOP_S} s: {done}")
    c.must("Postnet_stop")
    c.nothing_left()


# ---- fault monitor ----

def monitor_calm(c):
    c.monitored()
    asked = c.box.wait(c.box.controls, QUIET_S)
    if asked:
        raise Failed(f"nothing is wrong, and the monitor asks for {', '.join(asked)}")
    c.must("Monitor_stop")
    c.down()


def monitor_killed(c):
    app = c.monitored()
    programs = {c.box.processes()[pid] for pid in app if pid in c.box.processes()}
    c.box.signal(app, signal.SIGKILL)
    if not c.noticed(app, programs):
        raise Failed(f"the application was killed; for {NOTICE_S} s nobody restarted it or asked the cluster to")
    c.must("Monitor_stop")
    c.down()


def monitor_frozen(c):
    app = c.monitored()
    c.box.signal(app, signal.SIGSTOP)
    noticed = c.noticed(app, set())
    c.must("Monitor_stop")
    c.box.signal(app, signal.SIGCONT)
    c.down()
    return None if noticed else ("the application stands still, and the monitor does not notice: a probe that only connects is answered "
                                 "by the kernel; let it ask something")


class Garbage:
    """A server of nonsense on a port of its own."""

    def __enter__(self):
        self.listener = socket.create_server(("", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
                peer.sendall(bytes(range(255, 0, -1)) + b"\n")
                peer.close()
            except OSError:
                if self.listener.fileno() < 0:
                    return


def monitor_garbage(c):
    if not c.served():
        raise Skip("there are no ports")
    c.need("Start", "Monitor_start", "Monitor_stop")
    c.up()
    with Garbage() as server:
        port, _, protocol = c.box.value("Port_list").split(",")[0].rpartition("/")
        c.box.set(Port_list=f"{server.port}/{protocol}" if port else str(server.port))
        c.must("Monitor_start")
        noticed = c.box.wait(c.box.controls, NOTICE_S)
        c.must("Monitor_stop")
    c.down()
    return None if noticed else ("a server that answers nonsense passes for the application: the probe does not look at what it gets, or "
                                 "not at Port_list")


CHECKS = [
    ("validate", validate), ("wrong-values", wrong_values), ("monitor-check", monitor_check), ("init-twice", once_more("Init")),
    ("boot-twice", once_more("Boot")), ("stop-first", stop_first), ("start-stop", start_and_stop), ("start-twice", start_twice),
    ("stop-twice", stop_twice), ("monitor-twice", monitor_twice), ("update-twice", update_twice), ("start-killed", start_killed),
    ("stop-killed", stop_killed), ("stop-frozen", stop_frozen), ("program-missing", program_missing), ("start-fails", start_fails),
    ("start-hangs", start_hangs), ("monitor-calm", monitor_calm), ("monitor-killed", monitor_killed), ("monitor-frozen", monitor_frozen),
    ("monitor-garbage", monitor_garbage), ("fini-twice", once_more("Fini")),
]
