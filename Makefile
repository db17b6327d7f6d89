# One command per wish; CI and people run the same ones.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
PIP_VERSION := 26.3
BIN := .venv/bin
# Whole files go to one process or the other, since the tests of a file share what is dear.
IN_PARALLEL := --numprocesses 2 --dist loadfile --no-loadscope-reorder
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find native -name '*.rs' -o -name Cargo.toml)
TEST_TOOLS := ip=iproute2 iperf3=iperf3 ping=iputils-ping sshd=openssh-server ssh=openssh-client nginx=nginx-light \
              redis-server=redis-server redis-cli=redis-tools busybox=busybox curl=curl nft=nftables miniupnpd=miniupnpd-nftables
SDKS := yapapi golem-core golem-js

.PHONY: help setup demo test test-rust test-python test-network test-api test-interop interop check stub format bench clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .make/installed  ## build everything into .venv, so that .venv/bin/golem-vpn works

demo: setup .make/demo-tools  ## a private network between two providers on this machine, from nothing to a table
	@$(BIN)/golem-vpn demo

test: setup .make/test-tools test-rust test-python test-network test-api test-interop  ## all tests, fast ones first

test-rust: .make/installed  ## unit, property and simulator tests of the native core
	cargo test --release --workspace --quiet

test-python: .make/installed  ## unit tests of the package
	$(BIN)/pytest tests/unit $(IN_PARALLEL)

test-network: .make/installed .make/test-tools .make/laboratory  ## real daemons, namespaces and programs
	$(BIN)/pytest tests/net

test-api: .make/installed .make/test-tools  ## the served OpenAPI document, against a real daemon
	$(BIN)/pytest tests/api

test-interop: .make/installed .make/test-tools interop  ## Golem's published SDKs, unchanged, against real daemons
	$(BIN)/pytest tests/interop

interop: $(SDKS:%=.make/interop-%)  ## an environment for each of Golem's SDKs

check: .make/installed  ## formatters, linters, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/python tools/native_stub.py --check
	$(BIN)/lint-imports
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --quiet -- -D warnings

stub: .make/installed  ## write the type stub of the native module anew, from what the module tells of itself
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/python tools/native_stub.py

format:  ## format Python and Rust
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .
	cargo fmt --all

bench: setup .make/bench-tools .make/laboratory  ## throughput, latency and cost beside other VPNs and the bare wire
	@$(BIN)/python -m bench $(BENCH_ARGUMENTS)

clean:  ## remove what was built
	rm -rf .venv .make .interop target src/golem_vpn/_native*.so

.make/venv: requirements.txt
	@mkdir -p .make
	@echo "installing Python packages into .venv"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check pip==$(PIP_VERSION)
	$(BIN)/pip install --quiet --requirement requirements.txt
	@touch $@

.make/installed: .make/venv pyproject.toml $(RUST_SOURCES)
	@echo "building the native core (a first build takes several minutes)"
	VIRTUAL_ENV=$(CURDIR)/.venv PIP_QUIET=1 $(BIN)/maturin develop --release
	@# As installers do; else each daemon compiles all modules again where Python may not write bytecode.
	@$(BIN)/python -m compileall -q src
	@touch $@

.make/demo-tools: tools/debian-packages
	@mkdir -p .make
	@tools/debian-packages ip=iproute2 ping=iputils-ping
	@touch $@

.make/laboratory: Cargo.toml Cargo.lock $(shell find native/lab -type f)
	@mkdir -p .make
	cargo build --release --quiet -p golem-vpn-lab
	@touch $@

.make/test-tools: Makefile tools/debian-packages
	@mkdir -p .make
	@tools/debian-packages $(TEST_TOOLS)
	@touch $@

.make/interop-golem-js: examples/golem-js/package-lock.json tools/debian-packages
	@mkdir -p .make .interop/golem-js
	@echo "installing golem-js into .interop"
	@tools/debian-packages node=nodejs npm=npm
	@cp examples/golem-js/package*.json .interop/golem-js
	@npm ci --prefix .interop/golem-js --silent --no-audit --no-fund
	@touch $@

.make/interop-%: tests/interop/environments/%.txt
	@mkdir -p .make .interop
	@echo "installing $* into .interop"
	@$(PYTHON) -m venv .interop/$*
	@.interop/$*/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

.make/bench-tools: Makefile tools/debian-packages .make/venv
	@mkdir -p .make
	@tools/debian-packages ip=iproute2 iperf3=iperf3 nuttcp=nuttcp ping=iputils-ping wg=wireguard-tools nft=nftables ethtool=ethtool
	@touch $@
