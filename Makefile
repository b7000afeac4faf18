# The front.  Each target installs what it needs (packaging/debian-packages) when it is missing.
BUILD   ?= build
DESTDIR ?=
STAGE    = $(abspath $(BUILD))/stage
PYTHON   = /usr/bin/python3
SEEDS   ?= 20000
JOBS     = $(shell nproc)
MINUTES ?= 2
export BUILD

.PHONY: all build deps stage demo check conformance install asan asan-check sim sim-long mutants bench-failover bench-scale bench-scale-lab bench-pmf chaos live clean

all: build

deps:
	@packaging/install-deps

build: deps
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) $(MESON_ARGS) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@ninja -C $(BUILD) --quiet

# A complete installation below $(STAGE); the simulated machines of clusterlab see its /usr/cluster.
stage: build
	@DESTDIR=$(STAGE) meson install -C $(BUILD) --quiet --no-rebuild

# Three machines on this one keep a web server alive.  KEEP=1 leaves them up.
demo: stage
	@$(PYTHON) $(BUILD)/lab/demo.py $(STAGE) $(if $(KEEP),--keep)

# Unit tests, simulator, the checks of the tree, and the cluster tests on real daemons.
check: stage
	@$(PYTHON) tests/run.py $(BUILD)

# What the documents name, item by item: present, tested by which test.  The last line is "N checked, M missing".
conformance: stage
	@$(PYTHON) tests/conformance/conformance.py $(BUILD)

install: build
	@DESTDIR=$(if $(DESTDIR),$(abspath $(DESTDIR))) meson install -C $(BUILD) --quiet

# Client-side gaps of a switch, a killed server and a lost machine, as ratios to what cannot be avoided.
bench-failover: stage
	@$(PYTHON) bench/failover.py $(STAGE) $(RUNS)

# What many groups cost the software itself, as ratios to a tenth as many: bench-scale [GROUPS=1000] [NODES=8].
bench-scale: build
	@$(BUILD)/bench/bench-scale $(or $(GROUPS),1000) $(or $(NODES),8)

# The same with real daemons on three simulated machines, and methods that do nothing: bench-scale-lab [GROUPS=500].
bench-scale-lab: stage
	@$(PYTHON) bench/scale_lab.py $(STAGE) $(GROUPS)

# What it costs to be kept alive by pmfd, as ratios to runit and to a plain fork and wait: bench-pmf [TAGS=2000].
bench-pmf: build
	@$(PYTHON) bench/pmf.py $(BUILD) $(TAGS)

# Random faults on real daemons: chaos MINUTES=10 [SEED=s] [NODES=n]; tests/chaos/README.md.
chaos: stage
	@$(PYTHON) tests/chaos/chaos.py $(BUILD) --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(if $(NODES),--nodes $(NODES))

# Three containers that boot with systemd: the units, poweroff, power cut.  Needs the package systemd-container.
live: stage
	@command -v systemd-nspawn >/dev/null || apt-get install -y -q --no-install-recommends systemd-container
	@$(PYTHON) tests/systemd/live.py $(BUILD)

# The same with address and undefined-behaviour sanitizers, in a build of its own.
asan:
	@$(MAKE) --no-print-directory build BUILD=build-asan MESON_ARGS="-Db_sanitize=address,undefined -Db_lundef=false"

asan-check: asan
	@$(PYTHON) tests/run.py build-asan --no-cluster

# Whole clusters under seeded faults; says seeds/s, and the command that repeats a failure.
sim: build
	@$(BUILD)/tests/sim/sim -n $(SEEDS) -j $(JOBS)

sim-long: build
	@$(BUILD)/tests/sim/sim -n 1000000 -j $(JOBS)

# Breaks the cores line by line: do the unit tests notice, does the simulator?  Half an hour to an hour.
mutants: deps
	@$(PYTHON) tests/mutants/run.py --results tests/mutants/results.md

clean:
	rm -rf build build-asan build.log build-asan.log
