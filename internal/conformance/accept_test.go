package conformance_test

import "github.com/zeugkit/zeug/datastructures"

type acceptInput struct {
	Header string
	Offers []string
	Value  string
}

func acceptItems(a datastructures.Accept) any {
	items := [][2]any{}
	for value, quality := range a.All() {
		items = append(items, [2]any{value, quality})
	}
	return items
}

func orNull(text string, ok bool) any {
	if !ok {
		return nil
	}
	return text
}

var _ = register(map[string]operation{
	"accept.mime.parse": answers(func(in acceptInput) any {
		return acceptItems(datastructures.ParseMIMEAccept(in.Header).Accept)
	}),
	"accept.mime.best": answers(func(in acceptInput) any {
		return orNull(datastructures.ParseMIMEAccept(in.Header).Best(in.Offers...))
	}),
	"accept.mime.quality": answers(func(in acceptInput) any {
		return datastructures.ParseMIMEAccept(in.Header).Quality(in.Value)
	}),
	"accept.language.parse": answers(func(in acceptInput) any {
		return acceptItems(datastructures.ParseLanguageAccept(in.Header).Accept)
	}),
	"accept.language.best": answers(func(in acceptInput) any {
		return orNull(datastructures.ParseLanguageAccept(in.Header).Best(in.Offers...))
	}),
	"accept.language.quality": answers(func(in acceptInput) any {
		return datastructures.ParseLanguageAccept(in.Header).Quality(in.Value)
	}),
	"accept.encoding.parse": answers(func(in acceptInput) any {
		return acceptItems(datastructures.ParseEncodingAccept(in.Header).Accept)
	}),
	"accept.encoding.best": answers(func(in acceptInput) any {
		return orNull(datastructures.ParseEncodingAccept(in.Header).Best(in.Offers...))
	}),
	"accept.encoding.quality": answers(func(in acceptInput) any {
		return datastructures.ParseEncodingAccept(in.Header).Quality(in.Value)
	}),
})
