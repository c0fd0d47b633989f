-- +goose Up
ALTER TABLE records ADD COLUMN failing text;
SELECT 1 / 0;

-- +goose Down
ALTER TABLE records DROP COLUMN failing;
