package serving

import "net/http"

// passing lets panics of app end the process, as they do outside of a server. A debugger such as
// Delve stops at a panic only if no code recovers from it, and net/http recovers from all panics in
// its own goroutines. [http.ErrAbortHandler] remains unchanged.
func passing(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ended := make(chan bool, 1)
		go func() {
			aborted := false
			defer func() {
				switch v := recover(); v {
				case nil:
				case http.ErrAbortHandler:
					aborted = true
				default:
					panic(v)
				}
				ended <- aborted
			}()
			app.ServeHTTP(w, r)
		}()
		if <-ended {
			panic(http.ErrAbortHandler)
		}
	})
}
