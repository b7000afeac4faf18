#!/usr/bin/env python3
"""Checks the tree itself: what reviewers would otherwise have to see.  tidy.py [ROOT]; prints FILE:LINE: TEXT, exit 1 on any.

What is checked is in the list `checks` at the end; what is allowed in spite of a rule is in `allowed`, with the reason.
"""
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent.parent).resolve()

# ---- what is allowed in spite of a rule: (rule, file, what) -> why.  An entry that nothing needs is a finding, too. ----
allowed = {
    ('banned', 'src/failfastd/core.c', 'strcpy'): 'the length of the name is checked where it comes in',
    ('banned', 'src/failfastd/failfast_client.c', 'strcpy'): 'both lengths are checked in the lines before',
    ('banned', 'src/failfastd/main.c', 'strcpy'): 'the length is checked in the line before',
    ('banned', 'src/failfastd/main.c', 'atoi'): 'what is no number is 0, and refused as too small',
    ('banned', 'src/net/ip.c', 'strcpy'): 'one character into room for an address',
    ('banned', 'lab/boot.c', 'atoi'): 'numbers that clusterlab itself has written',
    ('banned', 'lab/enter.c', 'atoi'): 'numbers that clusterlab itself has written',
    ('banned', 'lab/probe.c', 'strcpy'): 'both hold ANSWER_LIMIT',
    ('banned', 'tests/unit/lib/test_scha.c', 'strcat'): 'a test, short constants',
    ('banned', 'tests/unit/lib/test_scha.c', 'system'): 'a test, removes its own temporary directory',
    ('banned', 'tests/unit/pmf/test_varlink.c', 'strcpy'): 'a test, short constants',
    ('dependency', 'src/cmd/foresee.h', 'rgm/rehearsal.h'): 'what would happen: the rgm itself, on a copy of the state',
    ('dependency', 'src/cmd/foresee.c', 'rgm/rgm.h'): 'the same',
    ('dependency', 'src/cmd/cl_blocks.c', 'cmm/timers.h'): 'the heartbeats that follow from takeover_time',
    ('dependency', 'src/cmd/cluster_timers.c', 'cmm/timers.h'): 'shows what the timers would be, without a daemon',
    ('dependency', 'src/cmd/cluster_create.c', 'ccr/ccr.h'): 'cluster create writes the first tables before there is a daemon',
    ('dependency', 'src/cmd/ccradm.c', 'ccr/ccr.h'): 'works on the files of a node that is no member',
    ('dependency', 'src/cmd/ccradm.c', 'ccr/history.h'): 'a repair by hand is told in the history, too',
    ('dependency', 'src/cmd/ccradm.c', 'ccr/schema.h'): 'a repair by hand must not invent keys',
    ('dependency', 'src/cmd/show_schema.c', 'ccr/schema.h'): 'prints it',
    ('dependency', 'src/cmd/apply.c', 'ccr/schema.h'): 'a wrong key is told with its line before anything is asked',
    ('dependency', 'src/cmd/infrastructure.c', 'cmm/cmm.h'): 'the limit of node ids',
    ('dependency', 'src/cmd/infrastructure.c', 'cmm/corosync_conf.h'): 'the limit of links',
    ('dependency', 'src/cmd/cluster_create.c', 'cmm/corosync_conf.h'): 'writes corosync.conf before there is a daemon',
    ('dependency', 'src/cmd/cluster_create.c', 'cmm/cmm.h'): 'sets of nodes',
    ('dependency', 'src/cmd/cluster_create.c', 'cmm/config.h'): 'which node is the first',
    ('dependency', 'src/cmd/machine.c', 'cmm/corosync_conf.h'): 'the limit of links',
}

# Folder of src/ -> folders whose headers it may include.  Arrows point down (docs/architecture.md).
MAY_INCLUDE = {
    'base': [],
    'bus': ['base'],
    'cmm': ['base'],
    'ccr': ['base', 'cmm'],             # nodesets
    'rgm': ['base', 'cmm', 'ccr'],      # nodesets, the membership; whole tables and their schema
    'failfastd': ['base'],
    'pmfd': ['base', 'failfastd'],
    'clusterd': ['base', 'bus', 'cmm', 'ccr', 'rgm', 'failfastd', 'pmfd'],
    'quorum': ['base', 'cmm'],          # nodesets
    'net': ['base'],
    'dev': ['base'],
    'pnm': ['base', 'net'],
    'cfs': ['base'],
    'hads': ['base', 'rgm'],
    'lib': ['base'],
    'dsdl': ['base', 'lib'],
    'cmd': ['base', 'lib', 'net'],
    'agentcheck': ['base', 'rgm'],
    'web': ['base', 'lib'],
    'types': ['base', 'lib', 'net'],
    'lab': ['base'],
}

CORES = ['src/cmm/', 'src/ccr/', 'src/rgm/', 'src/clusterd/engine.', 'src/failfastd/core.', 'src/pmfd/retry.',
         'src/quorum/block.', 'src/quorum/paxos.']
# What a core must not see: the outside world.
CORE_INCLUDES = re.compile(r'^\s*#\s*include\s*[<"](bus/|uv\.h|sys/socket|netinet/|arpa/|netdb|poll\.h|sys/epoll|sys/stat|'
                           r'fcntl|pthread|signal\.h|syslog|time\.h|sys/time|base/varlink|base/log|base/paths)')
CORE_CALLS = ['clock_gettime', 'gettimeofday', 'time', 'localtime_r', 'rand', 'random', 'getrandom', 'open', 'fopen', 'read',
              'write', 'socket', 'fork', 'getenv', 'printf', 'fprintf', 'syslog', 'exit', 'abort', 'getpid']

BANNED = {
    'strcpy': 'no limit', 'strcat': 'no limit', 'stpcpy': 'no limit', 'sprintf': 'no limit', 'vsprintf': 'no limit',
    'gets': 'no limit', 'strncpy': 'may leave no NUL', 'alloca': 'no limit', 'strtok': 'keeps state between calls',
    'system': 'a shell', 'popen': 'a shell', 'mktemp': 'a race', 'tmpnam': 'a race', 'tempnam': 'a race',
    'atoi': 'cannot fail', 'atol': 'cannot fail', 'atof': 'cannot fail', 'rand': 'not seeded by the caller',
}
WAITING = {name: 'a daemon waits for events, not for time' for name in ['sleep', 'usleep', 'nanosleep']}
NO_SLEEP = ['src/' + d + '/' for d in MAY_INCLUDE if d not in ('cmd', 'types', 'lab')]

MAX_LINES = 1200
README_ABOVE = 4                        # files in a folder of src/
# Written in pieces, so that this file does not find itself.
UNFINISHED = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X)\b')
ELSEWHERE = re.compile(r'(?<![\w.])/wor' r'k\b|\bshared/refer' r'ence\b|\bDESI' r'GN(\.md| section)|\bSTY' r'LE\.md'
                       r'|\b(this|our|the last|another|coding) sess' r'ion\b', re.I)
DATA = ['tests/fuzz/rtr-corpus/', 'tests/fuzz/config-corpus/', 'tests/fuzz/quorum-corpus/', 'tests/conformance/golden', 'LICENSE']       # taken as it is
SKIP = {'.git', '__pycache__', '.pytest_cache', 'subprojects', 'node_modules'}

findings = []
used = set()


def find(rule, path, line, text, what=''):
    """A finding, unless it is allowed."""
    key = (rule, str(path), what)
    if key in allowed:
        used.add(key)
        return
    findings.append((str(path), line, text))


# ---- the tree, read once ----

def walk():
    for folder, dirs, files in os.walk(ROOT):
        dirs[:] = sorted(d for d in dirs if d not in SKIP and not (folder == str(ROOT) and d.startswith('build')))
        for name in sorted(files):
            path = Path(folder, name)
            if name not in SKIP and not path.is_symlink() and not name.endswith(('.pyc', '.log')):
                yield path.relative_to(ROOT)


files = list(walk())
texts = {}
for f in files:
    try:
        texts[f] = (ROOT / f).read_text(encoding='utf-8')
    except UnicodeDecodeError:
        pass
is_data = {f: any(str(f).startswith(d) for d in DATA) for f in files}
sources = [f for f in texts if f.suffix in ('.c', '.h') and not is_data[f]]

TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text):
    """Comments and the inside of strings blanked, lines kept."""
    def blank(m):
        s = m.group(0)
        return re.sub(r'[^\n]', ' ', s) if s[0] == '/' else s[0] + re.sub(r'[^\n]', ' ', s[1:-1]) + s[-1]
    return TOKENS.sub(blank, text)


code = {f: code_only(texts[f]) for f in sources}


def calls(f, names):
    pattern = re.compile(r'(?<![\w.>])(' + '|'.join(names) + r')\s*\(')
    for n, line in enumerate(code[f].split('\n'), 1):
        for m in pattern.finditer(line):
            yield n, m.group(1)


def starts(f, prefixes):
    return any(str(f).startswith(p) for p in prefixes)


# ---- checks ----

def check_banned():
    for f in sources:
        banned = dict(BANNED, **(WAITING if starts(f, NO_SLEEP) else {}))
        for n, name in calls(f, banned):
            find('banned', f, n, f'{name}(): {banned[name]}', name)


def check_cores():
    for f in sources:
        if not starts(f, CORES):
            continue
        for n, line in enumerate(texts[f].split('\n'), 1):
            m = CORE_INCLUDES.match(line)
            if m:
                find('core', f, n, f'a core includes {m.group(1)}: it knows no outside world', m.group(1))
        for n, name in calls(f, CORE_CALLS):
            find('core', f, n, f'a core calls {name}(): it knows no outside world', name)


def check_dependencies():
    include = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
    for f in sources:
        area = f.parts[1] if f.parts[0] == 'src' else f.parts[0]
        if f.parts[0] not in ('src', 'types', 'lab'):
            continue
        if area not in MAY_INCLUDE:
            find('dependency', f, 1, f'folder {area} is not in MAY_INCLUDE of tests/tidy/tidy.py', area)
            continue
        for n, line in enumerate(texts[f].split('\n'), 1):
            m = include.match(line)
            other = m.group(1).split('/')[0] if m and '/' in m.group(1) else None
            if other and (ROOT / 'src' / other).is_dir() and other != area and other not in MAY_INCLUDE[area]:
                find('dependency', f, n, f'{area} must not include {m.group(1)}', m.group(1))


def check_headers():
    """Each header compiles when it stands alone; the public ones as C99 and C++, too."""
    cc = shutil.which('cc') or shutil.which('gcc') or shutil.which('clang')
    flags = subprocess.run(['pkg-config', '--cflags', 'libuv', 'jansson', 'libcpg', 'libnl-route-3.0',
                            'gnutls'], capture_output=True,
                           text=True).stdout.split()
    base = ['-I' + str(ROOT / 'src'), '-I' + str(ROOT / 'include'), '-I' + str(ROOT), '-D_GNU_SOURCE',
            '-DPARHELION_PREFIX="/usr/cluster"', '-DPARHELION_VERSION="0"'] + flags
    jobs = []
    for f in sources:
        if f.suffix != '.h' or f.parts[0] not in ('src', 'include'):
            continue
        jobs.append((f, [cc, '-std=gnu17', '-fsyntax-only', '-xc'] + base))
        if f.parts[0] == 'include':
            public = ['-I' + str(ROOT / 'include'), '-fsyntax-only', '-Werror']
            jobs.append((f, [cc, '-std=c99', '-pedantic', '-xc'] + public))
            if shutil.which('g++'):
                jobs.append((f, ['g++', '-std=c++11', '-pedantic', '-xc++'] + public))

    def run(job):
        f, command = job
        p = subprocess.run(command + ['-'], input=f'#include "{ROOT / f}"\nextern int not_empty;\n', capture_output=True,
                           text=True)
        return f, command, p

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for f, command, p in pool.map(run, jobs):
            if p.returncode:
                errors = [line for line in p.stderr.split('\n') if 'error' in line] or [p.stderr]
                m = re.search(r':(\d+):\d+: (.*)', errors[0])
                find('header', f, int(m.group(1)) if m else 1,
                     f'does not stand alone ({command[1]}): {m.group(2) if m else errors[0]}')
    for f in sources:
        if f.suffix == '.h' and not re.search(r'^#pragma once$|^#ifndef (\w+)\n#define \1\b', texts[f], re.M):
            find('header', f, 1, 'no #pragma once and no guard')


def check_text():
    for f, text in texts.items():
        if is_data[f]:
            continue
        if text and not text.endswith('\n'):
            find('text', f, text.count('\n') + 1, 'no newline at the end')
        in_c = f.suffix in ('.c', '.h')
        for n, line in enumerate(text.split('\n'), 1):
            if line != line.rstrip():
                find('text', f, n, 'white space at the end of the line')
            if in_c and re.match(r' {8}| +\t', line):
                find('text', f, n, 'indentation by spaces')
            m = UNFINISHED.search(line)
            if m:
                find('unfinished', f, n, f'{m.group(1)} does not belong into the tree', m.group(1))
            m = ELSEWHERE.search(line)
            if m:
                find('elsewhere', f, n, f'"{m.group(0)}" means something outside the tree', m.group(0))


def check_sizes():
    for f in sources:
        lines = texts[f].count('\n')
        if f.parts[0] == 'src' and lines > MAX_LINES:
            find('size', f, MAX_LINES, f'{lines} lines, more than {MAX_LINES}: split it')


def check_readmes():
    for folder in sorted({f.parent for f in files if f.parts[0] == 'src' and len(f.parts) == 3}):
        n = sum(1 for f in files if f.parent == folder and f.name != 'meson.build')
        if n > README_ABOVE and folder / 'README.md' not in texts:
            find('readme', folder, 1, f'{n} files and no README.md')


def check_references():
    """A file in Markdown that is named somewhere must be there; so must links."""
    name = re.compile(r'(?<![\w/.-])((?:[\w.-]+/)*[A-Za-z][\w.-]*\.md)\b')
    for f, text in texts.items():
        if is_data[f] or f.parts[:2] == ('tests', 'tidy'):
            continue
        for n, line in enumerate(text.split('\n'), 1):
            for m in name.finditer(line):
                target = Path(m.group(1))
                if not any((ROOT / at / target).exists() for at in [f.parent, *f.parent.parents]):
                    find('reference', f, n, f'there is no {m.group(1)}', m.group(1))


def check_executable():
    for f in files:
        executable = os.access(ROOT / f, os.X_OK)
        script = texts.get(f, '').startswith('#!')
        if executable and not script:
            find('executable', f, 1, 'is executable, but no script')
        if script and not executable:
            find('executable', f, 1, 'begins with #!, but is not executable')


def check_build():
    """Every source is built by the meson.build of its folder or one above; 'test_' + name counts."""
    builds = {f.parent: texts[f] for f in texts if f.name == 'meson.build'}
    for f in sources:
        if f.suffix != '.c':
            continue
        words = {f.name, f.stem} | ({f.stem[5:]} if f.stem.startswith(('test_', 'fuzz_')) else set())
        above = [builds.get(d, '') for d in [f.parent, *list(f.parent.parents)[:2]]]
        if not any(re.search(r"'(?:[\w./]*/)?" + re.escape(w) + "'", b) for w in words for b in above):
            find('build', f, 1, 'is in no meson.build')


checks = [check_banned, check_cores, check_dependencies, check_headers, check_text, check_sizes, check_readmes,
          check_references, check_executable, check_build]
for check in checks:
    check()
for key in allowed:
    if key not in used:
        findings.append(('tests/tidy/tidy.py', 1, f'allowed, but not needed any more: {key}'))
for path, line, text in sorted(set(findings)):
    print(f'{path}:{line}: {text}')
sys.exit(1 if findings else 0)
