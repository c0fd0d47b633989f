package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// records keeps numbered records in the service's database, the one of libpq's
// environment. A write is acknowledged when it is committed, and not before.
type records struct {
	backend string
	// release is written by releases that know of it, if the column is there.
	release string

	mutex sync.Mutex
	pool  *pgxpool.Pool
}

// hasDatabase says whether the environment names a database, reachable or not.
func hasDatabase() bool {
	return os.Getenv("PGHOST") != "" || os.Getenv("PGSERVICE") != ""
}

func registerRecords(mux *http.ServeMux) {
	kept := &records{backend: os.Getenv("PYAIRTABLE_BACKEND"), release: os.Getenv("RELEASE")}
	mux.HandleFunc("POST /records/{number}", kept.answer(kept.insert))
	mux.HandleFunc("GET /records/{number}", kept.answer(kept.get))
}

// As long as a caller waits for the database.
const databasePatience = 5 * time.Second

type recordsCall func(ctx context.Context, pool *pgxpool.Pool, number int64) (status int, body any, err error)

func (k *records) answer(call recordsCall) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
		if err != nil || number < 1 {
			http.Error(w, "expected a positive whole number", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), databasePatience)
		defer cancel()
		pool, err := k.connected()
		if err != nil {
			fail(w, http.StatusServiceUnavailable, err)
			return
		}
		status, body, err := call(ctx, pool, number)
		if err != nil {
			fail(w, statusOf(err), err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
}

func fail(w http.ResponseWriter, status int, err error) {
	log.Printf("database: %v", err)
	http.Error(w, err.Error(), status)
}

// connected returns the pool, made once the environment can be read: a service
// file may come later than this process.
func (k *records) connected() (*pgxpool.Pool, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.pool != nil {
		return k.pool, nil
	}
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	if size := os.Getenv("DATABASE_POOL_SIZE"); size != "" {
		most, err := strconv.ParseInt(size, 10, 32)
		if err != nil || most < 1 {
			return nil, errors.New("DATABASE_POOL_SIZE: found " + size + ", expected a whole number of at least 1")
		}
		config.MaxConns = int32(most)
	}
	// The service file may be written anew, too.
	config.BeforeConnect = func(_ context.Context, next *pgx.ConnConfig) error {
		now, err := pgx.ParseConfig("")
		if err == nil {
			*next = *now
		}
		return err
	}
	// It connects when it is asked to, not now.
	k.pool, err = pgxpool.NewWithConfig(context.Background(), config)
	return k.pool, err
}

func (k *records) insert(ctx context.Context, pool *pgxpool.Pool, number int64) (int, any, error) {
	columns, values := []string{"number", "backend"}, []any{number, k.backend}
	if k.backend == "legacy" {
		// What no release of an extracted service uses any more.
		columns, values = append(columns, "comment"), append(values, "from the monorepo")
	}
	if k.release != "" {
		isThere := false
		err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_attribute
			WHERE attrelid = to_regclass('records') AND attname = 'release' AND NOT attisdropped)`).Scan(&isThere)
		if err != nil {
			return 0, nil, err
		}
		if isThere {
			columns, values = append(columns, "release"), append(values, k.release)
		}
	}
	places := make([]string, len(values))
	for i := range places {
		places[i] = "$" + strconv.Itoa(i+1)
	}
	_, err := pool.Exec(ctx, "INSERT INTO records ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(places, ", ")+")", values...)
	return http.StatusCreated, map[string]any{"number": number, "backend": k.backend}, err
}

func (k *records) get(ctx context.Context, pool *pgxpool.Pool, number int64) (int, any, error) {
	var record map[string]any
	err := pool.QueryRow(ctx, "SELECT to_jsonb(records) FROM records WHERE number = $1", number).Scan(&record)
	return http.StatusOK, record, err
}

// statusOf tells a refusal, which another try won't change, from a database
// that isn't there: a failed connection, a shutdown, too many connections.
func statusOf(err error) int {
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return http.StatusNotFound
	case !errors.As(err, &refused):
		return http.StatusServiceUnavailable
	}
	switch refused.Code {
	case "23505": // unique_violation
		return http.StatusConflict
	case "25006", "42501": // read_only_sql_transaction, insufficient_privilege
		return http.StatusForbidden
	}
	switch refused.Code[:2] {
	case "08", "28", "53", "55", "57": // connection, authorization, resources, locks, operator
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
