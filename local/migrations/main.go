// Command migrations stands in for a service's own migrations, with goose as
// its tool. STEP names the step that an image is for; an image brings the
// steps before it too, as a service's does.
//
//	migrations up      applies what is pending
//	migrations down    takes the image's own step back
//	migrations status  tells, in a line of JSON
//
// The database is the one of libpq's environment. Interrupted at any point,
// up and down converge when they run again.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv("STEP")); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, name string) error {
	if len(args) != 1 {
		return errors.New("usage: migrations up|down|status")
	}
	step, isKnown := steps[name]
	if !isKnown {
		return fmt.Errorf("STEP: found %q, expected one of %v", name, stepNames())
	}
	db, err := sql.Open("pgx", "")
	if err != nil {
		return err
	}
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, step.files(),
		goose.WithGoMigrations(step.goMigrations()...),
		goose.WithDisableGlobalRegistry(true),
		// Steps are tried in any order.
		goose.WithAllowOutofOrder(true))
	if err != nil {
		return err
	}
	switch args[0] {
	case "up":
		return up(ctx, provider)
	case "down":
		return down(ctx, provider, step)
	case "status":
		return status(ctx, provider)
	default:
		return fmt.Errorf("found %q, expected up, down or status", args[0])
	}
}

func up(ctx context.Context, provider *goose.Provider) error {
	results, err := provider.Up(ctx)
	tell(results...)
	return err
}

// down takes back what of the step is applied, last first.
func down(ctx context.Context, provider *goose.Provider, step step) error {
	for i := len(step.own) - 1; i >= 0; i-- {
		result, err := provider.ApplyVersion(ctx, step.own[i], false)
		if errors.Is(err, goose.ErrNotApplied) {
			continue
		}
		if err != nil {
			return err
		}
		tell(result)
	}
	return nil
}

func status(ctx context.Context, provider *goose.Provider) error {
	migrations, err := provider.Status(ctx)
	if err != nil {
		return err
	}
	var counted struct {
		Applied int `json:"applied"`
		Pending int `json:"pending"`
	}
	for _, migration := range migrations {
		if migration.State == goose.StateApplied {
			counted.Applied++
		} else {
			counted.Pending++
		}
	}
	return json.NewEncoder(os.Stdout).Encode(counted)
}

func tell(results ...*goose.MigrationResult) {
	for _, result := range results {
		log.Print(result)
	}
}
