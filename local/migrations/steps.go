package main

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

// A step is the versions of its own, after those that were there before it.
type step struct {
	before, own []int64
}

var steps = map[string]step{
	// What a service has before its first cutover.
	"baseline": {own: []int64{1}},
	"1":        {before: []int64{1}, own: []int64{2}},
	"2":        {before: []int64{1, 2}, own: []int64{3, indexed, 5}},
	"contract": {before: []int64{1, 2}, own: []int64{6}},
	"slow":     {before: []int64{1}, own: []int64{101}},
	"failing":  {before: []int64{1}, own: []int64{102}},
}

func stepNames() []string { return slices.Sorted(maps.Keys(steps)) }

//go:embed steps/*.sql
var files embed.FS

// files are those of the step, and of what was there before it.
func (s step) files() fs.FS {
	dir, err := fs.Sub(files, "steps")
	if err != nil {
		panic(err)
	}
	return selected{dir, s}
}

func (s step) has(version int64) bool {
	return slices.Contains(s.before, version) || slices.Contains(s.own, version)
}

// selected is a folder that shows the files of a step alone.
type selected struct {
	fs.FS
	step step
}

func (s selected) Glob(pattern string) ([]string, error) {
	names, err := fs.Glob(s.FS, pattern)
	return slices.DeleteFunc(names, func(name string) bool {
		prefix, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(prefix, 10, 64)
		return err != nil || !s.step.has(version)
	}), err
}

const indexed = 4

// An index that was being built when its step was killed stays behind,
// invalid, and CREATE INDEX IF NOT EXISTS believes it: that takes code.
func (s step) goMigrations() []*goose.Migration {
	if !s.has(indexed) {
		return nil
	}
	return []*goose.Migration{goose.NewGoMigration(indexed,
		&goose.GoFunc{RunDB: buildIndex},
		&goose.GoFunc{RunDB: func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "DROP INDEX CONCURRENTLY IF EXISTS records_bucket")
			return err
		}})}
}

func buildIndex(ctx context.Context, db *sql.DB) error {
	var isValid bool
	err := db.QueryRowContext(ctx, "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('records_bucket')").Scan(&isValid)
	if err == nil && isValid {
		return nil
	}
	if err != nil && err != sql.ErrNoRows {
		return err
	}
	if err == nil {
		if _, err := db.ExecContext(ctx, "DROP INDEX CONCURRENTLY records_bucket"); err != nil {
			return err
		}
	}
	_, err = db.ExecContext(ctx, "CREATE INDEX CONCURRENTLY records_bucket ON records (bucket)")
	return err
}
