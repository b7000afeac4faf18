"""agentcheck on registration files: each rule with its line, the report, the command line.  What it sees of methods that run is in
cluster/test_agents.py."""

import os
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest
from test_commands import BUILD, SOURCE

AGENTCHECK = BUILD / "stage/usr/cluster/bin/agentcheck"
HEAD = 'RESOURCE_TYPE = "x";\nRT_VERSION = "1";\nRT_DESCRIPTION = "d"; RT_BASEDIR = /opt/x; FAILOVER = TRUE;\n'
START = "START = m;\nSTOP = m;\nVALIDATE = m;\n"
MONITOR = "MONITOR_START = m;\nMONITOR_STOP = m;\nMONITOR_CHECK = m;\nUPDATE = m;\n"
EXT = '{ PROPERTY = P; EXTENSION; INT; DEFAULT = 1; TUNABLE = ANYTIME; DESCRIPTION = "d"; }\n'
RULES = [
    (HEAD + START + MONITOR + EXT, None, 0, ""),
    (HEAD + "START = m;\nSTOP = m\nVALIDATE = m;\n", "syntax", 6, "expected"),
    (HEAD + "START = m;\nSTOP = m;\n" + MONITOR, "no-validate", 1, "declare VALIDATE"),
    (HEAD + START, "no-monitor", 1, "declare MONITOR_START"),
    (HEAD + START + "MONITOR_START = m;\nMONITOR_STOP = m;\nUPDATE = m;\n", "no-monitor-check", 7, "declare MONITOR_CHECK"),
    (HEAD + START + "MONITOR_START = m;\nMONITOR_STOP = m;\nMONITOR_CHECK = m;\n" + EXT, "no-update", 10, "nobody tells the monitor"),
    (HEAD + START + MONITOR + "INIT = m;\n", "one-of-two", 11, "declare FINI"),
    (HEAD + START + MONITOR + "PRENET_START = m;\n", "one-of-two", 11, "declare POSTNET_STOP"),
    (HEAD + START + MONITOR + EXT.replace(' DESCRIPTION = "d";', ""), "no-description", 11, "add DESCRIPTION"),
    (HEAD.replace('RT_VERSION = "1";', "# no version") + START + MONITOR, "no-version", 1, "declare RT_VERSION"),
    (HEAD.replace('RT_DESCRIPTION = "d";', "") + START + MONITOR, "no-rt-description", 1, "declare RT_DESCRIPTION"),
    (HEAD.replace("TRUE", "FALSE") + START + MONITOR, "not-failover", 3, "set FAILOVER = TRUE"),
    (HEAD + START + MONITOR + "{ PROPERTY = Thorough_probe_interval; DEFAULT = 60; }\n{ PROPERTY = Retry_count; DEFAULT = 3; }\n"
     "# PROPERTY = Retry_interval;\n{ PROPERTY = Retry_interval; DEFAULT = 100; }\n", "retry-window", 14, "there is never a failover"),
    (HEAD + START + MONITOR + "{ PROPERTY = Retry_interval; DEFAULT = 100; }\n{ PROPERTY = Probe_timeout; EXTENSION; INT; DEFAULT = 120; "
     'DESCRIPTION = "d"; }\n', "probe-timeout", 12, "failures never add up"),
    (HEAD + START.replace("STOP = m", "STOP = missing") + MONITOR, "missing-method", 5, "there is no "),
    (HEAD + START.replace("STOP = m", "STOP = plain") + MONITOR, "not-executable", 5, "chmod 755"),
    (HEAD + START + MONITOR + "#$strange\n", "directive", 11, "remove the line"),
]
FAIL = {"syntax", "missing-method", "not-executable"}


def check(*argv, **more):
    return subprocess.run([AGENTCHECK, *argv], capture_output=True, text=True, timeout=60, check=False, **more)


@pytest.fixture
def methods(tmp_path):
    (tmp_path / "bin").mkdir()
    for name, mode in (("m", 0o755), ("plain", 0o644)):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(mode)
    return tmp_path / "bin"


@pytest.mark.parametrize("text, rule, line, say", RULES, ids=[row[1] or "good" for row in RULES])
def test_rules(text, rule, line, say, methods, tmp_path):
    rtr, xml = tmp_path / "X", tmp_path / "x.xml"
    rtr.write_text(text)
    done = check("-n", rtr, "-b", methods, "-j", xml)
    found = re.findall(r"^(\w+) .* rtr:(\S+)\n +(\S+?):(\d+): ", done.stdout, re.M)
    level = "fail" if rule in FAIL else "warn"
    assert found == ([(level, rule, str(rtr), str(line))] if rule else []), done.stdout + done.stderr
    assert say in done.stdout and (done.returncode, done.stderr) == (int(level == "fail" and rule is not None), "")
    suite = ET.parse(xml).getroot().find("testsuite")
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) == done.returncode
    if rule:
        case = suite.find(f"testcase[@name='rtr:{rule}']")
        assert f"{rtr}:{line}: " in "".join(case.itertext()) and "cure: " in "".join(case.itertext())


WRONG = [
    ([], "name a registration file or a type"), (["/nowhere"], "there is no file /nowhere"), (["ACME.none"], "no type of that name"),
    (["{rtr}", "-p", "P"], "write NAME=VALUE"), (["{rtr}", "-p", "Q=1"], "has no property Q"), (["{rtr}", "-t", "dance"], "there is no check dance"),
    (["{rtr}", "-q"], "-q"),
]


@pytest.mark.parametrize("argv, text", WRONG, ids=[row[1] for row in WRONG])
def test_mistakes(argv, text, tmp_path):
    (tmp_path / "X").write_text(HEAD + START + EXT)
    done = check(*[word.format(rtr=tmp_path / "X") for word in argv], "-n")
    assert done.returncode == 2 and text in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_methods_are_run_by_root_only():
    nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run([*nobody, AGENTCHECK, "SUNW.gds"], capture_output=True, text=True, timeout=60, check=False)
    if "Permission denied" in done.stderr:
        pytest.skip("nobody else may read the build")
    assert done.returncode == 1 and "needs root; -n checks" in done.stderr, done.stderr


def test_names_of_types():
    done = check("-n", "SUNW.gds")
    assert f"{BUILD}/stage/usr/cluster/lib/rgm/rtreg/SUNW.gds:" in done.stdout       # its methods are where it is installed


def test_help_and_manual_and_list():
    page = (SOURCE / "docs/man/agentcheck.1ha.scd").read_text().replace("\\", "")
    options = re.findall(r"^  (--?[\w-]+)", check("--help").stdout, re.M)
    assert len(options) == 7
    for option in options:
        assert f"\n*{option}*" in page, option
    names = [line.split()[0] for line in check("-l").stdout.splitlines()]
    assert len(names) > 20
    for name in names:
        assert f"*{name}*" in page, name
