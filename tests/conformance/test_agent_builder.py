"""Agent Builder: scdscreate, scdsconfig, scdsbuilder as installed.  What is generated is built by cc and looked at; that it runs is in
cluster/test_builder.py."""

import os
import re
import shlex
import shutil
import subprocess

import pytest
from test_commands import BUILD, REFUSED, USAGE

PREFIX = BUILD / "stage/usr/cluster"
METHODS = ["svc_start", "svc_stop", "validate", "update", "monitor_start", "monitor_stop", "monitor_check", "probe"]
ENV = {**os.environ, "CLUSTER": str(PREFIX)}
TOOLS = pytest.mark.skipif(not all(map(shutil.which, ("cc", "make", "dpkg-deb"))), reason="needs cc, make, dpkg-deb")
BEGIN, END = "User added code -- BEGIN", "User added code -- END"
# Everything that a shell, C, make or roff could take for more than text.
NASTY = r"""/bin/echo 'a b' "c" $HOME `id` $(id) \n %d %RS_NAME ; & | # * ?? @if X@ ??/ ü"""


@pytest.fixture
def run(tmp_path):
    def run(line, *more, stdin=None):
        name, *words = shlex.split(line)
        return subprocess.run([PREFIX / "bin" / name, *words, *more], capture_output=True, text=True, timeout=120, cwd=tmp_path, env=ENV,
                              input=stdin, check=False)
    return run


def good(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def files(top):
    return {str(p.relative_to(top)) for p in top.rglob("*") if not p.is_dir()}


COMMON = {"Makefile", "README.web", "rtconfig", "etc/control", "etc/preinstall", "util/startweb", "util/stopweb", "util/removeweb",
          "util/web_config", "man/man1m/startweb.1m", "man/man1m/stopweb.1m", "man/man1m/removeweb.1m"}
CODE = COMMON | {"etc/ACME.web", "etc/postinstall", "etc/preremove", "etc/postremove"}
LAYOUT = [
    ("scdscreate -V ACME -T web", CODE | {"src/web.c", "src/web.h"} | {f"src/web_{m}.c" for m in METHODS}),
    ("scdscreate -V ACME -T web -a -s -n 2 -k -d .", CODE | {"src/web_common.ksh"} | {f"src/web_{m}.ksh" for m in METHODS}),
    ("scdscreate -V ACME -T web -g", COMMON),
]


@pytest.mark.parametrize("line, want", LAYOUT, ids=["C", "ksh", "gds"])
def test_layout(line, want, run, tmp_path):
    good(run(line))
    assert files(tmp_path / "ACMEweb") == want
    for folder in ("src", "bin", "etc", "util", "man", "pkg"):
        assert (tmp_path / "ACMEweb" / folder).is_dir()


def rtr(tmp_path):
    return (tmp_path / "ACMEweb/etc/ACME.web").read_text()


def test_options_reach_the_registration_file(run, tmp_path):
    good(run("scdscreate -V ACME -T web -s -a -n 2.1b -d ."))
    text = rtr(tmp_path)
    assert re.search(r'^RT_version *= "2.1b";', text, re.M) and re.search(r"^Failover *= FALSE;", text, re.M)
    assert "PROPERTY = Scalable;" in text and "Port_list" not in text
    assert re.match(r"(#.*\n|\n)*Resource_type ", text)                    # the first entry
    good(run("scdscreate -V ACME -T web"))
    assert "Failover       = TRUE;" in rtr(tmp_path) and "Port_list" in rtr(tmp_path)


WRONG = [
    ("scdscreate -V ACME", USAGE, "-T is missing"),
    ("scdscreate -T web", USAGE, "-V is missing"),
    ("scdscreate -V ACME -T web --deadline 5", USAGE, "--deadline does not go with"),
    ("scdscreate -V ACME -T web -k -g", USAGE, "does not go with"),
    ("scdscreate -V ACME -T website", REFUSED, "9 letters at most; \"ACMEwebsite\" has 11"),
    ("scdscreate -V 1ACME -T web", REFUSED, "-V: \"1ACME\" is no name"),
    ("scdscreate -V ACME -T w/b", REFUSED, "-T: \"w/b\" is no name"),
    ("scdscreate -V ACME -T web -n 'a b'", REFUSED, "-n: a version has no blank"),
    ("scdscreate -V ACME -T web -n 'a[1]'", REFUSED, "-n: a version has no blank"),
    ("scdscreate -V ACME -T web -d /nowhere/at/all", REFUSED, "working directory /nowhere/at/all"),
    ("scdscreate -V ACME -T web --from-unit u --from-container c", USAGE, "does not go with"),
    ("scdscreate -V ACME -T web --from-unit none.service", REFUSED, "none.service"),
    ("scdscreate -V ACME -T web -k -g --from-unit none.service", USAGE, "-k and -g do not go together"),
    ("scdsconfig -s /bin/true", REFUSED, "there is no rtconfig"),
]


@pytest.mark.parametrize("line, code, text", WRONG, ids=[row[0] for row in WRONG])
def test_mistakes(line, code, text, run, tmp_path):
    done = run(line)
    assert (done.returncode != 0, text in done.stderr, files(tmp_path)) == (True, True, set()), done.stderr
    if code == USAGE:
        assert done.returncode == USAGE and "--help" in done.stderr


CONFIG_WRONG = [
    ("scdsconfig", "-s is missing"), ("scdsconfig -s /bin/true -u 0", "-u: \"0\" is no number of seconds"),
    ("scdsconfig -s /bin/true -v x", "-v: "), ("scdsconfig -s /bin/true -y -1", "-y: "), ("scdsconfig -s /bin/true -n 99999999", "-n: "),
    ("scdsconfig -s /bin/true -e bin/x", "-e: \"bin/x\" begins with no full path"), ("scdsconfig -s $'a\nb'", "-s: "),
]


@pytest.mark.parametrize("line, text", CONFIG_WRONG, ids=[row[0] for row in CONFIG_WRONG])
def test_mistakes_in_the_configuration(line, text, run, tmp_path):
    good(run("scdscreate -V ACME -T web -g"))
    before = {f: (tmp_path / f).read_text() for f in files(tmp_path)}
    done = run(line.replace("$'a\nb'", "'a\nb'"))
    assert done.returncode != 0 and text in done.stderr, done.stderr
    assert {f: (tmp_path / f).read_text() for f in files(tmp_path)} == before      # nothing half done


def test_several_agents_in_one_directory(run):
    good(run("scdscreate -V ACME -T web -g"))
    good(run("scdscreate -V ACME -T db -g"))
    done = run("scdsconfig -s /bin/true")
    assert done.returncode == REFUSED and "several agents" in done.stderr and "-d" in done.stderr


def test_another_language_or_a_foreign_directory_is_left_alone(run, tmp_path):
    good(run("scdscreate -V ACME -T web -g"))
    done = run("scdscreate -V ACME -T web -k")
    assert done.returncode == REFUSED and "is an agent in gds" in done.stderr
    (tmp_path / "ACMEdb").mkdir()
    done = run("scdscreate -V ACME -T db")
    assert done.returncode == REFUSED and "no agent of the builder" in done.stderr
    assert files(tmp_path / "ACMEdb") == set()


@TOOLS
@pytest.mark.parametrize("options", ["", "-a", "-s", "-s -a", "-k", "-k -a", "-k -s", "-g", "-g -a -s"])
def test_what_is_generated_builds_without_a_warning(options, run, tmp_path):
    good(run(f"scdscreate -V ACME -T web {options}"))
    done = good(run("scdsconfig -u 100 -v 40 -y 50 -n 7", "-s", NASTY, "-t", NASTY, "-m", NASTY, "-e", NASTY))
    assert "warning" not in done.stdout + done.stderr
    agent = tmp_path / "ACMEweb"
    for script in [*(agent / "util").glob("*web*"), *(agent / "etc").glob("p*"), *(agent / "src").glob("*.ksh")]:
        good(subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False))
        if shutil.which("shellcheck"):
            good(subprocess.run(["shellcheck", "-S", "error", "-s", "sh", "-e", "SC1090,SC1091", script], capture_output=True, text=True,
                                check=False))
    listing = good(subprocess.run(["dpkg-deb", "-c", agent / "pkg/ACMEweb"], capture_output=True, text=True, check=False)).stdout
    for name in [*(f"bin/web_{m}" for m in METHODS if "-g" not in options), "util/startweb", "man/man1m/startweb.1m"]:
        assert f"./opt/ACMEweb/{name}\n" in listing
    if "-g" not in options:
        assert "DEFAULT = 100;" in rtr(tmp_path) and "DEFAULT = 40;" in rtr(tmp_path) and "MIN = 40;" in rtr(tmp_path)


@pytest.mark.parametrize("options, file", [("-k", "src/web_common.ksh"), ("-g", "util/web_config")])
def test_commands_reach_the_shell_as_they_are(options, file, run, tmp_path):
    good(run(f"scdscreate -V ACME -T web {options}"))
    good(run("scdsconfig", "-s", NASTY))
    name = "start_command" if options == "-k" else "START_COMMAND"
    script = f'set -- -R r -G g -T t; . "$0"; printf "%s" "${name}"'
    done = good(subprocess.run(["sh", "-c", script, tmp_path / "ACMEweb" / file], capture_output=True, text=True, check=False))
    assert done.stdout == NASTY


@TOOLS
def test_commands_reach_c_as_they_are(run, tmp_path):
    good(run("scdscreate -V ACME -T web"))
    good(run("scdsconfig", "-s", NASTY))
    program = tmp_path / "show.c"
    program.write_text('#include <stdio.h>\n#include "ACMEweb/src/web.c"\n'
                       'int main(void) { fputs(start_command, stdout); return 0; }\n')
    good(subprocess.run(["cc", "-trigraphs", f"-I{PREFIX}/include", "-IACMEweb/src", "-o", "show", program, f"-L{PREFIX}/lib",
                         f"-Wl,-rpath,{PREFIX}/lib", "-ldsdev", "-lscha"], cwd=tmp_path, capture_output=True, text=True, check=False))
    assert subprocess.run([tmp_path / "show"], capture_output=True, text=True, check=True).stdout == NASTY


def test_settings_are_kept_from_run_to_run(run, tmp_path):
    good(run("scdscreate -V ACME -T web -g"))
    good(run("scdsconfig -u 70", "-s", NASTY, "-t", "/bin/false"))
    good(run("scdsconfig -n 9"))
    config = (tmp_path / "ACMEweb/rtconfig").read_text()
    script = '. "$0"; printf "%s|%s|%s|%s" "$START_CMD" "$START_TIMEOUT" "$STOP_CMD" "$PROBE_TIMEOUT"'
    shown = subprocess.run(["sh", "-c", script, tmp_path / "ACMEweb/rtconfig"], capture_output=True, text=True, check=True).stdout
    assert shown == f"{NASTY}|70|/bin/false|9"
    (tmp_path / "ACMEweb/rtconfig").write_text(config + "RT_COLOUR='red'\n")
    done = run("scdsconfig -n 9")
    assert done.returncode == REFUSED and "\"RT_COLOUR\" is no setting" in done.stderr and "rtconfig:18:" in done.stderr


@TOOLS
@pytest.mark.parametrize("options", ["", "-k", "-g"])
def test_user_code_survives(options, run, tmp_path):
    good(run(f"scdscreate -V ACME -T web {options}"))
    agent, marked = tmp_path / "ACMEweb", {}
    for name in files(agent):
        lines, n = (agent / name).read_text().split("\n"), 0
        for at in reversed([i for i, line in enumerate(lines) if BEGIN in line]):
            n += 1
            comment = "/* mine {} */" if name.endswith((".c", ".h")) else "# mine {}"
            lines.insert(at + 1, comment.format(n))
        (agent / name).write_text("\n".join(lines))
        marked[name] = n
    if options != "-g":                 # each source file and the RTR file have such a place
        assert all(n > 0 for name, n in marked.items() if name.startswith(("src/", "etc/ACME", "etc/p")))
    good(run("scdsconfig -s /bin/true"))
    good(run(f"scdscreate -V ACME -T web {options}"))
    for name, n in marked.items():
        areas = re.findall(rf"{BEGIN}.*\n((?:.*\n)*?).*{END}", (agent / name).read_text())
        assert [f"mine {n - i}" in area for i, area in enumerate(areas)] == [True] * n, name


def test_a_damaged_marker_is_told_and_nothing_is_written(run, tmp_path):
    good(run("scdscreate -V ACME -T web -k"))
    path = tmp_path / "ACMEweb/src/web_common.ksh"
    path.write_text(path.read_text().replace(END, "gone"))
    before = {f: (tmp_path / f).read_text() for f in files(tmp_path)}
    done = run("scdsconfig -s /bin/true")
    assert done.returncode == REFUSED and "web_common.ksh" in done.stderr and "put it back" in done.stderr
    assert {f: (tmp_path / f).read_text() for f in files(tmp_path)} == before


# ---- from a unit, from a container ----

UNIT = r"""[Unit]
Description=web
[Service]
Type=notify
User=www
WorkingDirectory=/srv/web
Environment=A=1 "B=two words" 'C=$x'
EnvironmentFile=-/etc/default/web
ExecStartPre=/bin/echo "before %p"
ExecStart=-/bin/echo "${B}" $OPTS \
    "a\"b" %%d $$x
ExecStop=/bin/kill $MAINPID
KillSignal=SIGQUIT
TimeoutStopSec=1min
Restart=on-failure
PrivateTmp=yes
[Install]
WantedBy=multi-user.target
"""


def test_from_a_unit(run, tmp_path):
    (tmp_path / "web.service").write_text(UNIT)
    done = good(run("scdscreate -V ACME -T web -g --from-unit web.service"))
    for told in ("web.service:4: Type=notify", "web.service:12: ExecStop= is left out", "web.service:16: PrivateTmp="):
        assert told in done.stderr
    assert done.stderr.count("Note") == 4                           # and EnvironmentFile, read by a shell
    config = (tmp_path / "ACMEweb/rtconfig").read_text()
    assert "START_CMD='/opt/ACMEweb/bin/web_run'" in config and "STOP_SIGNAL='3'" in config and "STOP_TIMEOUT='60'" in config
    script = (tmp_path / "ACMEweb/src/web_run").read_text()
    assert "--reuid='www' --init-groups" in script
    # Run without the user and the directory, which this machine does not have.
    script = re.sub(r"^cd .*\n", "", script, flags=re.M).replace(re.search(r"setpriv .*? -- ", script).group(), "")
    got = good(subprocess.run(["sh", "-c", script], capture_output=True, text=True, env={"PATH": "/bin", "OPTS": "o1 o2"}, check=False))
    assert got.stdout == 'before web\ntwo words o1 o2 a"b %d $x\n'
    good(run("scdsconfig"))                                         # the start command is known already
    listing = subprocess.run(["dpkg-deb", "-c", tmp_path / "ACMEweb/pkg/ACMEweb"], capture_output=True, text=True, check=True).stdout
    assert "./opt/ACMEweb/bin/web_run\n" in listing


@pytest.mark.parametrize("lines, text", [
    ("Type=oneshot\nExecStart=/bin/true", "u.service:2: a service of that kind"), ("User=x", "no ExecStart="),
    ("ExecStart=/bin/true\nExecStart=/bin/true", "u.service:3: a second ExecStart="), ("ExecStart=/bin/x %t/y", "specifier"),
    ("ExecStart=+/bin/true", "only - may stand"), ("ExecStart=/bin/a ; /bin/b", "one command a line"), ("ExecStart=/bin/a \"b", "not closed"),
    ("ExecStart=/bin/a\nKillSignal=SIGNONE", "u.service:3: there is no such signal"), ("ExecStart", "no KEY=value"),
    ("ExecStart=/bin/a\nEnvironment=1=x", "no NAME=value"), ("ExecStart=/bin/a\nWorkingDirectory=~", "full path"),
])
def test_units_that_cannot_be_carried_over(lines, text, run, tmp_path):
    (tmp_path / "u.service").write_text(f"[Service]\n{lines}\n")
    done = run("scdscreate -V ACME -T web --from-unit u.service")
    assert done.returncode == REFUSED and text in done.stderr, done.stderr
    assert files(tmp_path) == {"u.service"}


def test_from_a_container(run, tmp_path):
    line = "podman run -d --name old --restart=always -p 127.0.0.1:8080:80 -p 53:53/udp -e 'A=b c' --init --log-opt=x docker.io/web -v 'a b'"
    done = good(run("scdscreate -V ACME -T web", "--from-container", line))
    assert "--name old is left out" in done.stderr and "--restart always is left out" in done.stderr
    assert "PORT_LIST='8080/tcp,53/udp'" in (tmp_path / "ACMEweb/rtconfig").read_text()
    assert 'DEFAULT = "8080/tcp,53/udp";' in rtr(tmp_path)
    fake = tmp_path / "podman"
    fake.write_text('#!/bin/sh\nfor a; do printf "<%s>" "$a" >>calls; done; echo >>calls; [ "$1 $2" != "container inspect" ]\n')
    fake.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/bin"}
    for script in ("run", "halt"):
        good(subprocess.run(["sh", tmp_path / f"ACMEweb/src/web_{script}"], cwd=tmp_path, capture_output=True, text=True, env=env, check=False))
    assert (tmp_path / "calls").read_text().splitlines() == [
        "<rm><-f><ACME-web>",
        "<run><--rm><--name><ACME-web><-p><127.0.0.1:8080:80><-p><53:53/udp><-e><A=b c><--init><--log-opt=x><docker.io/web><-v><a b>",
        "<stop><ACME-web>", "<rm><-f><ACME-web>", "<container><inspect><ACME-web>"]


@pytest.mark.parametrize("line, text", [
    ("lxc run x", "podman run"), ("podman start x", "podman run"), ("docker run -it x", "no terminal"), ("docker run", "no image"),
    ("docker run -p", "-p needs a value"), ("docker run --strange x y", "--strange is not known"), ("docker run 'x", "not closed"),
])
def test_containers_that_cannot_be_carried_over(line, text, run, tmp_path):
    done = run("scdscreate -V ACME -T web", "--from-container", line)
    assert done.returncode == REFUSED and text in done.stderr, done.stderr
    assert files(tmp_path) == set()


# ---- scdsbuilder ----

def answers(*given):
    return "".join(f"{a}\n" for a in given)


CREATE = ("-", "ACME", "web", "", "", "", "", "g", "c")
CONFIGURE = ("/bin/echo 'a b'", "", "", "", "", "", "", "", "")


def test_screens(run, tmp_path):
    done = good(run("scdsbuilder", stdin=answers(*CREATE, *CONFIGURE)))
    assert "\n+ scdscreate -V ACME -T web -n 1.0 -d . -g\n" in done.stdout
    assert "\n+ scdsconfig -s '/bin/echo '\\''a b'\\''' -u 300 -t '' -v 300 -e '' -y 300 -m '' -n 30 -d ./ACMEweb\n" in done.stdout
    assert (tmp_path / "ACMEweb/pkg/ACMEweb").exists()


def test_screens_again_with_what_is_there(run, tmp_path):
    good(run("scdsbuilder", stdin=answers(*CREATE, *CONFIGURE)))
    done = good(run("scdsbuilder", stdin=answers("", "", "two", "", "", "", "", "", "", *[""] * 9)))
    assert "the settings of ACME.web are in brackets" in done.stdout and "[/bin/echo 'a b']" in done.stdout
    assert (tmp_path / "ACMEtwo/pkg/ACMEtwo").exists()             # cloned under another name


def test_screens_refuse_and_ask_again(run, tmp_path):
    done = run("scdsbuilder", stdin=answers("-", "1x", "ACME", "web", "a b", "", "", "q", "", "", "z", "", "x"))
    assert done.returncode == REFUSED and "cancelled" in done.stderr and files(tmp_path) == set()
    assert "\"1x\" is no name" in done.stdout and "a version has no blank" in done.stdout and "Answer with one of: fs" in done.stdout
    done = run("scdsbuilder", stdin=answers("-", "ACME"))
    assert done.returncode == REFUSED and files(tmp_path) == set()
    done = run("scdsbuilder", stdin=answers("-", "ACME", "muchtoolong", "", "", "", "", "", "c"))
    assert done.returncode == REFUSED and "9 letters at most" in done.stderr and done.stdout.count("---- Create ----") == 2
    done = run("scdsbuilder", stdin=answers(*CREATE, *CONFIGURE[:-1], "p", "", "", "", "", "", "", "", "", "x"))
    assert done.stdout.count("---- Create ----") == 2               # back to the previous screen
