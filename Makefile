# The front door. Each target installs what it needs on Debian 12 (as root or through sudo) and goes through the CMake
# presets, so that what a person types here is what a build machine runs. HACKING.md has the finer tools.

JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
BUILD := build/release
SOURCES = git ls-files --cached --others --exclude-standard -- '*.cc' '*.h'

.DEFAULT_GOAL := help
.PHONY: help packages packages-check build demo test check format bench fuzz install clean

help:
	@echo 'make demo      build, send a simulated population through the gateway and show who harvests'
	@echo 'make test      build and run every test'
	@echo 'make check     formatting, clang-tidy and tidy (include table, dead files, banned calls)'
	@echo 'make format    lay out every source with clang-format'
	@echo 'make bench     build and run the benchmarks'
	@echo 'make fuzz      run every fuzzer for FUZZ_SECONDS (60) seconds'
	@echo 'make install   install the program under PREFIX (/usr/local)'
	@echo 'make clean     remove what was built'
	@echo 'JOBS=N sets how many jobs run at once (now $(JOBS)).'

packages:
	@tools/install-packages build

packages-check:
	@tools/install-packages check

build: packages
	cmake --preset release
	cmake --build --preset release --parallel $(JOBS)

demo: build
	tools/demo

test: build
	ctest --preset release --parallel $(JOBS)

# The test programs are left to the compilers' warnings: clang-tidy has little to say about macros of GoogleTest.
check: packages-check
	$(SOURCES) | xargs clang-format --dry-run -Werror
	cmake --preset release
	cmake --build --preset release --parallel $(JOBS) --target stillwatch_tidy
	$(BUILD)/tools/tidy/stillwatch_tidy .
	run-clang-tidy -quiet -j $(JOBS) -p $(BUILD) '$(CURDIR)/(src|apps|tools)/(?!.*_(test|bench)\.cc).*\.cc$$'

format: packages-check
	$(SOURCES) | xargs clang-format -i

bench: build
	tools/bench $(BUILD)

fuzz: packages-check
	cmake --preset fuzz
	cmake --build --preset fuzz --parallel $(JOBS) --target fuzzers
	FUZZ_SECONDS=$(FUZZ_SECONDS) JOBS=$(JOBS) tools/fuzz build/fuzz

install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf build
