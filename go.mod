module github.com/zeugkit/zeug

go 1.26.0

require (
	github.com/flosch/pongo2/v6 v6.0.0
	github.com/stretchr/testify v1.12.1
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
