package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

func (s *Shortly) newURL(req *wrappers.Request, args routing.Args) (*wrappers.Response, error) {
	page := templates.Context{}
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
			details, err := s.urls.Bind(req.Request).Build("short_link_details", routing.With("short_id", id))
			if err != nil {
				return nil, err
			}
			return wrappers.Redirect(details), nil
		}
		page["url"], page["error"] = target, "Please enter a valid URL"
	}
	return s.pages.Render(req, "new_url.html", page)
}

func isValid(target string) bool {
	u, err := url.Parse(target)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (s *Shortly) insert(ctx context.Context, target string) (string, error) {
	id, err := s.redis.Get(ctx, "reverse-url:"+target).Result()
	if !errors.Is(err, redis.Nil) {
		return id, err // it has an id already, or Redis failed
	}
	number, err := s.redis.Incr(ctx, "last-url-id").Result()
	if err != nil {
		return "", err
	}
	id = strconv.FormatInt(number, 36)
	if err := s.redis.SetNX(ctx, "url-target:"+id, target, 0).Err(); err != nil {
		return "", err
	}
	first, err := s.redis.SetNX(ctx, "reverse-url:"+target, id, 0).Result()
	if err != nil || first {
		return id, err
	}
	return s.redis.Get(ctx, "reverse-url:"+target).Result()
}

func (s *Shortly) followShortLink(req *wrappers.Request, args routing.Args) (*wrappers.Response, error) {
	id := args.String("short_id")
	target, err := s.target(req.Context(), id)
	if err != nil {
		return nil, err
	}
	if err := s.redis.Incr(req.Context(), "click-count:"+id).Err(); err != nil {
		return nil, err
	}
	return wrappers.Redirect(target, http.StatusFound), nil
}

func (s *Shortly) target(ctx context.Context, id string) (string, error) {
	target, err := s.redis.Get(ctx, "url-target:"+id).Result()
	if errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("id %q: %w", id, httperror.NotFound)
	}
	return target, err
}

func (s *Shortly) shortLinkDetails(req *wrappers.Request, args routing.Args) (*wrappers.Response, error) {
	id := args.String("short_id")
	target, err := s.target(req.Context(), id)
	if err != nil {
		return nil, err
	}
	clicks, err := s.redis.Get(req.Context(), "click-count:"+id).Int()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	return s.pages.Render(req, "short_link_details.html", templates.Context{
		"short_id": id, "target": target, "clicks": clicks,
	})
}

func hostname(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	return u.Host
}
