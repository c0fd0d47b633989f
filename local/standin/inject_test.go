package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func answersOK() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
}

func ask(in *injector, method, path, body string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	if path == injectPath {
		request.Header.Set(injectHeader, "yes")
	}
	in.ServeHTTP(recorder, request)
	return recorder
}

func inject(t *testing.T, in *injector, body string) {
	t.Helper()
	if answer := ask(in, "POST", injectPath, body); answer.Code != http.StatusOK {
		t.Fatalf("found status %d for %s: %s", answer.Code, body, answer.Body)
	}
}

func TestErrorsComeAtTheExactRateEvenlySpread(t *testing.T) {
	for _, rate := range []struct{ fail, of int }{{11, 100}, {9, 100}, {1, 3}, {100, 100}, {0, 7}, {50, 99}} {
		in := newInjector(answersOK(), "")
		body, _ := json.Marshal(map[string]any{"errorEvery": map[string]int{"fail": rate.fail, "of": rate.of}})
		inject(t, in, string(body))
		var failed []bool
		for range 3 * rate.of {
			failed = append(failed, ask(in, "GET", "/", "").Code == http.StatusInternalServerError)
		}
		for start := 0; start+rate.of <= len(failed); start++ {
			count := 0
			for _, each := range failed[start : start+rate.of] {
				if each {
					count++
				}
			}
			if count != rate.fail {
				t.Fatalf("%d of %d: found %d failed from request %d on", rate.fail, rate.of, count, start)
			}
		}
		// Of any shorter run as many as its share, give or take one.
		for length := 1; length < rate.of; length++ {
			count := 0
			for _, each := range failed[:length] {
				if each {
					count++
				}
			}
			if exact := float64(length*rate.fail) / float64(rate.of); float64(count) < exact-1 || float64(count) > exact+1 {
				t.Fatalf("%d of %d: found %d failed of the first %d", rate.fail, rate.of, count, length)
			}
		}
	}
}

func TestProbesAndMetricsAreNotCountedAndPass(t *testing.T) {
	in := newInjector(answersOK(), "")
	inject(t, in, `{"errorEvery": {"fail": 1, "of": 2}}`)
	for range 10 {
		for _, path := range []string{"/readyz", "/healthz", "/metrics"} {
			if code := ask(in, "GET", path, "").Code; code != http.StatusOK {
				t.Fatalf("found status %d for %s", code, path)
			}
		}
	}
	if first, second := ask(in, "GET", "/", "").Code, ask(in, "GET", "/", "").Code; first != 200 || second != 500 {
		t.Fatalf("found %d and %d, expected 200 and 500", first, second)
	}
}

func TestReadinessAndHealthFailAlone(t *testing.T) {
	in := newInjector(answersOK(), "")
	for _, each := range []struct {
		body                  string
		root, readyz, healthz int
	}{
		{`{"unready": true}`, 200, 503, 200},
		{`{"unhealthy": true}`, 200, 200, 503},
		{`{}`, 200, 200, 200},
	} {
		inject(t, in, each.body)
		for path, want := range map[string]int{"/": each.root, "/readyz": each.readyz, "/healthz": each.healthz} {
			if code := ask(in, "GET", path, "").Code; code != want {
				t.Errorf("%s: found status %d for %s, expected %d", each.body, code, path, want)
			}
		}
	}
}

func TestDelayIsAddedToEveryAnswer(t *testing.T) {
	in := newInjector(answersOK(), "")
	inject(t, in, `{"delayMs": 50}`)
	started := time.Now()
	if code := ask(in, "GET", "/", "").Code; code != http.StatusOK {
		t.Fatalf("found status %d", code)
	}
	if took := time.Since(started); took < 50*time.Millisecond {
		t.Fatalf("answered after %v", took)
	}
}

func TestHangsUntilTheClientGivesUp(t *testing.T) {
	in := newInjector(answersOK(), "")
	inject(t, in, `{"hang": true}`)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	recorder := httptest.NewRecorder()
	in.ServeHTTP(recorder, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	if ctx.Err() == nil || recorder.Body.Len() > 0 {
		t.Fatalf("answered %q before the client gave up", recorder.Body)
	}
}

func TestCrashesNowAndWheneverItIsStarted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "faults.json")
	in := newInjector(answersOK(), file)
	var codes []int
	in.exit = func(code int) { codes = append(codes, code) }
	inject(t, in, `{"crash": true}`)
	if len(codes) != 1 || codes[0] != 1 {
		t.Fatalf("found exits %v, expected one with 1", codes)
	}
	again := &injector{service: answersOK(), file: file, exit: in.exit}
	again.restore()
	if len(codes) != 2 {
		t.Fatal("started again, it didn't crash")
	}
}

func TestFaultsOutliveARestartUntilTheyAreTakenAway(t *testing.T) {
	file := filepath.Join(t.TempDir(), "faults.json")
	in := newInjector(answersOK(), file)
	inject(t, in, `{"errorEvery": {"fail": 1, "of": 1}}`)
	if code := ask(newInjector(answersOK(), file), "GET", "/", "").Code; code != 500 {
		t.Fatalf("found status %d after a restart", code)
	}
	if answer := ask(in, "DELETE", injectPath, ""); answer.Code != 200 {
		t.Fatalf("found status %d", answer.Code)
	}
	for _, each := range []*injector{in, newInjector(answersOK(), file)} {
		if code := ask(each, "GET", "/", "").Code; code != 200 {
			t.Fatalf("found status %d after DELETE", code)
		}
	}
}

func TestTellsWhatIsInjected(t *testing.T) {
	in := newInjector(answersOK(), "")
	inject(t, in, `{"delayMs": 200, "unready": true}`)
	var found faults
	if err := json.NewDecoder(ask(in, "GET", injectPath, "").Body).Decode(&found); err != nil {
		t.Fatal(err)
	}
	if found.DelayMs != 200 || !found.Unready || found.Hang {
		t.Fatalf("found %+v", found)
	}
}

func TestRefusesWhatItDoesNotKnow(t *testing.T) {
	in := newInjector(answersOK(), "")
	for _, body := range []string{`{"delay": 200}`, `{"errorEvery": {"fail": 11, "of": 10}}`, `[]`, ``} {
		if answer := ask(in, "POST", injectPath, body); answer.Code != http.StatusBadRequest {
			t.Errorf("found status %d for %q", answer.Code, body)
		}
	}
	if code := ask(in, "PUT", injectPath, `{}`).Code; code != http.StatusMethodNotAllowed {
		t.Errorf("found status %d for PUT", code)
	}
}

func TestWithoutTheHeaderThePathIsTheServices(t *testing.T) {
	asked := ""
	in := newInjector(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.Path }), "")
	in.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", injectPath, strings.NewReader(`{"hang": true}`)))
	if asked != injectPath || in.faults.Hang {
		t.Fatalf("the service was asked %q, hang is %v", asked, in.faults.Hang)
	}
}
