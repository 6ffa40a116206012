package main

import (
	"errors"
	"net/http"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug"
)

func (s *Shortly) newURL(req *zeug.Request) (*zeug.Response, error) {
	page := map[string]any{"url": ""}
	if req.Method == http.MethodPost {
		form, err := req.Form()
		if err != nil {
			return nil, err
		}
		target := form.Get("url")
		if isValid(target) {
			id, err := s.insert(req.Context(), target)
			if err != nil {
				return nil, err
			}
			return zeug.Redirect(req.URL("short_link_details", "short_id", id)), nil
		}
		page["url"], page["error"] = target, "Please enter a valid URL"
	}
	return req.Render("new_url.html", page)
}

func (s *Shortly) followShortLink(req *zeug.Request) (*zeug.Response, error) {
	id := req.Params.String("short_id")
	target, err := s.target(req.Context(), id)
	if err != nil {
		return nil, err
	}
	if err := s.redis.Incr(req.Context(), "click-count:"+id).Err(); err != nil {
		return nil, err
	}
	resp := zeug.Redirect(target)
	resp.Status = http.StatusFound
	return resp, nil
}

func (s *Shortly) shortLinkDetails(req *zeug.Request) (*zeug.Response, error) {
	id := req.Params.String("short_id")
	target, err := s.target(req.Context(), id)
	if err != nil {
		return nil, err
	}
	clicks, err := s.redis.Get(req.Context(), "click-count:"+id).Int()
	if err != nil && !errors.Is(err, redis.Nil) { // nil: the link has not been followed
		return nil, err
	}
	return req.Render("short_link_details.html", map[string]any{"short_id": id, "target": target, "clicks": clicks})
}
