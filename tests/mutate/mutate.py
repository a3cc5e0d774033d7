#!/usr/bin/env python3
"""Mutation testing: which small wrong changes do the tests of a folder not notice?

    tests/mutate/mutate.py FOLDER [--seconds N] [--seed N] [--only FILE]     (make mutate FOLDER=eval SECONDS=1800 SEED=1)

FOLDER is a line of tests/mutate/table. The tree's tracked files are copied to a scratch folder and built there; one operator or
constant of the folder's sources is changed at a time, and the line's tests are built and run until one notices. Printed is each mutant
that survived, and the counts. Programs (vic-*.c) and lines that hold a text are left alone: they are tested by example.
Many survivors are equivalent (a bound never reached, a buffer's size): read each before you believe it."""
import argparse, glob, os, random, re, shutil, subprocess, sys, tempfile, time

CHANGES = [(r'(?<![<>=!\-])<(?![<=])', '<='), (r'(?<![<>=!\-])>(?![>=])', '>='), (r'(?<!<)<=', '<'), (r'(?<!>)>=', '>'), (r'==', '!='),
           (r'!=', '=='), (r' \+ ', ' - '), (r' - ', ' + '), (r' \* ', ' / '), (r'&&', '||'), (r'\|\|', '&&'), (r'\+\+', '--'),
           (r'\b0\.5\b', '0.25'), (r'(?<!return -)(?<!\? -)\b1\b(?!\.)', '2'), (r'\b0\b(?!\.)', '1'), (r' \+= ', ' = '), (r'\bif \(!', 'if (')]
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))


def line_of(folder):
    for line in open(os.path.join(ROOT, 'tests/mutate/table')):
        cells = [c.strip().split() for c in line.split('|')]
        if not line.startswith('#') and cells[0] == [folder]:
            return cells[1:]
    sys.exit('mutate: %s is no folder of tests/mutate/table' % folder)


def candidates(files):
    found = []
    for name in files:
        comment = False
        for n, line in enumerate(open(name).read().split('\n')):
            s = line.strip()
            inside, comment = comment or s.startswith(('/*', '#', '//')), (comment or '/*' in s) and s.rfind('*/') < s.rfind('/*') + 1
            if inside or not s or '"' in s:
                continue
            code = s.split('/*')[0]
            for pattern, new in CHANGES:
                found += [(name, n, m.start(), m.end(), new) for m in re.finditer(pattern, line) if m.start() < line.find(s) + len(code)]
    return found


def run(argv, limit, env=None):
    """'passed', 'failed' (by its status, or its TAP is not a plan and as many ok), or 'late' after the limit, when its whole process group is ended."""
    with tempfile.TemporaryFile() as said:
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.DEVNULL, start_new_session=True, env=env)
        try:
            status = p.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, 9)
            p.wait()
            return 'late'
        said.seek(0)
        text = said.read()
        plan = re.search(rb'^1\.\.(\d+)', text, re.M)
        whole = plan and int(plan.group(1)) == len(re.findall(rb'^ok', text, re.M))
        return 'passed' if whole and not status else 'failed'


class Suite:
    """The tests of a folder. The likeliest to notice run first, and none after one that did: most mutants die in the first second."""

    def __init__(self, unit, cli, env):
        self.seconds, self.kills, self.env = {}, {}, env
        self.tests = sorted({'build/tests/' + os.path.basename(f)[:-2] for u in unit for d in ('unit/*', 'fuzz')
                             for f in glob.glob('tests/%s/%s.c' % (d, u))}) + sorted(f for c in cli for f in glob.glob('tests/cli/%s.t' % c))

    def begin(self):
        for t in self.tests:
            begun = time.time()
            if run([t], 600, self.env) != 'passed':
                sys.exit('mutate: %s fails on the unchanged tree' % t)
            self.seconds[t] = time.time() - begun

    def order(self, source):
        stem = os.path.basename(source)[:-2]
        return sorted(self.tests, key=lambda t: (-self.kills.get((source, t), 0), stem not in t, t.endswith('.t'), -self.kills.get(t, 0),
                                                 self.seconds[t]))

    def judge(self, source):
        """'stillborn', 'noticed', 'late' or 'survived'. What has been built is what the next tests need."""
        tests = self.order(source)
        for group in (tests[:3], tests[3:12], tests[12:]):
            wanted = [t for t in group if not t.endswith('.t')] + (['test-programs'] if any(t.endswith('.t') for t in group) else [])
            make = ['make', '-s', '-j2', '-f', 'rules.mk', 'B=build', 'MODE=release'] + wanted
            if wanted and subprocess.run(make, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
                return 'stillborn'
            for t in group:
                fate = run([t], 20 + 10 * self.seconds[t], self.env)
                if fate != 'passed':
                    for key in (t, (source, t)):
                        self.kills[key] = self.kills.get(key, 0) + 1
                    return 'noticed' if fate == 'failed' else 'late'
        return 'survived'


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('folder')
    a.add_argument('--seconds', type=float, default=1800)
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--only', help='mutants of this file alone')
    a = a.parse_args()
    sources, unit, cli = line_of(a.folder)
    scratch = tempfile.mkdtemp(prefix='vic-mutate-')
    try:
        tracked = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, check=True).stdout.decode().split('\0')
        for f in filter(None, tracked):
            os.makedirs(os.path.join(scratch, os.path.dirname(f)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, f), os.path.join(scratch, f))
        os.chdir(scratch)
        os.environ.update(CFLAGS='-O2 -g0', LDFLAGS='-fuse-ld=gold', TMPDIR=tempfile.mkdtemp(dir=scratch), CMOCKA_MESSAGE_OUTPUT='TAP')
        if subprocess.run(['make', '-s', 'YES=1', 'test-programs'], stdout=subprocess.DEVNULL).returncode:
            sys.exit('mutate: the tree does not build')
        suite = Suite(unit, cli, dict(os.environ, BIN=scratch + '/build/bin', TOOLS=scratch + '/build/tests/tools', MODE='release', CC='cc'))
        suite.begin()
        files = [f for s in sources for f in sorted(glob.glob(s)) if '/vic' not in f and (not a.only or f == a.only)]
        todo = candidates(files)
        random.Random(a.seed).shuffle(todo)
        end, count = time.time() + a.seconds, dict(noticed=0, survived=0, late=0, stillborn=0)
        for name, n, b, e, new in todo:
            if time.time() > end:
                break
            whole = open(name).read()
            lines = whole.split('\n')
            old = lines[n]
            lines[n] = old[:b] + new + old[e:]
            open(name, 'w').write('\n'.join(lines))
            fate = suite.judge(name)
            count[fate] += 1
            if fate == 'survived':
                print('SURVIVED %s:%d  %s   ->   %s' % (name, n + 1, old.strip(), lines[n].strip()), flush=True)
            open(name, 'w').write(whole)
        tried = count['noticed'] + count['survived'] + count['late']
        print('%s, seed %d: %d of %d mutants noticed (%d by running too long), %d survived; %d did not compile; %d candidates' %
              (a.folder, a.seed, count['noticed'] + count['late'], tried, count['late'], count['survived'], count['stillborn'], len(todo)))
    finally:
        os.chdir('/')
        shutil.rmtree(scratch, ignore_errors=True)


main()
