package gorillamux_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"
)

// Route tables like those of four large programs, with requests to each: a match early and late in
// the table, one after a variable, a 404 and a 405.

var nothing = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

type table struct {
	name     string
	router   func() *mux.Router
	requests []string
}

var tables = []table{
	{"object store", objectStore, []string{
		"GET /", "GET /bucket", "GET /bucket?location=", "GET /bucket/a/b/c.txt", "PUT /bucket/a/b/c.txt?partNumber=1&uploadId=x", "GET /bucket/a%2Fb?tagging=",
		"DELETE /bucket/a", "PATCH /bucket/a", "GET /admin/v3/info", "GET /admin/v3/nothing", "POST /admin/v3/info", "GET /health/live",
	}},
	{"image registry", imageRegistry, []string{
		"GET /v2/", "GET /v2/library/debian/manifests/latest", "PUT /v2/library/debian/manifests/latest", "GET /v2/a/b/c/tags/list",
		"HEAD /v2/library/debian/blobs/sha256:0123456789abcdef0123456789abcdef", "GET /v2/_catalog?n=10", "GET /v2/library/debian/nothing/x", "PATCH /v2/_catalog",
	}},
	{"container engine", containerEngine, []string{
		"GET /v1.41/containers/json", "GET /containers/0123456789ab/json", "POST /v4.0.0/libpod/containers/web/start", "GET /v1.41/images/docker.io/library/debian/json",
		"DELETE /v5.0.0/libpod/volumes/data", "GET /nothing", "PUT /v1.41/containers/json",
	}},
	{"team chat", teamChat, []string{
		"GET /api/v4/users/abcdefghijklmnopqrstuvwxyz", "GET /api/v4/channels/abcdefghijklmnopqrstuvwxyz/posts", "POST /api/v4/posts", "GET /api/v4/groups/abcdefghijklmnopqrstuvwxyz/members",
		"GET /api/v4/users/short", "DELETE /api/v4/users/abcdefghijklmnopqrstuvwxyz/image", "GET /plugins/com.example.plugin/x/y", "GET /team/channels/town-square", "GET /api/v4/nothing", "PATCH /api/v4/posts",
	}},
}

func objectStore() *mux.Router {
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	pass := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
	}
	r.Use(pass, pass, pass, pass)
	admin := r.PathPrefix("/admin").Subrouter()
	for _, name := range strings.Fields("info storageinfo datausageinfo metrics heal background-heal profile top/locks list-users add-user remove-user set-user-status " +
		"user-info groups group set-group-status add-canned-policy remove-canned-policy list-canned-policies info-canned-policy set-bucket-quota get-bucket-quota " +
		"list-remote-targets set-remote-target remove-remote-target tier config help-config-kv list-config-history-kv restore-config-history-kv speedtest healthinfo") {
		admin.Methods("GET").Path("/v3/" + name).Handler(nothing)
		admin.Methods("PUT").Path("/v3/"+name).Handler(nothing).Queries("accessKey", "{accessKey:.*}")
	}
	admin.MethodNotAllowedHandler, admin.NotFoundHandler = recorder("not allowed"), recorder("not found")
	r.PathPrefix("/health").Subrouter().Methods("GET", "HEAD").Path("/live").Handler(nothing)
	api := r.PathPrefix("/").Subrouter()
	byHost := api.MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool { return !strings.HasPrefix(r.Host, "console.") }).
		Host("{bucket:.+}.store.example.org").Subrouter()
	for _, s := range []*mux.Router{byHost, api.PathPrefix("/{bucket}").Subrouter()} {
		object := func(method string, queries ...string) {
			s.Methods(method).Path("/{object:.+}").Handler(nothing).Queries(queries...)
		}
		object("HEAD")
		object("PUT", "partNumber", "{partNumber:.*}", "uploadId", "{uploadId:.*}")
		for _, query := range strings.Fields("attributes acl tagging retention legal-hold uploadId torrent versionId select attachment") {
			object("GET", query, "{"+query+":.*}")
			object("PUT", query, "")
			object("POST", query, "")
		}
		object("GET")
		object("PUT")
		object("DELETE", "uploadId", "{uploadId:.*}")
		object("DELETE")
		for _, query := range strings.Fields("location policy lifecycle encryption object-lock replication versioning notification acl cors website accelerate requestPayment " +
			"logging tagging uploads events ownershipControls policyStatus") {
			s.Methods("GET").Handler(nothing).Queries(query, "")
			s.Methods("PUT").Handler(nothing).Queries(query, "")
		}
		s.Methods("GET").Path("").Handler(nothing).Queries("list-type", "2")
		s.Methods("GET").Path("").Handler(nothing)
		s.Methods("PUT").Path("").Handler(nothing)
		s.Methods("DELETE").Path("").Handler(nothing)
	}
	api.Methods("GET").Path("/").Handler(nothing)
	api.NotFoundHandler, api.MethodNotAllowedHandler = recorder("not found"), recorder("not allowed")
	return r
}

func imageRegistry() *mux.Router {
	r := mux.NewRouter().StrictSlash(true)
	name := `{name:(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?/)?[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*)*}`
	digest := `[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*[:][[:xdigit:]]{32,}`
	r.Path("/v2/").Name("base").Handler(nothing)
	r.Path("/v2/"+name+`/manifests/{reference:[\w][\w.-]{0,127}|`+digest+`}`).Name("manifest").Handler(nothing).Methods("GET", "PUT", "HEAD", "DELETE")
	r.Path("/v2/_catalog").Name("catalog").Handler(nothing).Methods("GET")
	r.Path("/v2/" + name + "/tags/list").Name("tags").Handler(nothing).Methods("GET")
	r.Path("/v2/" + name + "/blobs/{digest:" + digest + "}").Name("blob").Handler(nothing)
	r.Path("/v2/" + name + "/blobs/uploads/").Name("blob-upload").Handler(nothing)
	r.Path("/v2/" + name + "/blobs/uploads/{uuid:[a-zA-Z0-9-_.=]+}").Name("blob-upload-chunk").Handler(nothing)
	return r
}

func containerEngine() *mux.Router {
	r := mux.NewRouter().UseEncodedPath()
	r.NotFoundHandler, r.MethodNotAllowedHandler = recorder("not found"), recorder("not allowed")
	add := func(method, path string) {
		r.Handle("/v{version:[0-9][0-9A-Za-z.-]*}"+path, nothing).Methods(method)
		if !strings.HasPrefix(path, "/libpod") {
			r.Handle(path, nothing).Methods(method)
		}
	}
	for _, prefix := range []string{"", "/libpod"} {
		for kind, operations := range map[string]string{
			"containers": "attach archive changes export json kill logs pause rename resize restart start stats stop top unpause update wait checkpoint restore mount healthcheck",
			"images":     "json history push tag untag get changes exists", "pods": "json kill pause restart start stop top unpause exists",
			"volumes": "json exists", "networks": "json connect disconnect exists update", "exec": "json start resize", "secrets": "json update", "manifests": "json add push exists",
		} {
			id := "{name}"
			if kind == "images" || kind == "manifests" {
				id = "{name:.*}"
			}
			add("GET", prefix+"/"+kind+"/json")
			add("POST", prefix+"/"+kind+"/create")
			add("POST", prefix+"/"+kind+"/prune")
			for _, operation := range strings.Fields(operations) {
				method := "POST"
				if strings.Contains("archive changes export json logs stats top history exists get healthcheck", operation) {
					method = "GET"
				}
				add(method, prefix+"/"+kind+"/"+id+"/"+operation)
			}
			add("DELETE", prefix+"/"+kind+"/"+id)
		}
		for _, name := range strings.Fields("info version _ping events system/df auth build commit") {
			add("GET", prefix+"/"+name)
		}
	}
	return r
}

func teamChat() *mux.Router {
	root := mux.NewRouter()
	api := root.PathPrefix("/api/v4").Subrouter()
	for _, name := range strings.Fields("users teams channels posts files uploads plugins commands hooks/incoming hooks/outgoing oauth/apps saml compliance cluster ldap brand jobs " +
		"elasticsearch emoji reactions image opengraph roles schemes imports exports groups cloud drafts remotecluster sharedchannels permissions usage reports limits bots system bleve data_retention") {
		all := api.PathPrefix("/" + name).Subrouter()
		one := all.PathPrefix("/{id:[A-Za-z0-9]{26}}").Subrouter()
		all.Handle("", nothing).Methods("GET")
		all.Handle("", nothing).Methods("POST")
		for _, operation := range strings.Fields("ids search stats autocomplete") {
			all.Handle("/"+operation, nothing).Methods("POST")
		}
		one.Handle("", nothing).Methods("GET")
		one.Handle("", nothing).Methods("PUT")
		one.Handle("", nothing).Methods("DELETE")
		for _, operation := range strings.Fields("members posts image patch restore status threads/{thread:[A-Za-z0-9]{26}} privacy") {
			one.Handle("/"+operation, nothing).Methods("GET")
			one.Handle("/"+operation, nothing).Methods("PUT", "DELETE")
		}
	}
	api.Handle("/{anything:.*}", recorder("not found in the API"))
	plugins := root.PathPrefix(`/plugins/{plugin:[A-Za-z0-9\_\-\.]+}`).Subrouter()
	plugins.Handle("", nothing)
	plugins.Handle("/public/{file:.*}", nothing).Methods("GET")
	plugins.Handle("/{anything:.*}", nothing)
	root.PathPrefix("/static/").Handler(nothing)
	root.Handle("/{anything:.*}", nothing).Methods("GET")
	return root
}

func requests(list []string) []*http.Request {
	made := make([]*http.Request, len(list))
	for i, text := range list {
		method, target, _ := strings.Cut(text, " ")
		made[i] = httptest.NewRequest(method, "http://example.org"+target, nil)
		made[i].URL.Scheme, made[i].URL.Host = "", ""
	}
	return made
}

func TestTablesOfLargePrograms(t *testing.T) {
	for _, c := range tables {
		t.Run(c.name, func(t *testing.T) {
			router := c.router()
			m := served(t, router)
			for range 3 {
				for _, r := range requests(c.requests) {
					require.Equal(t, ask(router, r), ask(m, r), "%s %s", r.Method, r.URL)
				}
			}
		})
	}
}

// BenchmarkTables times a Router beside mux, for each request of each table.
func BenchmarkTables(b *testing.B) {
	for _, c := range tables {
		router := c.router()
		for i, r := range requests(c.requests) {
			b.Run(c.name+"/"+c.requests[i], func(b *testing.B) {
				for name, h := range map[string]http.Handler{"mux": router, "zeug": served(b, router)} {
					b.Run(name, func(b *testing.B) {
						b.ReportAllocs()
						w := discarding{http.Header{}}
						for b.Loop() {
							h.ServeHTTP(w, r)
						}
					})
				}
			})
		}
	}
}

type discarding struct{ header http.Header }

func (w discarding) Header() http.Header         { return w.header }
func (w discarding) Write(b []byte) (int, error) { return len(b), nil }
func (w discarding) WriteHeader(int)             {}
