module github.com/zeugkit/zeug/middleware/profiler

go 1.26.0

require (
	github.com/google/pprof v0.0.0-20260906184651-6331bc6350fe
	github.com/stretchr/testify v1.12.1
	github.com/zeugkit/zeug v0.0.0
)

require (
	github.com/ianlancetaylor/demangle v0.0.0-20250417193237-f615e6bd150b // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/zeugkit/zeug => ../..
