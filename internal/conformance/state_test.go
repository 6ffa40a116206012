package conformance_test

import (
	"net/http"
	"slices"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/wrappers"
)

// Operations about the state of a resource and the parts of it: tags, dates,
// ranges, preconditions.

func instant(t time.Time, ok bool) any {
	if !ok {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func tagSets(e datastructures.ETags) map[string]any {
	strong, weak := []string{}, []string{}
	for _, tag := range e.Tags {
		if tag.Weak {
			weak = append(weak, tag.Value)
		} else {
			strong = append(strong, tag.Value)
		}
	}
	slices.Sort(strong)
	slices.Sort(weak)
	return map[string]any{"strong": slices.Compact(strong), "weak": slices.Compact(weak), "star": e.Star}
}

func rangeSpecs(r datastructures.Range) any {
	specs := [][2]any{}
	for _, spec := range r.Specs {
		pair := [2]any{spec.Start, spec.Stop}
		if spec.Suffix {
			pair[0] = -spec.Start
		}
		if spec.Suffix || spec.Stop == 0 {
			pair[1] = nil
		}
		specs = append(specs, pair)
	}
	return specs
}

type rangeInput struct {
	Header string
	Length *int64
}

func (in rangeInput) single() (datastructures.Span, bool) {
	r, ok := datastructures.ParseRange(in.Header)
	if !ok || in.Length == nil {
		return datastructures.Span{}, false
	}
	spans := r.Spans(*in.Length)
	if len(r.Specs) != 1 || len(spans) != 1 {
		return datastructures.Span{}, false
	}
	return spans[0], true
}

var _ = register(map[string]operation{
	"etags.parse": answers(func(in headerInput) any { return tagSets(datastructures.ParseETags(in.Header)) }),
	"etags.dump":  answers(func(in headerInput) any { return datastructures.ParseETags(in.Header).String() }),
	"etags.contains": answers(func(in struct{ Header, Tag string }) any {
		e := datastructures.ParseETags(in.Header)
		tag := datastructures.ETag{Value: in.Tag}
		return map[string]any{
			"strong":  e.StrongMatch(tag),
			"weak":    e.WeakMatch(tag),
			"is_weak": slices.Contains(e.Tags, datastructures.ETag{Value: in.Tag, Weak: true}),
		}
	}),
	"etag.quote": answers(func(in struct {
		Tag, ETag string
		Weak      bool
	}) any {
		tag := datastructures.ETag{Value: in.Tag + in.ETag, Weak: in.Weak}
		if wrappers.Text("").SetETag(tag) != nil {
			return "error"
		}
		return tag.String()
	}),
	"etag.unquote": answers(func(in struct{ Tag string }) any {
		if in.Tag == "" {
			return [2]any{nil, nil}
		}
		tag, _ := datastructures.ParseETag(in.Tag)
		return [2]any{tag.Value, tag.Weak}
	}),
	"date.parse":  answers(func(in headerInput) any { return instant(datastructures.ParseDate(in.Header)) }),
	"date.format": answers(func(in struct{ Unix int64 }) any { return datastructures.FormatDate(time.Unix(in.Unix, 0)) }),
	"age.parse": answers(func(in headerInput) any {
		age, ok := datastructures.ParseAge(in.Header)
		if !ok {
			return nil
		}
		return int64(age / time.Second)
	}),
	"range.parse": answers(func(in headerInput) any {
		r, ok := datastructures.ParseRange(in.Header)
		if !ok {
			return nil
		}
		return map[string]any{"units": r.Unit, "ranges": rangeSpecs(r)}
	}),
	"range.dump": answers(func(in headerInput) any {
		r, ok := datastructures.ParseRange(in.Header)
		return orNull(r.String(), ok)
	}),
	"range.for_length": answers(func(in rangeInput) any {
		span, ok := in.single()
		if !ok {
			return nil
		}
		return [2]int64{span.Start, span.Stop}
	}),
	"range.content_range": answers(func(in rangeInput) any {
		span, ok := in.single()
		if !ok {
			return nil
		}
		return datastructures.ContentRange{Unit: "bytes", Span: span, Length: *in.Length}.String()
	}),
	"content_range.parse": answers(func(in headerInput) any {
		c, ok := datastructures.ParseContentRange(in.Header)
		if !ok {
			return nil
		}
		answer := map[string]any{"units": c.Unit, "start": nil, "stop": nil, "length": nil, "header": c.String()}
		if !c.Unsatisfied {
			answer["start"], answer["stop"] = c.Span.Start, c.Span.Stop
		}
		if c.Length >= 0 {
			answer["length"] = c.Length
		}
		return answer
	}),
	"if_range.parse": answers(func(in headerInput) any {
		r, _ := datastructures.ParseIfRange(in.Header)
		return map[string]any{
			"etag": orNull(r.ETag.Value, r.ETag.Value != ""),
			"date": instant(r.Date, !r.Date.IsZero()),
		}
	}),
	"resource.modified": answers(func(in struct {
		Method          string
		ETag            *string `json:"etag"`
		LastModified    *int64  `json:"last_modified"`
		IfNoneMatch     *string `json:"if_none_match"`
		IfModifiedSince *string `json:"if_modified_since"`
	}) any {
		var state datastructures.State
		if in.ETag != nil {
			state.ETag, _ = datastructures.ParseETag(*in.ETag)
		}
		if in.LastModified != nil {
			state.Modified = time.Unix(*in.LastModified, 0)
		}
		h := http.Header{}
		if in.IfNoneMatch != nil {
			h.Set("If-None-Match", *in.IfNoneMatch)
		}
		if in.IfModifiedSince != nil {
			h.Set("If-Modified-Since", *in.IfModifiedSince)
		}
		return datastructures.ParsePreconditions(h).Evaluate(in.Method, state) == 0
	}),
})
