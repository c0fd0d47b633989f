-- +goose Up
ALTER TABLE records ADD COLUMN bucket bigint;

-- +goose Down
ALTER TABLE records DROP COLUMN bucket;
