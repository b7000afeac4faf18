#!/usr/bin/python3
"""Runs all tests of a build and says how many passed and failed; the last line is "N passed, N failed".

    run.py BUILD [--no-cluster]
"""
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def meson_tests(build):
    """Unit tests, simulator, tidy, fuzz corpus.  Returns (passed, failed)."""
    log = os.path.join(build, "meson-logs", "testlog.json")
    done = subprocess.run(["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs"], cwd=ROOT, check=False)
    passed = failed = 0
    with open(log) as lines:
        for line in lines:
            good = json.loads(line)["result"] in ("OK", "EXPECTEDFAIL")
            passed, failed = passed + good, failed + (not good)
    if done.returncode and not failed:
        failed = 1              # meson itself could not run them
    return passed, failed


def python_tests(build):
    """Commands, and whole clusters of real daemons.  Returns (passed, failed)."""
    report = os.path.join(build, "pytest.xml")
    folders = [f for f in ("tests/conformance", "tests/cluster") if os.path.isdir(os.path.join(ROOT, f))]
    if os.path.exists(report):
        os.unlink(report)
    done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *folders],
                          cwd=ROOT, env={**os.environ, "BUILD": build, "PYTHONDONTWRITEBYTECODE": "1"}, check=False)
    if not os.path.exists(report):
        return 0, 1
    suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
    total, bad = int(suite.get("tests")), int(suite.get("failures")) + int(suite.get("errors"))
    if done.returncode and not bad:
        bad = 1
    return total - bad - int(suite.get("skipped")), bad


def main():
    build = os.path.abspath(sys.argv[1])
    began = time.monotonic()
    passed, failed = meson_tests(build)
    if "--no-cluster" not in sys.argv:
        more_passed, more_failed = python_tests(build)
        passed, failed = passed + more_passed, failed + more_failed
    print(f"all tests took {time.monotonic() - began:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
