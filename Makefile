# The commands of this project. `make help` is made from the comments behind the targets.

BIN := .venv/bin
# Tests of this project share a machine with others: two at a time unless told otherwise.
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench fuzz requirements firmware flash mount lint format lock clean

help:  ## this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)$$/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup:  ## everything the rest needs: .venv, MicroPython, aioble (TARGET=qemu: the emulated board too; MICROPYTHON_SRC=/a/source/tree)
	@TARGET=$(filter-out device,$(TARGET)) python3 -m boards.toolchain

# With ALL: by each interface, then a fallback from the chip to the stripe.
DEMOS = approved $(if $(ALL),chip stripe-pin stripe-fallback)

demo: setup  ## one sale from tap to authorisation, each step printed; exit 0 only if approved; ALL=1: by tap, insert, swipe, and a fallback
	@set -e; for card in $(DEMOS); do $(BIN)/mpos run --card $$card; done

# The unit tests alone, on the emulated board or on the one real one at PORT.
ON_TARGET = $(if $(TARGET),--target=$(TARGET) $(if $(PORT),--port=$(PORT)) $(if $(filter tests/%,$(ARGS)),,tests/unit))

test: setup  ## every test that needs no hardware; ARGS="-k word -x" go to pytest, JOBS=4 runs more at a time; TARGET=qemu: the unit tests on the emulated board
	@$(BIN)/pytest -n $(if $(filter device,$(TARGET)),0,$(JOBS)) $(ON_TARGET) $(ARGS); code=$$?; $(BIN)/python -m mpos.provision.toolchain; exit $$code

bench:  ## instructions on the emulated board and heap, beside the committed figures (docs/bench.md); CHECK=1 fails past 3 % worse, UPDATE=1 writes them, ARGS=--json
	@$(MAKE) --no-print-directory setup TARGET=qemu
	@$(BIN)/python -m tests.bench $(if $(CHECK),--check) $(if $(UPDATE),--update) $(ARGS)

SECONDS ?= 60
fuzz: setup  ## look for bytes from a card that break the reader; SECONDS=60 for each target, FUZZ="t1 atr" only these (docs/testing.md)
	@$(BIN)/python -m tests.fuzz $(FUZZ) --seconds $(SECONDS) $(ARGS)

requirements: setup  ## docs/emv-requirements.md from the marks in the tests and a run of them; CHECK=1 compares instead
	@$(BIN)/python -m tests.harness.requirements -n $(JOBS) $(if $(CHECK),--check) $(ARGS)

# The board is named by BOARD; the emulated one needs the emulator's set-up.
SETUP_BOARD = $(if $(BOARD),,$(error Which board? BOARD=m35, d200 or qemu_rv32))$(MAKE) --no-print-directory setup $(if $(filter qemu_rv32,$(BOARD)),TARGET=qemu)

firmware:  ## the firmware for BOARD=m35, d200 or qemu_rv32: .mpy files, ROM image and manifest in build/firmware/; RELEASE=1: for the field
	@$(SETUP_BOARD)
	@$(BIN)/mpos firmware $(BOARD) $(if $(RELEASE),--release) $(ARGS)

flash:  ## put it on the device at PORT=/dev/ttyUSB0, verified (BOARD=qemu_rv32 without PORT: the emulated board); ARGS="--files", "--parameters mine.json --tables mine.tlv"
	@$(SETUP_BOARD)
	@$(BIN)/mpos flash --board $(BOARD) $(if $(PORT),--port $(PORT)) $(ARGS)

mount:  ## run the firmware for BOARD on the device at PORT from this machine's files, copying nothing; ctrl-C ends it
	@$(SETUP_BOARD)
	@$(BIN)/mpos firmware $(BOARD)
	@$(BIN)/mpremote connect $(or $(PORT),$(error Which port? PORT=/dev/ttyUSB0)) mount build/firmware/$(BOARD)/mpy exec "import main"

lint: setup  ## style, types, spelling and the laws of the architecture
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/lint/firmware.mypy.ini
	$(BIN)/codespell
	$(BIN)/pytest -q tests/lint

format: setup  ## put the sources into the form that `make lint` asks for
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

lock: setup  ## pin all packages again, with hashes, from what pyproject.toml asks for (ARGS=--upgrade: newest)
	@python3 -m boards.toolchain lock $(ARGS)

clean:  ## forget what this clone built (the cache outside it stays)
	rm -rf build .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
