package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"
	"time"
)

// What an injector does to a service, in exact figures: podinfo's own errors
// and delays are random.
type faults struct {
	// ErrorEvery answers Fail of each Of requests with status 500, evenly spread.
	ErrorEvery struct {
		Fail uint64 `json:"fail"`
		Of   uint64 `json:"of"`
	} `json:"errorEvery"`
	// DelayMs is added to every answer.
	DelayMs uint64 `json:"delayMs"`
	// Hang answers nothing until the client gives up.
	Hang bool `json:"hang"`
	// Crash ends the process now, and again whenever it is started.
	Crash bool `json:"crash"`
	// Unready and Unhealthy let /readyz and /healthz fail.
	Unready   bool `json:"unready"`
	Unhealthy bool `json:"unhealthy"`
}

func (f faults) check() error {
	if f.ErrorEvery.Fail > f.ErrorEvery.Of {
		return fmt.Errorf("errorEvery: found fail %d of %d, expected at most as many as of", f.ErrorEvery.Fail, f.ErrorEvery.Of)
	}
	return nil
}

// failsAt says whether request n, counted from 0, fails: of any ErrorEvery.Of
// in a row ErrorEvery.Fail do.
func (f faults) failsAt(n uint64) bool {
	fail, of := f.ErrorEvery.Fail, f.ErrorEvery.Of
	if of == 0 {
		return false
	}
	n %= of
	return (n+1)*fail/of > n*fail/of
}

const (
	injectPath = "/inject"
	// Without this header the path is the service's own: no user's request injects.
	injectHeader = "X-Pyairtable-Inject"
)

// injector stands in front of a service and fails as it was told to. What
// kubelet and Prometheus ask is not counted among the requests.
type injector struct {
	service http.Handler
	// file keeps the faults over a restart, so that what crashes crashes again; none when it is empty.
	file string
	exit func(code int)

	mutex   sync.Mutex
	faults  faults
	counted uint64
}

func newInjector(service http.Handler, file string) *injector {
	in := &injector{service: service, file: file, exit: os.Exit}
	in.restore()
	return in
}

// restore takes up what was injected before a restart.
func (in *injector) restore() {
	if in.file == "" {
		return
	}
	kept, err := os.ReadFile(in.file)
	if os.IsNotExist(err) {
		return
	}
	if err == nil {
		err = json.Unmarshal(kept, &in.faults)
	}
	if err != nil {
		log.Fatalf("%s: %v", in.file, err)
	}
	if in.faults.Crash {
		in.crash()
	}
}

func (in *injector) crash() {
	log.Print("crashing as injected")
	in.exit(1)
}

func (in *injector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == injectPath && r.Header.Get(injectHeader) != "" {
		in.command(w, r)
		return
	}
	switch r.URL.Path {
	case "/readyz":
		in.probe(w, r, in.current().Unready)
		return
	case "/healthz":
		in.probe(w, r, in.current().Unhealthy)
		return
	case "/metrics":
		in.service.ServeHTTP(w, r)
		return
	}
	now, fails := in.next()
	if now.Hang {
		<-r.Context().Done()
		return
	}
	select {
	case <-time.After(time.Duration(now.DelayMs) * time.Millisecond):
	case <-r.Context().Done():
		return
	}
	if fails {
		http.Error(w, "injected", http.StatusInternalServerError)
		return
	}
	in.service.ServeHTTP(w, r)
}

func (in *injector) current() faults {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	return in.faults
}

// next counts a request and says whether it fails.
func (in *injector) next() (now faults, fails bool) {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	fails = in.faults.failsAt(in.counted)
	in.counted++
	return in.faults, fails
}

func (in *injector) probe(w http.ResponseWriter, r *http.Request, fails bool) {
	if fails {
		http.Error(w, "injected", http.StatusServiceUnavailable)
		return
	}
	in.service.ServeHTTP(w, r)
}

// command tells the faults (GET), sets them in place of those before (POST), or
// takes them away (DELETE). The pattern of errors begins anew.
func (in *injector) command(w http.ResponseWriter, r *http.Request) {
	wanted := faults{}
	switch r.Method {
	case http.MethodGet:
		respond(w, in.current())
		return
	case http.MethodPost:
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&wanted)
		if err == nil {
			err = wanted.check()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	case http.MethodDelete:
	default:
		http.Error(w, "expected GET, POST or DELETE", http.StatusMethodNotAllowed)
		return
	}
	if err := in.keep(wanted); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	in.mutex.Lock()
	in.faults, in.counted = wanted, 0
	in.mutex.Unlock()
	respond(w, wanted)
	if wanted.Crash {
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
		in.crash()
	}
}

func (in *injector) keep(wanted faults) error {
	if in.file == "" {
		return nil
	}
	if wanted == (faults{}) {
		if err := os.Remove(in.file); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	content, err := json.Marshal(wanted)
	if err != nil {
		return err
	}
	return os.WriteFile(in.file, content, 0o600)
}

func respond(w http.ResponseWriter, f faults) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(f)
}
