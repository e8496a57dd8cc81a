package http

import (
	"testing"

	"github.com/fasthttp/router"
	"github.com/valyala/fasthttp"
)

// TestProducePath holds the short way of a produce against the router's: both find the same requests and topics.
func TestProducePath(t *testing.T) {
	const none = "(none)"
	var found string
	r := router.New()
	r.RedirectTrailingSlash, r.RedirectFixedPath = false, false
	r.NotFound = func(*fasthttp.RequestCtx) {}
	r.MethodNotAllowed = r.NotFound
	r.POST("/topics/{topic}/records", func(ctx *fasthttp.RequestCtx) { found, _ = ctx.UserValue("topic").(string) })
	for _, method := range []string{"POST", "GET", "HEAD", "PUT", "OPTIONS", "post"} {
		for _, target := range []string{
			"/topics/a/records", "/topics/a/records?partition=1", "/topics/a/records#x", "/topics/a%2fb/records",
			"/topics/%61/records", "/topics/../records", "/topics/a/records/", "/topics/a//records", "/topics//records",
			"//topics/a/records", "/topics/records", "/topics/a/b/records", "/topics/a/recordsx", "/topics/a/record",
			"/topics/records/records", "/Topics/a/records", "/topics/", "/", "/x/topics/a/records", "/topics/a b/records",
			"http://other/topics/a/records", "/topics/a/offsets", "/topics/a;v=1/records", "/topics/{topic}/records",
		} {
			var ctx fasthttp.RequestCtx
			ctx.Request.Header.SetMethod(method)
			ctx.Request.SetRequestURI(target)
			found = none
			r.Handler(&ctx)
			short := none
			if topic := producePath(&ctx); topic != nil {
				short = string(topic)
			}
			if found == "" {
				found = none // an empty name is left to the router
			}
			if short != found {
				t.Errorf("%s %s: topic %q, the router finds %q", method, target, short, found)
			}
		}
	}
}
