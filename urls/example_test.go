package urls_test

import (
	"fmt"

	"github.com/zeugkit/zeug/urls"
)

func ExampleIRIToURI() {
	fmt.Println(urls.IRIToURI("http://☃.net/påth?q=a b"))
	fmt.Println(urls.URIToIRI("http://xn--n3h.net/p%C3%A5th?q=a%20b"))
	// Output:
	// http://xn--n3h.net/p%C3%A5th?q=a%20b
	// http://☃.net/påth?q=a%20b
}

func ExampleHostTrusted() {
	trusted := []string{".example.com"}
	fmt.Println(urls.HostTrusted("www.example.com:8080", trusted), urls.HostTrusted("example.com.evil.org", trusted))
	// Output: true false
}
