#!/usr/bin/python3
"""Breaks the cores one line at a time and sees who notices: the unit tests of that core, and the simulator.

    run.py [--unit-only | --sim-only] [--seeds N] [--seconds N] [--jobs N] [--need PERCENT] [--results FILE] [NAME...]
    run.py --check          only that every original is found exactly once

The mutants are in *.mut beside this file; README.md draws a row.  Exit 1 when fewer than --need percent were killed by
either, or when the table does not fit the tree any more.
"""
import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SIM = 'tests/sim/sim'

# Folder of the mutated file -> the unit tests of that core.
UNIT_TESTS = {
    'cmm': ['core/test_cmm', 'core/test_cmm_lost', 'core/test_cmm_timers', 'core/test_quorum', 'core/test_quorum_keys',
            'core/test_shared_disks'],
    'ccr': ['core/test_ccr', 'core/test_ccr_format'],
    'rgm': ['core/test_rgm', 'core/test_rgm_deps', 'core/test_rgm_links', 'core/test_rgm_boot', 'core/test_rgm_policy',
            'core/test_rgm_scalable', 'core/test_rgm_ops', 'core/test_rgm_api', 'core/test_rgm_explain',
            '../scenarios/scenarios', 'clusterd/test_table_change', 'clusterd/test_engine'],
    'clusterd': ['clusterd/test_clusterops', 'clusterd/test_engine', 'clusterd/test_table_change'],
    'failfastd': ['pmf/test_failfast_core'],
}
UNIT_SECONDS = 60


class Mutant:
    def __init__(self, name, file, line):
        self.name, self.file, self.line = name, file, line
        self.original = self.replacement = self.reason = None
        self.unit = self.seed = ''              # who noticed: a unit test, a seed; '': not noticed
        self.message = ''                       # what was said, by the simulator if it noticed
        self.seconds = 0.0
        self.judged = False

    def killed(self):
        return bool(self.unit or self.seed)


# ---- the table ----

def read_table(path):
    """Rows of one .mut file; raises ValueError with FILE:LINE."""
    mutants, file = [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = f'{path.name}:{number}'
        if not line.strip() or line.startswith('#'):
            continue
        if line.startswith('file '):
            file = line[5:].strip()
        elif line[0] not in ' -+':
            mutants.append(Mutant(line.strip(), file, where))
        elif not mutants or not file:
            raise ValueError(f'{where}: a row begins with "file PATH", then a name')
        elif line.startswith('- '):
            mutants[-1].original = line[2:]
        elif line.startswith('+ '):
            mutants[-1].replacement = line[2:]
        else:
            mutants[-1].reason = ((mutants[-1].reason or '') + ' ' + line.strip()).strip()
    return mutants


def check(mutant):
    """None, or what is wrong with the row."""
    if None in (mutant.original, mutant.replacement, mutant.reason):
        return 'original, replacement or reason is missing'
    if not mutant.file.endswith('.c'):
        return f'{mutant.file} is not compiled by itself'
    found = (ROOT / mutant.file).read_text().count(mutant.original)
    if found != 1:
        return f'its original is in {mutant.file} {found} times, not once: {mutant.original.strip()}'
    return None


def load():
    mutants = [m for path in sorted(HERE.glob('*.mut')) for m in read_table(path)]
    bad = [f'{m.line}: {m.name}: {text}' for m in mutants if (text := check(m))]
    names = [m.name for m in mutants]
    bad += [f'two mutants are called {name}' for name in sorted(set(names)) if names.count(name) > 1]
    if bad:
        sys.exit('the table of mutants does not fit the tree:\n' + '\n'.join(bad))
    return mutants


# ---- building: the changed file alone, in front of the libraries ----

class Build:
    """One unchanged build; a mutant's object replaces that of the library."""

    def __init__(self, path):
        self.path = path
        if not (path / 'build.ninja').exists():
            self.must(['meson', 'setup', str(path), str(ROOT)], ROOT)
        self.tests = {area: [os.path.normpath(f'tests/unit/{t}') for t in tests] for area, tests in UNIT_TESTS.items()}
        self.programs = [SIM] + [t for tests in self.tests.values() for t in tests]
        self.must(['ninja', '-C', str(path), '--quiet', *self.programs], ROOT)
        commands = json.loads((path / 'compile_commands.json').read_text())
        self.compile = {os.path.normpath(path / c['file']): c for c in commands if '.a.p/' in c['output']}
        self.link = {p: self.must(['ninja', '-C', str(path), '-t', 'commands', p], ROOT).splitlines()[-1] for p in self.programs}

    @staticmethod
    def must(command, cwd):
        done = subprocess.run(command, cwd=cwd, check=False, text=True, capture_output=True)
        if done.returncode:
            sys.exit(f'{shlex.join(command)}:\n{done.stdout}{done.stderr}')
        return done.stdout

    def object(self, mutant, folder):
        source = folder / 'src' / mutant.file
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text((ROOT / mutant.file).read_text().replace(mutant.original, mutant.replacement))
        known = self.compile[str(ROOT / mutant.file)]
        words = shlex.split(known['command'])
        words[words.index('-c') + 1] = str(source)
        words[words.index('-o') + 1] = str(folder / 'mutant.o')
        words = [w for i, w in enumerate(words) if w not in ('-MD', '-MQ', '-MF') and words[i - 1] not in ('-MQ', '-MF')]
        done = subprocess.run(words + ['-w'], cwd=self.path, check=False, text=True, capture_output=True)
        if done.returncode:
            sys.exit(f'{mutant.line}: {mutant.name} does not compile, so it proves nothing:\n{done.stderr}')

    def program(self, name, folder):
        words = shlex.split(self.link[name])
        out = folder / os.path.basename(name)
        words[words.index('-o') + 1] = str(out)
        words.insert(words.index('-o') + 2, str(folder / 'mutant.o'))
        self.must(words, self.path)
        return out


# ---- killing ----

def unit_verdict(build, mutant, folder):
    for name in build.tests[mutant.file.split('/')[1]]:
        program = build.program(name, folder)
        try:
            done = subprocess.run([program], cwd=ROOT, check=False, capture_output=True, timeout=UNIT_SECONDS)
        except subprocess.TimeoutExpired:
            return os.path.basename(name), 'does not end'
        if done.returncode:
            text = (done.stdout + done.stderr).decode(errors='replace').splitlines()
            failed = [line.split(']')[-1].strip() for line in text if '[  FAILED  ]' in line and 'test(s)' not in line]
            return os.path.basename(name), (failed or [f'exit {done.returncode}'])[0]
    return '', ''


def check_baseline(build):
    """A test that fails without a mutant proves nothing with one."""
    for name in {t for tests in build.tests.values() for t in tests}:
        if subprocess.run([build.path / name], cwd=ROOT, check=False, capture_output=True, timeout=UNIT_SECONDS).returncode:
            sys.exit(f'{name} fails without any mutant')


def sim_verdict(build, mutant, folder, args):
    program = build.program(SIM, folder)
    command = ['timeout', '-k', '5', str(args.seconds + 30), program, '-j', '1', '-1', '-n', str(args.seeds), '-w', str(args.seconds)]
    done = subprocess.run([str(w) for w in command], cwd=folder, check=False, capture_output=True)
    for line in done.stdout.decode(errors='replace').splitlines():
        if line.startswith('seed '):
            seed, text = line[5:].split(': ', 1)
            return f'seed {seed}', text
    if done.returncode:
        return 'sim', f'exit {done.returncode}'
    return '', ''


def judge(build, mutant, args):
    folder = Path(tempfile.mkdtemp(prefix=f'{mutant.name}.', dir=build.path))
    begin = time.monotonic()
    build.object(mutant, folder)
    if not args.sim_only:
        mutant.unit, mutant.message = unit_verdict(build, mutant, folder)
    if not args.unit_only:
        mutant.seed, said = sim_verdict(build, mutant, folder, args)
        mutant.message = said or mutant.message
    mutant.seconds, mutant.judged = time.monotonic() - begin, True
    shutil.rmtree(folder)
    print(f'{mutant.name:44} {mutant.unit or "-":18} {mutant.seed or "-":11} {mutant.seconds:6.1f} s  '
          f'{mutant.message[:100] if mutant.killed() else "SURVIVES"}', flush=True)


# ---- the report ----

def share(n, of):
    return f'{n} of {of} ({100 * n / max(1, of):.1f} %)'


def summary(mutants):
    n = len(mutants)
    return (f'{sum(m.killed() for m in mutants)} of {n} killed ({100 * sum(m.killed() for m in mutants) / max(1, n):.1f} %); '
            f'by the simulator alone {share(sum(bool(m.seed) for m in mutants), n)}, by unit tests alone '
            f'{share(sum(bool(m.unit) for m in mutants), n)}')


def known_results(path, mutants):
    """What an earlier run found out about mutants that were not asked for now."""
    if not path.exists():
        return
    by_name = {m.name: m for m in mutants}
    for line in path.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        m = by_name.get(cells[0])
        if m and not m.judged and len(cells) == 6:
            m.unit, m.seed = [c if c != '-' else '' for c in cells[2:4]]
            m.message, m.seconds, m.judged = cells[4], float(cells[5]), True


def write_results(path, mutants, args):
    known_results(path, mutants)
    mutants = [m for m in mutants if m.judged]
    lines = ['# Measured', '', 'Written by `run.py`; not to be edited. A run of some mutants keeps the rows of the others.', '',
             f'{summary(mutants)}; at most {args.seeds} seeds and {args.seconds} s of the simulator a mutant.', '',
             '| mutant | in | unit test | simulator | what was said | seconds |', '|---|---|---|---|---|---|']
    for m in mutants:
        message = m.message.replace('|', '/')[:120] if m.killed() else '**survives**'
        lines.append(f'| {m.name} | {m.file.removeprefix("src/")} | {m.unit or "-"} | {m.seed or "-"} | {message} | {m.seconds:.0f} |')
    path.write_text('\n'.join(lines) + '\n')


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--check', action='store_true', help='only look at the table')
    only = p.add_mutually_exclusive_group()
    only.add_argument('--sim-only', action='store_true', help='do not ask the unit tests')
    only.add_argument('--unit-only', action='store_true',
                      help='do not ask the simulator: a second a mutant; what survives may still die of that')
    p.add_argument('--seeds', type=int, default=3000)
    p.add_argument('--seconds', type=int, default=90, help='of the simulator, a mutant')
    p.add_argument('--jobs', type=int, default=os.cpu_count())
    p.add_argument('--need', type=float, default=95, help='percent that have to be killed')
    p.add_argument('--build', type=Path, default=Path(os.environ.get('BUILD', 'build')).resolve() / 'mutants')
    p.add_argument('--results', type=Path, help='a file to write the table into')
    p.add_argument('names', nargs='*', help='only these')
    args = p.parse_args()
    if args.results and (args.unit_only or args.sim_only):
        p.error('--results needs both, the unit tests and the simulator: who was not asked has not failed to notice')
    mutants = load()
    if args.check:
        print(f'{len(mutants)} mutants fit the tree')
        return 0
    if set(args.names) - {m.name for m in mutants}:
        sys.exit('no such mutant: ' + ', '.join(sorted(set(args.names) - {m.name for m in mutants})))
    table = mutants
    mutants = [m for m in mutants if not args.names or m.name in args.names]
    args.build.mkdir(parents=True, exist_ok=True)
    build = Build(args.build)
    if not args.sim_only:
        check_baseline(build)
    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(lambda m: judge(build, m, args), mutants))
    survivors = [m for m in mutants if not m.killed()]
    for m in survivors:
        print(f'survives: {m.name} ({m.line}): {m.reason}')
    if args.results:
        write_results(args.results, table, args)
    print(summary(mutants))
    return 100 * (len(mutants) - len(survivors)) < args.need * len(mutants)


if __name__ == '__main__':
    sys.exit(main())
