package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

var caller = &http.Client{Timeout: 10 * time.Second}

// call asks another target, at the URL that the environment gives for it, and
// tells who answered: a gateway that serves a request by calling others.
func call(w http.ResponseWriter, r *http.Request) {
	target := r.PathValue("target")
	variable := strings.ToUpper(strings.ReplaceAll(target, "-", "_")) + "_URL"
	url := os.Getenv(variable)
	if url == "" {
		http.Error(w, "found no "+variable+", expected the URL of "+target, http.StatusNotFound)
		return
	}
	answer, err := caller.Get(url + "/healthz")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"url":     url,
		"status":  answer.StatusCode,
		"backend": answer.Header.Get("x-pyairtable-backend"),
		"route":   answer.Header.Get("x-pyairtable-route"),
	})
}
