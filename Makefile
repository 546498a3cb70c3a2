# The commands of this project. `make help` is made from the comments behind the targets.

BIN := .venv/bin
# Tests of this project share a machine with others: two at a time unless told otherwise.
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format lock clean

help:  ## this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)$$/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup:  ## everything the rest needs: .venv, MicroPython, aioble (seconds when it is there; MICROPYTHON_SRC=/a/source/tree)
	@TARGET=$(filter-out device,$(TARGET)) python3 -m boards.toolchain

demo: setup  ## one sale from tap to authorisation, each step printed; exit 0 only if approved
	@$(BIN)/mpos run --card approved

# The unit tests alone, on the emulated board or on the one real one at PORT.
ON_TARGET = $(if $(TARGET),--target=$(TARGET) $(if $(PORT),--port=$(PORT)) $(if $(filter tests/%,$(ARGS)),,tests/unit))

test: setup  ## every test that needs no hardware; ARGS="-k word -x" go to pytest, JOBS=4 runs more at a time; TARGET=qemu: the unit tests on the emulated board
	@$(BIN)/pytest -n $(if $(filter device,$(TARGET)),0,$(JOBS)) $(ON_TARGET) $(ARGS); code=$$?; $(BIN)/python -m mpos.provision.toolchain; exit $$code

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
