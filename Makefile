# What a person does with this package. Each target needs Swift alone; the first two install what else is missing.

.DEFAULT_GOAL := help
.PHONY: help demo demo-distributed test crash docs lint bench tsan asan coverage packages test-packages

SHELL := /bin/bash
ROUNDS ?= 50
# The demo and the default build know LMDB alone. With all traits there is a build folder of its own: switching in one would
# build everything anew each time.
ALL := --enable-all-traits --scratch-path .build-all
export BUILD_FOLDER := .build-all
# Tests that all start at once wait for each other on two cores until their time limits. Swift Testing's own name for it.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 8
# The example with all that its distributed form needs.
DISTRIBUTED := --disable-default-traits --traits Example,Postgres,RabbitMQ,Kafka --scratch-path .build-distributed
# What is measured, without what is not.
STORAGES := --disable-default-traits --traits LMDB,SQLite,Postgres,RabbitMQ,Kafka --scratch-path .build-bench

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

packages:
	@Tests/Scripts/ensure-packages.sh

test-packages:
	@Tests/Scripts/ensure-packages.sh tests

demo: packages ## place orders against a data platform that fails at times, and show that every event arrives
	@Tests/Scripts/build.sh --product place-order
	@.build/debug/place-order run --storage outbox --orders 200 --platform-error-rate 0.1 --platform-outage 0s..2s --log-level warning

demo-distributed: test-packages ## run shop, relays, RabbitMQ and a data platform, kill one of each, and show that nothing is lost (ORDERS=2000 BROKER=rabbitmq|kafka)
	@Tests/Scripts/build.sh $(DISTRIBUTED) --product place-order
	@export PLACE_ORDER="$$(swift build $(DISTRIBUTED) --show-bin-path)/place-order" && Tests/CrashRounds/distributed.sh

test: test-packages ## build once, then check listings, documentation and a light consumer, then run all tests
	@Tests/Scripts/build.sh $(ALL) --build-tests
	@Tests/Scripts/check-listings.sh
	@Tests/Scripts/build-docs.sh
	@Tests/Scripts/check-consumer.sh
	@swift test $(ALL) --skip-build

# LMDB's outbox gets ROUNDS, each other pair of storage and database 20.
crash: test-packages ## kill the example, its relays and PostgreSQL again and again, and count what was lost (ROUNDS=50)
	@Tests/Scripts/build.sh -c release $(ALL) --product place-order
	@Tests/Scripts/build.sh -c release $(ALL) --product FaultProbe
	@export PLACE_ORDER="$$(swift build -c release $(ALL) --show-bin-path)/place-order" \
		&& export FAULT_PROBE="$$(dirname "$$PLACE_ORDER")/FaultProbe" && cd Tests/CrashRounds \
		&& ROUNDS=$(ROUNDS) ./crash-rounds.sh \
		&& for pair in status:lmdb {outbox,status}:{sqlite,postgres}; do \
			STORAGE=$${pair%:*} DATABASE=$${pair#*:} ROUNDS=20 ./crash-rounds.sh || exit 1; \
		done \
		&& ./effect-rounds.sh && ./restart-rounds.sh outbox && ./restart-rounds.sh status && ./relay-rounds.sh

docs: test-packages ## build the documentation into docs/, and fail on a warning
	@Tests/Scripts/build.sh $(ALL)
	@Tests/Scripts/build-docs.sh

lint: ## check the format of all Swift files
	@swift format lint --strict --recursive --parallel Sources Tests Benchmarks Package.swift Docs.docc
	@! grep -rnw Mutex Sources Benchmarks Tests/TestSupport Tests/FaultProbe --include=*.swift | grep -v /Locked.swift: \
		|| { echo "error: use Locked: a Mutex ends the process in asynchronous functions, see Locked.swift" >&2; exit 1; }

bench: test-packages ## measure beside bare loops, for some minutes; bench.json holds the table too (BENCH="--rounds 7 FILTER")
	@Tests/Scripts/build.sh -c release $(STORAGES) --product Benchmarks
	@"$$(swift build -c release $(STORAGES) --show-bin-path)/Benchmarks" $(BENCH)

tsan: test-packages ## run all tests under the Thread Sanitizer
	@mkdir -p .build-tsan
	@test "$$(uname)" != Linux || clang -O1 -fPIC -shared -o .build-tsan/c11-threads.so Tests/Scripts/c11-threads.c -lpthread
	@swift build --build-tests --enable-all-traits --sanitize=thread --scratch-path .build-tsan
	@test "$$(uname)" != Linux || export LD_PRELOAD=$(CURDIR)/.build-tsan/c11-threads.so; \
		TSAN_OPTIONS="suppressions=$(CURDIR)/Tests/Scripts/thread-sanitizer.suppressions $$TSAN_OPTIONS" \
		swift test --skip-build --enable-all-traits --sanitize=thread --no-parallel --scratch-path .build-tsan

asan: test-packages ## run all tests under the Address Sanitizer, leaks included
	@LSAN_OPTIONS="suppressions=$(CURDIR)/Tests/Scripts/leak-sanitizer.suppressions:$$LSAN_OPTIONS" \
		swift test --enable-all-traits --sanitize=address --disable-xctest --scratch-path .build-asan

coverage: test-packages ## print the share of lines that the tests of core and store reach
	@Tests/Scripts/coverage.sh
