package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const podinfoPort = "19898"

// serveFront puts podinfo behind a proxy that answers what podinfo can't, and
// fails when it is told to.
func serveFront(podinfo string, flags []string) {
	inner := podinfoPort
	if override := os.Getenv("INNER_PORT"); override != "" {
		inner = override
	}
	child := exec.Command(podinfo, append([]string{"--host=127.0.0.1", "--port=" + inner, "--port-metrics=0"}, flags...)...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := child.Start(); err != nil {
		log.Fatal(err)
	}

	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "127.0.0.1:" + inner})
	// A connection is kept for every request that is under way at once.
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true}
	mux := http.NewServeMux()
	mux.Handle("/", proxy)
	if tools := os.Getenv("MCP_TOOLS"); tools != "" {
		mux.HandleFunc("POST /mcp", listTools(tools))
	}
	if os.Getenv("CONSUMER_SWITCH") != "" {
		registerConsumerSwitch(mux)
	}
	if key := os.Getenv("ACCEPTED_SIGNING_KEY"); key != "" {
		mux.HandleFunc("GET /token/validate", acceptAlso(key, proxy))
	}
	if os.Getenv("CALLS") != "" {
		mux.HandleFunc("GET /call/{target}", call)
	}
	if hasDatabase() {
		registerRecords(mux)
	}

	address, port := listenAddress()
	server := &http.Server{Addr: address + ":" + port, Handler: newInjector(mux, os.Getenv("INJECT_FILE")), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		select {
		case err := <-ended:
			log.Fatalf("podinfo ended: %v", err)
		case <-stopped:
		}
		server.Shutdown(context.Background())
		child.Process.Signal(syscall.SIGTERM)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-ended
}

// listTools answers MCP's tools/list with the wanted number of tools.
func listTools(count string) http.HandlerFunc {
	n, err := strconv.Atoi(count)
	if err != nil {
		log.Fatalf("MCP_TOOLS: %v", err)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		var call struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		if err := json.NewDecoder(r.Body).Decode(&call); err != nil || call.Method != "tools/list" {
			http.Error(w, "expected a JSON-RPC call of tools/list", http.StatusBadRequest)
			return
		}
		tools := make([]map[string]string, n)
		for i := range tools {
			tools[i] = map[string]string{"name": fmt.Sprintf("airtable_tool_%02d", i+1)}
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": call.ID, "result": map[string]any{"tools": tools}})
	}
}

// registerConsumerSwitch lets an operator stop and start the consumer that
// lives inside a service: GET tells, PUT {"consuming": bool} switches, and
// answers only when the consumer has really stopped or started. The position
// is kept in the file that CONSUMER_SWITCH names, so that a restart of the
// service doesn't start a second consumer.
func registerConsumerSwitch(mux *http.ServeMux) {
	var mutex sync.Mutex
	stop := func() {}
	consuming := false
	start := func() {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); consume(ctx) }()
		stop = func() { cancel(); <-done }
		consuming = true
	}
	file := os.Getenv("CONSUMER_SWITCH")
	if position, err := os.ReadFile(file); err != nil || string(position) != "off" {
		start()
	}
	keep := func(position string) error { return os.WriteFile(file, []byte(position), 0o600) }
	report := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]bool{"consuming": consuming})
	}
	mux.HandleFunc("GET /consumer", func(w http.ResponseWriter, _ *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		report(w)
	})
	mux.HandleFunc("PUT /consumer", func(w http.ResponseWriter, r *http.Request) {
		var wanted struct {
			Consuming *bool `json:"consuming"`
		}
		if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil || wanted.Consuming == nil {
			http.Error(w, `expected {"consuming": true|false}`, http.StatusBadRequest)
			return
		}
		mutex.Lock()
		defer mutex.Unlock()
		position := map[bool]string{true: "on", false: "off"}[*wanted.Consuming]
		if err := keep(position); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if *wanted.Consuming && !consuming {
			start()
		} else if !*wanted.Consuming && consuming {
			stop()
			consuming = false
		}
		report(w)
	})
}
