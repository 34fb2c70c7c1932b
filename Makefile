# Conveniences for people who work on sealring. Nothing needs make: each target is one or two plain commands.
PY := .venv/bin/python

.PHONY: setup lint format test demo bench vectors screenshots openapi sweep-fresh sweep-kill sweep-fuzz sweep-life sweep-mutants sweep-tuf-kill sweep-differential sweep-consistency sweep-foreign sweep-soak sweep-store-kill sweep-store-faults sweep-mirror-kill sweep-workers

setup:
	python3 tests/run.py setup

lint:
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

format:
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

test:
	python3 tests/run.py tests

demo:
	python3 tests/run.py demo

bench:
	$(PY) benchmarks/run.py

vectors:
	$(PY) -m tests.vectors.make

# What the store answers, for programs: docs/openapi.json.
openapi:
	$(PY) -m sealring_server.openapi > docs/openapi.json

# The pictures of docs/operator-page.md, by Debian's chromium; smaller with its pngquant.
screenshots:
	$(PY) -m tests.rigs.operator.screenshots

# Both README commands on a machine that has git and python3 only; writes docs/fresh-machine.md. As root; minutes.
SUITE ?= bookworm
sweep-fresh:
	tests/rigs/fresh_machine.sh $(SUITE)

# The device's commands broken off at every system call that changes something; writes docs/kill-sweep.md. As root; goes
# on where it was stopped.
sweep-kill:
	$(PY) -m tests.rigs.sweep_kill

# Every parser that reads a stranger's bytes, ten million inputs in all; writes docs/fuzzing.md. Up to 90 minutes on one
# core, in an environment of its own (atheris), once `make setup` has brought uv; goes on where it was stopped.
sweep-fuzz:
	UV_PROJECT_ENVIRONMENT=.cache/fuzz/venv .cache/uv-*/uv sync --quiet --locked --all-packages --group fuzz
	.cache/fuzz/venv/bin/python -m tests.fuzz.sweep

# An authority's whole life beside a model of it, half an hour of other steps each time; writes docs/authority-life.md.
sweep-life:
	$(PY) -m tests.unit.trust.long_life

# Every small change of what decides whether a statement counts, against the tests that run it; writes docs/mutation.md.
# Up to 90 minutes on one core, in an environment of its own, once `make setup` has brought uv; goes on where it was
# stopped.
sweep-mutants:
	UV_PROJECT_ENVIRONMENT=.cache/mutation/venv .cache/uv-*/uv sync --quiet --locked --all-packages --group mutation
	.cache/mutation/venv/bin/python -m tests.mutation.sweep

# The device's TUF client beside python-tuf's over generated repositories and what spoils them; writes
# docs/differential.md. Up to an hour on two cores; goes on where it was stopped.
sweep-differential:
	$(PY) -m tests.unit.device_tuf.long_differential

# `sealring-device tuf` broken off at every system call that changes something; writes docs/tuf-kill-sweep.md.
sweep-tuf-kill:
	$(PY) -m tests.rigs.sweep_tuf_kill

# A reader in a loop during 10,000 publications and 20 rotations of the store's keys; writes docs/consistency.md. Up to
# an hour; goes on where it was stopped.
sweep-consistency:
	$(PY) -m tests.rigs.store.sweep

# TUF clients of others (python-tuf, go-tuf, tuf-js) download images through the role `packages`; writes
# docs/foreign-clients.md. go-tuf comes as a Go module and tuf-js from npm (apt install npm); minutes.
sweep-foreign:
	$(PY) -m tests.rigs.sweep_foreign

# A publication broken off at every system call of the store that changes something; writes docs/store-faults.md. Minutes;
# goes on where it was stopped.
sweep-store-kill:
	$(PY) -m tests.rigs.store.sweep_kill

# Workers, server, PostgreSQL and S3 killed, and their lines spoilt, under load; writes docs/store-faults.md. About 20
# minutes; goes on where it was stopped.
sweep-store-faults:
	$(PY) -m tests.rigs.store.sweep_faults

# `sealring-store mirror` killed 240 times; writes docs/mirror-kill.md. About half an hour; goes on where it was stopped.
sweep-mirror-kill:
	$(PY) -m tests.rigs.sweep_mirror_kill

# Ten minutes of 200 devices, 5 publishers and killed workers at one store; writes docs/soak.md. STORAGE=folder for SQLite
# and a folder, in place of PostgreSQL and a bucket; the page has the newest run of each.
STORAGE ?= postgres
sweep-soak:
	$(PY) -m tests.rigs.store.soak.run $(STORAGE)

# The scenarios once more with each store on PostgreSQL and S3, served by four processes; writes docs/workers.md.
sweep-workers:
	$(PY) -m tests.rigs.sweep_workers
