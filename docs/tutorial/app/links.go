package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/zeugkit/zeug/httperror"
)

// isValid reports whether target is the URL of a web page.
func isValid(target string) bool {
	u, err := url.Parse(target)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// insert returns the id of target. It makes one if target has none.
func (s *Shortly) insert(ctx context.Context, target string) (string, error) {
	id, err := s.redis.Get(ctx, "reverse-url:"+target).Result()
	if !errors.Is(err, redis.Nil) {
		return id, err // there is an id, or Redis failed
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

// target returns the URL of an id, or a 404 for an id that does not exist.
func (s *Shortly) target(ctx context.Context, id string) (string, error) {
	target, err := s.redis.Get(ctx, "url-target:"+id).Result()
	if errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("id %q: %w", id, httperror.NotFound)
	}
	return target, err
}

// hostname returns the host of a URL, with its port.
func hostname(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	return u.Host
}
