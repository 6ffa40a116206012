# The commands one needs, by name. `make help` lists them.

.PHONY: help run test check tidy fuzz others bench compare instructions screenshots release

help: ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 14

run: ## serve the URL shortener at http://127.0.0.1:5000, reading its pages from disk
	go run ./examples/shortly -dev examples/shortly

test: ## the tests
	go test ./...

check: ## everything that CI checks
	.ci/run

tidy: ## tidy the go.mod of each module
	.ci/tidy

fuzz: ## each fuzz target for ten seconds
	.ci/fuzz 10s

others: ## zeug vet on web applications of others, from the module proxy
	cd cmd/zeug && go run ./vet/others

bench: ## the benchmarks beside their peers
	cd bench && go test -run '^$$' -bench . -benchmem ./...

compare: ## the tables of docs/performance.md, held to the goals of bench/goals.txt, in a quarter of an hour on a quiet machine
	cd bench && go run ./compare

instructions: ## the instructions of a request, held to the goals of bench/goals.txt
	cd bench && go run ./compare -instructions

screenshots: ## take docs/shortly.png and docs/debugger.png again
	cd internal/browsertest && SCREENSHOTS=../../docs go test -count=1 -run 'TestScreenshots|TestDebugger' .

release: ## commit and tag a release: make release VERSION=v0.1.0
	cd internal/release && go run . -repository ../.. -version '$(VERSION)'
