-- +goose NO TRANSACTION
-- +goose Up
SELECT pg_sleep(5);
ALTER TABLE records ADD COLUMN IF NOT EXISTS slow text;

-- +goose Down
ALTER TABLE records DROP COLUMN IF EXISTS slow;
