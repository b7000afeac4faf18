"""What is wrong with a registration file, with line and cure.  The syntax is judged by the parser of the cluster itself (rtrdump);
the rules here are about what it declares."""
import json
import os
import re
import subprocess


class Finding:
    """level: "fail" or "warn"."""

    def __init__(self, level, rule, line, text, cure):
        self.level, self.rule, self.line, self.text, self.cure = level, rule, line, text, cure


class Rtr:
    """A file that was read.  error is None, or why it cannot be registered."""

    def __init__(self, path, rtrdump):
        self.path = path
        with open(path, encoding="utf-8", errors="replace") as file:
            self.lines = file.read().splitlines()
        done = subprocess.run([rtrdump, path], capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or not done.stdout:
            raise OSError(done.stderr.strip() or f"rtrdump ended with {done.returncode}")
        dump = json.loads(done.stdout)
        self.error, self.warnings, self.type = dump.get("error"), dump.get("warnings", []), dump.get("type")
        self.params = {p["name"].lower(): p for p in self.type["params"]} if self.type else {}

    @property
    def name(self):
        return self.type["name"] if self.type else os.path.basename(self.path)

    def has(self, name):
        return name.lower() in self.params

    def declares(self, name):
        """A bracket of its own, not only the default that every type has."""
        return self.line_of(rf"PROPERTY\s*=\s*{name}\s*;") is not None

    def number(self, name):
        value = self.params.get(name.lower(), {}).get("value", "")
        return int(value) if re.fullmatch(r"-?\d+", value) else None

    def line_of(self, pattern):
        """The first line that is no comment and has it."""
        for number, line in enumerate(self.lines, 1):
            if re.search(pattern, line.split("#")[0], re.I):
                return number
        return None

    def line_of_method(self, method):
        return self.line_of(rf"\b{method}\s*=") or 1

    def line_of_property(self, name):
        return self.line_of(rf"PROPERTY\s*=\s*{name}\s*;") or 1

    def method_path(self, method, basedir=None):
        path = self.type["methods"][method]
        return path if path.startswith("/") else os.path.join(basedir or self.type["basedir"], path)


# ---- rules: each yields findings ----

def check_methods(rtr, methods):
    if "Validate" not in methods:
        yield Finding("warn", "no-validate", 1, "there is no Validate method: wrong values are noticed when it is too late",
                      "declare VALIDATE")
    if rtr.type["is_logical_hostname"] or rtr.type["is_shared_address"]:
        pass                            # the network is watched by the cluster itself
    elif "Monitor_start" not in methods:
        yield Finding("warn", "no-monitor", 1, "there is no fault monitor: a failure is not noticed", "declare MONITOR_START and MONITOR_STOP")
    elif "Monitor_check" not in methods:
        yield Finding("warn", "no-monitor-check", rtr.line_of_method("Monitor_start"),
                      "a failover asked for by the monitor goes to a node that may not be able to run it", "declare MONITOR_CHECK")
    if "Start" not in methods and "Prenet_start" not in methods:
        yield Finding("fail", "no-start", 1, "nothing starts the application", "declare START, or PRENET_START")
    for first, second in (("Init", "Fini"), ("Prenet_start", "Postnet_stop")):
        if first in methods and second not in methods:
            yield Finding("warn", "one-of-two", rtr.line_of_method(first), f"{first} is not undone by anything",
                          f"declare {second.upper()}, or see that there is nothing to undo")


def check_update(rtr, methods):
    if "Update" in methods or "Monitor_start" not in methods:
        return
    for param in rtr.type["params"]:
        if param["extension"] and param["tunable"] == "ANYTIME":
            yield Finding("warn", "no-update", rtr.line_of_property(param["name"]),
                          f"{param['name']} can be changed at any time, and nobody tells the monitor", "declare UPDATE")
            return


def check_numbers(rtr, _):
    count, interval, probe = (rtr.number(n) for n in ("Retry_count", "Retry_interval", "Thorough_probe_interval"))
    if None not in (count, interval, probe) and 0 < interval < count * probe and rtr.declares("Retry_count"):
        yield Finding("warn", "retry-window", rtr.line_of_property("Retry_interval"),
                      f"Retry_interval {interval} is shorter than Retry_count {count} x Thorough_probe_interval {probe}: "
                      "so many failed probes do not fit in it, and there is never a failover", "make the DEFAULT of Retry_interval longer")
    probe_timeout = rtr.number("Probe_timeout")
    if None not in (probe_timeout, interval) and interval > 0 and probe_timeout > interval:
        yield Finding("warn", "probe-timeout", rtr.line_of_property("Probe_timeout"),
                      f"a probe of Probe_timeout {probe_timeout} s outlasts Retry_interval {interval}: failures never add up",
                      "make the DEFAULT of Probe_timeout shorter")


def check_descriptions(rtr, _):
    for param in rtr.type["params"]:
        if param["extension"] and not param["description"]:
            yield Finding("warn", "no-description", rtr.line_of_property(param["name"]),
                          f"nobody tells the administrator what {param['name']} is", "add DESCRIPTION")


def check_upgrade(rtr, _):
    if not rtr.type["version"]:
        yield Finding("warn", "no-version", 1, "the type has no version: nodes cannot tell an old one from a new one", "declare RT_VERSION")
    if not rtr.type["description"]:
        yield Finding("warn", "no-rt-description", 1, "the type has no description", "declare RT_DESCRIPTION")


def check_scalable(rtr, _):
    if not rtr.type["failover"] and not rtr.has("Scalable") and not rtr.type["is_shared_address"]:
        yield Finding("warn", "not-failover", rtr.line_of(r"\bFAILOVER\s*=") or 1,
                      "FAILOVER is FALSE, and there is no property Scalable", "set FAILOVER = TRUE, or declare Scalable")


def check_files(rtr, basedir):
    for method in rtr.type["methods"]:
        path = rtr.method_path(method, basedir)
        if not os.path.exists(path):
            yield Finding("fail", "missing-method", rtr.line_of_method(method), f"{method}: there is no {path}",
                          "install the agent, correct RT_BASEDIR, or name the directory with -b")
        elif not os.access(path, os.X_OK) or os.path.isdir(path):
            yield Finding("fail", "not-executable", rtr.line_of_method(method), f"{method}: {path} cannot be executed", f"chmod 755 {path}")


RULES = [check_methods, check_update, check_numbers, check_descriptions, check_upgrade, check_scalable]


def place(text, path):
    """"FILE:LINE:COLUMN: TEXT" -> (line, text)"""
    match = re.match(re.escape(path) + r":(\d+):\d+: (.*)", text)
    return (int(match[1]), match[2]) if match else (1, text)


def lint(rtr, basedir=None):
    """All findings, by line."""
    if rtr.error:
        line, text = place(rtr.error, rtr.path)
        return [Finding("fail", "syntax", line, text, "correct this line; the cluster refuses the file as it is")]
    found = [Finding("warn", "directive", *place(text, rtr.path), "remove the line") for text in rtr.warnings]
    for rule in RULES:
        found += rule(rtr, rtr.type["methods"])
    found += check_files(rtr, basedir)
    return sorted(found, key=lambda f: f.line)
