# What people and CI do here, one line of explanation a target: `make help`.
# Everything is installed by make itself, into .tools/ and the ordinary caches of go and mvn.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

GO ?= go
TOOLS := $(CURDIR)/.tools
LINT := $(TOOLS)/bin/golangci-lint
GREMLINS := $(TOOLS)/bin/gremlins
KAFKA_LIBS := $(TOOLS)/kafka/libs
PEERS := $(TOOLS)/peers
REDIS := $(TOOLS)/redis
BROWSER := $(TOOLS)/browser
SCHEMATHESIS := $(TOOLS)/schemathesis
OPERATIONS := $(TOOLS)/operations
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILD := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X flashq/cli.version=$(VERSION)'

# What one single processor looks at, and what is measured.
CONCURRENT := ./actor/... ./partition/... ./segment/...
BENCHED := ./segment/... ./partition/... ./actor/... ./http/...

# Rounds of kill -9 against the built binary, and in storms of retries; rounds of deaths among consumers that share a
# group; system calls at which the binary is killed, and how many of each kind fail, evenly spread; power cuts.
KILLS ?= 200
STORMS ?= 100
ROUNDS ?= 28
POINTS ?= 100
FAILS ?= 10
CUTS ?= 4

# What the product builds for.
SYSTEMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# Fuzz inputs per target, time of random requests, seeds per state machine, repetitions per benchmark, time of each profiled.
FUZZ ?= 10000x
RANDOM_TIME ?= 60s
SEEDS ?= 2000
COUNT ?= 6
BENCHTIME ?= 200ms

# For how many seconds schemathesis asks.
ASKED ?= 60

# Packages in which bugs are planted: each bug costs a run of the package's tests.
MUTATED ?= ./segment ./segment/batch ./partition ./actor ./group ./http ./http/recordjson

# Rounds beside the peers, and the time of each measurement.
PEER_ROUNDS ?= 3
SPAN ?= 2s

.PHONY: help
help: ## what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 13

.PHONY: run
run: build ## start the broker in memory on localhost:8080
	bin/flashq

.PHONY: build
build: ## build the static binary bin/flashq
	$(BUILD) -o bin/flashq .

.PHONY: test
test: quick race hostile seeds lint fuzz kafka faults e2e openapi operations browser ## everything, from an empty machine: what CI runs
	@echo "make test: all passed"

.PHONY: quick
quick: ## the inner loop: vet and all tests
	$(GO) vet ./...
	$(GO) test ./...

.PHONY: race
race: ## the tests on one processor, then all under the race detector
	GOMAXPROCS=1 $(GO) test -count=1 $(CONCURRENT)
	$(GO) test -race -timeout=20m ./...

.PHONY: hostile
hostile: ## random requests, spoiled and cut off, against a binary with the race detector
	FLASHQ_RANDOM=$(RANDOM_TIME) $(GO) test -race -count=1 -timeout=60m ./e2e/hostile -run Random -v

.PHONY: seeds
seeds: ## the state machines of storage and groups, with many more seeds than the inner loop has
	$(GO) test -count=1 ./segment ./partition ./group -run 'StateMachine|Model|Say|Clock' -rapid.checks=$(SEEDS)

.PHONY: lint
lint: $(LINT) ## style, the line of packages, and vet for every system that we build for
	$(LINT) run --allow-parallel-runners ./...
	@for system in $(SYSTEMS); do \
		echo "go vet ./... for $$system"; GOOS=$${system%/*} GOARCH=$${system#*/} $(GO) vet ./...; done
	cd tools/peers && $(GO) vet ./... && $(GO) test ./... && $(LINT) run --allow-parallel-runners ./...

.PHONY: fuzz
fuzz: ## a smoke run of every fuzz target
	tools/fuzz.sh $(FUZZ)

.PHONY: kafka
kafka: build $(KAFKA_LIBS) ## Kafka's own tools and broker judge our files
	FLASHQ_BIN=$(CURDIR)/bin/flashq FLASHQ_KAFKA_LIBS=$(KAFKA_LIBS) $(GO) test -count=1 ./e2e/kafka/...

.PHONY: faults
faults: build ## kills at every system call, power cuts, failing calls and full disks; needs root
	tools/faults.sh
	FLASHQ_BIN=$(CURDIR)/bin/flashq FLASHQ_FAULTS=1 FLASHQ_POINTS=$(POINTS) FLASHQ_FAILS=$(FAILS) FLASHQ_CUTS=$(CUTS) \
		unshare --mount $(GO) test -C e2e/faults -count=1 -timeout=60m

.PHONY: e2e
e2e: build ## end to end through the built binary, many rounds of kill -9 included
	FLASHQ_BIN=$(CURDIR)/bin/flashq FLASHQ_KILLS=$(KILLS) FLASHQ_STORMS=$(STORMS) \
		FLASHQ_ROUNDS=$(ROUNDS) $(GO) test -C e2e -count=1

.PHONY: operations
operations: build $(OPERATIONS) ## the reverse proxies and alert rules of docs/operations, tried
	FLASHQ_BIN=$(CURDIR)/bin/flashq FLASHQ_OPERATIONS=$(OPERATIONS) $(GO) test -count=1 ./e2e/operations

.PHONY: openapi
openapi: build $(SCHEMATHESIS) ## schemathesis and a generated Go client hold the broker to its OpenAPI document
	tools/openapi.sh $(CURDIR)/bin/flashq $(SCHEMATHESIS)/bin/python $(GO) $(ASKED)

.PHONY: browser
browser: build $(BROWSER) ## Chromium reads live streams while the broker is killed
	FLASHQ_BIN=$(CURDIR)/bin/flashq FLASHQ_BROWSER=$(BROWSER) $(GO) test -count=1 -v ./e2e/browser

.PHONY: bench
bench: ## the benchmarks of the working tree beside those of the last commit, compared by benchstat
	tools/bench.sh $(COUNT) $(BENCHTIME) $(BENCHED)

.PHONY: bench-peers
bench-peers: build $(KAFKA_LIBS) $(REDIS) ## FlashQ beside Kafka, NATS, NSQ and Redis: a table, in .peers/table.md
	mkdir -p $(PEERS)
	cd tools/peers && CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -o $(PEERS)/ . \
		github.com/nats-io/nats-server/v2 github.com/nsqio/nsq/apps/nsqd
	$(PEERS)/peers -rounds $(PEER_ROUNDS) -duration $(SPAN)

.PHONY: mutate
mutate: $(GREMLINS) ## small bugs are planted, one at a time: how many do the tests of a package notice?
	tools/mutate.sh $(GREMLINS) $(MUTATED)

.PHONY: profile
profile: ## CPU, allocation and block profiles of the benchmarks, in .profiles/
	tools/profile.sh .profiles $(BENCHTIME) $(BENCHED)

.PHONY: clean
clean: ## remove what make built and installed
	rm -rf bin .tools .profiles .bench .peers .mutants

# The linter is a module of its own, so that its dependencies stay out of ours.
$(LINT): tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && $(GO) build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(GREMLINS): tools/mutate/go.mod tools/mutate/go.sum
	cd tools/mutate && $(GO) build -o $@ github.com/go-gremlins/gremlins/cmd/gremlins

$(KAFKA_LIBS): tools/kafka/pom.xml
	rm -rf $@ $@.part
	mvn -B -q -Dstyle.color=never -f $< dependency:copy-dependencies -DoutputDirectory=$@.part
	mv $@.part $@
	touch $@

# What drives the browser comes from npm, the browser from Debian's packages, unpacked and not installed.
$(BROWSER): tools/browser/package.json tools/browser/package-lock.json tools/browser/.npmrc tools/chromium.sh tools/debian.sh
	rm -rf $@ $@.part
	mkdir -p $@.part
	cp tools/browser/package.json tools/browser/package-lock.json tools/browser/.npmrc $@.part
	cd $@.part && npm ci --silent
	tools/chromium.sh $@.part/chromium
	mv $@.part $@
	touch $@

# In an environment of its own, at the versions that are written down.
$(SCHEMATHESIS): tools/openapi/schemathesis/requirements.txt
	rm -rf $@
	python3 -m venv $@
	$@/bin/pip install -q --disable-pip-version-check -r $<
	touch $@

# Debian's packages, unpacked and not installed: no service starts, and no root is needed.
$(OPERATIONS): tools/operations.sh tools/debian.sh
	rm -rf $@ $@.part
	tools/operations.sh $@.part
	mv $@.part $@
	touch $@

$(REDIS): tools/redis.sh tools/debian.sh
	rm -rf $@ $@.part
	tools/redis.sh $@.part
	mv $@.part $@
	touch $@
