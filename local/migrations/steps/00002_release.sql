-- +goose Up
ALTER TABLE records ADD COLUMN release text;

-- +goose Down
ALTER TABLE records DROP COLUMN release;
