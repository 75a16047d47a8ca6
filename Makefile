# make        builds bin/evenkeel
# make demo   builds it, starts the whole product on a small fictional shop, prints the address
# make test   installs what the tests need (as root on Debian), then runs all of them on SQLite and PostgreSQL
# make check  static analysis, formatting, layers, modules, race detector, types of the JavaScript
# make bench  all benchmarks, or one: make bench ONLY=slo-eval
# make soak   what takes long: 100 kills, full race run, a million facts
SHELL := /bin/bash
.DELETE_ON_ERROR:
export CGO_ENABLED := 0
GO ?= go
PKGS ?= ./...
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
# Packages that start goroutines and do not link the metric store: the race detector builds them once more, with cgo.
RACE := ./internal/store/db/... ./internal/store/ledger/... ./internal/store/count/... ./internal/store/trace/... ./internal/live/... ./internal/domain/...

.PHONY: all build demo setup test check bench soak clean
all: build
build:
	$(GO) build -buildvcs=auto -ldflags '-s -w' -o bin/evenkeel ./cmd/evenkeel

demo: build
	./bin/evenkeel demo

setup:
	@bash test/setup

test: setup
	$(GO) run ./internal/store/db/pgtemp -- $(GO) run ./internal/testrun -timeout 20m $(TESTFLAGS) $(PKGS)

check: setup
	@bash test/check "$(GO)" "$(STATICCHECK)" "$(RACE)"

bench: build
	$(GO) run ./internal/bench $(if $(ONLY),-only $(ONLY))

soak: setup
	EVENKEEL_SOAK=1 $(GO) run ./internal/store/db/pgtemp -- $(GO) run ./internal/testrun -timeout 120m ./...

clean:
	rm -rf bin tmp screenshots bench-out
