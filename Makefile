# The targets of daily work; their logic lies in scripts/ and .ci/. CONTRIBUTING.md tells what each takes.
.PHONY: run build test check lint fuzz soak simulate mutate bench bench-peers client readme

run: ## build with all storage backends and serve on ./.setlogger
	@scripts/run

build: ## .cache/bin/setlogger, with all storage backends
	@scripts/build

test: ## every test, with what it needs fetched; ends with the list of skips
	@.ci/packages && .ci/tools && .ci/test

check: ## format, lint, vet, tidy, cross-builds
	@.ci/tools && .ci/check && .ci/cross

lint: ## the linter alone, mending what it can
	@.ci/tools && scripts/go .cache/bin/golangci-lint run --fix

fuzz: ## each fuzzer for FUZZTIME (default 60s)
	@scripts/fuzz

soak: ## the long form of the crash and kill tests
	@.ci/packages && .ci/tools && SETLOGGER_SOAK=1 .ci/test

simulate: ## a million random histories of the model, every small one, and SETLOGGER_FLEETS (200) of whole fleets; SETLOGGER_HISTORIES and SETLOGGER_SEED choose others
	@SETLOGGER_HISTORIES=$${SETLOGGER_HISTORIES:-1000000} SETLOGGER_EXHAUSTIVE=1 go test -v -count=1 -p 1 -timeout 6h ./simulation/...

mutate: ## break one rule of the model, then one safeguard of the sync, after the other; each must be caught
	@go run ./scripts/mutate

bench: ## benchmarks: one line a figure
	@scripts/bench

bench-peers: ## the API beside other servers, one line a figure; then an editing trace beside other CRDTs, RUNS of each (default 3)
	@scripts/bench-peers servers
	@scripts/bench-peers peers -runs $${RUNS:-3}

client: ## the npm package: types, tests in Node and Chromium, what is packed
	@.ci/tools && scripts/go go build -o .cache/bin/setlogger-slim ./cmd/setlogger && SETLOGGER_TEST_REQUIRED=1 .ci/client

readme: ## run the commands of README.md as printed
	@scripts/readme
